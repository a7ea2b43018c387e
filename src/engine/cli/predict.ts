// graft predict: what a checkpoint computes for an array.
import { InvalidArgumentError } from "commander";
import { predict } from "../predict";
import { parseBackend } from "../train/backend";
import { print, printJson } from "./output";

export interface PredictOptions {
  readonly input: string;
  readonly output: string;
  readonly layer?: string;
  readonly backend?: string;
  readonly feed?: Readonly<Record<string, number | boolean>>;
  readonly json: boolean;
}

export async function predictCommand(checkpoint: string, options: PredictOptions): Promise<void> {
  const { input, output, layer, feed, json } = options;
  const backend = parseBackend(options.backend ?? process.env["GRAFT_BACKEND"]);
  const result = await predict({
    checkpoint,
    input,
    output,
    layer,
    backend,
    ...(feed !== undefined && { feeds: feed }),
  });
  if (json) printJson({ ...result, output });
  else
    print(
      `${result.node}: ${result.shape.join(" × ")} float32 written to ${output}, by ${result.backend}`,
    );
}

/** "graft/use_new=false", added to what was given before. */
export function parseFeed(
  text: string,
  before: Readonly<Record<string, number | boolean>> = {},
): Record<string, number | boolean> {
  const [, name, value] = /^(.+)=(true|false|[-+.\deE]+)$/.exec(text) ?? [];
  const isTruth = value === "true" || value === "false";
  if (name === undefined || (!isTruth && !Number.isFinite(Number(value))))
    throw new InvalidArgumentError("Expected a name and a number, true or false: keep_prob=1.");
  return { ...before, [name]: isTruth ? value === "true" : Number(value) };
}
