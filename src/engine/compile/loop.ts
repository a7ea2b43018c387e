// Compiles a training step written in TensorFlow.js into a loop over mini-batches.
import { tf, type Tensor } from "../ops/tf";
import { withTracing } from "./backend";
import { fuse, rewrite, type Fusion } from "./fuse";
import { Graph, nodesOf, type Value, type ValueType } from "./graph";
import { carriedOut, loopModel, type Port } from "./model";
import { valuesOf, work } from "./program";
import type { Target } from "./recorder";

/** What a training step is traced with. */
export interface StepInputs {
  /** What the step before left. */
  readonly carried: ReadonlyMap<string, Tensor>;
  /** The rows of this mini-batch. */
  readonly rows: ReadonlyMap<string, Tensor>;
  /** A tensor that every step is fed anew, such as random numbers. */
  readonly perStep: (name: string, type: ValueType) => Tensor;
  /** How many steps came before this one since the program was first run, as float32. */
  readonly stepsBefore: Tensor;
}

export interface StepOutputs {
  /** New values, by the names of `carried`. */
  readonly carried: ReadonlyMap<string, Tensor>;
  /** Kept for every step. */
  readonly yielded: ReadonlyMap<string, Tensor>;
}

export interface LoopTypes {
  readonly carried: ReadonlyMap<string, ValueType>;
  /** One row, by name. */
  readonly rows: ReadonlyMap<string, ValueType>;
  /** Rows in a mini-batch. */
  readonly batch: number;
}

export interface TracedLoop {
  readonly model: Uint8Array;
  /** Multiply-adds of one step. */
  readonly work: number;
  /** What one step is to be fed, by name. */
  readonly perStep: ReadonlyMap<string, ValueType>;
}

/** Names of a loop's own inputs: the rows of each mini-batch, and how many steps came before. */
export const ORDER = "order";
export const STEPS_BEFORE = "steps before";

/** The model of a loop over mini-batches. Throws `Untraceable`. */
export function traceLoop(
  types: LoopTypes,
  target: Target,
  step: (inputs: StepInputs) => StepOutputs,
): TracedLoop {
  return withTracing(target, (recorder) => {
    const { graph } = recorder;
    const iteration = graph.input("iteration", { dtype: "int64", shape: [] });
    const outer: Port[] = [];
    /** What a part of an input of the model is, that differs from step to step. */
    const part = (name: string, whole: Port["shape"], type: ValueType, at: Value): Value => {
      outer.push({ name, dtype: type.dtype, shape: whole });
      return recorder.emit("Gather", [{ name, ...type }, at], type, { axis: 0 });
    };
    const orderType = { dtype: "int32", shape: [types.batch] } as const;
    const indices = part(ORDER, ["steps", types.batch], orderType, iteration);
    const rows = new Map<string, Tensor>();
    for (const [name, { dtype, shape }] of types.rows) {
      const type = { dtype, shape: [types.batch, ...shape] };
      rows.set(name, recorder.tensor(part(name, ["samples", ...shape], type, indices)));
    }
    outer.push({ name: STEPS_BEFORE, dtype: "float32", shape: [] });
    const stepsBefore = tf.add(
      recorder.tensor({ name: STEPS_BEFORE, dtype: "float32", shape: [] }),
      recorder.tensor(recorder.cast(iteration, "float32")),
    );
    const perStep = new Map<string, ValueType>();
    // By names of their own: a variable may be called as an input of the loop, or as what it yields.
    const found = (name: string) => `before:${name}`;
    const result = step({
      carried: new Map(
        [...types.carried].map(([name, type]) => [name, recorder.input(found(name), type)]),
      ),
      rows,
      stepsBefore,
      perStep(name, type) {
        perStep.set(name, type);
        return recorder.tensor(part(name, ["steps", ...type.shape], type, iteration));
      },
    });
    const recorded = new Map([
      ...[...valuesOf(recorder, result.carried)].map(
        ([name, value]) => [carriedOut(name), value] as const,
      ),
      ...valuesOf(recorder, result.yielded),
    ]);
    const hoisted = new Map<string, Value>();
    const values = rewrite(fuse([...recorded.values()]), [hoistOneHot(types, hoisted)]);
    const outputs = new Map([...recorded.keys()].map((name, index) => [name, values[index]]));
    const nodes = nodesOf(values);
    const carried = [...types.carried].map(([name, type]) => {
      const before: Value = { name: found(name), ...type };
      const after = outputs.get(carriedOut(name))!;
      const row = asRow(before, after, nodes);
      return { name, before, after, ...(row !== undefined && { row }) };
    });
    const yielded = new Map([...result.yielded.keys()].map((name) => [name, outputs.get(name)!]));
    const model = loopModel(outer, hoisted, { iteration, carried, yielded });
    return { model, work: work(values), perStep };
  });
}

/** Classes up to which one-hot rows of all samples are made before the loop: they take this many numbers each. */
const HOISTED_CLASSES = 32;

/** One-hot rows of a mini-batch are rows of the one-hot rows of all samples. `hoisted` receives what the latter are. */
function hoistOneHot({ rows }: LoopTypes, hoisted: Map<string, Value>): Fusion {
  const before = new Graph("before the loop ");
  return ({ node, graph }) => {
    if (node.op !== "OneHot") return undefined;
    const [indices, depth, values] = node.inputs;
    const gather = indices.node?.op === "Gather" ? indices.node : undefined;
    const [labels, batch] = gather?.inputs ?? [];
    const classes = Number(depth.constant?.[0] ?? Infinity);
    if (labels === undefined || !rows.has(labels.name) || classes > HOISTED_CLASSES)
      return undefined;
    const type = { dtype: node.outputs[0].dtype, shape: [...labels.shape, classes] };
    const constants = [depth, values].map(({ constant, dtype, shape }) =>
      before.constant(constant!, dtype, shape),
    );
    const all = before.emit("OneHot", [labels, ...constants], type);
    const { name } = all;
    hoisted.set(name, all);
    return graph.emit("Gather", [{ name, ...type }, batch], node.outputs[0], { axis: 0 });
  };
}

/**
 * What a vector is updated to as a matrix of one row, where it comes so and every reader takes it so: it is carried as
 * that row, and is not reshaped in every step.
 */
function asRow(before: Value, after: Value, nodes: ReturnType<typeof nodesOf>): Value | undefined {
  const row = after.node?.op === "Reshape" ? after.node.inputs[0] : undefined;
  if (row?.shape.length !== 2 || row.shape[0] !== 1 || before.shape.length !== 1) return undefined;
  const taken = nodes.every(({ op, inputs }) =>
    inputs.every(({ name }, place) => name !== before.name || (op === "Gemm" && place === 2)),
  );
  const readers = nodes.filter(({ inputs }) => inputs.includes(after));
  return taken && readers.length === 0 ? row : undefined;
}
