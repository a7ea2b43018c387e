// One training step as a pure function of tensors: forward, gradient, update. Run eagerly, or traced and compiled.
import { trainableMask } from "../graph/regions";
import { elements, type Shape, type Variable } from "../graph/model";
import type { RunContext } from "../ops/kernel";
import { run, type Path } from "../ops/run";
import { tf, type Tensor } from "../ops/tf";
import { scalarLoss } from "./metrics";
import type { OptimizerRule } from "./optimizers/rule";

/** What training moves in a phase, with the state that the optimizer keeps for it. */
export interface Trainable {
  readonly name: string;
  readonly shape: Shape;
  /** 1 where an element trains; undefined when all of it does. */
  readonly mask: Uint8Array | undefined;
  slots: readonly Float32Array[];
}

/** Fresh optimizer state for `variables`. */
export const trainables = (variables: readonly Variable[], rule: OptimizerRule): Trainable[] =>
  variables.map((variable) => {
    const { name, shape } = variable;
    const slots = rule.slots.map((start) => new Float32Array(elements(shape)).fill(start));
    return { name, shape, mask: trainableMask(variable), slots };
  });

/** What does not change from step to step. */
export interface StepRecipe {
  /** Fetches the loss and the logits. */
  readonly path: Path;
  readonly training: readonly Trainable[];
  /** Variables that follow the batch: moving statistics of batch norms. */
  readonly statistics: readonly string[];
  readonly rule: OptimizerRule;
  readonly mode: Pick<RunContext, "training" | "scalars">;
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
  /** The number of this update since the slots were fresh, counted from 1: a float32 scalar. */
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
  const { path, training, statistics, rule, mode } = recipe;
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
    const moved = moveOne(each, rule, start[index], grads[index], before, tensors.update);
    grads[index].dispose();
    values.set(each.name, moved.value);
    slots.set(each.name, moved.slots);
  });
  for (const name of statistics)
    values.set(name, updates.get(name) ?? tf.clone(tensors.values.get(name)!));
  return { loss, logits: logits!, values, slots };
}

function moveOne(
  { mask, shape }: Trainable,
  rule: OptimizerRule,
  value: Tensor,
  gradient: Tensor,
  slots: readonly Tensor[],
  update: Tensor,
) {
  return tf.tidy(() => {
    const moved = rule.update(value, gradient, slots, update);
    if (mask === undefined) return { value: moved.value, slots: [...moved.slots] };
    const trains = tf.tensor(mask, [...shape], "bool");
    return {
      value: tf.where(trains, moved.value, value),
      slots: moved.slots.map((slot, index) => tf.where(trains, slot, slots[index])),
    };
  });
}
