// Compiles functions written in TensorFlow.js into programs that ONNX Runtime runs.
import { elements } from "../graph/model";
import { tf, type Tensor } from "../ops/tf";
import { withTracing } from "./backend";
import { fuse } from "./fuse";
import { nodesOf, type Value, type ValueType } from "./graph";
import { forwardModel, type Port } from "./model";
import { BLOCKED_CONV } from "./kernels/blocked";
import type { Recorder, Target } from "./recorder";

/** A function of tensors by name. */
export type Traceable = (inputs: ReadonlyMap<string, Tensor>) => ReadonlyMap<string, Tensor>;

const inputsOf = (recorder: Recorder, types: ReadonlyMap<string, ValueType>) =>
  new Map([...types].map(([name, type]) => [name, recorder.input(name, type)]));

/** What tensors are in the graph. The tensors are disposed: a kept one would outlive the trace. */
export function valuesOf(
  recorder: Recorder,
  tensors: ReadonlyMap<string, Tensor>,
): Map<string, Value> {
  const values = new Map([...tensors].map(([name, tensor]) => [name, recorder.plain(tensor)]));
  tf.dispose([...tensors.values()]);
  return values;
}

/** The model of `fn`, computed once from `inputs`. Throws `Untraceable`. */
export function traceForward(
  inputs: ReadonlyMap<string, ValueType>,
  target: Target,
  fn: Traceable,
): { model: Uint8Array; work: number } {
  return withTracing(target, (recorder) => {
    const recorded = valuesOf(recorder, fn(inputsOf(recorder, inputs)));
    const values = fuse([...recorded.values()]);
    const outputs = new Map([...recorded.keys()].map((name, index) => [name, values[index]]));
    const ports = [...inputs].map(([name, type]): Port => ({ name, ...type }));
    return { model: forwardModel(ports, outputs), work: work(values) };
  });
}

/** Multiply-adds of the matrix products and convolutions in what `outputs` need. */
export function work(outputs: readonly Value[]): number {
  let sum = 0;
  for (const {
    op,
    inputs,
    attributes,
    outputs: [out],
  } of nodesOf(outputs)) {
    if (op === "Gemm" || op === "MatMul")
      sum += elements(out.shape) * inputs[0].shape.at(attributes["transA"] === 1 ? 0 : -1)!;
    if (op === "Conv" || op === BLOCKED_CONV)
      sum += elements(out.shape) * elements(inputs[1].shape.slice(1));
    if (op === "ConvTranspose")
      sum += elements(inputs[0].shape) * elements(inputs[1].shape.slice(1));
  }
  return sum;
}
