// One training step: forward, gradient, update.
import { trainableMask } from "../graph/regions";
import type { Variable } from "../graph/model";
import type { RunContext } from "../ops/kernel";
import { run, type Path } from "../ops/run";
import { tf, type Tensor } from "../ops/tf";
import type { LiveVariables } from "./live";
import { scalarLoss } from "./metrics";
import type { OptimizerRule } from "./optimizers/rule";

/** What training moves in a phase, with the state that the optimizer keeps for it. */
export interface Trainable {
  readonly name: string;
  /** 1 where an element trains; undefined when all of it does. */
  readonly mask: Tensor | undefined;
  slots: Tensor[];
}

/** Fresh optimizer state for `variables`. The caller disposes it with `disposeTrainables`. */
export function trainables(variables: readonly Variable[], rule: OptimizerRule): Trainable[] {
  return variables.map((variable) => {
    const mask = trainableMask(variable);
    return {
      name: variable.name,
      mask: mask === undefined ? undefined : tf.tensor(mask, [...variable.shape]),
      slots: rule.slots.map((start) => tf.fill([...variable.shape], start)),
    };
  });
}

export function disposeTrainables(all: readonly Trainable[]): void {
  for (const each of all) {
    each.mask?.dispose();
    for (const slot of each.slots) slot.dispose();
  }
}

export interface StepResult {
  /** Loss of the mini-batch before the step. */
  readonly loss: number;
  /** Logits of the mini-batch, to be disposed by the caller. */
  readonly logits: Tensor;
}

/**
 * Moves every trainable once along the gradient of the loss of `feeds`. `path` fetches the loss and the logits;
 * `updates` counts this update and those that the optimizer's state has seen.
 */
export function trainStep(
  path: Path,
  feeds: ReadonlyMap<string, Tensor>,
  live: LiveVariables,
  training: readonly Trainable[],
  rule: OptimizerRule,
  context: RunContext,
  updates: number,
): StepResult {
  let logits: Tensor | undefined;
  const lossOf = (...values: Tensor[]): tf.Scalar => {
    const variables = new Map(live.map);
    training.forEach(({ name }, index) => variables.set(name, values[index]));
    const [loss, output] = run(path, feeds, variables, context);
    logits = tf.keep(tf.clone(output));
    return scalarLoss(loss);
  };
  const start = training.map(({ name }) => live.get(name));
  const { value, grads } = tf.valueAndGrads(lossOf)(start);
  const loss = value.dataSync()[0];
  value.dispose();
  const step = tf.scalar(updates, "float32");
  training.forEach((each, index) => {
    const moved = update(each, live.get(each.name), grads[index], rule, step);
    grads[index].dispose();
    live.set(each.name, moved.value);
    for (const slot of each.slots) slot.dispose();
    each.slots = moved.slots;
  });
  step.dispose();
  for (const [name, statistic] of context.updates) live.set(name, statistic);
  context.updates.clear();
  return { loss, logits: logits! };
}

function update(
  each: Trainable,
  value: Tensor,
  gradient: Tensor,
  rule: OptimizerRule,
  step: Tensor,
) {
  return tf.tidy(() => {
    const moved = rule.update(value, gradient, each.slots, step);
    if (each.mask === undefined) return { value: moved.value, slots: [...moved.slots] };
    const mask = tf.cast(each.mask, "bool");
    return {
      value: tf.where(mask, moved.value, value),
      slots: moved.slots.map((slot, index) => tf.where(mask, slot, each.slots[index])),
    };
  });
}
