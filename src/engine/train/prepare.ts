// Everything that a run needs before the first number is computed: the model of each phase, and the data.
import * as path from "node:path";
import { GraftError } from "../../protocol/errors";
import { bindData, type BoundData, type LabelTarget } from "../data/bind";
import type { ModelInput } from "../data/inputs";
import { scalarFeeds } from "../graph/feeds";
import type { OpName } from "../graph/catalogue";
import { elements, type Model, type Shape } from "../graph/model";
import { ancestors } from "../graph/order";
import { isVague } from "../graph/shapes";
import { placedError } from "../recipe/apply";
import type { OpenRecipe } from "../recipe/parse";
import { classNames } from "../recipe/classes";
import { saveProblem } from "../recipe/plan";
import { openSource, type RecipeSource } from "../recipe/source";
import { validate } from "../recipe/validate";
import type { SampleArray } from "./samples";
import { split, type Split } from "./split";

/** The recipe's data, in the form that a model takes. */
export interface Samples {
  readonly data: BoundData;
  readonly split: Split;
  /** What is fed to the inputs, for every sample. */
  readonly inputs: readonly SampleArray[];
  readonly labels: SampleArray;
  /** Whether labels are classes, so that there is an accuracy. */
  readonly classifies: boolean;
  /** Values of scalar placeholders while training. */
  readonly scalars: ReadonlyMap<string, number>;
}

export interface TrainingModels {
  /** The network that the edits make. */
  readonly edited: Model;
  /** The model of each phase: the edited one, with a loss, and with what the phase trains. */
  readonly phases: readonly Model[];
}

/** What is saved of a phase: a loss that only training needed is no part of the network. */
export const savedModel = ({ edited }: TrainingModels, phase: Model): Model => ({
  ...edited,
  variables: phase.variables,
});

export interface Prepared extends Samples, TrainingModels {
  readonly checkpoint: RecipeSource;
}

/** Opens the checkpoint and the data that a recipe names. Throws the first problem of the recipe. */
export async function prepare(open: OpenRecipe): Promise<Prepared> {
  const { recipe } = open;
  const checkpoint = await openSource(open);
  try {
    const models = await trainingModels(checkpoint, open);
    const unsaved = saveProblem(open.path, recipe, checkpoint);
    if (unsaved !== undefined) throw new GraftError(unsaved.code, unsaved.message);
    return { checkpoint, ...models, ...(await readSamples(open, models.phases[0])) };
  } catch (error) {
    await checkpoint.close();
    throw error;
  }
}

/** Reads the data that a recipe names, for a model that has a loss. */
export async function readSamples(
  { path: file, recipe }: OpenRecipe,
  model: Model,
): Promise<Samples> {
  if (recipe.data === undefined)
    throw new GraftError(
      "data-missing",
      `${path.basename(file)} does not say what to learn from. Add "data": { "inputs": …, "labels": … }.`,
    );
  const target = labelTarget(model);
  const inputs = model.roles.inputs.map((name) => modelInput(model, name));
  const classes = classNames(recipe);
  const named = { ...recipe.data, ...(classes && { classes: [...classes] }) };
  const data = await bindData(named, path.dirname(file), inputs, target);
  return {
    data,
    split: split(data.samples, recipe.data.validation, recipe.seed),
    inputs: [...data.inputs].map(([node, { shape, data: values }]) => ({
      node,
      shape: shape.slice(1),
      data: values,
    })),
    labels: labelArray(model, data, target),
    classifies: classifies(model, data.classes),
    scalars: scalarFeeds(model, recipe.graph?.feeds),
  };
}

/** The models of a recipe's phases. Throws the first error that `validate` finds. */
export async function trainingModels(
  checkpoint: RecipeSource,
  { recipe }: OpenRecipe,
): Promise<TrainingModels> {
  const {
    model: edited,
    phases,
    problems,
  } = validate(await checkpoint.model(), recipe, checkpoint.others);
  const problem = problems.find((each) => each.severity === "error");
  if (problem === undefined) return { edited, phases };
  throw placedError(problem, recipe);
}

export function modelInput(model: Model, name: string): ModelInput {
  const node = model.nodes.get(name);
  const dtype = node?.op === "Placeholder" ? node.attributes.dtype : "float32";
  return { name, shape: model.shapes.get(name) ?? [-1], dtype };
}

const lossOps = (model: Model): Set<OpName> =>
  new Set([...ancestors(model, [model.roles.loss!])].map((name) => model.nodes.get(name)!.op));

/** What the loss compares the output with: classes for a softmax cross-entropy, else numbers. */
export function labelTarget(model: Model): LabelTarget {
  const ops = lossOps(model);
  const isClasses =
    ops.has("SparseSoftmaxCrossEntropy") ||
    ops.has("SoftmaxCrossEntropy") ||
    ops.has("LogSoftmax") ||
    (ops.has("Softmax") && ops.has("Log"));
  const shape = model.shapes.get(model.roles.output!) ?? [-1];
  return isClasses ? { kind: "classes", classes: shape.at(-1)! } : { kind: "values", shape };
}

/** Whether outputs can be right or wrong: of one unit, only where its sign tells two classes apart. */
export const classifies = (model: Model, classes: readonly string[]): boolean =>
  classes.length > 0 &&
  (labelTarget(model).kind === "classes" || lossOps(model).has("SigmoidCrossEntropy"));

/** Labels in the form that the graph's placeholder takes: indices, one-hot rows, or numbers. */
export function labelArray(
  model: Model,
  { labels, samples }: Pick<BoundData, "labels" | "samples">,
  target: LabelTarget,
): SampleArray {
  const node = model.roles.labels!;
  if (target.kind === "values") return { node, shape: target.shape.slice(1), data: labels };
  const { classes } = target;
  const shape = model.shapes.get(node) ?? [-1];
  if (!takesRows(model, shape, classes))
    return { node, shape: shape.length < 2 ? [] : [1], data: labels };
  const oneHot = new Float32Array(samples * classes);
  labels.forEach((label, row) => (oneHot[row * classes + label] = 1));
  return { node, shape: [classes], data: oneHot };
}

/** Whether labels are fed as one-hot rows. A shape of one axis may be one that the graph does not tell. */
function takesRows(model: Model, shape: Shape, classes: number): boolean {
  if (shape.length > 1) return shape.at(-1) === classes || shape.at(-1)! < 0;
  const ops = lossOps(model);
  return isVague(shape) && !ops.has("SparseSoftmaxCrossEntropy") && !ops.has("OneHot");
}

/** Numbers in one row of bottlenecks. */
export const rowWidth = (shapes: readonly (readonly number[])[]): number =>
  shapes.reduce((sum, shape) => sum + elements(shape), 0);
