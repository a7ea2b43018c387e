// Ops whose mode is chosen when they run: batch norm and dropout.
import type { OpAttributes } from "../graph/catalogue";
import { GraftError } from "../../protocol/errors";
import type { Kernel, RunContext } from "./kernel";
import { tf, type Tensor } from "./tf";

export const BatchNorm: Kernel<"BatchNorm"> = (inputs, attributes, node, context) => {
  const [x, gamma, beta, mean, variance] = inputs;
  const { epsilon, momentum, dataFormat } = attributes;
  const channelAxis = dataFormat === "NCHW" && x.rank > 2 ? 1 : x.rank - 1;
  const perChannel = x.shape.map((size, axis) => (axis === channelAxis ? size : 1));
  const normalize = (center: Tensor, spread: Tensor) => {
    const scale = tf.mul(tf.reshape(gamma, perChannel), tf.rsqrt(tf.add(spread, epsilon)));
    return tf.add(tf.mul(tf.sub(x, center), scale), tf.reshape(beta, perChannel));
  };
  if (!context.training(node))
    return normalize(tf.reshape(mean, perChannel), tf.reshape(variance, perChannel));

  const others = x.shape.map((_, axis) => axis).filter((axis) => axis !== channelAxis);
  const batch = tf.moments(x, others, true);
  const count = x.size / x.shape[channelAxis];
  // Normalized by the biased variance; the moving one is fed the unbiased, as TensorFlow's fused op does.
  const unbiased = tf.mul(batch.variance, count / Math.max(count - 1, 1));
  const move = (old: Tensor, now: Tensor) =>
    tf.keep(tf.add(tf.mul(old, momentum), tf.mul(tf.reshape(now, old.shape), 1 - momentum)));
  const [, , , meanRef, varianceRef] = node.inputs;
  if ("variable" in meanRef) context.updates.set(meanRef.variable, move(mean, batch.mean));
  if ("variable" in varianceRef)
    context.updates.set(varianceRef.variable, move(variance, unbiased));
  return normalize(batch.mean, batch.variance);
};

export const Dropout: Kernel<"Dropout"> = ([x], attributes, node, context) => {
  if (!context.training(node)) return x;
  const rate = dropoutRate(attributes, context.scalars);
  if (rate === undefined)
    throw new GraftError(
      "ambiguous-graph",
      `The dropout rate of ${node.name} is fed by a placeholder and the recipe does not say it. Add it under "graph": { "feeds": { … } }.`,
    );
  if (rate === 0) return x;
  const uniform = tf.tensor(context.random(node, x.size), x.shape, "float32");
  // Kept where the uniform number is at least the rate, and scaled so that the mean stays (inverted dropout).
  const mask = tf.cast(tf.greaterEqual(uniform, rate), "float32");
  return tf.mul(x, tf.div(mask, 1 - rate));
};

/** The share of units to drop; undefined where a placeholder decides it and nothing is fed. */
export function dropoutRate(
  attributes: OpAttributes["Dropout"],
  scalars: RunContext["scalars"],
): number | undefined {
  if ("rate" in attributes) return attributes.rate;
  if ("rateFrom" in attributes) return scalars.get(attributes.rateFrom);
  const keep = scalars.get(attributes.keepProbabilityFrom);
  return keep === undefined ? undefined : 1 - keep;
}
