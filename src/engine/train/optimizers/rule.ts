// What an optimizer is to a training step: pure functions in tfjs ops, so that a step can be traced. Nothing here reads
// a tensor's value, and every scalar that does not depend on the step is computed here, once.
// Masks are applied by the caller to values and slots alike: zeroing a gradient would not stop a slot.
import type { Tensor } from "../../ops/tf";

export interface Update {
  readonly value: Tensor;
  readonly slots: readonly Tensor[];
}

export interface OptimizerRule {
  /** "momentum 0.9, learning rate 0.02" */
  readonly text: string;
  /** Starting value of each slot, per element. */
  readonly slots: readonly number[];
  /** What the slots hold. A phase that continues takes over slots that hold the same. */
  readonly holds: string;
  /**
   * One step. `gradient` and `slots` have the shape of `value`; `step` is a float32 scalar, the number of this update
   * since the slots were fresh, counted from 1.
   */
  readonly update: (
    value: Tensor,
    gradient: Tensor,
    slots: readonly Tensor[],
    step: Tensor,
  ) => Update;
}
