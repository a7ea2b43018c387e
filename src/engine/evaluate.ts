// Scores a checkpoint, or what a recipe's edits make of one, on data with labels.
import * as path from "node:path";
import { GraftError } from "../protocol/errors";
import { DataSchema, type Data } from "./data/schema";
import { withLoss } from "./graph/loss";
import { editedModel } from "./recipe/apply";
import { classNames } from "./recipe/classes";
import type { OpenRecipe } from "./recipe/parse";
import { RecipeSchema } from "./recipe/schema";
import { openSource } from "./recipe/source";
import { backendText, type BackendChoice } from "./train/backend";
import { fitted, readSamples } from "./train/prepare";
import { inferenceExecutor, score, untrained, type Scored } from "./train/score";

/** The words of a recipe's `data`, unchecked. */
interface GivenData {
  readonly inputs: unknown;
  readonly labels?: unknown;
  readonly labelsMask?: unknown;
  readonly classes?: readonly string[];
  readonly layout?: unknown;
  readonly mask?: unknown;
  readonly lengths?: unknown;
  readonly normalize?: unknown;
}

export interface EvaluateRequest {
  /** What is scored: a checkpoint's path, or a recipe. */
  readonly network: string | OpenRecipe;
  /** Files, against `folder`; a recipe, whose validation samples count; undefined: those of the recipe `network`. */
  readonly data: GivenData | OpenRecipe | undefined;
  readonly folder: string;
  /** Samples at once. The loss of a batch is its mean, so that this moves its last digits only. */
  readonly batch?: number;
  readonly backend: BackendChoice;
}

export interface Evaluated extends Scored {
  /** "validation": of the recipe's data, what is kept out of training. */
  readonly on: "validation" | "all";
  /** "X: X_test.npy, 360 × 64 float32", a line per input and one for the labels. */
  readonly bound: readonly string[];
  readonly backend: string;
}

/** Throws `data-missing` where nothing says what to score on. */
export async function evaluateNetwork(request: EvaluateRequest): Promise<Evaluated> {
  const network = networkOf(request);
  const checkpoint = await openSource(network);
  try {
    const { others, read } = checkpoint;
    const edited = withLoss(editedModel(await checkpoint.model(), network.recipe, others));
    const samples = await readSamples(dataOf(request, network), edited);
    const model = fitted(edited, samples);
    const { validation } = samples.split;
    const on = validation.length > 0 ? "validation" : "all";
    const all = Int32Array.from({ length: samples.data.samples }, (_, sample) => sample);
    const indices = on === "validation" ? validation : all;
    const live = await untrained(model, read, network.recipe.seed);
    const notes: string[] = [];
    const note = (text: string) => void notes.push(text);
    const executor = await inferenceExecutor(request.backend, model, note);
    const scored = await score(model, live, executor, samples, indices, request.batch);
    const backend = [backendText(executor.info), ...notes].join("; ");
    return { ...scored, on, bound: samples.data.bound, backend };
  } finally {
    await checkpoint.close();
  }
}

/** A checkpoint as a recipe without edits. */
function networkOf({ network, data, folder }: EvaluateRequest): OpenRecipe {
  if (typeof network !== "string") return network;
  // A recipe's result has the names of its source, and a graph of its own.
  const { meta: _, ...graph } =
    data !== undefined && "recipe" in data ? (data.recipe.graph ?? {}) : {};
  const recipe = RecipeSchema.parse({ checkpoint: path.resolve(folder, network), graph });
  return { path: fileIn(folder), text: "", recipe };
}

/** Where the data are, and how they are named, for a network that is fed as it says itself. */
function dataOf({ data, folder }: EvaluateRequest, network: OpenRecipe): OpenRecipe {
  const { graph } = network.recipe;
  if (data === undefined) return network;
  if ("recipe" in data) return { ...data, recipe: { ...data.recipe, graph } };
  const own = parseData({ ...data, classes: data.classes ?? classNames(network.recipe) });
  return { path: fileIn(folder), text: "", recipe: { ...network.recipe, data: own } };
}

/** Names in such a recipe are those of its folder. */
const fileIn = (folder: string): string => path.join(folder, "graft evaluate");

/** All of it is scored. Throws `data-missing`, `invalid-option`. */
function parseData({ classes, ...given }: GivenData): Data {
  if (given.labels === undefined)
    throw new GraftError(
      "data-missing",
      "Say what is right for each sample: --labels FILE, beside --data FILE.",
    );
  const parsed = DataSchema.safeParse({ ...given, ...(classes && { classes }), validation: 0 });
  if (parsed.success) return parsed.data;
  const [{ path: where, message }] = parsed.error.issues;
  throw new GraftError("invalid-option", `--data or --labels, ${where.join(" ")}: ${message}.`);
}
