// New layers: what the nodes of an edit are in DL4J. Settings of training are those of a layer that is there.
import type { Model, Node, Ref } from "../../../graph/model";
import {
  isObject,
  json,
  JsonNumber,
  withKey,
  type Json,
  type JsonObject,
  type Plain,
} from "../json";
import {
  formatFields,
  activationJson,
  dropoutJson,
  object,
  windowFields,
  type Style,
} from "./fields";
import { notSaid, type Group } from "./groups";
import { recurrentActivation, type Written, type WrittenLayer } from "./layer";
import { checkKnown } from "./versions";

/** What a layer says of its training, in any version. */
const COMMON: ReadonlySet<string> = new Set([
  ...["biasInit", "biasUpdater", "constraints", "gainInit", "gradientNormalization"],
  ...[
    "gradientNormalizationThreshold",
    "iupdater",
    "iUpdater",
    "weightInitFn",
    "weightInit",
    "dist",
  ],
  ...["updater", "learningRate", "biasLearningRate", "learningRateSchedule", "momentum"],
  ...["momentumSchedule", "rho", "epsilon", "rmsDecay", "adamMeanDecay", "adamVarDecay"],
]);

/** A part of a group that is one layer. */
interface Piece {
  readonly nodes: readonly Node[];
  /** The product, or whatever makes it what it is. */
  readonly core: Node;
}

/** Why an op has no layer. */
function unsaid({ name, op }: Node, { shapes }: Model): string {
  return op === "Transpose" && shapes.get(name)?.length === 4
    ? "it is a Transpose, which moves the channels of images to another place, as in what was converted from a zip, and Deeplearning4j has no layer for that. Go on from that zip; of another network, feed images with their channels last"
    : `it is a ${op}`;
}

/** The layers that the nodes of a new layer are. `template`: the fields of a layer with settings of training. */
export function newLayers(
  style: Style,
  group: Group,
  model: Model,
  template: JsonObject,
): readonly WrittenLayer[] {
  return piecesOf(group).map((piece) => {
    const rule = RULES[piece.core.op];
    if (rule === undefined) throw notSaid(group.name, unsaid(piece.core, model));
    const described = rule(piece, model, style, group.name, template);
    return written(style, group.name, described, template, piece.nodes.at(-1)!.name);
  });
}

/** A layer that hands on what it reads. */
export const passingLayer = (
  style: Style,
  name: string,
  template: JsonObject,
  output: string,
): WrittenLayer =>
  written(
    style,
    name,
    {
      type: "ActivationLayer",
      fields: { activationFn: activationJson(style, undefined)! },
      parameters: [],
    },
    template,
    output,
  );

function written(
  style: Style,
  name: string,
  { type, parameters, fields: own }: Described,
  template: JsonObject,
  output: string,
): WrittenLayer {
  checkKnown(name, type, template);
  const all = new Map<string, Json>([
    ...[...template].filter(([key]) => COMMON.has(key)),
    ...(style === "class" ? NO_PENALTY : []),
    ["layerName", name],
    ...Object.entries(own).map(([key, value]) => [key, asJson(value)] as const),
  ]);
  const sorted = new Map([...all].toSorted(([a], [b]) => (a < b ? -1 : 1)));
  const fields = style === "class" ? (object(style, "layer", type, sorted) as JsonObject) : sorted;
  return { type, fields, parameters, output };
}

const NO_PENALTY: readonly (readonly [string, Json])[] = [
  ["idropout", null],
  ["regularization", []],
  ["regularizationBias", []],
  ["weightNoise", null],
];

const asJson = (value: Plain | Json): Json =>
  value instanceof JsonNumber || isObject(value as Json) ? (value as Json) : json(value as Plain);

/** Dense layers and convolutions go with their bias and activation function; everything else stands alone. */
function piecesOf({ nodes }: Group): readonly Piece[] {
  const pieces: { core: Node; nodes: Node[] }[] = [];
  for (const node of nodes) {
    const last = pieces.at(-1);
    const goesAlong =
      last !== undefined &&
      ["MatMul", "Conv2D"].includes(last.core.op) &&
      (node.op === "BiasAdd" || node.inputs.length === 1) &&
      node.op !== "Dropout";
    if (goesAlong) last.nodes.push(node);
    else if (node.op !== "Const") pieces.push({ core: node, nodes: [node] });
  }
  return pieces;
}

interface Described {
  readonly type: string;
  readonly fields: Readonly<Record<string, Plain | Json>>;
  readonly parameters: readonly Written[];
}

type Rule = (
  piece: Piece,
  model: Model,
  style: Style,
  name: string,
  template: JsonObject,
) => Described;

const variableAt = (input: Ref | undefined): string | undefined =>
  input !== undefined && "variable" in input ? input.variable : undefined;

/** The bias and the activation function behind a product. */
function behind({ core, nodes }: Piece, style: Style, name: string) {
  const rest = nodes.filter((node) => node !== core);
  const bias = rest.find(({ op }) => op === "BiasAdd");
  const functions = rest.filter(({ op }) => op !== "BiasAdd");
  const activation = activationJson(style, functions[0]);
  if (functions.length > 1 || activation === undefined)
    throw notSaid(name, `${rest.map(({ op }) => op).join(", ")} is no activation function of DL4J`);
  const b = variableAt(bias?.inputs[1]);
  return {
    fields: { activationFn: activation, hasBias: b !== undefined } as const,
    parameters: b === undefined ? [] : [{ key: "b", variable: b }],
  };
}

function kernelOf({ core }: Piece, name: string): string {
  const kernel = variableAt(core.inputs[1]);
  if (kernel !== undefined) return kernel;
  throw notSaid(name, "its kernel is no variable");
}

const dense: Rule = (piece, model, style, name) => {
  const W = kernelOf(piece, name);
  const [nin, nout] = model.variables.get(W)!.shape;
  const { fields, parameters } = behind(piece, style, name);
  return {
    type: "DenseLayer",
    fields: { ...fields, nin, nout },
    parameters: [{ key: "W", variable: W }, ...parameters],
  };
};

const convolution: Rule = (piece, model, style, name) => {
  const W = kernelOf(piece, name);
  const { core } = piece;
  if (core.op !== "Conv2D") throw notSaid(name, `it is a ${core.op}`);
  const [height, width, nin, nout] = model.variables.get(W)!.shape;
  const { fields, parameters } = behind(piece, style, name);
  const window = windowFields([height, width], core.attributes) as Record<string, Plain>;
  return {
    type: "ConvolutionLayer",
    fields: {
      ...fields,
      ...window,
      ...formatFields("cnn2dDataFormat", core.attributes.dataFormat),
      ...{ nin, nout },
    },
    // [height, width, in, out] as [out, in, height, width].
    parameters: [...parameters, { key: "W", variable: W, permutation: [3, 2, 0, 1] }],
  };
};

const batchNorm: Rule = ({ core }, model, _, name) => {
  const keys = ["gamma", "beta", "mean", "var"];
  const own = core.inputs.slice(1).map(variableAt);
  if (core.op !== "BatchNorm" || !own.every((each) => each !== undefined))
    throw notSaid(name, "its scale and offset are no variables");
  const [units] = model.variables.get(own[0])!.shape;
  const { epsilon, momentum, dataFormat } = core.attributes;
  return {
    type: "BatchNormalization",
    fields: {
      ...{ beta: 0, gamma: 1, decay: momentum, eps: epsilon, nin: units, nout: units },
      ...{ lockGammaBeta: false, minibatch: true, useLogStd: false },
      ...formatFields("cnn2DFormat", dataFormat),
    },
    parameters: keys.map((key, index) => ({ key, variable: own[index] })),
  };
};

const dropout: Rule = ({ core }, _, __, name, template) => {
  if (core.op !== "Dropout" || !("rate" in core.attributes))
    throw notSaid(name, "its rate is fed by a placeholder");
  const [key, value] = dropoutJson(template, core.attributes.rate);
  return { type: "DropoutLayer", fields: { [key]: value }, parameters: [] };
};

const activation: Rule = ({ core }, _, style) => ({
  type: "ActivationLayer",
  fields: { activationFn: activationJson(style, core)! },
  parameters: [],
});

/** A mean, maximum or sum over the image, or over the steps. */
const pooling: Rule = ({ core }, _, __, name) => {
  if ((core.op !== "Mean" && core.op !== "Max" && core.op !== "Sum") || core.attributes.keepDims)
    throw notSaid(name, "it keeps axes of 1");
  return {
    type: "GlobalPoolingLayer",
    fields: {
      collapseDimensions: true,
      poolingDimensions: [...core.attributes.axes],
      poolingType: POOLINGS[core.op],
      pnorm: 2,
    },
    parameters: [],
  };
};

const POOLINGS = { Mean: "AVG", Max: "MAX", Sum: "SUM" } as const;

const subsampling: Rule = ({ core }, _, __, name) => {
  if (core.op !== "MaxPool" && core.op !== "AvgPool") throw notSaid(name, `it is a ${core.op}`);
  const { window, dataFormat, ...sliding } = core.attributes;
  return {
    type: "SubsamplingLayer",
    fields: {
      ...(windowFields(window, { ...sliding, dilations: [1, 1], dataFormat }) as object),
      ...formatFields("cnn2dDataFormat", dataFormat),
      ...{ poolingType: core.op === "MaxPool" ? "MAX" : "AVG", pnorm: 0, eps: 1e-8 },
    },
    parameters: [],
  };
};

/** Zeros around the image. */
const padding: Rule = ({ core }, _, __, name) => {
  const paddings = core.op === "Pad" ? core.attributes.paddings : [];
  const [batch, rows, columns, channels] = [0, 2, 4, 6].map((at) => paddings.slice(at, at + 2));
  if (paddings.length !== 8 || [...batch, ...channels].some((count) => count !== 0))
    throw notSaid(name, "it pads something else than the sides of images with their channels last");
  return {
    type: "ZeroPaddingLayer",
    fields: { padding: [...rows, ...columns], dataFormat: "NHWC" },
    parameters: [],
  };
};

/** A row of a table for each index. */
const embedding: Rule = ({ core }, model, style, name) => {
  const [table, indices] = core.inputs;
  const W = variableAt(table);
  const shape = "node" in indices ? model.shapes.get(indices.node) : undefined;
  if (W === undefined || core.op !== "Gather" || core.attributes.axis !== 0 || shape?.length !== 2)
    throw notSaid(name, "it looks up something else than rows of a table for steps");
  const [nin, nout] = model.variables.get(W)!.shape;
  return {
    type: "EmbeddingSequenceLayer",
    fields: {
      activationFn: activationJson(style, undefined)!,
      ...{ hasBias: false, inferInputLength: true, inputLength: 1, nin, nout, outputFormat: "NCW" },
    },
    parameters: [{ key: "W", variable: W }],
  };
};

const GATES = "c,f,o,i";

const lstm: Rule = ({ core }, model, style, name) => {
  if (core.op !== "LSTM") throw notSaid(name, `it is a ${core.op}`);
  const { attributes } = core;
  const at = (input: (typeof attributes.takes)[number]): string | undefined =>
    variableAt(core.inputs[attributes.takes.indexOf(input) + 1]);
  const [W, RW, b] = [at("kernel"), at("recurrentKernel"), at("bias")];
  const others = attributes.takes.filter(
    (input) => !["kernel", "recurrentKernel", "bias", "mask"].includes(input),
  );
  const peepholes = attributes.peepholeColumns.join();
  if (attributes.gates.join() !== GATES || (peepholes !== "" && peepholes !== "f,o,i"))
    throw notSaid(name, "its gates are in another order than DL4J's");
  if (W === undefined || RW === undefined || b === undefined || others.length > 0)
    throw notSaid(name, `it is an LSTM with ${attributes.takes.join(", ")}`);
  const [nin, columns] = model.variables.get(W)!.shape;
  const type = peepholes === "" ? "LSTM" : "GravesLSTM";
  return {
    type,
    fields: {
      activationFn: recurrentActivation(style, attributes.activation, name),
      gateActivationFn: recurrentActivation(style, attributes.gateActivation, name),
      forgetGateBiasInit: 1,
      // Later versions ask for it behind an embedding; earlier ones pass over what they do not know.
      ...(style === "class" && { rnnDataFormat: "NCW" }),
      ...{ nin, nout: columns / 4 },
    },
    parameters: [
      { key: "W", variable: W },
      { key: "RW", variable: RW },
      { key: "b", variable: b },
    ],
  };
};

const RULES: { readonly [Op in Node["op"]]?: Rule } = {
  MatMul: dense,
  Conv2D: convolution,
  BatchNorm: batchNorm,
  Dropout: dropout,
  Mean: pooling,
  Max: pooling,
  Sum: pooling,
  MaxPool: subsampling,
  AvgPool: subsampling,
  Pad: padding,
  Gather: embedding,
  LSTM: lstm,
  Relu: activation,
  Relu6: activation,
  Elu: activation,
  Selu: activation,
  LeakyRelu: activation,
  Sigmoid: activation,
  Tanh: activation,
  Softplus: activation,
  Softmax: activation,
};

/** What the configuration around a layer says, for a layer with the parameters `keys`. */
export function confFor(template: JsonObject, layer: Json, keys: readonly string[]): JsonObject {
  return new Map<string, Json>(
    [...withKey(withKey(template, "layer", layer), "variables", [...keys])].map(([key, value]) =>
      key.endsWith("ByParam") && isObject(value)
        ? [key, perParameter(key, value, keys)]
        : [key, value],
    ),
  );
}

/** Up to 0.9 a number for each parameter; a new layer has no penalty. */
const perParameter = (what: string, value: JsonObject, keys: readonly string[]): Json => {
  if (/^l[12]By/.test(what)) return new Map(keys.map((key) => [key, json(0)]));
  const [first] = value.values();
  return new Map(
    keys.flatMap((key) => {
      const found = value.get(key) ?? first;
      return found === undefined ? [] : [[key, found] as const];
    }),
  );
};
