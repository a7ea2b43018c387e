// a ← μ·a + g; w ← w − (η·g + η·μ·a) (ApplyMomentum, use_nesterov true)
import type { OptimizerSettings } from "../../../protocol/optimizers";
import { tf } from "../../ops/tf";
import type { OptimizerRule } from "./rule";

export const nesterov = ({
  learningRate,
  momentum,
}: OptimizerSettings<"nesterov">): OptimizerRule => ({
  text: `nesterov momentum ${momentum}, learning rate ${learningRate}`,
  slots: [0],
  holds: "momentum",
  update: (value, gradient, [accumulated]) => {
    const moved = tf.add(tf.mul(accumulated, momentum), gradient);
    const ahead = tf.mul(moved, momentum * learningRate);
    return { value: tf.sub(value, tf.add(tf.mul(gradient, learningRate), ahead)), slots: [moved] };
  },
});
