// Freeze and unfreeze: what gradient training may change. Names and values stay as they are.
import { z } from "zod";
import { EDIT_COMMANDS } from "../../protocol/edits";
import { elementsOf } from "../graph/coupling/places";
import { elements, wholeRegion, type Model, type Region, type Variable } from "../graph/model";
import { joined, outside, slices, without } from "../graph/regions";
import { describeFreezing, describeTraining } from "./describe";
import type { EditKind, Questions } from "./edit";
import { layerQuestion } from "./questions";
import {
  findLayer,
  isWeight,
  layersIn,
  NAMES,
  selectAll,
  selectUpTo,
  weightLayers,
  type Selection,
} from "./select";
import { layersWithUnits, unitLayer, unitsIn, UnitsSchema } from "./unitLayers";

export const FreezeSchema = z.union([
  ...NAMES,
  z.strictObject({
    upTo: z
      .string()
      .min(1)
      .describe("This layer, or an op such as a pool, and every layer that it depends on."),
  }),
  z.strictObject({
    layer: z.string().min(1).describe("One layer, by its name."),
    units: UnitsSchema,
  }),
]);
type Spec = z.infer<typeof FreezeSchema>;

function selected(model: Model, spec: Spec): Selection {
  if (typeof spec === "object" && "upTo" in spec) return selectUpTo(model, spec.upTo);
  if (typeof spec === "object" && "units" in spec)
    return { layers: [findLayer(model, spec.layer)], weights: [] };
  return selectAll(model, spec);
}

function withTrainable(
  model: Model,
  spec: Spec,
  change: (trains: readonly Region[], box: Region) => readonly Region[],
): Model {
  const variables = new Map(model.variables);
  for (const { variable, boxes } of boxesOf(model, spec)) {
    const trainable = boxes.reduce(change, variable.trainable);
    variables.set(variable.name, { ...variable, trainable: joined(trainable, variable.shape) });
  }
  return { ...model, variables };
}

/** What `spec` names, as regions of weights. Throws a `GraftError` where that is not there. */
export function boxesOf(
  model: Model,
  spec: Spec,
): { readonly variable: Variable; readonly boxes: readonly Region[] }[] {
  if (typeof spec !== "object" || !("units" in spec))
    return selected(model, spec).weights.map((variable) => ({
      variable,
      boxes: [wholeRegion(variable.shape)],
    }));
  const { group } = unitLayer(model, spec.layer);
  const units = unitsIn(spec.units, group.units, spec.layer);
  return group.variables.flatMap(({ variable: name, axis, places, makes }) => {
    const variable = model.variables.get(name)!;
    if (!makes || !isWeight(variable)) return [];
    return [{ variable, boxes: slices(variable.shape, axis, elementsOf(places, units)) }];
  });
}

export const freezeWeights = (model: Model, spec: Spec): Model =>
  withTrainable(model, spec, (trains, box) => without(trains, box));

export const unfreezeWeights = (model: Model, spec: Spec): Model =>
  withTrainable(model, spec, (trains, box) => [...without(trains, box), box]);

/** Every weight frozen. */
export function freezeAll(model: Model): Model {
  const variables = [...model.variables].map(
    ([name, variable]) => [name, { ...variable, trainable: [] }] as const,
  );
  return { ...model, variables: new Map(variables) };
}

const touches = (model: Model, spec: Spec) => layersIn(model, selected(model, spec));

/** Exact only where all that is frozen now trained before, or the other way round. */
const inverse =
  (kind: "freeze" | "unfreeze") =>
  (model: Model, spec: Spec): Readonly<Record<string, unknown>> | undefined => {
    const isExact = boxesOf(model, spec).every(({ variable: { trainable }, boxes }) =>
      boxes.every((box) =>
        kind === "unfreeze"
          ? outside([box], trainable).length === 0
          : count(without(trainable, box)) === count(trainable),
      ),
    );
    return isExact ? { [kind]: spec } : undefined;
  };

const count = (regions: readonly Region[]): number =>
  regions.reduce((sum, { size }) => sum + elements(size), 0);

const unitsOf = (spec: Spec): string | undefined =>
  typeof spec === "object" && "units" in spec ? spec.units : undefined;

const describe = (before: Model, after: Model, spec: Spec): string =>
  `${describeFreezing(before, after, unitsOf(spec))}; ${describeTraining(after)}.`;

/** Which units of which layer. */
const unitQuestions =
  (verb: string): Questions =>
  (model, given) => [
    ...layerQuestion(given, `Layer of the units to ${verb}`, layersWithUnits(model)),
    { field: "units", ask: "units", prompt: `Units to ${verb}, by number, such as 0-3, 7` },
  ];

export const freeze: EditKind<Spec> = {
  schema: FreezeSchema.describe(EDIT_COMMANDS.freeze.does),
  effect: () => "same",
  apply: freezeWeights,
  touches,
  describe,
  inverse: inverse("unfreeze"),
  questions: (model) => [
    {
      field: "freeze",
      ask: "pattern",
      prompt: "Layer to freeze, or a pattern that matches whole names",
      candidates: weightLayers(model),
    },
  ],
  variants: {
    freezeUpTo: (model) => [
      {
        field: "upTo",
        ask: "layer",
        prompt: "The last layer to freeze, with every layer before it",
        candidates: weightLayers(model),
      },
    ],
    freezeUnits: unitQuestions("freeze"),
  },
};

export const unfreeze: EditKind<Spec> = {
  schema: FreezeSchema.describe(EDIT_COMMANDS.unfreeze.does),
  effect: () => "same",
  apply: unfreezeWeights,
  touches,
  describe,
  inverse: inverse("freeze"),
  questions: (model) => [
    {
      field: "unfreeze",
      ask: "pattern",
      prompt: "Layer to train again, or a pattern that matches whole names",
      candidates: weightLayers(model),
    },
  ],
  variants: { unfreezeUnits: unitQuestions("train again") },
};
