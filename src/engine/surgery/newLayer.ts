// What can be inserted: one entry per kind of layer, with its schema and how it is built.
import { z } from "zod";
import { GraftError } from "../../protocol/errors";
import { bounds, type Bounds } from "../graph/bounds";
import { dataFormatOf } from "../graph/channels";
import type { Model, Shape } from "../graph/model";
import { channelAxis, formatShape } from "../graph/shapes";
import {
  ACTIVATION_NAMES,
  ActivationSchema,
  RECURRENT_ACTIVATIONS,
  type Activation,
} from "./activations";
import {
  activation as activationBlock,
  batchNorm as batchNormBlock,
  conv2d as conv2dBlock,
  dense as denseBlock,
  dropout as dropoutBlock,
} from "./blocks";
import { gru as gruBlock, lstm as lstmBlock } from "./recurrentBlocks";
import type { Block } from "./rewire";

type RecurrentName = keyof typeof RECURRENT_ACTIVATIONS;

const OwnActivation = ActivationSchema.default("relu").describe(
  "The activation function; none leaves the layer linear.",
);

const InitSchema = z
  .enum(["glorotUniform", "heNormal", "identity"])
  .default("glorotUniform")
  .describe(
    "What the kernel starts from; biases start from zero. identity: each unit passes one input on, so that the network computes what it did (Net2Deeper). It needs as many units as it reads, and an activation function that changes nothing there: relu behind relu, say.",
  );

const UnitsSchema = z
  .int()
  .min(1)
  .max(1_000_000)
  .optional()
  .describe(
    "How many units it has; as many as it reads, unless told otherwise. With another number, the kernels that read it start afresh.",
  );

const RecurrentSettings = {
  units: UnitsSchema,
  activation: z
    .enum(Object.keys(RECURRENT_ACTIVATIONS) as [RecurrentName, ...RecurrentName[]])
    .default("tanh")
    .describe("The function of the candidate, and of an LSTM's cell; gates have the sigmoid."),
  init: z
    .enum(["glorotUniform", "heNormal"])
    .default("glorotUniform")
    .describe("What the kernels start from; gates that forget start open."),
};

const LSTMSchema = z
  .strictObject({
    ...RecurrentSettings,
    peepholes: z
      .boolean()
      .default(false)
      .describe("Whether the gates see the cell (DL4J's GravesLSTM)."),
  })
  .describe(
    "An LSTM over sequences [batch, time, features], in the form of those in the network: with their gates, their masks and their order of axes.",
  );

const GRUSchema = z
  .strictObject(RecurrentSettings)
  .describe("A GRU over sequences, as TensorFlow 1's GRUCell.");

const Size2D = z.union([
  z.int().min(1).max(1000),
  z.tuple([z.int().min(1).max(1000), z.int().min(1).max(1000)]),
]);

const DenseSchema = z
  .strictObject({ units: UnitsSchema, activation: OwnActivation, init: InitSchema })
  .describe("A fully connected layer; of sequences, the same for every step.");

const Conv2DSchema = z
  .strictObject({
    units: UnitsSchema,
    window: Size2D.default(3).describe("Height and width of the kernel, or one number for both."),
    strides: Size2D.default(1).describe("Steps of the window, or one number for both."),
    activation: OwnActivation,
    init: InitSchema,
  })
  .describe("A convolution of images, padded so that strides of 1 keep their size.");

const RateSchema = z.number().min(0).lt(1).describe("The share of units that training drops.");

export const NewLayerSchema = z
  .union([
    z.strictObject({ dense: DenseSchema }),
    z.strictObject({ conv2d: Conv2DSchema }),
    z.strictObject({ lstm: LSTMSchema }),
    z.strictObject({ gru: GRUSchema }),
    z.strictObject({
      batchNorm: z
        .strictObject({})
        .describe("A batch normalization that changes nothing until it trains."),
    }),
    z.strictObject({
      dropout: z
        .strictObject({ rate: RateSchema })
        .describe("Drops units while training; predictions stay what they are."),
    }),
    z.strictObject({
      activation: z.enum(ACTIVATION_NAMES).describe("An activation function alone."),
    }),
  ])
  .describe("The new layer.");
export type NewLayer = z.infer<typeof NewLayerSchema>;

/** Where a new layer is built. */
export interface Site {
  readonly model: Model;
  readonly name: string;
  /** The node that it reads, and its shape. */
  readonly from: string;
  readonly shape: Shape;
  readonly key: string;
}

export interface Built {
  /** With as many units as it reads. */
  readonly block: Block;
  /** How many units it shall have, where that is another number. */
  readonly units?: number;
  /** Whether the network computes what it did. */
  readonly keeps: boolean;
}

/** The key of the layer in the recipe. */
export const settingOf = (layer: NewLayer): string => Object.keys(layer)[0];

/** What the layer is called in lists. */
export const kindOf = (layer: NewLayer): string =>
  "lstm" in layer || "gru" in layer ? settingOf(layer).toUpperCase() : settingOf(layer);

/** The nodes and variables of a new layer. Throws `invalid-edit` where it does not fit, and says what does. */
export function build(layer: NewLayer, site: Site): Built {
  if ("dense" in layer) return dense(layer.dense, site);
  if ("conv2d" in layer) return conv2d(layer.conv2d, site);
  if ("lstm" in layer) return recurrent(layer.lstm, site, "An LSTM");
  if ("gru" in layer) return recurrent(layer.gru, site, "A GRU");
  const { model, name, from, shape, key } = site;
  if ("batchNorm" in layer) {
    const dataFormat = dataFormatOf(model, from);
    const units = sizeOf(site, channelAxis(shape, dataFormat));
    const block = batchNormBlock({ name, from, units, rank: shape.length, dataFormat, key });
    return { block, keeps: true };
  }
  if ("dropout" in layer)
    return { block: dropoutBlock(name, from, layer.dropout.rate), keeps: true };
  const keeps = changesNothing(layer.activation, bounds(model, from));
  return { block: activationBlock(name, from, layer.activation), keeps };
}

function dense({ units, activation, init }: z.infer<typeof DenseSchema>, site: Site): Built {
  const { name, from, shape, key } = site;
  if (shape.length !== 2 && shape.length !== 3)
    throw misplaced(site, "A dense layer", "rows of units", "behind the flattening");
  const inputs = sizeOf(site, shape.length - 1);
  const product = { name, from, inputs, units: inputs, init, ...activated(activation), key };
  if (init === "identity") refuseChange(site, units ?? inputs, inputs, activation);
  return built(denseBlock(product), units, inputs, init === "identity");
}

function conv2d(spec: z.infer<typeof Conv2DSchema>, site: Site): Built {
  const { units, window, strides, activation, init } = spec;
  const { model, name, from, shape, key } = site;
  if (shape.length !== 4) throw misplaced(site, "A convolution", "images", "before the flattening");
  const dataFormat = dataFormatOf(model, from);
  const inputs = sizeOf(site, channelAxis(shape, dataFormat));
  const steps = both(strides);
  if (init === "identity") {
    refuseChange(site, units ?? inputs, inputs, activation);
    if (steps.some((step) => step > 1)) throw noIdentity(name, "strides leave numbers out");
  }
  const block = conv2dBlock({
    ...{ name, from, inputs, units: inputs, init, ...activated(activation), key },
    window: both(window),
    convolution: { strides: steps, padding: "SAME", dataFormat, dilations: [1, 1] },
  });
  return built(block, units, inputs, init === "identity");
}

function recurrent(
  spec: z.infer<typeof GRUSchema> | z.infer<typeof LSTMSchema>,
  site: Site,
  what: string,
): Built {
  if (site.shape.length !== 3) throw misplaced(site, what, "sequences", "where there are some");
  const features = sizeOf(site, 2);
  const activation = RECURRENT_ACTIVATIONS[spec.activation];
  const how = { ...site, features, units: features, activation, init: spec.init };
  const block =
    "peepholes" in spec ? lstmBlock({ ...how, peepholes: spec.peepholes }) : gruBlock(how);
  return built(block, spec.units, features, false);
}

const built = (block: Block, units = 0, inputs: number, keeps: boolean): Built => ({
  block,
  keeps,
  ...(units > 0 && units !== inputs && { units }),
});

const activated = (activation: Activation | "none"): { readonly activation?: Activation } =>
  activation === "none" ? {} : { activation };

const both = (size: number | readonly [number, number]): readonly [number, number] =>
  typeof size === "number" ? [size, size] : size;

function sizeOf({ from, shape }: Site, axis: number): number {
  const size = shape[axis];
  if (size > 0) return size;
  throw new GraftError(
    "shape-mismatch",
    `How many units ${from} has is not known (its shape is ${formatShape(shape)}), so nothing that depends on it can be inserted behind it.`,
  );
}

/** Whether an activation function leaves every number within `range` as it is. */
function changesNothing(activation: Activation | "none", { least, most }: Bounds): boolean {
  switch (activation) {
    case "none":
      return true;
    case "relu":
    case "elu":
    case "leakyRelu":
      return least >= 0;
    case "relu6":
      return least >= 0 && most <= 6;
    default:
      return false;
  }
}

function refuseChange(
  { model, name, from }: Site,
  units: number,
  inputs: number,
  activation: Activation | "none",
): void {
  if (units !== inputs)
    throw noIdentity(
      name,
      `it reads ${inputs} units and would have ${units}: leave "units" out, and add or remove units afterwards`,
    );
  if (!changesNothing(activation, bounds(model, from)))
    throw noIdentity(
      name,
      `${activation} changes what ${from} hands on: use "activation": "none"${
        changesNothing("relu", bounds(model, from)) ? ' or "relu"' : ""
      }`,
    );
}

const noIdentity = (name: string, why: string): GraftError =>
  new GraftError("invalid-edit", `${name} cannot start as the identity, because ${why}.`);

/** What fits a shape of so many axes instead. */
const INSTEAD: Readonly<Record<number, string>> = {
  2: ", or insert a dense layer here",
  3: ", or insert a dense layer or an lstm here",
  4: ", or insert a conv2d here",
};

const misplaced = ({ from, shape }: Site, what: string, wants: string, where: string): GraftError =>
  new GraftError(
    "invalid-edit",
    `${what} takes ${wants}, and ${from} has the shape ${formatShape(shape)}. Insert it ${where}${INSTEAD[shape.length] ?? ""}.`,
  );
