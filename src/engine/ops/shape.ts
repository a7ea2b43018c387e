// Ops that move elements without changing them.
import { elements } from "../graph/model";
import { tensorType } from "./elementwise";
import type { Kernel } from "./kernel";
import { tf } from "./tf";

/** A target of all fixed sizes but for a batch of unknown size is filled from the input. */
export const Reshape: Kernel<"Reshape"> = ([x], { shape }) => {
  if (shape.filter((size) => size < 0).length <= 1) return tf.reshape(x, [...shape]);
  const [, ...rest] = shape;
  return tf.reshape(x, [x.shape[0], ...rest]);
};
export const Transpose: Kernel<"Transpose"> = ([x], { permutation }) =>
  tf.transpose(x, [...permutation]);
export const Concat: Kernel<"Concat"> = (inputs, { axis }) => tf.concat([...inputs], axis);
export const Squeeze: Kernel<"Squeeze"> = ([x], { axes }) =>
  tf.squeeze(x, axes.length > 0 ? [...axes] : undefined);
export const ExpandDims: Kernel<"ExpandDims"> = ([x], { axis }) => tf.expandDims(x, axis);
export const Pad: Kernel<"Pad"> = ([x], { paddings }) =>
  tf.pad(
    x,
    x.shape.map((_, axis): [number, number] => [paddings[2 * axis], paddings[2 * axis + 1]]),
  );
export const Const: Kernel<"Const"> = (_, { dtype, shape, values }) => {
  const count = elements(shape);
  // TensorFlow stores a constant of equal elements as one.
  const all = values.length === count ? [...values] : new Array<number>(count).fill(values[0] ?? 0);
  return tf.tensor(all, [...shape], tensorType(dtype));
};
