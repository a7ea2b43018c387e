// Ops that reduce axes.
import { extremum } from "./gradients";
import type { Kernel } from "./kernel";
import { tf } from "./tf";

export const Mean: Kernel<"Mean"> = ([x], { axes, keepDims }) => tf.mean(x, [...axes], keepDims);
export const Sum: Kernel<"Sum"> = ([x], { axes, keepDims }) => tf.sum(x, [...axes], keepDims);
export const Max: Kernel<"Max"> = ([x], { axes, keepDims }) => extremum(tf.max, x, axes, keepDims);
export const Min: Kernel<"Min"> = ([x], { axes, keepDims }) => extremum(tf.min, x, axes, keepDims);
export const ArgMax: Kernel<"ArgMax"> = ([x], { axis }) =>
  tf.argMax(x, axis < 0 ? x.rank + axis : axis);

/** In the top k when fewer than k classes score strictly higher, as in TensorFlow: ties count as in. */
export const InTopK: Kernel<"InTopK"> = ([predictions, targets], { k }) => {
  const chosen = tf.oneHot(tf.cast(targets, "int32"), predictions.shape[1] ?? 0);
  const score = tf.sum(tf.mul(predictions, chosen), 1, true);
  const higher = tf.sum(tf.cast(tf.greater(predictions, score), "int32"), 1);
  return tf.less(higher, k);
};
