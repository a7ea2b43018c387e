// Compiles functions written in TensorFlow.js into programs that ONNX Runtime runs.
import { elements } from "../graph/model";
import { tf, type Tensor } from "../ops/tf";
import { withTracing } from "./backend";
import { fuse } from "./fuse";
import { nodesOf, type OnnxNode, type Value, type ValueType } from "./graph";
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

/** An operator of fewer multiply-adds is done before a second thread has begun. */
const SHARED = 1e6;

/**
 * Multiply-adds of the matrix products and convolutions in what `outputs` need, as far as threads can share them: the
 * steps of a recurrent layer are many small products, one after the other.
 */
export const work = (outputs: readonly Value[]): number =>
  nodesOf(outputs)
    .map(multiplyAdds)
    .filter((each) => each >= SHARED)
    .reduce((sum, each) => sum + each, 0);

function multiplyAdds({ op, inputs, attributes, outputs: [out] }: OnnxNode): number {
  if (op === "Gemm" || op === "MatMul")
    return elements(out.shape) * inputs[0].shape.at(attributes["transA"] === 1 ? 0 : -1)!;
  if (op === "Conv" || op === BLOCKED_CONV)
    return elements(out.shape) * elements(inputs[1].shape.slice(1));
  if (op === "ConvTranspose") return elements(inputs[0].shape) * elements(inputs[1].shape.slice(1));
  return 0;
}
