// The parameters of a layer, in the order in which DL4J's flat vector holds them: org.deeplearning4j.nn.params.
import { GraftError } from "../../../protocol/errors";
import { elements, type Shape } from "../../graph/model";
import { typedField, flag, whole, wholes, wrongField, type Typed } from "./typed";

export interface Parameter {
  /** DL4J's key, such as "W". */
  readonly name: string;
  readonly shape: Shape;
  /** In which order the flat vector holds its elements: columns ("f") or rows ("c") one after the other. */
  readonly order: "c" | "f";
  /** What DL4J updates it as: weights, biases with their own updater and regularization, statistics by no gradient. */
  readonly role: "weight" | "bias" | "statistic";
}

/** A layer with what its `NeuralNetConfiguration` says beside it. */
export interface ParameterOwner extends Typed {
  /** "variables": the keys of the parameters, as the writing version has called them. */
  readonly variables: readonly string[];
}

/**
 * The parameters of `layer`; undefined of a layer that is not known. Throws `corrupt-file` where a size is missing or no
 * number of elements.
 */
export function parametersOf(layer: ParameterOwner): readonly Parameter[] | undefined {
  if (!Object.hasOwn(PARAMETERS, layer.type)) return undefined;
  const parameters = PARAMETERS[layer.type](layer);
  for (const { name, shape } of parameters ?? [])
    if (!Number.isSafeInteger(elements(shape)))
      throw wrongField(layer, "nout", `a size with which "${name}" can be stored`);
  return parameters;
}

/** What a flat vector is made of: the parameters of a layer, with the name of their variable, one after the other. */
export interface Stored extends Parameter {
  /** "0_W" */
  readonly variable: string;
  /** The name of its layer. */
  readonly layer: string;
  /** Where its elements begin in the flat vector. */
  readonly offset: number;
}

/**
 * The parameters of all `layers`, `total` numbers. One layer of unknown kind is taken to have what the others leave, as
 * one variable. Throws `corrupt-file` where they do not add up, `unsupported-format` where several are unknown.
 */
export function layOut(
  layers: readonly (ParameterOwner & { readonly name: string })[],
  total: number,
): readonly Stored[] {
  const known = layers.map(parametersOf);
  const unknown = layers.filter((_, index) => known[index] === undefined);
  const sum = known
    .flatMap((parameters) => parameters ?? [])
    .reduce((all, { shape }) => all + elements(shape), 0);
  if (unknown.length > 1)
    throw new GraftError(
      "unsupported-format",
      `Several layers are of kinds that Graft does not know: ${unknown.map(({ name, type }) => `${name} (${type})`).join(", ")}. How many parameters each has cannot be told.`,
    );
  if (sum > total || (unknown.length === 0 && sum !== total))
    throw new GraftError(
      "corrupt-file",
      `The layers of the configuration have ${sum} parameters, and coefficients.bin holds ${total}. The two are not of one network; save the model again with ModelSerializer.writeModel.`,
    );
  const stored: Stored[] = [];
  let offset = 0;
  layers.forEach((layer, index) => {
    for (const parameter of known[index] ?? remainder(total - sum)) {
      const variable = `${layer.name}_${parameter.name}`;
      stored.push({ ...parameter, variable, layer: layer.name, offset });
      offset += elements(parameter.shape);
    }
  });
  return stored;
}

const remainder = (size: number): readonly Parameter[] =>
  size === 0 ? [] : [weight("params", [size], "c")];

type Rule = (layer: ParameterOwner) => readonly Parameter[] | undefined;

const weight = (name: string, shape: Shape, order: "c" | "f" = "f"): Parameter => ({
  ...{ name, shape, order },
  role: "weight",
});
const bias = (name: string, size: number): Parameter => ({
  ...{ name, shape: [size], order: "c" },
  role: "bias",
});
const statistic = (name: string, size: number): Parameter => ({
  ...{ name, shape: [size], order: "c" },
  role: "statistic",
});

const none: Rule = () => [];

const sizes = (layer: Typed): readonly [nIn: number, nOut: number] => [
  whole(layer, "nin", 1),
  whole(layer, "nout", 1),
];

const dense: Rule = (layer) => {
  const [nIn, nOut] = sizes(layer);
  return [
    weight("W", [nIn, nOut]),
    ...(flag(layer, "hasBias", true) ? [bias("b", nOut)] : []),
    ...(flag(layer, "hasLayerNorm", false) ? [weight("g", [nOut])] : []),
  ];
};

/** In a convolution the bias comes first. */
const biasFirst = (layer: Typed, ...weights: readonly Parameter[]): readonly Parameter[] => [
  ...(flag(layer, "hasBias", true) ? [bias("b", whole(layer, "nout", 1))] : []),
  ...weights,
];

const convolution =
  (axes: number): Rule =>
  (layer) => {
    const [nIn, nOut] = sizes(layer);
    return biasFirst(layer, weight("W", [nOut, nIn, ...wholes(layer, "kernelSize", axes, 1)], "c"));
  };

const lstm =
  (peepholes: number): Rule =>
  (layer) => {
    const [nIn, n] = sizes(layer);
    return [weight("W", [nIn, 4 * n]), weight("RW", [n, 4 * n + peepholes]), bias("b", 4 * n)];
  };

/** The same parameters in another network around the layer in `field`. */
const wrapping =
  (field: string): Rule =>
  (layer) =>
    parametersOf({ ...inner(layer, field), variables: layer.variables });

/** A field of a wrapper that holds a layer, and what the keys of that layer's parameters begin with in the wrapper. */
type Within = readonly [field: string, prefix: string];

const WITHIN: Readonly<Record<string, readonly Within[]>> = {
  LastTimeStep: [["underlying", ""]],
  MaskZeroLayer: [["underlying", ""]],
  TimeDistributed: [["underlying", ""]],
  Bidirectional: [
    ["fwd", "f"],
    ["bwd", "b"],
  ],
};

/** The layers within one of this type: none but in wrappers. */
export const layersWithin = (type: string): readonly Within[] =>
  Object.hasOwn(WITHIN, type) ? WITHIN[type] : [];

/** The layer that the parameter `name` of `layer` is one of: within wrappers, the layer that is wrapped. */
export function ownerOf(layer: Typed, name: string): Typed {
  const within = layersWithin(layer.type).find(([, prefix]) => name.startsWith(prefix));
  if (within === undefined) return layer;
  const [field, prefix] = within;
  return ownerOf(inner(layer, field), name.slice(prefix.length));
}

/** Whether L1 and L2 count for a layer's parameters: not in a batch norm, BatchNormalization.getRegularizationByParam. */
export const isPenalized = ({ type }: Pick<Typed, "type">): boolean =>
  type !== "BatchNormalization";

/** The layer in a field of another one. Throws `corrupt-file` where there is none. */
export function inner(layer: Typed, field: string): Typed {
  const found = typedField("layer", layer, field);
  if (found === undefined) throw wrongField(layer, field, "a layer");
  return found;
}

const PARAMETERS: Readonly<Record<string, Rule>> = {
  DenseLayer: dense,
  OutputLayer: dense,
  RnnOutputLayer: dense,
  EmbeddingLayer: dense,
  EmbeddingSequenceLayer: dense,
  AutoEncoder: (layer) => [...dense(layer)!, bias("vb", whole(layer, "nin", 1))],
  CenterLossOutputLayer: (layer) => {
    const [nIn, nOut] = sizes(layer);
    // No gradient moves the centers.
    const centers = { name: "cL", shape: [nOut, nIn], order: "c", role: "statistic" } as const;
    return [weight("W", [nIn, nOut]), bias("b", nOut), centers];
  },
  ElementWiseMultiplicationLayer: (layer) => {
    const [nIn] = sizes(layer);
    return [weight("W", [1, nIn]), bias("b", nIn)];
  },
  PReLULayer: (layer) => {
    const shared = new Set(numbers(layer, "sharedAxes"));
    const shape = numbers(layer, "inputShape");
    return [
      weight(
        "W",
        shape.map((size, axis) => (shared.has(axis + 1) ? 1 : size)),
      ),
    ];
  },

  ConvolutionLayer: convolution(2),
  Convolution2D: convolution(2),
  Convolution1DLayer: convolution1D,
  Convolution1D: convolution1D,
  Convolution3D: convolution(3),
  Deconvolution2D: (layer) => {
    const [nIn, nOut] = sizes(layer);
    return biasFirst(layer, weight("W", [nIn, nOut, ...wholes(layer, "kernelSize", 2, 1)], "c"));
  },
  Deconvolution3D: (layer) => {
    const [nIn, nOut] = sizes(layer);
    return biasFirst(layer, weight("W", [...wholes(layer, "kernelSize", 3, 1), nOut, nIn], "c"));
  },
  DepthwiseConvolution2D: (layer) => {
    const shape = [...wholes(layer, "kernelSize", 2, 1), whole(layer, "nin", 1)];
    return biasFirst(layer, weight("W", [...shape, whole(layer, "depthMultiplier", 1, 1)], "c"));
  },
  SeparableConvolution2D: (layer) => {
    const [nIn, nOut] = sizes(layer);
    const times = whole(layer, "depthMultiplier", 1, 1);
    return biasFirst(
      layer,
      weight("W", [times, nIn, ...wholes(layer, "kernelSize", 2, 1)], "c"),
      weight("pW", [nOut, nIn * times, 1, 1], "c"),
    );
  },

  BatchNormalization: (layer) => {
    const n = whole(layer, "nout", 1);
    const locked = flag(layer, "lockGammaBeta", false);
    return [
      ...(locked ? [] : [weight("gamma", [n]), weight("beta", [n])]),
      statistic("mean", n),
      statistic(keepsLogOfDeviation(layer) ? "log10stdev" : "var", n),
    ];
  },

  LSTM: lstm(0),
  GravesLSTM: lstm(3),
  GravesBidirectionalLSTM: (layer) => {
    const [nIn, n] = sizes(layer);
    return ["F", "B"].flatMap((way) => [
      weight(`W${way}`, [nIn, 4 * n]),
      weight(`RW${way}`, [n, 4 * n + 3]),
      bias(`b${way}`, 4 * n),
    ]);
  },
  SimpleRnn: (layer) => {
    const [nIn, n] = sizes(layer);
    return [
      ...[weight("W", [nIn, n]), weight("RW", [n, n]), bias("b", n)],
      ...(flag(layer, "hasLayerNorm", false) ? [weight("g", [2 * n])] : []),
    ];
  },
  Bidirectional: (layer) => {
    const ways = { f: inner(layer, "fwd"), b: inner(layer, "bwd") };
    const all = Object.entries(ways).map(([prefix, each]) =>
      parametersOf({ ...each, variables: layer.variables })?.map((parameter) => ({
        ...parameter,
        name: prefix + parameter.name,
      })),
    );
    return all.every((parameters) => parameters !== undefined) ? all.flat() : undefined;
  },

  FrozenLayer: wrapping("layer"),
  FrozenLayerWithBackprop: wrapping("underlying"),
  LastTimeStep: wrapping("underlying"),
  MaskZeroLayer: wrapping("underlying"),
  TimeDistributed: wrapping("underlying"),

  ActivationLayer: none,
  CnnLossLayer: none,
  Cnn3DLossLayer: none,
  Cropping1D: none,
  Cropping2D: none,
  Cropping3D: none,
  DropoutLayer: none,
  GlobalPoolingLayer: none,
  LocalResponseNormalization: none,
  LossLayer: none,
  MaskLayer: none,
  Pooling1D: none,
  Pooling2D: none,
  RepeatVector: none,
  RnnLossLayer: none,
  SpaceToBatchLayer: none,
  SpaceToDepthLayer: none,
  Subsampling1DLayer: none,
  Subsampling3DLayer: none,
  SubsamplingLayer: none,
  Upsampling1D: none,
  Upsampling2D: none,
  Upsampling3D: none,
  Yolo2OutputLayer: none,
  ZeroPadding1DLayer: none,
  ZeroPadding3DLayer: none,
  ZeroPaddingLayer: none,
};

/** Its kernel has a second axis of one element, whatever the configuration says of it. */
function convolution1D(layer: ParameterOwner): readonly Parameter[] {
  const [nIn, nOut] = sizes(layer);
  const [kernel] = wholes(layer, "kernelSize", 2, 1);
  return biasFirst(layer, weight("W", [nOut, nIn, kernel, 1], "c"));
}

/**
 * Whether a batch norm keeps the logarithm of the standard deviation instead of the variance. Configurations older than
 * that choice have no field for it; as DL4J does, the names of the parameters are asked first.
 */
export const keepsLogOfDeviation = (layer: ParameterOwner): boolean =>
  !layer.variables.includes("var") &&
  (layer.variables.includes("log10stdev") || flag(layer, "useLogStd", true));

/** The whole numbers of at least `least` in a field, none where it is not there. */
export function numbers(owner: Typed, key: string, least = 0): readonly number[] {
  const value = owner.fields.get(key);
  return Array.isArray(value) ? wholes(owner, key, value.length, least) : [];
}
