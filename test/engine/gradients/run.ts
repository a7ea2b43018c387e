// Runs a gradient case: the op's kernel, and the gradient of sum(op(x)·w) by the tape of TensorFlow.js.
import { traceForward } from "../../../src/engine/compile/program";
import type { Target } from "../../../src/engine/compile/recorder";
import { Session } from "../../../src/engine/compile/session";
import type { ElementType, Numbers } from "../../../src/engine/compile/graph";
import { elements } from "../../../src/engine/graph/model";
import { INFERENCE, type Kernel, type RunContext } from "../../../src/engine/ops/kernel";
import { KERNELS } from "../../../src/engine/ops/table";
import { tf, type Tensor } from "../../../src/engine/ops/tf";
import { node } from "../handmade";
import type { Case, Differentiable } from "./case";
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
    random: (_, shape) => tf.tensor(uniform(elements(shape)), [...shape]),
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

/** As a traced program that ONNX Runtime runs. Throws `Untraceable`. */
export async function compiledGradients(test: Case, target: Target = {}): Promise<Result> {
  const inputs = test.inputs.map(({ shape, dtype }, index) => ({
    name: `input${index}`,
    type: { dtype, shape },
  }));
  const outputs = ["value", ...inputs.map(({ name }) => `gradient of ${name}`)];
  const types = new Map(inputs.map(({ name, type }) => [name, type]));
  const { model } = traceForward(types, target, (fed) => {
    const results = valueAndGradients(test, [...fed.values()]);
    return new Map(results.map((tensor, index) => [outputs[index]!, tensor]));
  });
  const session = await Session.create(model, { threads: 1 });
  const feeds = test.inputs.map((input, index) => {
    const data = numbersOf(input.dtype, valuesOf(input, index));
    return [`input${index}`, { data, shape: input.shape, dtype: input.dtype }] as const;
  });
  const results = await session.run(new Map(feeds));
  await session.release();
  const [value, ...slopes] = outputs.flatMap((name) =>
    results.has(name) ? [Array.from(results.get(name)!, Number)] : [],
  );
  return { value: value!, gradients: slopes };
}

const numbersOf = (dtype: ElementType, values: readonly number[]): Numbers =>
  dtype === "float32"
    ? Float32Array.from(values)
    : dtype === "int32"
      ? Int32Array.from(values)
      : Uint8Array.from(values);
