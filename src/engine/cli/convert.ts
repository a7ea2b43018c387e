// graft convert: a checkpoint of one format as one of another.
import * as path from "node:path";
import { convert } from "../convert";
import { print, printJson } from "./output";

export interface ConvertOptions {
  readonly to: string;
  readonly as: string;
  readonly json: boolean;
}

export async function convertCommand(
  file: string,
  { to, as, json }: ConvertOptions,
): Promise<void> {
  const saved = await convert(file, to, path.resolve(as));
  if (json) {
    printJson(saved);
    return;
  }
  print(`saved ${path.resolve(as)}`);
  for (const note of saved.notes) print(`note  ${note}`);
}
