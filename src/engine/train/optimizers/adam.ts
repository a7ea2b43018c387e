// m and v average g and g²; w ← w − η·√(1 − β₂ᵗ) ∕ (1 − β₁ᵗ) · m ∕ (√v + ε) (ApplyAdam, and Keras: the ε is outside the
// root and is not corrected)
import type { OptimizerSettings } from "../../../protocol/optimizers";
import { tf, type Tensor } from "../../ops/tf";
import { shareOf, towards } from "./average";
import type { OptimizerRule, Update } from "./rule";

export const adam = (spec: OptimizerSettings<"adam">): OptimizerRule => ({
  text: `adam, learning rate ${spec.learningRate}`,
  slots: [0, 0],
  holds: "adam",
  update: (value, gradient, slots, step) => {
    const { move, slots: moved } = adamMove(spec, gradient, slots, step);
    return { value: tf.sub(value, move), slots: moved };
  },
});

/** How far Adam goes, to be taken from the value. */
export function adamMove(
  { learningRate, beta1, beta2, epsilon, formula }: OptimizerSettings<"adam">,
  gradient: Tensor,
  [mean, squares]: readonly Tensor[],
  step: Tensor,
): { readonly move: Tensor; readonly slots: Update["slots"] } {
  const m = towards(mean, gradient, shareOf(beta1, formula));
  const v = towards(squares, tf.square(gradient), shareOf(beta2, formula));
  // Scalars, the same for every variable of a step.
  const root = tf.sqrt(tf.sub(1, tf.pow(beta2, step)));
  const rate = tf.div(tf.mul(root, learningRate), tf.sub(1, tf.pow(beta1, step)));
  return { move: tf.div(tf.mul(m, rate), tf.add(tf.sqrt(v), epsilon)), slots: [m, v] };
}
