// What a user must be told about a patched graph.
import type { Model, VariableRole } from "../../../graph/model";
import type { TrainingGraph } from "./training";

const SHOWN = 8;

const OF_NETWORK: ReadonlySet<VariableRole | undefined> = new Set(["weight", "statistic"]);

/** `before`: the source's model. Numbers of layers that are left out are the edit's doing, and no state of training. */
export function trainingNotes(training: TrainingGraph, before: Model): string[] {
  const { optimizers, dependants } = training;
  const slots = training.variables
    .filter(({ model }) => !OF_NETWORK.has(before.variables.get(model)?.role))
    .map((variable) => variable.node.name);
  const what = [
    ...(slots.length === 0 ? [] : [counted(slots, "optimizer variable")]),
    ...(optimizers.length === 0 ? [] : [counted(optimizers, "training op")]),
  ];
  return [
    ...(what.length === 0
      ? []
      : [`Dropped with the changed training graph: ${what.join(" and ")}; call minimize again.`]),
    ...(dependants.length === 0
      ? []
      : [
          `Dropped because it depends on the changed training graph: ${counted(dependants, "op")}.`,
        ]),
  ];
}

/** `names`: new variables that the graph's init op starts otherwise than Graft did. */
export const newZeroNotes = (names: readonly string[]): string[] =>
  names.length === 0
    ? []
    : [
        `Start at zero in the graph's own init op, because no TensorFlow op computes what they start from: ${shortened(names)}. ` +
          "Restored values are not concerned.",
      ];

/** `name`: the placeholder by which new dropouts and batch norms know that the graph trains. */
export const modeNotes = (name: string | undefined): string[] =>
  name === undefined
    ? []
    : [
        `New dropouts and batch norms act as in training only when ${name}:0 is fed True; it is False by default. ` +
          "Batch norms move their statistics by the ops in the collection update_ops.",
      ];

/** `names`: variables whose initial value had to be replaced. */
export const zeroNotes = (names: readonly string[]): string[] =>
  names.length === 0
    ? []
    : [
        `Start at zero in the graph's own init op, because their initializers fit the old shape only: ${shortened(names)}. ` +
          "Restored values are not concerned.",
      ];

/** TensorFlow trains a whole variable or nothing of it. */
export function partlyTrainable(model: Model): string[] {
  const names = [...model.variables.values()]
    .filter(({ shape, trainable }) => {
      const part = trainable.some((region) => region.size.some((size, i) => size !== shape[i]));
      return trainable.length > 0 && part;
    })
    .map((variable) => variable.name);
  if (names.length === 0) return [];
  return [
    `Trainable in part: ${shortened(names)}. TensorFlow knows no such thing: trainable_variables lists ` +
      "them, and a minimize in your program trains them whole.",
  ];
}

/** `2 optimizer slots (a, b)` */
const counted = (names: readonly string[], what: string): string =>
  `${names.length} ${what}${names.length === 1 ? "" : "s"} (${shortened(names)})`;

const shortened = (names: readonly string[]): string =>
  names.length <= SHOWN ? names.join(", ") : `${names.slice(0, SHOWN).join(", ")}, …`;
