// a ← μ·a + g; w ← w − η·a (ApplyMomentum, use_nesterov false). Keras keeps −η·a instead of a: the same steps.
import type { OptimizerSettings } from "../../../protocol/optimizers";
import { tf } from "../../ops/tf";
import type { OptimizerRule } from "./rule";

export const momentum = (spec: OptimizerSettings<"momentum">): OptimizerRule => ({
  text: `momentum ${spec.momentum}, learning rate ${spec.learningRate}`,
  slots: [0],
  holds: "momentum",
  update: (value, gradient, [accumulated]) => {
    const moved = tf.add(tf.mul(accumulated, spec.momentum), gradient);
    return { value: tf.sub(value, tf.mul(moved, spec.learningRate)), slots: [moved] };
  },
});
