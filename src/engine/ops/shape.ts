// Ops that move elements without changing them.
import { elements } from "../graph/model";
import { span } from "../graph/shapes";
import { tensorType } from "./elementwise";
import { tile } from "./gradients";
import type { Kernel } from "./kernel";
import { tf, type Tensor } from "./tf";

/** A target of all fixed sizes but for a batch of unknown size is filled from the input. */
export const Reshape: Kernel<"Reshape"> = ([x], { shape }) => {
  if (shape.filter((size) => size < 0).length <= 1) return tf.reshape(x, [...shape]);
  const [, ...rest] = shape;
  return tf.reshape(x, [x.shape[0], ...rest]);
};
export const Transpose: Kernel<"Transpose"> = ([x], { permutation }) =>
  tf.transpose(x, [...permutation]);
export const Concat: Kernel<"Concat"> = (inputs, { axis }) => tf.concat([...inputs], axis);
/** Of ops that TensorFlow.js has gradients for: its StridedSlice has none. */
export const Slice: Kernel<"Slice"> = ([x], { begin, end, strides }) => {
  const spans = x.shape.map((size, axis) => span(size, begin[axis], end[axis], strides[axis]));
  const backwards = strides.flatMap((stride, axis) => (stride < 0 ? [axis] : []));
  const turned = backwards.length > 0 ? tf.reverse(x, backwards) : x;
  const starts = spans.map(({ first }, axis) =>
    strides[axis] > 0 ? first : x.shape[axis] - 1 - first,
  );
  const steps = strides.map(Math.abs);
  const sizes = spans.map(({ count }, axis) =>
    Math.min(count * steps[axis], x.shape[axis] - starts[axis]),
  );
  return steps.reduce(everyNth, tf.slice(turned, starts, sizes));
};

/** The first of every `step` elements along an axis. */
function everyNth(x: Tensor, step: number, axis: number): Tensor {
  if (step === 1) return x;
  const count = Math.ceil(x.shape[axis] / step);
  const short = count * step - x.shape[axis];
  const whole = tf.pad(
    x,
    x.shape.map((_, each): [number, number] => [0, each === axis ? short : 0]),
  );
  const before = tf.util.sizeFromShape(x.shape.slice(0, axis));
  const after = tf.util.sizeFromShape(x.shape.slice(axis + 1));
  const first = tf.slice(
    tf.reshape(whole, [before, count, step, after]),
    [0, 0, 0, 0],
    [before, count, 1, after],
  );
  return tf.reshape(first, x.shape.with(axis, count));
}

export const Tile: Kernel<"Tile"> = ([x], { multiples }) => tile(x, multiples);

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
