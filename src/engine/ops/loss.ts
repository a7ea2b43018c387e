// Losses, per sample; the graph itself reduces them to a scalar.
import { graded } from "./graded";
import type { Kernel } from "./kernel";
import { tf } from "./tf";

/** Σ −labels · log softmax(logits), given −labels, with TensorFlow's gradients: softmax(logits) − labels, and log softmax(logits). */
const crossEntropy = graded(
  (logits, negatives) => {
    const logs = tf.logSoftmax(logits);
    return [tf.sum(tf.mul(logs, negatives), -1), logs, negatives];
  },
  (dy, logs, negatives) => {
    const each = tf.expandDims(dy, -1);
    return [tf.mul(tf.add(tf.exp(logs), negatives), each), tf.mul(logs, each)];
  },
);

export const SparseSoftmaxCrossEntropy: Kernel<"SparseSoftmaxCrossEntropy"> = ([logits, labels]) =>
  crossEntropy(logits, tf.oneHot(tf.cast(labels, "int32"), logits.shape.at(-1) ?? 0, -1, 0));

export const SoftmaxCrossEntropy: Kernel<"SoftmaxCrossEntropy"> = ([logits, labels]) =>
  crossEntropy(logits, tf.neg(labels));

/** max(x, 0) − x·z + log(1 + e^−|x|): TensorFlow's form, which does not overflow. */
export const SigmoidCrossEntropy: Kernel<"SigmoidCrossEntropy"> = ([logits, labels]) =>
  tf.add(tf.sub(tf.relu(logits), tf.mul(logits, labels)), tf.log1p(tf.exp(tf.neg(tf.abs(logits)))));

export const L2Loss: Kernel<"L2Loss"> = ([x]) => tf.div(tf.sum(tf.square(x)), 2);
