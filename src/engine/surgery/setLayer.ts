// Layer settings: what a layer does with its numbers, and how they train.
import { z } from "zod";
import { EDIT_COMMANDS } from "../../protocol/edits";
import { GraftError } from "../../protocol/errors";
import type { EditQuestion } from "../../protocol/plan";
import { layerOf } from "../graph/layers";
import {
  wholeRegion,
  type Layer,
  type Model,
  type Node,
  type Shape,
  type Variable,
} from "../graph/model";
import { ACTIVATIONS, newNode, type Activation } from "./blocks";
import { describeTraining } from "./describe";
import type { EditKind } from "./edit";
import { outputOf } from "./place";
import { changed, freeName, readersOf, spliced } from "./rewire";
import { layersIn, listNames, select, selectWeights } from "./select";
import { isKept } from "./unitLayers";

const names = Object.keys(ACTIVATIONS) as [Activation, ...Activation[]];

export const SetLayerSchema = z
  .strictObject({
    layer: z
      .string()
      .min(1)
      .describe(
        "The layer, by name or by a regular expression that matches the whole name; for learningRate and l2 a variable will do.",
      ),
    activation: z
      .enum(["none", ...names])
      .optional()
      .describe("Its activation function; none leaves the layer linear."),
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

const isActivation = (op: string): boolean =>
  op === "Identity" || Object.values(ACTIVATIONS).some((each) => each.op === op);

/** The activation function of a layer: its output, or the one op of no other layer that reads it. */
function activationNode(model: Model, layer: Layer): Node | undefined {
  const output = outputOf(model, layer);
  const [reader, ...more] = readersOf(model, output);
  const isNext = reader && more.length === 0 && layerOf(model, reader.name) === undefined;
  const last = isNext && output !== model.roles.output ? [reader] : [];
  return [model.nodes.get(output)!, ...last].find(({ op }) => isActivation(op));
}

function withActivation(model: Model, layer: Layer, value: Activation | "none"): Model {
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

/** The dropout of a layer: one of its nodes, or what reads its output, behind activation or pooling perhaps. */
function dropoutOf(model: Model, layer: Layer): Node | undefined {
  const own = layer.nodes.map((name) => model.nodes.get(name)!);
  const found = own.find(({ op }) => op === "Dropout");
  if (found !== undefined || layer.output === undefined) return found;
  for (let at = layer.output; ;) {
    const readers = readersOf(model, at);
    const dropout = readers.find(({ op }) => op === "Dropout");
    const [next, ...more] = readers;
    if (dropout !== undefined || next === undefined || more.length > 0) return dropout;
    const passes = PASSING.has(next.op) || isActivation(next.op);
    if (!passes || layerOf(model, next.name) !== undefined) return undefined;
    at = next.name;
  }
}

const PASSING: ReadonlySet<string> = new Set(["MaxPool", "AvgPool", "Reshape"]);

const normsOf = (model: Model, layer: Layer): Node[] =>
  layer.nodes.map((name) => model.nodes.get(name)!).filter(({ op }) => op === "BatchNorm");

/** Scale and offset of a layer's batch norms. Throws where there are none. */
function normWeights(model: Model, layer: Layer): Variable[] {
  const norms = normsOf(model, layer);
  const own = norms
    .flatMap(({ inputs }) => inputs.slice(1, 3))
    .flatMap((input) => ("variable" in input ? [model.variables.get(input.variable)!] : []));
  if (own.length > 0) return own;
  const others = model.layers.filter((each) => normsOf(model, each).length > 0);
  throw new GraftError(
    "invalid-edit",
    norms.length > 0
      ? `The batch norm of ${layer.name} has neither a scale nor an offset to train or to hold.`
      : `${layer.name} has no batch norm. Layers with one: ${listNames(others.map(({ name }) => name))}.`,
  );
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

const fedRates = ({ nodes }: Model): string[] =>
  [...nodes.values()].flatMap((node) => {
    if (node.op !== "Dropout") return [];
    const { attributes } = node;
    if ("rateFrom" in attributes) return [attributes.rateFrom];
    return "keepProbabilityFrom" in attributes ? [attributes.keepProbabilityFrom] : [];
  });

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

function activationOf(model: Model, layer: Layer): Activation | "none" | undefined {
  const node = activationNode(model, layer);
  if (node?.op === "Identity") return "none";
  const attributes = JSON.stringify(node?.attributes);
  return names.find(
    (name) =>
      ACTIVATIONS[name].op === node?.op &&
      JSON.stringify(ACTIVATIONS[name].attributes) === attributes,
  );
}

const ASKED: Readonly<Record<string, EditQuestion>> = {
  activation: {
    field: "activation",
    ask: "choice",
    prompt: "Its activation function",
    choices: [
      ...names.map((value) => ({ value, label: ACTIVATIONS[value].op, detail: "" })),
      { value: "none", label: "None", detail: "The layer stays linear" },
    ],
  },
  dropout: {
    field: "dropout",
    ask: "number",
    prompt: "Share of units that training drops, from 0 to less than 1",
    min: 0,
    max: 0.99,
    suggestion: 0.5,
    fractions: true,
  },
  batchNorm: {
    field: "batchNorm",
    ask: "choice",
    prompt: "What its batch norm does in training",
    choices: [
      { value: "train", label: "Train", detail: "Normalizes by the batch, and follows it" },
      { value: "inference", label: "Stay as it is", detail: "Normalizes as after training" },
    ],
  },
  learningRate: {
    field: "learningRate",
    ask: "number",
    prompt: "Learning rate of its weights",
    min: 0,
    max: 1000,
    suggestion: 0.001,
    fractions: true,
  },
  l2: {
    field: "l2",
    ask: "number",
    prompt:
      "L2 regularization of its kernels: the share of each weight that is added to its gradient",
    min: 0,
    max: 1000,
    suggestion: 0.0001,
    fractions: true,
  },
};

function questions(model: Model, given: Readonly<Record<string, unknown>>): EditQuestion[] {
  const { layer: name } = given;
  if (typeof name !== "string")
    return [
      {
        field: "layer",
        ask: "pattern",
        prompt: "Layer to set, or a pattern that matches whole names",
        candidates: model.layers.map((layer) => layer.name),
      },
    ];
  const setting = given["?setting"];
  if (typeof setting === "string") return [ASKED[setting]];
  const { layers } = select(model, name);
  const has = (what: (layer: Layer) => boolean) => layers.some(what);
  const some = {
    activation: has((layer) => layer.output !== undefined && layer.output !== model.roles.output),
    dropout: has((layer) => dropoutOf(model, layer) !== undefined),
    batchNorm: has((layer) => normsOf(model, layer).length > 0),
    learningRate: true,
    l2: true,
  };
  const LABELS = {
    activation: ["Activation", "The function behind the layer"],
    dropout: ["Dropout rate", "The share of units that training drops"],
    batchNorm: ["Batch norm", "Whether it trains, or stays as it is"],
    learningRate: ["Learning rate", "Of this layer's weights alone"],
    l2: ["L2 regularization", "Of this layer's kernels alone"],
  } as const;
  return [
    {
      field: "?setting",
      ask: "choice",
      prompt: `What to set in ${name}`,
      choices: Object.entries(LABELS)
        .filter(([key]) => some[key as keyof typeof some])
        .map(([value, [label, detail]]) => ({ value, label, detail })),
    },
  ];
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
