// Losses, per sample; the graph itself reduces them to a scalar.
import type { Kernel } from "./kernel";
import { tf, type Tensor } from "./tf";

const crossEntropy = (logits: Tensor, target: Tensor) =>
  tf.neg(tf.sum(tf.mul(tf.logSoftmax(logits), target), -1));

export const SparseSoftmaxCrossEntropy: Kernel<"SparseSoftmaxCrossEntropy"> = ([logits, labels]) =>
  crossEntropy(logits, tf.oneHot(tf.cast(labels, "int32"), logits.shape.at(-1) ?? 0));

export const SoftmaxCrossEntropy: Kernel<"SoftmaxCrossEntropy"> = ([logits, labels]) =>
  crossEntropy(logits, labels);

/** max(x, 0) − x·z + log(1 + e^−|x|): TensorFlow's form, which does not overflow. */
export const SigmoidCrossEntropy: Kernel<"SigmoidCrossEntropy"> = ([logits, labels]) =>
  tf.add(tf.sub(tf.relu(logits), tf.mul(logits, labels)), tf.log1p(tf.exp(tf.neg(tf.abs(logits)))));

export const L2Loss: Kernel<"L2Loss"> = ([x]) => tf.div(tf.sum(tf.square(x)), 2);
