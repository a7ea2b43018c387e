// One training step as a pure function of tensors: forward, gradient, update. Run eagerly, or traced and compiled.
import type { RunContext } from "../ops/kernel";
import { run, type Path } from "../ops/run";
import { tf, type Tensor } from "../ops/tf";
import { scalarLoss } from "./metrics";
import { slotsByPart, type Trainable } from "./trainables";

/** What does not change from step to step. */
export interface StepRecipe {
  /** Fetches the loss and the logits. */
  readonly path: Path;
  readonly training: readonly Trainable[];
  /** Variables that follow the batch: moving statistics of batch norms. */
  readonly statistics: readonly string[];
  readonly mode: Pick<RunContext, "training" | "trainedChannels" | "scalars">;
}

/** What a step moves: by gradient, and by following the batch. */
export const movedNames = ({
  training,
  statistics,
}: Pick<StepRecipe, "training" | "statistics">): string[] => [
  ...training.map(({ name }) => name),
  ...statistics,
];

export interface StepTensors {
  /** Every variable that the path reads. */
  readonly values: ReadonlyMap<string, Tensor>;
  /** By variable. */
  readonly slots: ReadonlyMap<string, readonly Tensor[]>;
  readonly feeds: ReadonlyMap<string, Tensor>;
  /** The number of this update in its phase, counted from 1: a float32 scalar. */
  readonly update: Tensor;
  readonly random: RunContext["random"];
}

/** Tensors to be disposed by the caller. */
export interface StepResult {
  /** Of the mini-batch before the step. */
  readonly loss: Tensor;
  readonly logits: Tensor;
  /** What moved. */
  readonly values: ReadonlyMap<string, Tensor>;
  readonly slots: ReadonlyMap<string, readonly Tensor[]>;
}

/** Moves every trainable once along the gradient of the loss. */
export function trainStep(recipe: StepRecipe, tensors: StepTensors): StepResult {
  const { path, training, statistics, mode } = recipe;
  const updates = new Map<string, Tensor>();
  const context: RunContext = { ...mode, random: tensors.random, updates };
  let logits: Tensor | undefined;
  const lossOf = (...trained: Tensor[]): tf.Scalar => {
    const variables = new Map(tensors.values);
    training.forEach(({ name }, index) => variables.set(name, trained[index]));
    const [loss, output] = run(path, tensors.feeds, variables, context);
    logits = tf.keep(tf.clone(output));
    return scalarLoss(loss);
  };
  const start = training.map(({ name }) => tensors.values.get(name)!);
  const { value: loss, grads } = tf.valueAndGrads(lossOf)(start);
  const values = new Map<string, Tensor>();
  const slots = new Map<string, readonly Tensor[]>();
  training.forEach((each, index) => {
    const before = tensors.slots.get(each.name)!;
    const moved = moveOne(each, start[index], grads[index], before, tensors.update);
    grads[index].dispose();
    values.set(each.name, moved.value);
    slots.set(each.name, moved.slots);
  });
  for (const name of statistics)
    values.set(name, updates.get(name) ?? tf.clone(tensors.values.get(name)!));
  return { loss, logits: logits!, values, slots };
}

/** Each part moves from where the variable was: none sees what another did. */
function moveOne(
  { parts, shape }: Trainable,
  value: Tensor,
  gradient: Tensor,
  slots: readonly Tensor[],
  update: Tensor,
) {
  return tf.tidy(() => {
    const before = slotsByPart(parts, slots);
    const after = { value, slots: [] as Tensor[] };
    parts.forEach(({ mask, rule, l2, updates }, index) => {
      const along = l2 === 0 ? gradient : tf.add(gradient, tf.mul(value, l2));
      const count = updates === 0 ? update : tf.add(update, updates);
      const moved = rule.update(value, along, before[index], count);
      const trains = mask && tf.tensor(mask, [...shape], "bool");
      const choose = (now: Tensor, old: Tensor) => (trains ? tf.where(trains, now, old) : now);
      after.value = choose(moved.value, after.value);
      after.slots.push(...moved.slots.map((slot, at) => choose(slot, before[index][at])));
    });
    return after;
  });
}
