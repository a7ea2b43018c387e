// Everything that a run needs before the first number is computed: the model of each phase, and the data.
import * as path from "node:path";
import { GraftError } from "../../protocol/errors";
import { bindData, type BoundData, type LabelTarget } from "../data/bind";
import type { ModelInput } from "../data/inputs";
import type { Checkpoint } from "../formats/format";
import { openCheckpoint } from "../formats/table";
import { scalarFeeds } from "../graph/feeds";
import { elements, isFrozen, type Model, type Variable } from "../graph/model";
import { ancestors } from "../graph/order";
import { applyRecipe, phaseModels } from "../recipe/apply";
import { resolveIn, type OpenRecipe } from "../recipe/parse";
import type { SampleArray } from "./samples";
import { split, type Split } from "./split";

export interface Prepared {
  readonly checkpoint: Checkpoint;
  /** The model of each phase; all have the same nodes and shapes, they differ in what trains. */
  readonly phases: readonly Model[];
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

/** Opens the checkpoint and the data that a recipe names. Throws the first problem of the recipe. */
export async function prepare(open: OpenRecipe): Promise<Prepared> {
  const { recipe } = open;
  const checkpoint = await openCheckpoint(resolveIn(open, recipe.checkpoint));
  try {
    const phases = await trainingModels(checkpoint, open);
    const model = phases[0];
    if (recipe.data === undefined)
      throw new GraftError(
        "data-missing",
        `${path.basename(open.path)} does not say what to learn from. Add "data": { "inputs": …, "labels": … }.`,
      );
    const target = labelTarget(model);
    const inputs = model.roles.inputs.map((name) => modelInput(model, name));
    const folder = path.dirname(open.path);
    const data = await bindData(recipe.data, folder, inputs, target);
    return {
      checkpoint,
      phases,
      data,
      split: split(data.samples, recipe.data.validation, recipe.seed),
      inputs: [...data.inputs].map(([node, { shape, data: values }]) => ({
        node,
        shape: shape.slice(1),
        data: values,
      })),
      labels: labelArray(model, data, target),
      classifies: target.kind === "classes",
      scalars: scalarFeeds(model, recipe.graph?.feeds),
    };
  } catch (error) {
    await checkpoint.close();
    throw error;
  }
}

/** The models of a recipe's phases. Throws the first problem of its edits, or `nothing-to-train`. */
export async function trainingModels(
  checkpoint: Checkpoint,
  { recipe }: OpenRecipe,
): Promise<readonly Model[]> {
  const applied = applyRecipe(await checkpoint.model(), recipe);
  const [problem] = applied.problems;
  if (problem !== undefined) throw new GraftError("invalid-edit", problem.message);
  const phases = phaseModels(applied.model, recipe.train);
  phases.forEach((model, index) => {
    if (trainedVariables(model).length === 0)
      throw new GraftError(
        "nothing-to-train",
        `Phase ${index + 1} trains nothing: every variable that the loss depends on is frozen. Unfreeze a layer or replace the output.`,
      );
  });
  return phases;
}

/** Variables that training moves: not frozen, and the loss depends on them. */
export function trainedVariables(model: Model): Variable[] {
  const needed = ancestors(model, [model.roles.loss!]);
  const names = new Set<string>();
  for (const node of model.nodes.values())
    if (needed.has(node.name))
      for (const input of node.inputs) if ("variable" in input) names.add(input.variable);
  return [...names].map((name) => model.variables.get(name)!).filter((each) => !isFrozen(each));
}

export function modelInput(model: Model, name: string): ModelInput {
  const node = model.nodes.get(name);
  const dtype = node?.op === "Placeholder" ? node.attributes.dtype : "float32";
  return { name, shape: model.shapes.get(name) ?? [-1], dtype };
}

/** What the loss compares the output with: classes for a softmax cross-entropy, else numbers. */
export function labelTarget(model: Model): LabelTarget {
  const needed = ancestors(model, [model.roles.loss!]);
  const ops = new Set([...needed].map((name) => model.nodes.get(name)!.op));
  const isClasses =
    ops.has("SparseSoftmaxCrossEntropy") ||
    ops.has("SoftmaxCrossEntropy") ||
    (ops.has("Softmax") && ops.has("Log"));
  const shape = model.shapes.get(model.roles.output!) ?? [-1];
  return isClasses ? { kind: "classes", classes: shape.at(-1)! } : { kind: "values", shape };
}

/** Labels in the form that the graph's placeholder takes: indices, one-hot rows, or numbers. */
function labelArray(model: Model, data: BoundData, target: LabelTarget): SampleArray {
  const node = model.roles.labels!;
  if (target.kind === "values") {
    const shape = target.shape.slice(1);
    return { node, shape, data: data.labels };
  }
  const placeholder = model.nodes.get(node);
  const rank = model.shapes.get(node)?.length ?? 1;
  const takesFloat =
    placeholder?.op === "Placeholder" && placeholder.attributes.dtype.startsWith("float");
  if (rank < 2 || !takesFloat) {
    const shape = rank < 2 ? [] : [1];
    return { node, shape, data: data.labels };
  }
  const { classes } = target;
  const oneHot = new Float32Array(data.samples * classes);
  data.labels.forEach((label, row) => (oneHot[row * classes + label] = 1));
  return { node, shape: [classes], data: oneHot };
}

/** Numbers in one row of bottlenecks. */
export const rowWidth = (shapes: readonly (readonly number[])[]): number =>
  shapes.reduce((sum, shape) => sum + elements(shape), 0);
