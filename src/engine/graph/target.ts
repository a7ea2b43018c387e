// What the loss of a model compares its output with.
import { GraftError } from "../../protocol/errors";
import type { OpName } from "./catalogue";
import { modelInputs } from "./inputs";
import type { Model } from "./model";
import { ancestors, descendants } from "./order";
import { givesTimeFirst } from "./timeMajor";

/** `steps`: each step of a sequence has a label; so many, or -1 where the data tells. */
export type LabelTarget =
  /** One class: the output has so many units. */
  | { readonly kind: "classes"; readonly classes: number; readonly steps?: number }
  /** Numbers of the output's shape [-1, …]: mean squared error, or elementwise sigmoid. */
  | { readonly kind: "values"; readonly shape: readonly number[]; readonly steps?: number };

/** The ops that the loss depends on. */
export const lossOps = (model: Model): Set<OpName> =>
  new Set([...ancestors(model, [model.roles.loss!])].map((name) => model.nodes.get(name)!.op));

/**
 * What the loss compares the output with: classes for a softmax cross-entropy, else numbers. Throws `data-shape` for an
 * output with time before the batch.
 */
export function labelTarget(model: Model): LabelTarget {
  const ops = lossOps(model);
  const isClasses =
    ops.has("SparseSoftmaxCrossEntropy") ||
    ops.has("SoftmaxCrossEntropy") ||
    ops.has("LogSoftmax") ||
    (ops.has("Softmax") && ops.has("Log"));
  const { output: name } = model.roles;
  const output = model.shapes.get(name!) ?? [-1];
  const labels = model.shapes.get(model.roles.labels!) ?? [-1];
  if (givesTimeFirst(model, name!))
    throw new GraftError(
      "data-shape",
      `The output ${name} is [time, batch, classes]; labels and samples have the batch first. Train with an output that does, such as one behind a transpose.`,
    );
  const perStep = modelInputs(model).some(({ sequence }) => sequence === true);
  if (!isClasses) {
    // Graphs put the outputs of all steps of all samples below each other.
    const isColumn = labels.length === 2 && output[1] === 1 && labels[1] > 1;
    const shape = perStep && (isColumn || labels.length === 3) ? labels : output;
    const steps = perStep && (isColumn || shape.length === 3) ? shape[1] : undefined;
    return { kind: "values", shape, ...(steps !== undefined && { steps }) };
  }
  const indices = ops.has("SparseSoftmaxCrossEntropy") || becomeOneHot(model);
  const hasSteps = labels.length === 3 || (labels.length === 2 && labels[1] !== 1 && indices);
  const steps = output.length === 3 ? output[1] : hasSteps ? labels[1] : undefined;
  const classes = output.at(-1)!;
  return { kind: "classes", classes, ...(perStep && steps !== undefined && { steps }) };
}

/** Whether the graph makes the labels one-hot, and not just what it reads. */
const becomeOneHot = (model: Model): boolean =>
  model.roles.labels !== undefined &&
  [...descendants(model, [model.roles.labels])].some(
    (name) => model.nodes.get(name)!.op === "OneHot",
  );

/** Whether outputs can be right or wrong: of one unit, only where its sign tells two classes apart. */
export const classifies = (model: Model, classes: readonly string[]): boolean =>
  classes.length > 0 &&
  (labelTarget(model).kind === "classes" || lossOps(model).has("SigmoidCrossEntropy"));
