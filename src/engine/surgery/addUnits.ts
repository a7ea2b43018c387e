// Add units to a dense layer: its kernel and bias grow, and so do the rows by which the next layers read them.
import { z } from "zod";
import { GraftError } from "../../protocol/errors";
import type { Initializer, Model } from "../graph/model";
import { freshRegions, grownRegions } from "../graph/regions";
import { unitGroup, unitProducer, type UnitAxis, type UnitGroup } from "../graph/units";
import { describeSizes, describeTraining } from "./describe";
import type { EditKind } from "./edit";
import { grownValue, resized } from "./resize";
import { findLayer, listNames } from "./select";

export const AddUnitsSchema = z.strictObject({
  layer: z.string().min(1).describe("The dense layer that gets the new units."),
  units: z.int().min(1).max(1_000_000).describe("How many units to add."),
  init: z
    .enum(["random", "zero"])
    .default("random")
    .describe(
      "random: new units start like any unit and change the network's output a little. zero: the next layers read them with weight 0, so the network computes exactly what it did.",
    ),
  train: z
    .enum(["all", "new"])
    .default("all")
    .describe(
      "all: what trained before goes on training, together with the new numbers. new: of the resized variables only the new numbers train.",
    ),
});
type Spec = z.infer<typeof AddUnitsSchema>;

function groupOf(model: Model, name: string): UnitGroup {
  const layer = findLayer(model, name);
  const producer = unitProducer(model, layer.nodes);
  if (layer.kind !== "dense" || producer === undefined)
    throw new GraftError(
      "invalid-edit",
      `Units can be added to dense layers; ${name} is ${layer.kind}. Dense layers: ${listNames(denseLayers(model))}.`,
    );
  const group = unitGroup(model, producer);
  if (group.reachesOutput)
    throw new GraftError(
      "invalid-edit",
      `The units of ${name} are the classes of the output. Use replaceOutput to change the classes.`,
    );
  return group;
}

/** Dense layers to which units can be added. */
export const denseLayers = (model: Model): string[] =>
  model.layers
    .filter((layer) => layer.kind === "dense" && layer.output !== model.roles.output)
    .map((layer) => layer.name);

function apply(model: Model, spec: Spec, key: string): Model {
  const group = groupOf(model, spec.layer);
  const variables = new Map(model.variables);
  const grow = ({ variable: name, axis }: UnitAxis, weights: Initializer) => {
    const variable = variables.get(name)!;
    const shape = resized(variable.shape, axis, variable.shape[axis] + spec.units);
    const value = grownValue(model, variable, axis, spec.units, weights, key);
    // Moving statistics follow the batch, not the gradient.
    const trainable =
      variable.role !== "weight"
        ? []
        : spec.train === "new"
          ? freshRegions(value, shape)
          : grownRegions(variable, shape, axis);
    variables.set(name, { ...variable, shape, value, trainable });
  };
  for (const axis of group.own) grow(axis, "glorotUniform");
  for (const axis of group.readers) grow(axis, spec.init === "zero" ? "zeros" : "glorotUniform");
  return { ...model, variables };
}

export const addUnits: EditKind<Spec> = {
  title: "Add Units",
  schema: AddUnitsSchema.describe("More units in a dense layer; every trained number stays."),
  apply,
  touches: (model, spec) => {
    const group = groupOf(model, spec.layer);
    const resizedNames = new Set([...group.own, ...group.readers].map((axis) => axis.variable));
    return model.layers
      .filter((layer) => layer.variables.some((name) => resizedNames.has(name)))
      .map((layer) => layer.name);
  },
  describe: (before, after, spec) =>
    `${describeSizes(before, after)}; ${spec.init === "zero" ? "the network computes what it did before; " : ""}${describeTraining(after)}.`,
  questions: (model, given) => [
    ...("layer" in given
      ? []
      : [
          {
            field: "layer",
            ask: "layer" as const,
            prompt: "Layer that gets new units",
            candidates: denseLayers(model),
          },
        ]),
    {
      field: "units",
      ask: "number",
      prompt: "How many units to add",
      min: 1,
      max: 1_000_000,
      suggestion: 8,
    },
    {
      field: "init",
      ask: "choice",
      prompt: "What the new units start from",
      choices: [
        {
          value: "random",
          label: "Random",
          detail: "Like any new unit; the output changes a little",
        },
        {
          value: "zero",
          label: "Zero",
          detail: "The network computes exactly what it did; the new units then learn",
        },
      ],
    },
    {
      field: "train",
      ask: "choice",
      prompt: "What trains in the resized layers",
      choices: [
        {
          value: "all",
          label: "Everything",
          detail: "What trained before goes on training, with the new numbers",
        },
        {
          value: "new",
          label: "Only the new numbers",
          detail: "Every trained number of these layers stays as it is",
        },
      ],
    },
  ],
};
