// graft predict: what a checkpoint computes for an array.
import { InvalidArgumentError } from "commander";
import { predict } from "../predict";
import { InputDataSchema } from "../data/schema";
import { GraftError } from "../../protocol/errors";
import { parseBackend } from "../train/backend";
import { print, printJson } from "./output";
import { sequenceFields, sourceOf, type SequenceOptions } from "./sources";

export interface PredictOptions extends SequenceOptions {
  readonly input: string;
  readonly output: string;
  readonly layer?: string;
  readonly from?: string;
  readonly backend?: string;
  readonly feed?: Readonly<Record<string, number | boolean>>;
  readonly json: boolean;
}

export async function predictCommand(checkpoint: string, options: PredictOptions): Promise<void> {
  const { output, layer, from, feed, json } = options;
  const inputs = sourceOf("--input", options.input);
  const data = InputDataSchema.safeParse({ inputs, ...sequenceFields(options) });
  if (!data.success) {
    const [{ path, message }] = data.error.issues;
    throw new GraftError("invalid-option", `--input, ${path.join(" ")}: ${message}.`);
  }
  const backend = parseBackend(options.backend ?? process.env["GRAFT_BACKEND"]);
  const result = await predict({
    ...data.data,
    input: data.data.inputs,
    checkpoint,
    output,
    layer,
    from,
    backend,
    ...(feed !== undefined && { feeds: feed }),
  });
  if (json) printJson({ ...result, output });
  else
    print(
      [
        ...result.bound,
        `${result.node}: ${result.shape.join(" × ")} float32 written to ${output}, by ${result.backend}`,
        ...(result.logits === undefined ? [] : [`the logits: --layer ${result.logits}`]),
      ].join("\n"),
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
