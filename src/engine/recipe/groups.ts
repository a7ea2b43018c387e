// Parameter groups of a phase: which numbers of a variable move how, as regions. Masks are made where training needs them.
import { withLearningRate, type Optimizer } from "../../protocol/optimizers";
import type { Problem } from "../../protocol/plan";
import { elements, type Model, type Region, type Variable } from "../graph/model";
import { trainedVariables } from "../graph/order";
import { freshRegions, inside, outside } from "../graph/regions";
import { boxesOf } from "../surgery/freeze";
import { listNames } from "../surgery/select";
import type { Group, Phase } from "./schema";

/** How a phase moves numbers: what of it groups are about. */
export type Moving = Pick<Phase, "optimizer" | "groups">;

/** Numbers of a variable that move in one way. */
export interface Share {
  readonly variable: Variable;
  /** Disjoint, and not empty. */
  readonly regions: readonly Region[];
  /** The group that takes them; undefined where none does. */
  readonly group: Group | undefined;
  readonly optimizer: Optimizer;
  /** The share of a weight that is added to its gradient. */
  readonly l2: number;
}

/** How each number that trains moves: a list for each variable. Throws a `GraftError` where a group names what is not there. */
export function shares(model: Model, { optimizer, groups = [] }: Moving): Share[][] {
  const takers = groups.map((group) => ({ group, taker: takerOf(model, group) }));
  return trainedVariables(model).map((variable) => {
    const found: Share[] = [];
    let left = variable.trainable;
    const take = (regions: readonly Region[], group?: Group) => {
      if (regions.length === 0) return;
      found.push({ variable, regions, group, ...movement(variable, optimizer, group) });
    };
    for (const { group, taker } of takers) {
      const taken = taker(variable, left);
      take(taken, group);
      left = outside(left, taken);
    }
    take(left);
    return found;
  });
}

export const sizeOf = ({ regions }: Share): number =>
  regions.reduce((sum, { size }) => sum + elements(size), 0);

/** "w, b and 9 more", in the order of the network. */
export function listVariables(model: Model, variables: readonly Variable[]): string {
  const listed = new Set(variables);
  const ordered = [...model.variables.values()].filter((each) => listed.has(each));
  return listNames(ordered.map(({ name }) => name));
}

/** What a group takes of a variable's regions. */
type Taker = (variable: Variable, regions: readonly Region[]) => readonly Region[];

/** Throws a `GraftError` where the group names what is not there. */
export function takerOf(model: Model, { layers, numbers }: Group): Taker {
  const boxes = layers === undefined ? undefined : boxesOf(model, layers);
  return ({ name, value, shape }, regions) => {
    const named = boxes?.flatMap((each) => (each.variable.name === name ? each.boxes : []));
    const meant = named === undefined ? regions : inside(regions, named);
    if (numbers === undefined) return meant;
    const fresh = freshRegions(value, shape);
    return numbers === "new" ? inside(meant, fresh) : outside(meant, fresh);
  };
}

/** What a group says wins over what its variable says, and that over the phase. */
function movement(
  { hyper }: Variable,
  own: Optimizer,
  group: Group | undefined,
): Pick<Share, "optimizer" | "l2"> {
  const optimizer = group?.optimizer ?? own;
  // An optimizer of the group brings its learning rate with it.
  const rate = group?.learningRate ?? (group?.optimizer ? undefined : hyper?.learningRate);
  return {
    optimizer: rate === undefined ? optimizer : withLearningRate(optimizer, rate),
    l2: group?.l2 ?? hyper?.l2 ?? 0,
  };
}

/** Groups of phase `index` that take nothing, and why. */
export function idleGroups(model: Model, phase: Moving, index: number): Problem[] {
  const all = shares(model, phase).flat();
  return (phase.groups ?? []).flatMap((group, place): Problem[] => {
    if (all.some((share) => share.group === group)) return [];
    return [
      {
        code: "nothing-to-train",
        severity: "error",
        message: `Group ${place + 1} of phase ${index + 1} takes no number: ${whyIdle(model, group)}`,
        pointer: `/train/${index}/groups/${place}`,
      },
    ];
  });
}

function whyIdle(model: Model, group: Group): string {
  const variables = trainedVariables(model);
  const taken = (by: Group) => {
    const taker = takerOf(model, by);
    return variables.filter((each) => taker(each, each.trainable).length > 0);
  };
  const named = taken({ ...group, numbers: undefined });
  if (named.length === 0)
    return `what it names does not train in this phase. Unfreeze it, or take the group out. ${listVariables(model, variables)} train.`;
  if (taken(group).length > 0)
    return "groups before it take all that it names. The first group that takes a number moves it.";
  return group.numbers === "new"
    ? `every number of ${listVariables(model, named)} that trains is out of the checkpoint. New are the numbers that an edit adds, such as those of addUnits or replaceOutput.`
    : `every number of ${listVariables(model, named)} that trains is new. Old are the numbers that are out of the checkpoint.`;
}
