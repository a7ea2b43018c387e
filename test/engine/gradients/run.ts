// Runs a gradient case: the op's kernel, and the gradient of sum(op(x)·w) by the tape of TensorFlow.js.
import { INFERENCE, type Kernel, type RunContext } from "../../../src/engine/ops/kernel";
import { KERNELS } from "../../../src/engine/ops/table";
import { tf, type Tensor } from "../../../src/engine/ops/tf";
import { node } from "../handmade";
import type { Case, Differentiable } from "./cases";
import { uniform, valuesOf, weights } from "./inputs";

/** Numbers in C order. A gradient for each input that moves. */
export interface Result {
  readonly value: readonly number[];
  readonly gradients: readonly (readonly number[])[];
}

/** A case's inputs on the backend that is set. */
export const tensorsOf = (test: Case): Tensor[] =>
  test.inputs.map((input, index) =>
    tf.tensor(valuesOf(input, index), [...input.shape], input.dtype),
  );

/** [value, one gradient for each input that moves] of the inputs of a case; can be traced. */
export function valueAndGradients(test: Case, all: readonly Tensor[]): Tensor[] {
  const names = all.map((_, index) => `input${index}`);
  const made = node(test.op, test.op, names, test.attributes);
  const kernel = KERNELS[test.op] as unknown as Kernel<Differentiable>;
  const context: RunContext = {
    ...INFERENCE,
    training: () => test.training === true,
    random: (_, count) => uniform(count),
    updates: new Map(),
  };
  const moving = test.inputs.flatMap(({ moves }, index) => (moves ? [index] : []));
  let value: Tensor | undefined;
  const lossOf = (...moved: Tensor[]): tf.Scalar => {
    const inputs = [...all];
    moving.forEach((index, at) => (inputs[index] = moved[at]!));
    const output = kernel(inputs, test.attributes as never, made as never, context);
    value = tf.keep(tf.clone(output));
    return tf.sum(tf.mul(output, tf.tensor(weights(output.size), output.shape)));
  };
  const { value: loss, grads } = tf.valueAndGrads(lossOf)(moving.map((index) => all[index]!));
  loss.dispose();
  return [value!, ...grads];
}

/** On a backend that is registered. */
export async function gradients(test: Case, backend: string): Promise<Result> {
  await tf.setBackend(backend);
  const inputs = tensorsOf(test);
  const results = valueAndGradients(test, inputs);
  const [value, ...slopes] = results.map((each) => [...each.dataSync()]);
  tf.dispose([...inputs, ...results]);
  return { value: value!, gradients: slopes };
}
