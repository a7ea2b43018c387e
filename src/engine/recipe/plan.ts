// The plan: what a recipe makes of its checkpoint, as the tree shows it and `graft plan` prints it.
import * as fs from "node:fs";
import * as path from "node:path";
import { GraftError } from "../../protocol/errors";
import type { Plan, PlanLayer, PlanVariable, Problem, TrainState } from "../../protocol/plan";
import { isSource } from "../data/assign";
import { normalizerText } from "../data/normalize";
import type { Source } from "../data/schema";
import { sourceFiles } from "../data/sources";
import type { Checkpoint } from "../formats/format";
import { FORMATS, formatOf, openCheckpoint } from "../formats/table";
import { gateWords } from "../graph/gateWords";
import { modelInput } from "../graph/inputs";
import { describeLayer, layerSizes } from "../graph/layers";
import { NO_GRAPH } from "../graph/loss";
import {
  elements,
  isFresh,
  trainableElements,
  type Layer,
  type Model,
  type Shape,
  type Variable,
} from "../graph/model";
import { unitCount, unitProducer, unitSizes } from "../graph/units";
import { layersOfOutput } from "../surgery/output";
import { effectsOf } from "./effects";
import { readHeaders } from "./headers";
import { checkRecipe, pointerOf, resolveIn, type OpenRecipe } from "./parse";
import { unsavable } from "./savable";
import { RecipeSchema, type Recipe } from "./schema";
import { planCost, planPhases } from "./planPhases";
import { openSource, type RecipeSource } from "./source";
import { validate, type Validated } from "./validate";
import { isParameter, sourceVariables, variableChanges } from "./variableChanges";

/** The plan of an untouched checkpoint. */
export async function planCheckpoint(file: string): Promise<Plan> {
  const checkpoint = await openCheckpoint(file);
  try {
    const source = await checkpoint.model();
    const recipe = RecipeSchema.parse({ checkpoint: path.basename(file) });
    const { model, edits } = validate(source, recipe);
    // Without a recipe nothing is asked for, so nothing can be wrong with it.
    const plan = toPlan(checkpoint, source, recipe, {
      model,
      edits,
      problems: [],
      phases: [model],
      feeds: [],
    });
    return { ...plan, ...(await withoutGraph(checkpoint, source)) };
  } finally {
    await checkpoint.close();
  }
}

/** The plan of a recipe. Rejects only where there is no recipe or no checkpoint to plan with. */
export async function planRecipe(file: string, text: string): Promise<Plan> {
  const { recipe, problems } = checkRecipe(file, text);
  if (recipe === undefined)
    throw new GraftError("recipe-schema", `${path.basename(file)}: ${problems[0].message}`);
  const checkpoint = await openSource({ path: file, recipe });
  try {
    const source = await checkpoint.model();
    const validated = validate(source, recipe, checkpoint.others);
    const more = fileProblems(file, recipe, checkpoint);
    const described = await describe({ path: file, recipe }, validated.phases);
    const problems = [...validated.problems, ...more, ...described.problems];
    const isWrong = problems.some(({ severity }) => severity === "error");
    const unwritten = isWrong ? undefined : await unsavable(checkpoint, recipe, validated);
    if (unwritten !== undefined) problems.push(unwritten);
    const { phases } = described;
    const plan = {
      ...toPlan(checkpoint, source, recipe, { ...validated, phases, problems }),
      ...(await withoutGraph(checkpoint, source)),
      ...(described.facts.length > 0 && { data: described.facts }),
    };
    const { samples } = described;
    if (plan.cut === undefined || samples === undefined) return plan;
    return { ...plan, cut: { ...plan.cut, samples } };
  } finally {
    await checkpoint.close();
  }
}

/** Everything that is wrong with a recipe, also where there is no plan to make of it. */
export async function recipeProblems(file: string, text: string): Promise<readonly Problem[]> {
  const { recipe, problems } = checkRecipe(file, text);
  if (recipe === undefined) return problems;
  try {
    return (await planRecipe(file, text)).problems;
  } catch (error) {
    if (!(error instanceof GraftError)) throw error;
    const graph = recipe.graph?.meta;
    const isGraph = graph !== undefined && !fs.existsSync(resolveIn({ path: file }, graph));
    const pointer = isGraph ? "/graph/meta" : "/checkpoint";
    return [{ code: error.code, severity: "error", message: error.message, pointer }];
  }
}

function fileProblems(file: string, recipe: Recipe, checkpoint: RecipeSource): Problem[] {
  const problems: Problem[] = [];
  const missing = (source: Source | undefined, pointer: string) => {
    const paths = source === undefined ? [] : sourceFiles(source, path.dirname(file));
    const absent = paths.find((each) => !fs.existsSync(each));
    if (absent === undefined) return;
    const name = path.relative(path.dirname(file), absent);
    const message = `There is no file ${name} beside the recipe.`;
    problems.push({ code: "file-not-found", severity: "error", message, pointer });
  };
  const { data } = recipe;
  if (data !== undefined) {
    const { inputs } = data;
    if (isSource(inputs)) missing(inputs, "/data/inputs");
    else
      for (const [name, source] of Object.entries(inputs))
        missing(source, pointerOf(["data", "inputs", name]));
    for (const field of ["labels", "mask", "lengths", "labelsMask"] as const)
      missing(data[field], pointerOf(["data", field]));
  }
  const unsaved = saveProblem(file, recipe, checkpoint) ?? nameProblem(recipe, checkpoint);
  return unsaved === undefined ? problems : [...problems, unsaved];
}

/** A name by which nobody would look for such a checkpoint. */
function nameProblem({ save }: Recipe, checkpoint: RecipeSource): Problem | undefined {
  if (save === undefined) return undefined;
  const own = formatOf(checkpoint);
  const other = FORMATS.find((each) => each !== own && save.as.endsWith(each.suffix));
  if (save.as.endsWith(own.suffix) || (own.isSuffixOptional && other === undefined))
    return undefined;
  return {
    code: "recipe-schema",
    severity: "warning",
    message: `The result is a checkpoint of ${own.label}; names of such end with ${own.suffix}, and this one does not.`,
    pointer: "/save/as",
  };
}

/** What keeps the result from being saved; better known before the training than after it. */
export function saveProblem(
  file: string,
  { save }: Recipe,
  { paths }: RecipeSource,
): Problem | undefined {
  if (save === undefined || !paths.includes(resolveIn({ path: file }, save.as))) return undefined;
  return {
    code: "write-failed",
    severity: "error",
    message: "The result would overwrite a checkpoint it is made from. Choose another name.",
    pointer: "/save/as",
  };
}

interface Described {
  /** The models of the phases, with the sizes that the data's headers tell. */
  readonly phases: readonly Model[];
  readonly samples?: number;
  readonly facts: readonly string[];
  readonly problems: readonly Problem[];
}

/** What the headers of the recipe's data tell, and what of it does not fit. */
async function describe(
  open: Pick<OpenRecipe, "path" | "recipe">,
  phases: readonly Model[],
): Promise<Described> {
  const [first] = phases as [Model | undefined];
  if (first === undefined) return { phases, facts: [], problems: [] };
  const { normalizer } = first;
  const normalizes = normalizer !== undefined && open.recipe.data?.normalize !== false;
  const facts = open.recipe.data && normalizes ? [`samples: ${normalizerText(normalizer)}`] : [];
  try {
    const { description, fit } = await readHeaders(open, first);
    const { samples, misfits = [] } = description ?? {};
    // Files that are not there are told with their places.
    const told = misfits.filter(({ error: { code } }) => code !== "file-not-found");
    return {
      phases: phases.map(fit),
      facts: [...(description?.facts ?? []), ...facts],
      problems: told.map(({ error: { code, message }, path: where }) => ({
        ...{ code, message, severity: "error" },
        pointer: pointerOf(["data", ...where]),
      })),
      ...(samples !== undefined && { samples }),
    };
  } catch (error) {
    if (!(error instanceof GraftError)) throw error;
    const { code, message } = error;
    // Inputs without data are told where the recipe is validated.
    const isTold = code !== "data-missing" && code !== "unknown-node";
    const problem: Problem = { code, severity: "error", message, pointer: "/data/inputs" };
    return { phases, facts, problems: isTold ? [problem] : [] };
  }
}

/** Why a checkpoint can only be looked at, and what would help. */
async function withoutGraph(
  checkpoint: Checkpoint,
  source: Model,
): Promise<Pick<Plan, "noGraph" | "fittingGraph">> {
  if (source.nodes.size > 0) return {};
  const fittingGraph = await formatOf(checkpoint).fittingGraph(checkpoint);
  if (fittingGraph === undefined) return { noGraph: NO_GRAPH };
  const name = path.basename(fittingGraph);
  return {
    noGraph: `The checkpoint has no graph of its own. The graph of ${name} has the same variables: with it, the checkpoint can be trained.`,
    fittingGraph,
  };
}

export function toPlan(
  checkpoint: Checkpoint,
  source: Model,
  recipe: Recipe,
  validated: Validated,
): Plan {
  const { edits, feeds, problems } = validated;
  const model = validated.phases[0] ?? validated.model;
  const variables = [...model.variables.values()];
  const sourceOf = sourceVariables(source, model);
  const gates = gateWords(model);
  const planned = (names: readonly string[]) =>
    names
      .map((name) => model.variables.get(name)!)
      .map((variable) => toVariable(variable, sourceOf(variable)?.shape, gates.get(variable.name)));
  const outputs = layersOfOutput(validated.model);
  const layers = model.layers.map((layer) => ({
    ...toLayer(source, model, layer, planned, edits),
    ...updaterOf(checkpoint, layer),
    isOutput: outputs.has(layer.name),
  }));
  const owned = new Set(model.layers.flatMap((layer) => layer.variables));
  const others = variables.filter((variable) => !owned.has(variable.name));
  const { roles, shapes } = model;
  const sum = (count: (variable: Variable) => number) =>
    variables.filter(isParameter).reduce((total, variable) => total + count(variable), 0);
  const facts = {
    parameters: sum((variable) => elements(variable.shape)),
    trainableParameters: sum(trainableElements),
    variableChanges: variableChanges(source, model),
    ...planCost(model, recipe.train[0].epochs),
    ...planPhases(validated.phases, recipe),
  };
  return {
    checkpoint: {
      path: checkpoint.path,
      name: path.basename(checkpoint.path),
      format: checkpoint.format,
      formatLabel: formatOf(checkpoint).label,
      ...(source.normalizer && { normalizer: normalizerText(source.normalizer) }),
    },
    inputs: roles.inputs.map((name) => planInput(validated.model, name)),
    ...(roles.output !== undefined && {
      output: { name: roles.output, classes: shapes.get(roles.output)?.at(-1) ?? 0 },
    }),
    ...(roles.loss !== undefined && { loss: roles.loss }),
    feeds,
    ...facts,
    layers,
    otherVariables: planned(others.map((variable) => variable.name)),
    effects: effectsOf(facts),
    changes: edits.map((edit) => edit.sentence),
    problems,
  };
}

function updaterOf({ updaters }: Checkpoint, { name }: Layer): Pick<PlanLayer, "updater"> {
  const updater = updaters?.get(name);
  return updater === undefined ? {} : { updater };
}

function planInput(model: Model, name: string): Plan["inputs"][number] {
  const { sequence, timeFirst } = modelInput(model, name);
  // As the graph has it: what it leaves open, the data decides.
  const shape = (model.shapes.get(name) ?? []).map((size) => (size < 0 ? null : size));
  return { name, shape, ...(sequence && { timeAxis: timeFirst ? 0 : 1 }) };
}

/** `before`: its shape in the source. */
function toVariable(
  variable: Variable,
  before: Shape | undefined,
  gates: string | undefined,
): PlanVariable {
  const resized = before !== undefined && before.join() !== variable.shape.join();
  return {
    name: variable.name,
    dtype: variable.dtype,
    shape: variable.shape,
    parameters: elements(variable.shape),
    trainableParameters: trainableElements(variable),
    state: stateOf([variable]),
    ...(resized && { shapeBefore: before }),
    ...(gates !== undefined && { gates }),
  };
}

/** "8 new units", "was 50 → 5" for one that starts afresh; undefined for a layer that kept its sizes. */
function describeChange(
  source: Model,
  before: Layer,
  model: Model,
  layer: Layer,
): string | undefined {
  const [wasIn, wasOut] = kernelSizes(source, before);
  const [isIn, isOut] = kernelSizes(model, layer);
  const more = (was: number, is: number, what: string) =>
    is > was ? `${is - was} new ${what}${is - was === 1 ? "" : "s"}` : "";
  const kernel = kernelOf(model, layer);
  const fresh = (kernel === undefined ? layer.variables : [kernel.name]).every((name) =>
    isFresh(model.variables.get(name)!.value),
  );
  const was = layerSizes(source, before);
  if (fresh) return was === layerSizes(model, layer) ? undefined : `was ${was}`;
  const parts = [more(wasOut, isOut, "unit"), more(wasIn, isIn, "input")].filter(Boolean);
  return parts.length > 0 ? parts.join(", ") : undefined;
}

const kernelOf = (model: Model, layer: Layer): Variable | undefined =>
  layer.variables.map((name) => model.variables.get(name)!).find(({ shape }) => shape.length >= 2);

/** Inputs and units of a layer's kernel. */
function kernelSizes(model: Model, layer: Layer): [inputs: number, units: number] {
  const producer = unitProducer(model, layer.nodes);
  if (producer !== undefined) {
    const { inputs, units } = unitSizes(model, producer);
    return [inputs, units];
  }
  const kernel = kernelOf(model, layer)?.shape ?? [0, 0];
  return [kernel.at(-2)!, kernel.at(-1)!];
}

function stateOf(variables: readonly Variable[]): TrainState {
  const weights = variables.filter((variable) => variable.role === "weight");
  const total = weights.reduce((sum, variable) => sum + elements(variable.shape), 0);
  const trains = weights.reduce((sum, variable) => sum + trainableElements(variable), 0);
  if (trains === 0) return "frozen";
  if (weights.every((variable) => isFresh(variable.value))) return "new";
  return trains === total ? "trainable" : "partly";
}

function toLayer(
  source: Model,
  model: Model,
  layer: Layer,
  planned: (names: readonly string[]) => PlanVariable[],
  edits: Validated["edits"],
): Omit<PlanLayer, "isOutput"> {
  const variables = layer.variables.map((name) => model.variables.get(name)!);
  const parameters = variables.filter(isParameter);
  const edit = edits.findLast((each) => each.layers.includes(layer.name));
  const producer = unitProducer(model, layer.nodes);
  const units = producer && unitCount(model, producer);
  const before = source.layers.find((each) => each.name === layer.name);
  const sizes = layerSizes(model, layer);
  const change = before === undefined ? undefined : describeChange(source, before, model, layer);
  return {
    name: layer.name,
    kind: layer.kind,
    state: stateOf(variables),
    what: describeLayer(model, layer),
    sizes,
    parameters: parameters.reduce((sum, variable) => sum + elements(variable.shape), 0),
    trainableParameters: parameters.reduce((sum, variable) => sum + trainableElements(variable), 0),
    variables: planned(layer.variables),
    ...(change !== undefined && { change }),
    ...(edit !== undefined && { edit: edit.index }),
    ...(units !== undefined && units > 0 && { units }),
  };
}
