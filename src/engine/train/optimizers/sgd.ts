// w ← w − η·g
import type { OptimizerSettings } from "../../../protocol/optimizers";
import { tf } from "../../ops/tf";
import type { OptimizerRule } from "./rule";

export const sgd = ({ learningRate }: OptimizerSettings<"sgd">): OptimizerRule => ({
  text: `sgd, learning rate ${learningRate}`,
  slots: [],
  holds: "",
  update: (value, gradient) => ({
    value: tf.sub(value, tf.mul(gradient, learningRate)),
    slots: [],
  }),
});
