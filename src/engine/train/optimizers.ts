// Optimizers as pure functions in tfjs ops, with TensorFlow 1's formulas. A slot starts at a stated value;
// masks are applied by the caller to values and slots alike: zeroing a gradient would not stop a slot.
import type { Optimizer } from "../recipe/schema";
import { tf, type Tensor } from "../ops/tf";

export interface Update {
  readonly value: Tensor;
  readonly slots: readonly Tensor[];
}

export interface OptimizerRule {
  /** "momentum 0.9, learning rate 0.02" */
  readonly text: string;
  /** Starting value of each slot, per element. */
  readonly slots: readonly number[];
  readonly update: (value: Tensor, gradient: Tensor, slots: readonly Tensor[]) => Update;
}

/** w ← w − η·g */
const sgd = ({ learningRate }: { learningRate: number }): OptimizerRule => ({
  text: `sgd, learning rate ${learningRate}`,
  slots: [],
  update: (value, gradient) => ({
    value: tf.sub(value, tf.mul(gradient, learningRate)),
    slots: [],
  }),
});

/** a ← μ·a + g; w ← w − η·a (ApplyMomentum, use_nesterov false) */
const momentum = (spec: { learningRate: number; momentum: number }): OptimizerRule => ({
  text: `momentum ${spec.momentum}, learning rate ${spec.learningRate}`,
  slots: [0],
  update: (value, gradient, [accumulated]) => {
    const moved = tf.add(tf.mul(accumulated, spec.momentum), gradient);
    return { value: tf.sub(value, tf.mul(moved, spec.learningRate)), slots: [moved] };
  },
});

/** The rule that a recipe's optimizer names. */
export function optimizerRule(optimizer: Optimizer): OptimizerRule {
  if ("sgd" in optimizer) return sgd(optimizer.sgd);
  return momentum(optimizer.momentum);
}
