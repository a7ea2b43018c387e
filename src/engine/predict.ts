// Runs a checkpoint's graph on an array: its output, or any layer or op.
import * as filePath from "node:path";
import { GraftError } from "../protocol/errors";
import type { NumericArray } from "./data/array";
import { isSource } from "./data/assign";
import { bindInputs, type BoundInputs } from "./data/bindInputs";
import { swapTimeAndFeatures } from "./data/layout";
import { writeNpy } from "./data/npy";
import type { InputData } from "./data/schema";
import { openCheckpoint } from "./formats/table";
import { scalarFeeds, scalarPlaceholders } from "./graph/feeds";
import { fitTo } from "./graph/fit";
import { type ModelInput, modelInputs } from "./graph/inputs";
import { elements, type Model } from "./graph/model";
import { usedVariables } from "./graph/order";
import { givesTimeFirst } from "./graph/timeMajor";
import type { ReadStored } from "./graph/value";
import { pathTo } from "./ops/run";
import { backendText, chooseExecutor, type BackendChoice } from "./train/backend";
import type { Executor, Fetched } from "./train/executor";
import { load, startingValues } from "./train/live";
import { listNames } from "./surgery/select";
import { forwardBatch } from "./train/forwardBatch";
import { batches, type SampleArray } from "./train/samples";

/** Files are against the current folder. */
export interface PredictRequest extends Omit<InputData, "inputs"> {
  readonly checkpoint: string;
  readonly input: InputData["inputs"];
  readonly output: string;
  /** A layer (its last activation) or an op; when absent, what the format's own framework gives, or else the logits. */
  readonly layer?: string | undefined;
  /** A layer or an op whose outputs the input holds, such as exported bottlenecks; the network's inputs when absent. */
  readonly from?: string | undefined;
  readonly backend: BackendChoice;
  /** Values of scalar placeholders, such as a switch between two branches. */
  readonly feeds?: Readonly<Record<string, number | boolean>>;
}

export interface Prediction {
  readonly node: string;
  /** The logits, where `node` is what the framework makes of them. */
  readonly logits?: string;
  readonly shape: readonly number[];
  /** "X: X_test.npy, 360 × 64 float32", a line per input. */
  readonly bound: readonly string[];
  readonly backend: string;
}

/**
 * Writes what the graph computes for every row of the inputs as one float32 .npy array. Outputs of steps have the layout
 * that the sequences have, and zeros for padded steps.
 */
export async function predict(request: PredictRequest): Promise<Prediction> {
  const checkpoint = await openCheckpoint(request.checkpoint);
  try {
    const whole = await checkpoint.model();
    const model = request.from === undefined ? whole : startingAt(whole, request.from);
    const own = request.layer === undefined ? await checkpoint.prediction?.() : undefined;
    const node = own ?? fetched(model, request.layer);
    const { output: logits } = model.roles;
    const way = pathTo(model, [node], new Set(model.roles.inputs));
    const needed = new Set(
      way.nodes.flatMap(({ inputs }) =>
        inputs.flatMap((each) => ("node" in each ? each.node : [])),
      ),
    );
    const inputs = modelInputs(model).filter(({ name }) => needed.has(name));
    refuseOneFile(node, request.input, inputs);
    const data = { ...request, inputs: request.input };
    const bound = await bindInputs(data, process.cwd(), inputs, {
      normalizer: model.normalizer,
      givesSteps: model.shapes.get(node)?.length === 3,
    });
    const arrays = [...bound.inputs].map(([name, { shape, data: values }]) => ({
      node: name,
      shape: shape.slice(1),
      data: values,
    }));
    const fitted = fitTo(model, new Map(arrays.map((array) => [array.node, array.shape])));
    const notes: string[] = [];
    const note = (text: string) => void notes.push(text);
    const executor = await chooseExecutor(request.backend, fitted, { trained: new Set(), note });
    const result = await outputOf(node, fitted, bound, arrays, executor, {
      read: (name) => checkpoint.read(name),
      scalars: scalarFeeds(fitted, checkedFeeds(fitted, request.feeds ?? {})),
    });
    await writeNpy(filePath.resolve(request.output), result);
    return {
      node,
      ...(own !== undefined && own !== logits && logits !== undefined && { logits }),
      shape: result.shape,
      bound: bound.bound,
      backend: [backendText(executor.info), ...notes].join("; "),
    };
  } finally {
    await checkpoint.close();
  }
}

/** One file is for one input. */
function refuseOneFile(node: string, given: InputData["inputs"], inputs: readonly ModelInput[]) {
  const needed = inputs.filter(({ part, optional }) => part === undefined && !optional);
  if (needed.length === 1 || !isSource(given)) return;
  const names = listNames(needed.map(({ name }) => name));
  const advice =
    needed.length === 0 ? "" : `. Name a file for each: --input '{ "NAME": "FILE", … }'`;
  throw new GraftError(
    "data-missing",
    `${node} depends on ${needed.length} inputs (${names})${advice}.`,
  );
}

/** What `node` yields for every sample. */
async function outputOf(
  node: string,
  model: Model,
  { samples, steps, mask, layout }: BoundInputs,
  arrays: readonly SampleArray[],
  executor: Executor,
  { read, scalars }: { read: ReadStored; scalars: ReadonlyMap<string, number> },
): Promise<NumericArray> {
  const path = pathTo(model, [node], new Set(model.roles.inputs));
  const used = usedVariables(
    model,
    path.nodes.map(({ name }) => name),
  );
  const live = load(used, await startingValues(used, read, 0));
  const order = Int32Array.from({ length: samples }, (_, index) => index);
  const parts: Float32Array[] = [];
  let sample: readonly number[] = [];
  let hasSteps = false;
  const forward = executor.forward({ path, live, moving: new Set(), scalars });
  const arranged = givesTimeFirst(model, node) ? samplesFirst : (each: Fetched) => each;
  for (const batch of batches(order, forwardBatch(model, path))) {
    const [{ shape, data }] = (await forward.run(arrays, batch)).map(arranged);
    // Graphs put the outputs of all steps of all samples below each other.
    const isColumn = steps !== undefined && steps > 1 && shape[0] === batch.length * steps;
    hasSteps = isColumn || shape.length === 3;
    sample = isColumn ? [steps, ...shape.slice(1)] : shape.slice(1);
    parts.push(data);
  }
  await forward.release();
  const data = new Float32Array(samples * elements(sample));
  parts.reduce((at, part) => (data.set(part, at), at + part.length), 0);
  hasSteps &&= sample[0] === steps;
  const width = elements(sample.slice(1));
  if (hasSteps)
    mask?.forEach((isThere, row) => {
      if (isThere === 0) data.fill(0, row * width, (row + 1) * width);
    });
  const result = { shape: [samples, ...sample], dtype: "float32" as const, data };
  return hasSteps && sample.length === 2 && layout === "NFT" ? swapTimeAndFeatures(result) : result;
}

/** [time, batch, features] as [batch, time, features]. */
function samplesFirst({ shape, data }: Fetched): Fetched {
  const [steps, samples, ...rest] = shape;
  const size = elements(rest);
  const swapped = new Float32Array(data.length);
  for (let row = 0; row < steps * samples; row++) {
    const [step, sample] = [Math.floor(row / samples), row % samples];
    swapped.set(data.subarray(row * size, (row + 1) * size), (sample * steps + step) * size);
  }
  return { shape: [samples, steps, ...rest], data: swapped };
}

/** Throws `unknown-node` for a feed that the graph has no placeholder for. */
function checkedFeeds(
  model: Model,
  feeds: Readonly<Record<string, number | boolean>>,
): Readonly<Record<string, number | boolean>> {
  const scalars = scalarPlaceholders(model);
  const unknown = Object.keys(feeds).find((name) => !scalars.includes(name));
  if (unknown === undefined) return feeds;
  throw new GraftError(
    "unknown-node",
    `There is no scalar placeholder ${unknown} to feed. The graph has ${listNames(scalars)}.`,
  );
}

/** The network that is fed what `name`, a layer or an op, yields. */
function startingAt(model: Model, name: string): Model {
  const node = fetched(model, name);
  const { normalizer: _, ...rest } = model;
  const fed = { name: node, op: "Placeholder", attributes: { dtype: "float32" } } as const;
  return {
    ...rest,
    nodes: new Map(model.nodes).set(node, { ...fed, inputs: [], origin: [] }),
    roles: { ...model.roles, inputs: [node] },
  };
}

/** The node that a layer's or op's name stands for. */
function fetched(model: Model, name: string | undefined): string {
  if (name === undefined) {
    if (model.roles.output !== undefined) return model.roles.output;
    throw new GraftError(
      model.nodes.size === 0 ? "no-graph" : "ambiguous-graph",
      model.nodes.size === 0
        ? "The checkpoint has no graph (no .meta file beside it), so it cannot be run."
        : "The output of the graph is not clear. Name a layer or an op with --layer.",
    );
  }
  const layer = model.layers.find((each) => each.name === name)?.output;
  // TensorFlow's own name of an op's first output ends in :0.
  const op = name.replace(/:0$/, "");
  const node = layer ?? (model.nodes.has(op) ? op : model.aliases.get(op));
  if (node !== undefined) return node;
  throw new GraftError(
    "unknown-node",
    `There is no layer or op ${name}. The layers are ${listNames(model.layers.map((each) => each.name))}.`,
  );
}
