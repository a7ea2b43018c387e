// Everything that a run needs before the first number is computed: the model of each phase, and the data.
import * as path from "node:path";
import { GraftError } from "../../protocol/errors";
import { bindData, type BoundData } from "../data/bind";
import type { BoundLabels } from "../data/bindLabels";
import { scalarFeeds } from "../graph/feeds";
import { fitTo } from "../graph/fit";
import { lossInputs, modelInputs } from "../graph/inputs";
import { elements, type Model, type Shape } from "../graph/model";
import { isVague } from "../graph/shapes";
import { classifies, labelTarget, type LabelTarget, lossOps } from "../graph/target";
import { placedError } from "../recipe/apply";
import type { OpenRecipe } from "../recipe/parse";
import { classNames } from "../recipe/classes";
import { saveProblem } from "../recipe/plan";
import { unsavable } from "../recipe/savable";
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
  /** What the loss alone reads beside them: which labels of sequences count. */
  readonly lossMasks: readonly SampleArray[];
  /** Whether labels are classes, so that there is an accuracy. */
  readonly classifies: boolean;
  /** Values of scalar placeholders while training. */
  readonly scalars: ReadonlyMap<string, number>;
}

export interface TrainingModels {
  /** What its owner should know before it trains. */
  readonly warnings: readonly string[];
  /** The network that the edits make. */
  readonly edited: Model;
  /** The model of each phase: the edited one, with a loss, and with what the phase trains. */
  readonly phases: readonly Model[];
}

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
    const { edited: model, phases: plans } = models;
    const unwritten = await unsavable(checkpoint, recipe, { model, phases: plans });
    if (unwritten !== undefined) throw placedError(unwritten, recipe);
    const samples = await readSamples(open, models.phases[0]);
    const phases = models.phases.map((model) => fitted(model, samples));
    return { checkpoint, ...models, phases, ...samples };
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
  const inputs = modelInputs(model);
  const ofLoss = lossInputs(model);
  const classes = classNames(recipe);
  const named = { ...recipe.data, ...(classes && { classes: [...classes] }) };
  const network = { inputs: [...inputs, ...ofLoss], target, normalizer: model.normalizer };
  const data = await bindData(named, path.dirname(file), network);
  const arrays = [...data.inputs].map(([node, { shape, data: values }]) => ({
    node,
    shape: shape.slice(1),
    data: values,
  }));
  const isOfLoss = ({ node }: SampleArray) => ofLoss.some(({ name }) => name === node);
  return {
    data,
    split: split(data.samples, recipe.data.validation, recipe.seed),
    inputs: arrays.filter((array) => !isOfLoss(array)),
    labels: labelArray(model, data, target),
    lossMasks: arrays.filter(isOfLoss),
    classifies: classifies(model, data.classes),
    scalars: scalarFeeds(model, recipe.graph?.feeds),
  };
}

/** `model` for these samples: sizes that it leaves open are theirs. */
export function fitted(
  model: Model,
  { inputs, labels, lossMasks }: Pick<Samples, "inputs" | "labels" | "lossMasks">,
): Model {
  const shapes = (arrays: readonly SampleArray[]) =>
    new Map(arrays.map(({ node, shape }) => [node, shape]));
  return fitTo(model, shapes(inputs), shapes([labels, ...lossMasks]));
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
  if (problem === undefined) {
    const warnings = problems.map(({ message }) => message);
    return { edited, phases, warnings };
  }
  throw placedError(problem, recipe);
}

/** Labels in the form that the graph's placeholder takes: indices, one-hot rows, or numbers; for sequences one per step. */
export function labelArray(
  model: Model,
  data: Pick<BoundData, "labels" | "samples"> & Partial<BoundLabels>,
  target: LabelTarget,
): SampleArray {
  const { labels, samples, labelsPerSample = 1, labelsMask } = data;
  const node = model.roles.labels!;
  const steps = target.steps === undefined ? [] : [labelsPerSample];
  if (target.kind === "values") {
    const row = target.shape.slice(target.steps === undefined ? 1 : 2);
    return { node, shape: [...steps, ...row], data: labels };
  }
  const { classes } = target;
  const shape = model.shapes.get(node) ?? [-1];
  const column = 2 + steps.length;
  if (!takesRows(model, shape, classes, column))
    return { node, shape: [...steps, ...(shape.length < column ? [] : [1])], data: labels };
  const oneHot = new Float32Array(samples * labelsPerSample * classes);
  labels.forEach((label, row) => {
    if (labelsMask?.[row] !== 0) oneHot[row * classes + label] = 1;
  });
  return { node, shape: [...steps, classes], data: oneHot };
}

/** Whether labels are fed as one-hot rows, of `rank` axes. A shape of one axis may be one that the graph does not tell. */
function takesRows(model: Model, shape: Shape, classes: number, rank: number): boolean {
  if (shape.length > 1)
    return shape.length === rank && (shape.at(-1) === classes || shape.at(-1)! < 0);
  const ops = lossOps(model);
  return isVague(shape) && !ops.has("SparseSoftmaxCrossEntropy") && !ops.has("OneHot");
}

/** Numbers in one row of bottlenecks. */
export const rowWidth = (shapes: readonly (readonly number[])[]): number =>
  shapes.reduce((sum, shape) => sum + elements(shape), 0);
