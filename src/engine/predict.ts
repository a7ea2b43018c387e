// Runs a checkpoint's graph on an array: its output, or any layer or op.
import * as path from "node:path";
import { GraftError } from "../protocol/errors";
import { convertInput } from "./data/inputs";
import { writeNpy } from "./data/npy";
import { loadSource } from "./data/sources";
import { openCheckpoint } from "./formats/table";
import { scalarFeeds, scalarPlaceholders } from "./graph/feeds";
import { elements, type Model } from "./graph/model";
import { usedVariables } from "./graph/order";
import { pathTo } from "./ops/run";
import { backendText, chooseExecutor, type BackendChoice } from "./train/backend";
import { load, startingValues } from "./train/live";
import { listNames } from "./surgery/select";
import { forwardBatch } from "./train/forwardBatch";
import { modelInput } from "./train/prepare";
import { batches } from "./train/samples";

export interface PredictRequest {
  readonly checkpoint: string;
  readonly input: string;
  readonly output: string;
  /** A layer (its last activation) or an op; the logits when absent. */
  readonly layer?: string | undefined;
  readonly backend: BackendChoice;
  /** Values of scalar placeholders, such as a switch between two branches. */
  readonly feeds?: Readonly<Record<string, number | boolean>>;
}

export interface Prediction {
  readonly node: string;
  readonly shape: readonly number[];
  readonly backend: string;
}

/** Writes what the graph computes for every row of the input as one float32 .npy array. */
export async function predict(request: PredictRequest): Promise<Prediction> {
  const checkpoint = await openCheckpoint(request.checkpoint);
  try {
    const model = await checkpoint.model();
    const node = fetched(model, request.layer);
    const way = pathTo(model, [node], new Set(model.roles.inputs));
    const needed = way.nodes.flatMap((each) =>
      each.inputs.map((input) => ("node" in input ? input.node : "")),
    );
    const inputs = model.roles.inputs.filter((name) => needed.includes(name));
    if (inputs.length !== 1)
      throw new GraftError(
        "data-missing",
        `${node} depends on ${inputs.length} inputs (${listNames(inputs)}); predict feeds one.`,
      );
    const notes: string[] = [];
    const note = (text: string) => void notes.push(text);
    const needs = { trained: new Set<string>(), note };
    const executor = await chooseExecutor(request.backend, model, needs);
    const loaded = await loadSource(request.input, process.cwd());
    const { shape, data } = convertInput(loaded.array, loaded.name, modelInput(model, inputs[0]));
    const nodes = way.nodes.map((each) => each.name);
    const used = usedVariables(model, nodes);
    const values = await startingValues(used, (name) => checkpoint.read(name), 0);
    const live = load(used, values);
    const order = Int32Array.from({ length: shape[0] }, (_, index) => index);
    const arrays = [{ node: inputs[0], shape: shape.slice(1), data }];
    const scalars = scalarFeeds(model, checkedFeeds(model, request.feeds ?? {}));
    const parts: Float32Array[] = [];
    let sample: readonly number[] = [];
    const forward = executor.forward({ path: way, live, moving: new Set(), scalars });
    for (const batch of batches(order, forwardBatch(model, way))) {
      const [fetched] = await forward.run(arrays, batch);
      sample = fetched.shape.slice(1);
      parts.push(fetched.data);
    }
    await forward.release();
    const all = new Float32Array(shape[0] * elements(sample));
    parts.reduce((at, part) => (all.set(part, at), at + part.length), 0);
    const full = [shape[0], ...sample];
    await writeNpy(path.resolve(request.output), { shape: full, dtype: "float32", data: all });
    return { node, shape: full, backend: [backendText(executor.info), ...notes].join("; ") };
  } finally {
    await checkpoint.close();
  }
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
