// a ← a + g²; w ← w − η·g ∕ √(a + ε) (ApplyAdagrad, which has no ε)
import type { OptimizerSettings } from "../../../protocol/optimizers";
import { tf } from "../../ops/tf";
import type { OptimizerRule } from "./rule";

export const adagrad = (spec: OptimizerSettings<"adagrad">): OptimizerRule => ({
  text: `adagrad, learning rate ${spec.learningRate}`,
  slots: [spec.initialAccumulatorValue],
  holds: "adagrad",
  update: (value, gradient, [accumulated]) => {
    const sum = tf.add(accumulated, tf.square(gradient));
    const size = tf.sqrt(spec.epsilon === 0 ? sum : tf.add(sum, spec.epsilon));
    const moved = tf.div(tf.mul(gradient, spec.learningRate), size);
    return { value: tf.sub(value, moved), slots: [sum] };
  },
});
