// The one way in which units come, go and change places: every axis of a group gets the same new row of units.
import { GraftError } from "../../protocol/errors";
import type { Initializer, Model, Variable } from "../graph/model";
import { alongAxis, grown, rearranged } from "../graph/coupling/places";
import type { TiedVariable, UnitGroup } from "../graph/coupling/group";
import { freshRegions, inside, joined, repetitions, slices, takenRegions } from "../graph/regions";
import { fresh } from "./fresh";
import { joinedWith, resized, scaledRows, taken } from "./resize";
import { withSizes } from "./sizes";

/** The units after an edit: each an old one, by index, or a fresh one. One that is there twice is a copy the second time. */
export type NewUnits = readonly (number | undefined)[];

export interface Regrouping {
  readonly units: NewUnits;
  /** What fresh numbers start from: kernels that make the units, and kernels that read them. */
  readonly makes: Initializer;
  readonly reads: Initializer;
  /** all: what trained goes on training, with the new numbers. new: of what trained, only numbers that an edit added. */
  readonly train: "all" | "new";
  /** By how much the reading weights of each new unit are multiplied. */
  readonly factors?: readonly number[];
  /** Names the edit: decides the fresh numbers. */
  readonly key: string;
}

export const allUnits = (group: UnitGroup): number[] =>
  Array.from({ length: group.units }, (_, unit) => unit);

/** The model with other units in `group`: variables, their optimizer slots, and the sizes that nodes mention. */
export function regroup(model: Model, group: UnitGroup, how: Regrouping): Model {
  refuseLoss(model, group, how);
  const variables = new Map(model.variables);
  for (const tied of group.variables) {
    const before = variables.get(tied.variable)!;
    const after = rearrangedVariable(model, before, tied, group.units, how);
    variables.set(before.name, after);
    for (const slot of slotsOf(variables, before)) {
      const zeros = { ...how, makes: "zeros", reads: "zeros", factors: undefined } as const;
      variables.set(slot.name, rearrangedVariable(model, slot, tied, group.units, zeros));
    }
  }
  return withUnitCount({ ...model, variables }, group, how.units.length);
}

/** A branch that is kept as it was cannot do without old units. */
function refuseLoss(model: Model, group: UnitGroup, { units }: Regrouping): void {
  const kept = group.variables.find(
    ({ variable }) => model.variables.get(variable)!.role === "kept",
  );
  if (kept === undefined || allUnits(group).every((unit) => units.includes(unit))) return;
  throw new GraftError(
    "invalid-edit",
    `${kept.variable} belongs to the branch that is kept as it was, and has a number for each of these units; none of them can go. Make this edit before the one that keeps the branch.`,
  );
}

/** The sizes that nodes mention, for another number of units in `group`. */
export const withUnitCount = (model: Model, group: UnitGroup, units: number): Model =>
  withSizes(
    model,
    group.nodes.map(({ node, axis, places }) => ({
      node,
      axis,
      size: grown(model.shapes.get(node)![axis], places, units - group.units),
    })),
  );

/** Optimizer state with one number for each of the variable's. */
export const slotsOf = (variables: ReadonlyMap<string, Variable>, of: Variable): Variable[] =>
  [...variables.values()].filter(
    (slot) => slot.role === "slot" && slot.of === of.name && slot.shape.join() === of.shape.join(),
  );

function rearrangedVariable(
  model: Model,
  variable: Variable,
  { axis, places, makes, ownColumns }: TiedVariable,
  before: number,
  how: Regrouping,
): Variable {
  const size = variable.shape[axis];
  const indices = rearranged(places, size, before, how.units);
  const shape = resized(variable.shape, axis, indices.length);
  const added = indices.filter((index) => index >= size).length;
  // The spread is that of the whole layer, so that new units start like old ones did.
  // A branch that is kept as it was goes on computing what it did; what no gradient moves begins at nothing.
  const staysAtNothing = variable.role === "statistic" || (!makes && variable.role === "kept");
  const numbers = fresh(model, variable, {
    shape: resized(shape, axis, added),
    whole: shape,
    weights: staysAtNothing ? "zeros" : makes ? how.makes : how.reads,
    key: `${how.key} axis ${axis}`,
  });
  const all = added === 0 ? variable.value : joinedWith(variable, axis, numbers, added);
  const rearrangedValue = taken(all, resized(shape, axis, size + added), axis, indices);
  const value =
    makes || how.factors === undefined
      ? rearrangedValue
      : scaledRows(
          rearrangedValue,
          shape,
          axis,
          alongAxis(
            places,
            size,
            before,
            how.factors,
            () => 1,
            (factor) => factor,
          ),
          ownColumns,
        );
  const copies = new Set(repetitions(indices));
  const old = indices.map((index, place) => (index >= size || copies.has(place) ? -1 : index));
  const newPlaces = [...old.keys()].filter((place) => old[place] < 0);
  const trained = takenRegions(variable.trainable, axis, old);
  // Moving statistics follow the batch, not the gradient.
  const trainable =
    variable.role !== "weight"
      ? []
      : [
          ...(how.train === "new" ? inside(trained, freshRegions(value, shape)) : trained),
          ...slices(shape, axis, newPlaces),
        ];
  return { ...variable, shape, value, trainable: joined(trainable, shape) };
}
