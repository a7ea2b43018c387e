// Parts of a configuration as JSON, in the style of the version that wrote it: with "@class", or (up to 1.0.0-alpha) with
// the short name of the class around the object.
import type { DataFormat, OpAttributes } from "../../../graph/catalogue";
import type { Node } from "../../../graph/model";
import type { Configuration } from "../configuration";
import { isObject, json, withKey, type Json, type JsonObject, type Plain } from "../json";
import { shortOfClass, type Family } from "../names";

export type Style = "class" | "wrapper";

export function styleOf({ vertices }: Configuration): Style {
  return vertices.some(({ layer }) => layer?.fields.has("@class")) ? "class" : "wrapper";
}

const PACKAGES: Readonly<Record<string, string>> = {
  layer: "org.deeplearning4j.nn.conf.layers",
  preprocessor: "org.deeplearning4j.nn.conf.preprocessor",
  vertex: "org.deeplearning4j.nn.conf.graph",
  activation: "org.nd4j.linalg.activations.impl",
  loss: "org.nd4j.linalg.lossfunctions.impl",
};

/** Layers and vertices in packages of their own. */
const INNER_PACKAGES: Readonly<Record<string, string>> = {
  FrozenLayer: "misc",
  FrozenLayerWithBackprop: "misc",
  LastTimeStep: "recurrent",
  LastTimeStepVertex: "rnn",
  ReverseTimeSeriesVertex: "rnn",
};

/** An object of the class `type` with `fields`. */
export function object(style: Style, family: Family, type: string, fields: JsonObject): Json {
  if (style === "wrapper") return new Map([[shortOfClass(family, type), fields]]);
  const within = INNER_PACKAGES[type] === undefined ? "" : `.${INNER_PACKAGES[type]}`;
  return new Map<string, Json>([
    ["@class", `${PACKAGES[family]}${within}.${type}`],
    ...[...fields].filter(([key]) => key !== "@class"),
  ]);
}

export const plainObject = (style: Style, family: Family, type: string, fields: Plain = {}): Json =>
  object(style, family, type, json(fields) as JsonObject);

export const withFields = (
  fields: JsonObject,
  changes: Readonly<Record<string, Json>>,
): JsonObject =>
  Object.entries(changes).reduce((all, [key, value]) => withKey(all, key, value), fields);

/** The class of an activation function, and what it is told. */
export function activationJson(style: Style, node: Node | undefined): Json | undefined {
  if (node === undefined) return plainObject(style, "activation", "ActivationIdentity");
  if (node.op === "LeakyRelu")
    return plainObject(style, "activation", "ActivationLReLU", { alpha: node.attributes.alpha });
  const type = CLASSES[node.op];
  return type === undefined ? undefined : plainObject(style, "activation", type);
}

const CLASSES: { readonly [Op in Node["op"]]?: string } = {
  Identity: "ActivationIdentity",
  Relu: "ActivationReLU",
  Relu6: "ActivationReLU6",
  Elu: "ActivationELU",
  Selu: "ActivationSELU",
  Sigmoid: "ActivationSigmoid",
  Tanh: "ActivationTanH",
  Softplus: "ActivationSoftPlus",
  Softmax: "ActivationSoftmax",
};

export const isActivation = ({ op }: Node): boolean =>
  op === "LeakyRelu" || CLASSES[op] !== undefined;

/**
 * Dropout of a layer's input, as `like`, the fields of a layer of the same version, has it: an object, or before 1.0 the
 * probability alone.
 */
export function dropoutJson(
  like: JsonObject,
  rate: number,
): readonly [key: "idropout" | "dropOut", value: Json] {
  const kept = Number((1 - rate).toPrecision(12));
  if (like.has("dropOut") && !like.has("idropout")) return ["dropOut", json(rate === 0 ? 0 : kept)];
  const fields = { "@class": "org.deeplearning4j.nn.conf.dropout.Dropout", p: kept };
  return ["idropout", rate === 0 ? null : json(fields)];
}

/** How a window slides. */
export const windowFields = (
  window: readonly [number, number],
  { strides, padding, dilations }: OpAttributes["Conv2D"],
): Plain => ({
  convolutionMode: padding === "SAME" ? "Same" : "Truncate",
  dilation: dilations,
  kernelSize: window,
  padding: [0, 0],
  stride: strides,
});

/** Only what is not said otherwise: channels first. */
export const formatFields = (key: string, format: DataFormat): Record<string, Plain> =>
  format === "NCHW" ? {} : { [key]: format };

export const asObject = (value: Json | undefined): JsonObject =>
  isObject(value) ? value : new Map();
