// Moving averages.
import type { Formula } from "../../../protocol/optimizers";
import { tf, type Tensor } from "../../ops/tf";

/** Moves an average towards what was seen: a ← a + (x − a)·share. */
export const towards = (average: Tensor, x: Tensor, share: number): Tensor =>
  tf.add(average, tf.mul(tf.sub(x, average), share));

/** 1 − β. TensorFlow 1's kernels subtract the float32 β: for 0.999 that makes 5e-5 of the result. */
export const shareOf = (decay: number, formula: Formula): number =>
  1 - (formula === "tf1" ? Math.fround(decay) : decay);
