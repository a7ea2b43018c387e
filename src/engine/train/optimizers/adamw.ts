// Adam with decoupled weight decay: w ← w − η·λ·w − (Adam's move). In TensorFlow Addons and tf.contrib.opt: w − λ·w − ….
import type { OptimizerSettings } from "../../../protocol/optimizers";
import { tf } from "../../ops/tf";
import { adamMove } from "./adam";
import type { OptimizerRule } from "./rule";

export const adamw = (spec: OptimizerSettings<"adamw">): OptimizerRule => {
  const { learningRate, weightDecay, formula } = spec;
  const decay = formula === "keras" ? learningRate * weightDecay : weightDecay;
  return {
    text: `adamw, learning rate ${learningRate}, weight decay ${weightDecay}`,
    slots: [0, 0],
    holds: "adam",
    update: (value, gradient, slots, step) => {
      const { move, slots: moved } = adamMove(spec, gradient, slots, step);
      return { value: tf.sub(tf.sub(value, tf.mul(value, decay)), move), slots: moved };
    },
  };
};
