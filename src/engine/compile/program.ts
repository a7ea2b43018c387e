// Compiles functions written in TensorFlow.js into programs that ONNX Runtime runs.
import { tf, type Tensor } from "../ops/tf";
import { withTracing } from "./backend";
import { fuse } from "./fuse";
import { nodesOf, size, type Value, type ValueType } from "./graph";
import { carriedOut, forwardModel, loopModel, type Port } from "./model";
import type { Recorder } from "./recorder";

/** A function of tensors by name. */
export type Traceable = (inputs: ReadonlyMap<string, Tensor>) => ReadonlyMap<string, Tensor>;

const inputsOf = (recorder: Recorder, types: ReadonlyMap<string, ValueType>) =>
  new Map([...types].map(([name, type]) => [name, recorder.input(name, type)]));

/** What tensors are in the graph. The tensors are disposed: a kept one would outlive the trace. */
function valuesOf(recorder: Recorder, tensors: ReadonlyMap<string, Tensor>): Map<string, Value> {
  const values = new Map([...tensors].map(([name, tensor]) => [name, recorder.plain(tensor)]));
  tf.dispose([...tensors.values()]);
  return values;
}

function fused(outputs: ReadonlyMap<string, Value>): Map<string, Value> {
  const values = fuse([...outputs.values()]);
  return new Map([...outputs.keys()].map((name, index) => [name, values[index]]));
}

/** The model of `fn`, computed once from `inputs`. Throws `Untraceable`. */
export function traceForward(
  inputs: ReadonlyMap<string, ValueType>,
  fn: Traceable,
): { model: Uint8Array; work: number } {
  return withTracing((recorder) => {
    const outputs = fused(valuesOf(recorder, fn(inputsOf(recorder, inputs))));
    const ports = [...inputs].map(([name, type]): Port => ({ name, ...type }));
    return { model: forwardModel(ports, outputs), work: work([...outputs.values()]) };
  });
}

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
export function traceLoop(types: LoopTypes, step: (inputs: StepInputs) => StepOutputs): TracedLoop {
  return withTracing((recorder) => {
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
    const before = (name: string) => `before:${name}`;
    const result = step({
      carried: new Map(
        [...types.carried].map(([name, type]) => [name, recorder.input(before(name), type)]),
      ),
      rows,
      stepsBefore,
      perStep(name, type) {
        perStep.set(name, type);
        return recorder.tensor(part(name, ["steps", ...type.shape], type, iteration));
      },
    });
    const outputs = fused(
      new Map([
        ...[...valuesOf(recorder, result.carried)].map(
          ([name, value]) => [carriedOut(name), value] as const,
        ),
        ...valuesOf(recorder, result.yielded),
      ]),
    );
    const model = loopModel(outer, {
      iteration,
      carried: [...types.carried].map(([name, type]) => ({
        name,
        before: { name: before(name), ...type },
        after: outputs.get(carriedOut(name))!,
      })),
      yielded: new Map([...result.yielded.keys()].map((name) => [name, outputs.get(name)!])),
    });
    return { model, work: work([...outputs.values()]), perStep };
  });
}

/** Multiply-adds of the matrix products and convolutions in what `outputs` need. */
function work(outputs: readonly Value[]): number {
  let sum = 0;
  for (const {
    op,
    inputs,
    attributes,
    outputs: [out],
  } of nodesOf(outputs)) {
    if (op === "Gemm" || op === "MatMul")
      sum += size(out.shape) * inputs[0].shape.at(attributes["transA"] === 1 ? 0 : -1)!;
    if (op === "Conv") sum += size(out.shape) * size(inputs[1].shape.slice(1));
    if (op === "ConvTranspose") sum += size(inputs[0].shape) * size(inputs[1].shape.slice(1));
  }
  return sum;
}
