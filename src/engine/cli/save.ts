// graft save: what a run has learned, as a checkpoint.
import * as path from "node:path";
import { saveRun } from "../train/saveRun";
import { print, printJson } from "./output";

export async function saveCommand(
  run: string,
  { as, json }: { readonly as: string; readonly json: boolean },
): Promise<void> {
  const result = await saveRun(run, path.resolve(as));
  if (json) {
    printJson(result);
    return;
  }
  print(`saved ${path.resolve(as)}`);
  for (const note of result.notes) print(`note  ${note}`);
}
