// Ops whose mode is chosen when they run: batch norm and dropout.
import type { OpAttributes } from "../graph/catalogue";
import type { Ref } from "../graph/model";
import { channelAxis } from "../graph/shapes";
import { GraftError } from "../../protocol/errors";
import { FEEDS } from "../../protocol/feeds";
import type { Kernel, RunContext } from "./kernel";
import { tf, type Tensor } from "./tf";

export const BatchNorm: Kernel<"BatchNorm"> = (inputs, attributes, node, context) => {
  const [x, gamma, beta, mean, kept] = inputs;
  const { epsilon, momentum, unbiased, dataFormat, keeps } = attributes;
  const form = FORMS[keeps ?? "variance"];
  const variance = form.variance(kept);
  const channels = channelAxis(x.shape, dataFormat);
  const perChannel = x.shape.map((size, axis) => (axis === channels ? size : 1));
  const scaleFor = (spread: Tensor) =>
    tf.mul(tf.reshape(gamma, perChannel), tf.rsqrt(tf.add(spread, epsilon)));
  if (!context.training(node)) {
    // One product and one sum over x: where all is frozen they become part of the convolution before them.
    const scale = scaleFor(tf.reshape(variance, perChannel));
    const offset = tf.sub(
      tf.reshape(beta, perChannel),
      tf.mul(tf.reshape(mean, perChannel), scale),
    );
    return tf.add(tf.mul(x, scale), offset);
  }

  const others = x.shape.map((_, axis) => axis).filter((axis) => axis !== channels);
  const mask = context.trainedChannels(node);
  const trained = mask && tf.tensor(mask, mean.shape, "bool");
  const batch = momentsOf(x, others, perChannel, { trained, mean, variance });
  const count = x.size / x.shape[channels];
  // Normalized by the biased variance in any case.
  const seen = unbiased ? tf.mul(batch.variance, count / Math.max(count - 1, 1)) : batch.variance;
  const moves = { momentum, trained };
  follow(node.inputs[3], { start: mean, seen: batch.mean, form: AS_IT_IS, ...moves }, context);
  follow(node.inputs[4], { start: kept, seen, form, ...moves }, context);
  const scaled = tf.mul(tf.sub(x, batch.mean), scaleFor(batch.variance));
  return tf.add(scaled, tf.reshape(beta, perChannel));
};

/** What to normalize by: of channels that train the batch's mean and variance, of frozen ones the moving ones. */
function momentsOf(
  x: Tensor,
  axes: number[],
  perChannel: number[],
  {
    trained,
    mean,
    variance,
  }: { readonly trained: Tensor | undefined; readonly mean: Tensor; readonly variance: Tensor },
): { readonly mean: Tensor; readonly variance: Tensor } {
  const batch = tf.moments(x, axes, true);
  if (trained === undefined) return batch;
  const chooses = tf.reshape(trained, perChannel);
  return {
    mean: tf.where(chooses, batch.mean, tf.reshape(mean, perChannel)),
    variance: tf.where(chooses, batch.variance, tf.reshape(variance, perChannel)),
  };
}

/** How a variance is kept. */
interface Form {
  readonly variance: (kept: Tensor) => Tensor;
  readonly kept: (variance: Tensor) => Tensor;
}

const AS_IT_IS: Form = { variance: (kept) => kept, kept: (variance) => variance };

const FORMS: Readonly<Record<"variance" | "log10Deviation", Form>> = {
  variance: AS_IT_IS,
  // σ² = e^(2 · ln 10 · log₁₀ σ)
  log10Deviation: {
    variance: (kept) => tf.exp(tf.mul(kept, 2 * Math.LN10)),
    kept: (variance) => tf.div(tf.log(variance), 2 * Math.LN10),
  },
};

interface Statistic {
  /** As it is kept. */
  readonly start: Tensor;
  readonly form: Form;
  readonly momentum: number;
  /** That of the batch. */
  readonly seen: Tensor;
  /** The channels that follow it; undefined for all. */
  readonly trained: Tensor | undefined;
}

/** Moves a statistic towards that of the batch; a norm that is used twice in one step moves it twice. */
function follow(
  ref: Ref,
  { start, seen, trained, form, momentum }: Statistic,
  { updates }: RunContext,
): void {
  if (!("variable" in ref)) return;
  const before = updates.get(ref.variable);
  const now = tf.reshape(seen, start.shape);
  const was = form.variance(before ?? start);
  const all = form.kept(tf.add(tf.mul(was, momentum), tf.mul(now, 1 - momentum)));
  const moved = trained === undefined ? all : tf.where(trained, all, before ?? start);
  updates.set(ref.variable, tf.keep(moved));
  before?.dispose();
}

export const Dropout: Kernel<"Dropout"> = ([x], attributes, node, context) => {
  if (!context.training(node)) return x;
  const rate = dropoutRate(attributes, context.scalars);
  if (rate === undefined)
    throw new GraftError(
      "ambiguous-graph",
      `The dropout rate of ${node.name} is fed by a placeholder and the recipe does not say it. Add it under "graph": { "feeds": { … } }.`,
    );
  if (rate === 0) return x;
  const uniform = context.random(node, x.shape);
  // Kept where the uniform number is at least the rate, and scaled so that the mean stays (inverted dropout).
  const mask = tf.cast(tf.greaterEqual(uniform, rate), "float32");
  return tf.mul(x, tf.div(mask, 1 - rate));
};

/**
 * The share of units to drop, in [0, 1); undefined where a placeholder decides it and nothing is fed. Throws
 * `recipe-schema` where what is fed is no such share.
 */
export function dropoutRate(
  attributes: OpAttributes["Dropout"],
  scalars: RunContext["scalars"],
): number | undefined {
  if ("rate" in attributes) return attributes.rate;
  const [name, kind] =
    "rateFrom" in attributes
      ? ([attributes.rateFrom, "rate"] as const)
      : ([attributes.keepProbabilityFrom, "keep"] as const);
  const fed = scalars.get(name);
  if (fed === undefined) return undefined;
  const { what, range, isPossible } = FEEDS[kind];
  if (isPossible(fed)) return kind === "rate" ? fed : 1 - fed;
  throw new GraftError(
    "recipe-schema",
    `${name} is fed ${fed}. It is ${what}: ${range}. Correct it under "graph": { "feeds": … }.`,
  );
}
