// A layer of the configuration as it is after the edits: its sizes, activation function and dropout, and whether it is an
// output.
import type { RecurrentActivation } from "../../../graph/catalogue";
import type { Model, Node, Shape, Variable } from "../../../graph/model";
import { thawed } from "../configuration";
import { isObject, json, JsonNumber, withKey, type Json, type JsonObject } from "../json";
import { activationOf } from "../layers/activations";
import { RECURRENT_ACTIVATIONS } from "../layers/recurrent";
import { isOutputLayer } from "../layers/table";
import { layersWithin, parametersOf, type ParameterOwner } from "../parameters";
import { typed, type Typed } from "../typed";
import {
  activationJson,
  dropoutJson,
  isActivation,
  object,
  plainObject,
  type Style,
} from "./fields";
import { type Group, notSaid } from "./groups";
import type { OutputLoss } from "./loss";

/** A parameter of a layer of the new configuration. */
export interface Written {
  /** "W" */
  readonly key: string;
  /** Of the model. */
  readonly variable: string;
  /** The axes of the variable in the order in which DL4J has them, where that is another. */
  readonly permutation?: readonly number[];
}

/** A layer of the new configuration, without what freezes it. */
export interface WrittenLayer {
  readonly type: string;
  readonly fields: JsonObject;
  readonly parameters: readonly Written[];
  /** Of a new layer with others behind it in its group: the node that it hands on. */
  readonly output?: string;
  /** What edits add to the L2 of parameters, by their keys. */
  readonly l2?: ReadonlyMap<string, number>;
  /** What a user must know: settings that it has no words for. */
  readonly notes?: readonly string[];
}

/** The variables of a model by the names that they had in the source. */
export const bySource = (model: Model): ReadonlyMap<string, Variable> =>
  new Map(
    [...model.variables.values()]
      .filter(({ role }) => role !== "slot")
      .map((variable) => [variable.origin ?? variable.name, variable]),
  );

/** `before`: the group of the same vertex in the source. */
export function keptLayer(
  style: Style,
  group: Group,
  before: Group,
  variables: ReadonlyMap<string, Variable>,
): WrittenLayer {
  const layer = group.vertex!.layer!;
  const inner = thawed(layer);
  const parameters = writtenParameters(layer, variables, group.name);
  const shapeOf = (key: string): Shape | undefined => variables.get(`${layer.name}_${key}`)?.shape;
  const sized = resizedFields(inner, shapeOf);
  const owner = { ...inner, fields: sized };
  const fields = [withActivation, withCellActivation, withDropout].reduce(
    (all, change) => change(style, { ...owner, fields: all }, group, before),
    sized,
  );
  const written = { type: inner.type, fields, parameters };
  const hasCenters = parameters.some(({ key }) => key === CENTERS);
  return inner.type === "CenterLossOutputLayer" && !hasCenters
    ? withoutCenters(style, written)
    : written;
}

const CENTERS = "cL";

/** Centers go with the loss that they are part of: what is left is a plain output layer. */
function withoutCenters(style: Style, layer: WrittenLayer): WrittenLayer {
  const fields = new Map(layer.fields);
  for (const key of ["alpha", "lambda", "gradientCheck"]) fields.delete(key);
  return withClass(style, layer, "OutputLayer", fields);
}

function writtenParameters(
  layer: ParameterOwner & { readonly name: string },
  variables: ReadonlyMap<string, Variable>,
  name: string,
): readonly Written[] {
  const keys = parametersOf(layer)?.map((parameter) => parameter.name) ?? ["params"];
  return keys.flatMap((key): Written[] => {
    const variable = variables.get(`${layer.name}_${key}`);
    if (variable !== undefined) return [{ key, variable: variable.name }];
    if (key === "params" || key === CENTERS) return [];
    throw notSaid(name, `it has lost its parameter ${key}`);
  });
}

/** How the sizes of a layer follow from the shapes of its parameters. */
type Sizes = (shapeOf: (key: string) => Shape) => {
  readonly nin: number;
  readonly nout: number;
};

const rows: Sizes = (shapeOf) => {
  const [nin, nout] = shapeOf("W");
  return { nin, nout };
};
const kernels: Sizes = (shapeOf) => {
  const [nout, nin] = shapeOf("W");
  return { nin, nout };
};
const gated =
  (key: string): Sizes =>
  (shapeOf) => {
    const [nin, columns] = shapeOf(key);
    return { nin, nout: columns / 4 };
  };

const SIZES: Readonly<Record<string, Sizes>> = {
  DenseLayer: rows,
  OutputLayer: rows,
  RnnOutputLayer: rows,
  CenterLossOutputLayer: rows,
  AutoEncoder: rows,
  EmbeddingLayer: rows,
  EmbeddingSequenceLayer: rows,
  Deconvolution2D: rows,
  SimpleRnn: rows,
  ConvolutionLayer: kernels,
  Convolution2D: kernels,
  Convolution1DLayer: kernels,
  Convolution1D: kernels,
  Convolution3D: kernels,
  DepthwiseConvolution2D: (shapeOf) => {
    const [, , nin, times] = shapeOf("W");
    return { nin, nout: nin * times };
  },
  SeparableConvolution2D: (shapeOf) => ({ nin: shapeOf("W")[1], nout: shapeOf("pW")[0] }),
  BatchNormalization: (shapeOf) => ({ nin: shapeOf("mean")[0], nout: shapeOf("mean")[0] }),
  ElementWiseMultiplicationLayer: (shapeOf) => ({ nin: shapeOf("b")[0], nout: shapeOf("b")[0] }),
  LSTM: gated("W"),
  GravesLSTM: gated("W"),
  GravesBidirectionalLSTM: gated("WF"),
};

function resizedFields(layer: Typed, shapeOf: (key: string) => Shape | undefined): JsonObject {
  const { type, fields } = layer;
  const inside = layersWithin(type);
  if (inside.length > 0)
    return inside.reduce((all, [field, prefix]) => {
      const within = typed("layer", fields.get(field), [])!;
      const resized = resizedFields(within, (key) => shapeOf(prefix + key));
      return withKey(all, field, rewrapped(fields.get(field)!, resized));
    }, fields);
  if (type === "PReLULayer") {
    const shape = shapeOf("W");
    return shape ? withKey(fields, "inputShape", json(shape)) : fields;
  }
  if (!Object.hasOwn(SIZES, type)) return fields;
  const sizes = SIZES[type]((key) => shapeOf(key) ?? []);
  return Object.entries(sizes).reduce((all, [key, size]) => {
    const now = all.get(key);
    return now instanceof JsonNumber && now.value === size ? all : withKey(all, key, json(size));
  }, fields);
}

/** Fields in the place of those of `value`, which may have its short name around them. */
export const rewrapped = (value: Json, fields: JsonObject): Json => {
  if (!isObject(value) || value.has("@class")) return fields;
  const [short] = value.keys();
  return new Map([[short, fields]]);
};

type Change = (style: Style, layer: Typed, group: Group, before: Group) => JsonObject;

/** What hands the layer's output on, where it is an activation function; others may read what is before it now. */
const ofActivation = ({ nodes, output }: Group): Node | undefined =>
  nodes.find((node) => node.name === output && isActivation(node));

/** The activation function, where it is not the one that the source has. */
const withActivation: Change = (style, layer, group, before) => {
  const [now, was] = [ofActivation(group), ofActivation(before)];
  const isSame =
    now?.op === was?.op && JSON.stringify(now?.attributes) === JSON.stringify(was?.attributes);
  return isSame ? layer.fields : withActivationFn(layer, activationJson(style, now)!);
};

/** DL4J's class for what a recurrent op calls its activation function. */
export function recurrentActivation(style: Style, which: RecurrentActivation, name: string): Json {
  const found = Object.entries(RECURRENT_ACTIVATIONS).find(([, each]) => each === which);
  if (found === undefined) throw notSaid(name, `DL4J's LSTM has no ${which}`);
  return plainObject(style, "activation", found[0]);
}

/** That of the candidate and the cell of a recurrent layer. */
const withCellActivation: Change = (style, layer, group, before) => {
  const [now, was] = [cellActivation(group), cellActivation(before)];
  return now === undefined || now === was
    ? layer.fields
    : withActivationFn(layer, recurrentActivation(style, now, group.name));
};

const cellActivation = ({ nodes }: Group): RecurrentActivation | undefined =>
  nodes.find((node) => node.op === "LSTM")?.attributes.activation;

/** Under the key that the version has for it. */
export function withActivationFn(layer: Typed, activation: Json): JsonObject {
  const { fields } = layer;
  if (fields.has("activationFn") || !fields.has("activationFunction"))
    return withKey(fields, "activationFn", activation);
  const type = activationOf({ ...layer, fields: new Map([["activationFn", activation]]) }).type;
  return withKey(fields, "activationFunction", type.replace(/^Activation/, "").toLowerCase());
}

const rateOf = ({ nodes }: Group): number => {
  const dropout = nodes.find(({ op }) => op === "Dropout");
  return dropout?.op === "Dropout" && "rate" in dropout.attributes ? dropout.attributes.rate : 0;
};

const withDropout: Change = (_, { fields }, group, before) => {
  const rate = rateOf(group);
  if (rate === rateOf(before)) return fields;
  const [key, value] = dropoutJson(fields, rate);
  return withKey(fields, key, value);
};

/** The layer with the loss function `loss`: an output layer has the parameters of a dense one. */
export function asOutput(
  style: Style,
  layer: WrittenLayer,
  name: string,
  rank: number,
  loss: OutputLoss,
): WrittenLayer {
  const isOutput = isOutputLayer({ ...layer, path: [] });
  if (isOutput && !loss.isNew) return layer;
  if (!isOutput && layer.type !== "DenseLayer")
    throw notSaid(name, `an output with a loss is a dense layer, and this is a ${layer.type}`);
  const fields = withKey(withLossActivation(style, layer, name, loss), "lossFn", loss.json);
  const type = isOutput ? layer.type : rank === 3 ? "RnnOutputLayer" : "OutputLayer";
  return withClass(style, layer, type, fields);
}

/** A cross-entropy is one of probabilities in DL4J: its layer has the activation function that makes them. */
function withLossActivation(
  style: Style,
  layer: WrittenLayer,
  name: string,
  { activation }: OutputLoss,
): JsonObject {
  const { type } = activationOf({ ...layer, path: [] });
  if (activation === undefined || type === `Activation${activation}`) return layer.fields;
  if (type !== "ActivationIdentity")
    throw notSaid(
      name,
      `its loss takes the output of a ${activation.toLowerCase()}, and its activation function is ${type.replace("Activation", "")}; say "activation": "${activation.toLowerCase()}" in replaceOutput`,
    );
  const json = activationJson(style, { op: activation, attributes: {} } as Node)!;
  return withActivationFn({ ...layer, path: [] }, json);
}

/** The layer as one that others read. */
export function asHidden(style: Style, layer: WrittenLayer): WrittenLayer {
  if (layer.type !== "OutputLayer" && layer.type !== "RnnOutputLayer") return layer;
  const fields = new Map(layer.fields);
  for (const key of ["lossFn", "lossFunction"]) fields.delete(key);
  return withClass(style, layer, "DenseLayer", fields);
}

const withClass = (
  style: Style,
  layer: WrittenLayer,
  type: string,
  fields: JsonObject,
): WrittenLayer => ({
  ...layer,
  type,
  fields: style === "class" ? (object(style, "layer", type, fields) as JsonObject) : fields,
});
