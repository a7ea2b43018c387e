// s ← ρ·s + (1 − ρ)·g²; centred also c ← ρ·c + (1 − ρ)·g; m ← μ·m + η·g ∕ √(s − c² + ε); w ← w − m
// (ApplyRMSProp, ApplyCenteredRMSProp)
import type { OptimizerSettings } from "../../../protocol/optimizers";
import { tf } from "../../ops/tf";
import { shareOf, towards } from "./average";
import type { OptimizerRule } from "./rule";

export const rmsprop = (spec: OptimizerSettings<"rmsprop">): OptimizerRule => {
  const { learningRate, rho, momentum, epsilon, centered, formula } = spec;
  const slots: readonly [name: string, start: number][] = [
    ["squares", formula === "tf1" ? 1 : 0],
    ...(centered ? [["mean", 0] as [string, number]] : []),
    ...(momentum > 0 ? [["momentum", 0] as [string, number]] : []),
  ];
  const share = shareOf(rho, formula);
  return {
    text: `rmsprop${centered ? ", centered" : ""}, learning rate ${learningRate}`,
    slots: slots.map(([, start]) => start),
    holds: `rmsprop ${slots.map(([name]) => name).join(" ")}`,
    update: (value, gradient, [squares, ...more]) => {
      const square = towards(squares, tf.square(gradient), share);
      const mean = centered ? [towards(more[0], gradient, share)] : [];
      const spread = mean.reduce((sum, each) => tf.sub(sum, tf.square(each)), square);
      const moved = tf.div(tf.mul(gradient, learningRate), tf.sqrt(tf.add(spread, epsilon)));
      if (momentum === 0) return { value: tf.sub(value, moved), slots: [square, ...mean] };
      const step = tf.add(tf.mul(more.at(-1)!, momentum), moved);
      return { value: tf.sub(value, step), slots: [square, ...mean, step] };
    },
  };
};
