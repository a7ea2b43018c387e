// Applies a recipe's edits to a model: pure, in order, each checked before the next.
import { GraftError } from "../../protocol/errors";
import type { Problem } from "../../protocol/plan";
import type { Model, Roles } from "../graph/model";
import { findRoles, knownLosses } from "../graph/roles";
import { reinfer } from "../graph/reinfer";
import type { EditKind } from "../surgery/edit";
import { freezeWeights, unfreezeWeights } from "../surgery/freeze";
import type { OtherCheckpoints } from "../surgery/others";
import { EDITS } from "../surgery/table";
import { editOf, type Phase, type Recipe } from "./schema";

/** One edit, as it was applied. */
export interface AppliedEdit {
  readonly index: number;
  /** What it did, in one sentence. */
  readonly sentence: string;
  readonly layers: readonly string[];
}

export interface AppliedRecipe {
  readonly model: Model;
  readonly edits: readonly AppliedEdit[];
  readonly problems: readonly Problem[];
}

type AnyEdit = EditKind<unknown>;

/** The model that the recipe describes; `others` are the checkpoints that its edits name. An edit that does not fit becomes a problem and is left out. */
export function applyRecipe(
  source: Model,
  recipe: Recipe,
  others: OtherCheckpoints = new Map(),
): AppliedRecipe {
  const problems: Problem[] = [];
  const applied: AppliedEdit[] = [];
  const attempt = <T>(pointer: string, what: () => T): T | undefined => {
    try {
      return what();
    } catch (error) {
      if (!(error instanceof GraftError)) throw error;
      problems.push({ code: error.code, severity: "error", message: error.message, pointer });
      return undefined;
    }
  };

  let model = attempt("/graph", () => withRoles(source, recipe.graph)) ?? source;
  recipe.edits.forEach((edit, index) => {
    const { kind, spec } = editOf(edit);
    const definition = EDITS[kind] as unknown as AnyEdit;
    attempt(`/edits/${index}`, () => {
      const edited = definition.apply(model, spec, `edit ${index}`, others);
      const after = withoutResizedAverages(reinfer(edited));
      applied.push({
        index,
        sentence: definition.describe(model, after, spec),
        layers: definition.touches(model, spec),
      });
      model = after;
    });
  });
  return { model, edits: applied, problems };
}

/** The model that the recipe describes, where every edit fits. Throws the first error. */
export function editedModel(source: Model, recipe: Recipe, others: OtherCheckpoints): Model {
  const { model, problems } = applyRecipe(source, recipe, others);
  if (problems.length === 0) return model;
  throw placedError(problems[0], recipe);
}

/** A problem as an error that says where in the recipe it is. */
export function placedError({ pointer, code, message }: Problem, recipe: Recipe): GraftError {
  const isEdit = pointer.startsWith("/edits/");
  const text = placedText({ pointer, message }, recipe);
  return new GraftError(isEdit ? "invalid-edit" : code, text);
}

/** "edit 1 (freeze): There is no layer …" */
export const placedText = (
  { pointer, message }: Pick<Problem, "pointer" | "message">,
  recipe: Recipe,
): string => `${placeOf(pointer, recipe)}: ${message}`;

/** Counted from 1, as people do; other places by their pointer. */
function placeOf(pointer: string, { edits }: Recipe): string {
  const [, part, index, ...within] = pointer.split("/");
  if (part === "edits") return `edit ${Number(index) + 1} (${editOf(edits[Number(index)]).kind})`;
  if (part !== "train") return pointer;
  const group = within[0] === "groups" ? `, group ${Number(within[1]) + 1}` : "";
  return `phase ${Number(index) + 1}${group}`;
}

/** A moving average of a variable that has another size now is an average of nothing. */
function withoutResizedAverages(model: Model): Model {
  const kept = [...model.variables].filter(([, { role, of, shape }]) => {
    const variable = of === undefined ? undefined : model.variables.get(of);
    return role !== "average" || variable === undefined || variable.shape.join() === shape.join();
  });
  return { ...model, variables: new Map(kept) };
}

/** The model as a phase trains it: what it freezes and unfreezes builds on the phase before. */
export function applyPhase(model: Model, phase: Phase): Model {
  const frozen = phase.freeze === undefined ? model : freezeWeights(model, phase.freeze);
  return phase.unfreeze === undefined ? frozen : unfreezeWeights(frozen, phase.unfreeze);
}

/** The roles that the recipe's `graph` decides. Throws `unknown-node`. */
function withRoles(model: Model, graph: Recipe["graph"]): Model {
  if (graph === undefined) return model;
  const node = (name: string): string => {
    const known = model.nodes.has(name) ? name : model.aliases.get(name);
    if (known !== undefined) return known;
    throw new GraftError("unknown-node", `The graph has no op named ${name} that Graft can run.`);
  };
  const losses = graph.loss ? [node(graph.loss)] : knownLosses(model.roles);
  const { ambiguous, ...found } = findRoles(model, {
    losses,
    ...(graph.output && { output: node(graph.output) }),
  });
  const isSettled = ambiguous?.role === "labels" && graph.labels !== undefined;
  const roles: Roles = {
    ...found,
    ...(ambiguous && !isSettled && { ambiguous }),
    ...(graph.inputs && { inputs: graph.inputs.map(node) }),
    ...(graph.labels && { labels: node(graph.labels) }),
  };
  return { ...model, roles };
}
