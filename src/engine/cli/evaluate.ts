// graft evaluate: loss, accuracy and classes of a checkpoint, or of a recipe's edited network, on data with labels.
import * as path from "node:path";
import { InvalidArgumentError } from "commander";
import { GraftError } from "../../protocol/errors";
import { evaluateNetwork, type EvaluateRequest, type Evaluated } from "../evaluate";
import { parseRecipe, type OpenRecipe } from "../recipe/parse";
import { parseBackend } from "../train/backend";
import { count, counted, percent, print, printJson, table } from "./output";
import { readRecipe } from "./plan";
import { sequenceFields, sourceOf, type SequenceOptions } from "./sources";

export interface EvaluateOptions extends SequenceOptions {
  readonly data?: string;
  readonly labels?: string;
  readonly labelsMask?: string;
  readonly classes?: string;
  readonly batch?: number;
  readonly backend?: string;
  readonly json: boolean;
}

export async function evaluateCommand(file: string, options: EvaluateOptions): Promise<void> {
  const { batch } = options;
  const network = isRecipe(file) ? await openRecipe(file) : file;
  const data = await dataOf(options);
  if (data === undefined && typeof network === "string")
    throw new GraftError(
      "data-missing",
      "Say what to score the checkpoint on: --data FILE --labels FILE, or --data RECIPE.",
    );
  const result = await evaluateNetwork({
    network,
    data,
    folder: process.cwd(),
    ...(batch !== undefined && { batch }),
    backend: parseBackend(options.backend ?? process.env["GRAFT_BACKEND"]),
  });
  if (options.json) printJson(result);
  else print(evaluationText(path.basename(file), result));
}

function evaluationText(name: string, result: Evaluated): string {
  const { loss, accuracy, classes, samples, on, bound, backend } = result;
  const rows = classes.map((each) => [
    `  ${each.name}`,
    count(each.correct),
    `of ${count(each.samples)}`,
  ]);
  return [
    `${name} on ${counted(samples, on === "validation" ? "validation sample" : "sample")}`,
    ...bound.map((line) => `  ${line}`),
    `  backend   ${backend}`,
    `  loss      ${loss.toFixed(4)}`,
    ...(accuracy === null ? [] : [`  accuracy  ${percent(accuracy)}`]),
    ...(rows.length === 0 ? [] : [table(rows, [1])]),
  ].join("\n");
}

async function dataOf(options: EvaluateOptions): Promise<EvaluateRequest["data"]> {
  const { data, labels, labelsMask, classes } = options;
  const fields = sequenceFields(options);
  if (data !== undefined && !isRecipe(data))
    return {
      inputs: sourceOf("--data", data),
      ...(labels !== undefined && { labels: sourceOf("--labels", labels) }),
      ...(labelsMask !== undefined && { labelsMask: sourceOf("--labels-mask", labelsMask) }),
      ...(classes !== undefined && { classes: classes.split(",").map((each) => each.trim()) }),
      ...fields,
    };
  const alone = labels ?? labelsMask ?? classes ?? Object.keys(fields)[0];
  if (alone !== undefined)
    throw new GraftError(
      "invalid-option",
      "--labels, --classes and what tells of sequences go with --data FILE; a recipe says all of it itself.",
    );
  return data === undefined ? undefined : openRecipe(data);
}

const isRecipe = (file: string): boolean => file.endsWith(".json");

async function openRecipe(file: string): Promise<OpenRecipe> {
  const recipe = await readRecipe(file);
  return parseRecipe(recipe.path, recipe.text);
}

/** "100" */
export function parseCount(text: string): number {
  const number = Number(text);
  if (Number.isInteger(number) && number > 0) return number;
  throw new InvalidArgumentError("Expected a whole number above 0.");
}
