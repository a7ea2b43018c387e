// Freeze and unfreeze: what gradient training may change. Names and values stay as they are.
import { z } from "zod";
import { wholeRegion, type Model, type Region, type Variable } from "../graph/model";
import { describeFreezing, describeTraining } from "./describe";
import type { EditKind } from "./edit";
import { isWeight, select, selectUpTo, type Selection } from "./select";

const Name = z
  .string()
  .min(1)
  .describe(
    "A layer or variable, by name or by a regular expression that matches the whole name: hidden[12] takes hidden1 and hidden2, never hidden10.",
  );

export const FreezeSchema = z.union([
  Name,
  z.array(Name).min(1),
  z.strictObject({
    upTo: z.string().min(1).describe("This layer and every layer that it depends on."),
  }),
]);
type Spec = z.infer<typeof FreezeSchema>;

function selected(model: Model, spec: Spec): Selection {
  if (typeof spec === "object" && "upTo" in spec) return selectUpTo(model, spec.upTo);
  const selections = [spec].flat().map((name) => select(model, name));
  return {
    layers: selections.flatMap((each) => each.layers),
    weights: selections.flatMap((each) => each.weights),
  };
}

function setTrainable(
  model: Model,
  weights: readonly Variable[],
  trainable: (variable: Variable) => readonly Region[],
): Model {
  const variables = new Map(model.variables);
  for (const variable of weights)
    variables.set(variable.name, { ...variable, trainable: trainable(variable) });
  return { ...model, variables };
}

export const freezeWeights = (model: Model, spec: Spec): Model =>
  setTrainable(model, selected(model, spec).weights, () => []);

export const unfreezeWeights = (model: Model, spec: Spec): Model =>
  setTrainable(model, selected(model, spec).weights, (variable) => [wholeRegion(variable.shape)]);

const touches = (model: Model, spec: Spec) => {
  const { layers, weights } = selected(model, spec);
  const named = new Set(weights.map((variable) => variable.name));
  return model.layers
    .filter((layer) => layers.includes(layer) || layer.variables.some((name) => named.has(name)))
    .map((layer) => layer.name);
};

const describe = (before: Model, after: Model): string =>
  `${describeFreezing(before, after)}; ${describeTraining(after)}.`;

const layersWithWeights = (model: Model): string[] =>
  model.layers
    .filter((layer) => layer.variables.some((name) => isWeight(model.variables.get(name)!)))
    .map((layer) => layer.name);

export const freeze: EditKind<Spec> = {
  title: "Freeze",
  schema: FreezeSchema.describe("Layers whose numbers training must not change."),
  apply: freezeWeights,
  touches,
  describe,
  questions: (model) => [
    {
      field: "freeze",
      ask: "pattern",
      prompt: "Layer to freeze, or a pattern that matches whole names",
      candidates: layersWithWeights(model),
    },
  ],
};

export const unfreeze: EditKind<Spec> = {
  title: "Unfreeze",
  schema: FreezeSchema.describe("Layers whose numbers training may change again."),
  apply: unfreezeWeights,
  touches,
  describe,
  questions: (model) => [
    {
      field: "unfreeze",
      ask: "pattern",
      prompt: "Layer to train again, or a pattern that matches whole names",
      candidates: layersWithWeights(model),
    },
  ],
};
