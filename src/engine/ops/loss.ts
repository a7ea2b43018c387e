// Losses, per sample; the graph itself reduces them to a scalar.
import type { Kernel } from "./kernel";
import { tf, type Tensor } from "./tf";

/** −Σ labels · log softmax(logits), with TensorFlow's gradients: softmax(logits) − labels, and −log softmax(logits). */
const crossEntropy = tf.customGrad((logits, labels, save) => {
  const logProbabilities = tf.logSoftmax(logits as Tensor);
  (save as (saved: Tensor[]) => void)([logProbabilities, labels as Tensor]);
  const value = tf.neg(tf.sum(tf.mul(logProbabilities, labels as Tensor), -1));
  const gradFunc = (dy: Tensor, [logs, target]: Tensor[]) => {
    const each = tf.expandDims(dy, -1);
    return [tf.mul(tf.sub(tf.exp(logs), target), each), tf.neg(tf.mul(logs, each))];
  };
  return { value, gradFunc: gradFunc as (dy: Tensor, saved: Tensor[]) => Tensor[] };
}) as (logits: Tensor, labels: Tensor) => Tensor;

export const SparseSoftmaxCrossEntropy: Kernel<"SparseSoftmaxCrossEntropy"> = ([logits, labels]) =>
  crossEntropy(logits, tf.oneHot(tf.cast(labels, "int32"), logits.shape.at(-1) ?? 0));

export const SoftmaxCrossEntropy: Kernel<"SoftmaxCrossEntropy"> = ([logits, labels]) =>
  crossEntropy(logits, labels);

/** max(x, 0) − x·z + log(1 + e^−|x|): TensorFlow's form, which does not overflow. */
export const SigmoidCrossEntropy: Kernel<"SigmoidCrossEntropy"> = ([logits, labels]) =>
  tf.add(tf.sub(tf.relu(logits), tf.mul(logits, labels)), tf.log1p(tf.exp(tf.neg(tf.abs(logits)))));

export const L2Loss: Kernel<"L2Loss"> = ([x]) => tf.div(tf.sum(tf.square(x)), 2);
