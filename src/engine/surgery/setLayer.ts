// Layer settings: what a layer does with its numbers, and how they train.
import { z } from "zod";
import { EDIT_COMMANDS } from "../../protocol/edits";
import { GraftError } from "../../protocol/errors";
import type { RecurrentActivation } from "../graph/catalogue";
import {
  wholeRegion,
  type Layer,
  type Model,
  type Node,
  type Shape,
  type Variable,
} from "../graph/model";
import {
  ACTIVATIONS,
  ActivationSchema,
  RECURRENT_ACTIVATIONS,
  type Activation,
} from "./activations";
import { newNode } from "./blocks";
import { describeTraining } from "./describe";
import type { EditKind } from "./edit";
import {
  activationNode,
  activationOf,
  type Cell,
  cellsOf,
  dropoutOf,
  fedRates,
  normWeights,
} from "./layerParts";
import { outputOf } from "./place";
import { changed, freeName, spliced } from "./rewire";
import { layersIn, listNames, select, selectWeights } from "./select";
import { questions } from "./setLayerQuestions";
import { isKept } from "./unitLayers";

export const SetLayerSchema = z
  .strictObject({
    layer: z
      .string()
      .min(1)
      .describe(
        "The layer, by name or by a regular expression that matches the whole name; for learningRate and l2 a variable will do.",
      ),
    activation: ActivationSchema.optional().describe(
      "Its activation function; none leaves the layer linear. Of a recurrent layer, that of its candidate and its cell.",
    ),
    dropout: z
      .number()
      .min(0)
      .lt(1)
      .optional()
      .describe("The share of units that the dropout in or behind the layer drops in training."),
    batchNorm: z
      .enum(["train", "inference"])
      .optional()
      .describe(
        "train: scale and offset train, and the moving statistics follow the batches. inference: all of them stay as they are, and training normalizes by the moving statistics, too.",
      ),
    learningRate: z
      .number()
      .positive()
      .optional()
      .describe("The learning rate of its weights, whatever optimizer moves them."),
    l2: z
      .number()
      .min(0)
      .optional()
      .describe(
        "L2 regularization of its kernels: this share of each weight is added to its gradient. Of a variable that is named itself, whatever it is.",
      ),
  })
  .refine((spec) => Object.values(spec).filter((value) => value !== undefined).length > 1, {
    error: `expected something to set: activation, dropout, batchNorm, learningRate or l2`,
  });
type Spec = z.infer<typeof SetLayerSchema>;

/** Each setting, and what it makes of the model. */
const SETTINGS: {
  readonly [Field in Exclude<keyof Spec, "layer">]-?: (
    model: Model,
    value: NonNullable<Spec[Field]>,
    pattern: string,
  ) => Model;
} = {
  activation: (model, value, pattern) =>
    layersOf(model, pattern, "an activation function").reduce(
      (before, layer) => withActivation(before, layer, value),
      model,
    ),
  dropout: (model, rate, pattern) => {
    const layers = layersOf(model, pattern, "a dropout");
    const nodes = layers.map((layer): Node => {
      const found = dropoutOf(model, layer);
      if (found !== undefined) return { ...found, op: "Dropout", attributes: { rate } };
      throw new GraftError(
        "invalid-edit",
        `There is no dropout in ${layer.name} or right behind it. Insert one: { "insertLayer": { "after": ${JSON.stringify(layer.name)}, "layer": { "dropout": { "rate": ${rate} } } } }.`,
      );
    });
    return changed(model, { nodes });
  },
  batchNorm: (model, value, pattern) => {
    const own = layersOf(model, pattern, "a batch norm").flatMap((layer) =>
      normWeights(model, layer),
    );
    const trainable = (shape: Shape) => (value === "train" ? [wholeRegion(shape)] : []);
    const variables = own.map((each) => ({ ...each, trainable: trainable(each.shape) }));
    return changed(model, { variables });
  },
  learningRate: (model, learningRate, pattern) =>
    withHyper(model, selectWeights(model, pattern).weights, { learningRate }),
  l2: (model, l2, pattern) => {
    const { weights, layers } = selectWeights(model, pattern);
    const ofLayers = new Set(layers.flatMap(({ variables }) => variables));
    const kernels = weights.filter(({ name, shape }) => shape.length > 1 || !ofLayers.has(name));
    return withHyper(model, kernels, { l2 });
  },
};

function apply(model: Model, { layer, ...settings }: Spec): Model {
  let after = model;
  for (const [field, value] of Object.entries(settings)) {
    if (value === undefined) continue;
    // The table's type pairs each field with its value; TypeScript cannot see it through the union.
    const set = SETTINGS[field as keyof typeof SETTINGS] as (
      model: Model,
      value: unknown,
      pattern: string,
    ) => Model;
    after = set(after, value, layer);
  }
  return after;
}

/**
 * The layers that `pattern` names, but for those of a branch that is kept as it was. `what` they must have is for the
 * message where it names variables alone.
 */
function layersOf(model: Model, pattern: string, what: string): readonly Layer[] {
  const { layers, weights } = select(model, pattern);
  const changing = layers.filter((layer) => !isKept(model, layer));
  if (changing.length > 0) return changing;
  if (layers.length > 0)
    throw new GraftError(
      "invalid-edit",
      `${pattern} belongs to the branch that is kept as it was. Make this edit before the one that keeps it.`,
    );
  const names = model.layers.filter(({ variables }) => variables.includes(weights[0].name));
  throw new GraftError(
    "invalid-edit",
    `${pattern} names variables, and only a layer has ${what}. Name the layer: ${listNames(names.map(({ name }) => name))}.`,
  );
}

function withActivation(model: Model, layer: Layer, value: Activation | "none"): Model {
  const cells = cellsOf(model, layer);
  if (cells.length > 0) return withCellActivation(model, layer, value, cells);
  const output = outputOf(model, layer);
  const node = activationNode(model, layer);
  const to = value === "none" ? { op: "Identity" as const, attributes: {} } : ACTIVATIONS[value];
  if (node !== undefined) return changed(model, { nodes: [{ ...node, ...to }] });
  if (model.roles.output === output)
    throw new GraftError(
      "invalid-edit",
      `${layer.name} is the output: what follows its logits belongs to the loss. Use replaceOutput.`,
    );
  if (value === "none") return model;
  const name = freeName(model, `${layer.name}/${to.op}`);
  const activation = newNode(name, to.op, [{ node: output }], to.attributes);
  const after = spliced(model, output, { nodes: [activation], variables: [] });
  const changedLayer = { ...layer, nodes: [...layer.nodes, name], output: name };
  return {
    ...after,
    layers: after.layers.map((each) => (each.name === layer.name ? changedLayer : each)),
  };
}

function withCellActivation(
  model: Model,
  { name }: Layer,
  value: Activation | "none",
  cells: readonly Cell[],
): Model {
  const activations: Partial<Record<string, RecurrentActivation>> = RECURRENT_ACTIVATIONS;
  const activation = activations[value];
  if (activation === undefined)
    throw new GraftError(
      "invalid-edit",
      `${name} is recurrent and cannot have ${value} within. It can have ${listNames(Object.keys(RECURRENT_ACTIVATIONS))}.`,
    );
  const nodes = cells.map((cell) => {
    const attributes = { ...cell.attributes, activation };
    return { ...cell, attributes } as Cell;
  });
  return changed(model, { nodes });
}

function withHyper(
  model: Model,
  weights: readonly Variable[],
  settings: NonNullable<Variable["hyper"]>,
): Model {
  const variables = weights.map((each) => ({ ...each, hyper: { ...each.hyper, ...settings } }));
  return changed(model, { variables });
}

function describe(before: Model, after: Model, spec: Spec): string {
  const { layer, activation, dropout, batchNorm, learningRate, l2 } = spec;
  const percent = (share: number) => `${Number((100 * share).toPrecision(3))} %`;
  const parts = [
    activation && `its activation function is ${activation}, and what follows reads other numbers`,
    dropout !== undefined && `training drops ${percent(dropout)} of its units`,
    ...unread(before, after).map((name) => `${name} is no longer read`),
    batchNorm === "train" && "its batch norm trains",
    batchNorm === "inference" && "its batch norm stays as it is and normalizes as in inference",
    learningRate !== undefined && `its learning rate is ${learningRate}`,
    l2 !== undefined && `L2 regularization of ${l2}`,
  ].filter(Boolean);
  return `${layer}: ${parts.join("; ")}; ${describeTraining(after)}.`;
}

/** Placeholders that rates of dropouts were fed by before. */
function unread(before: Model, after: Model): string[] {
  const still = new Set(fedRates(after));
  return [...new Set(fedRates(before))].filter((name) => !still.has(name));
}

/** What the activation function and the dropout of one layer were, where a setting can say it. */
function inverse(model: Model, spec: Spec): Readonly<Record<string, unknown>> | undefined {
  const { layer: name, activation, dropout, batchNorm, learningRate, l2 } = spec;
  const layer = model.layers.find((each) => each.name === name);
  if (layer === undefined || [batchNorm, learningRate, l2].some((each) => each !== undefined))
    return undefined;
  const was = activation === undefined ? undefined : activationOf(model, layer);
  const node = dropoutOf(model, layer);
  const rate =
    node?.op === "Dropout" && "rate" in node.attributes ? node.attributes.rate : undefined;
  if (activation !== undefined && was === undefined) return undefined;
  if (dropout !== undefined && rate === undefined) return undefined;
  return {
    setLayer: {
      layer: name,
      ...(activation !== undefined && { activation: was }),
      ...(dropout !== undefined && { dropout: rate }),
    },
  };
}

export const setLayer: EditKind<Spec> = {
  effect: ({ activation }) => (activation === undefined ? "same" : "changed"),
  schema: SetLayerSchema.describe(EDIT_COMMANDS.setLayer.does),
  apply,
  touches: (model, { layer }) => layersIn(model, select(model, layer)),
  describe,
  questions,
  inverse,
};
