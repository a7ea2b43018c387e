// Every kind of layer, vertex, preprocessor, activation function and loss that real Deeplearning4j makes: the same
// activations, the same loss and the same gradient here.
import { beforeAll, expect, test } from "vitest";
import { openCheckpoint } from "../../src/engine/formats/table";
import { executorOn } from "../engine/executor";
import { expectClose } from "../engine/fixture";
import { gradientsOf, nodeOf, outputsOf } from "../engine/formats/dl4j/running";
import { type JavaArray, type JavaNetwork, type JavaOutput, javaForSuite, withDl4j } from "./dl4j";
import { classes, numbers } from "./dl4jSamples";

interface Case {
  readonly title: string;
  readonly network: object;
  readonly inputs: readonly JavaArray[];
  readonly labels: readonly JavaArray[];
  readonly masks?: readonly JavaArray[];
  /** Vertices whose activations DL4J overwrites when the next layer is an activation function. */
  readonly overwritten?: readonly string[];
  /** Steps that DL4J trains beforehand. */
  readonly trained?: number;
  /** What the gradient of the loss is compared within; DL4J clips some losses. */
  readonly tolerance?: number;
}

const RATE = 0.1;
const GLOBAL = { seed: 3, updater: { Sgd: { learningRate: RATE } } };

type Layer = object;

const dense = (nIn: number, nOut: number, more = {}): Layer => ({
  DenseLayer: { nIn, nOut, activation: "TANH", ...more },
});
const output = (nIn: number, more = {}): Layer => ({
  OutputLayer: { nIn, nOut: 2, lossFunction: "MCXENT", activation: "SOFTMAX", ...more },
});
const rnnOutput = (nIn: number, more = {}): Layer => ({
  RnnOutputLayer: { nIn, nOut: 2, lossFunction: "MCXENT", activation: "SOFTMAX", ...more },
});

/** Rows of three numbers. */
const rows = (title: string, layers: readonly Layer[], more: Partial<Case> = {}): Case => ({
  title,
  network: { global: GLOBAL, layers },
  inputs: [numbers(4, 3)],
  labels: [classes(4, 2)],
  ...more,
});

/** Images of two channels, 6 × 5. */
const images = (
  title: string,
  layers: readonly Layer[],
  sized: "convolutionalFlat" | "convolutional" = "convolutionalFlat",
  more: Partial<Case> = {},
): Case => ({
  title,
  network: {
    global: GLOBAL,
    layers: [
      ...layers,
      { OutputLayer: { nOut: 2, lossFunction: "MCXENT", activation: "SOFTMAX" } },
    ],
    list: { setInputType: { [sized]: [6, 5, 2] } },
  },
  inputs: [sized === "convolutional" ? numbers(4, 2, 6, 5) : numbers(4, 60)],
  labels: [classes(4, 2)],
  ...more,
});

/** Sequences of three numbers, five steps, and labels for each step. */
const sequences = (title: string, layers: readonly Layer[], more: Partial<Case> = {}): Case => ({
  title,
  network: { global: GLOBAL, layers, list: { setInputType: { recurrent: [3] } } },
  inputs: [numbers(4, 3, 5)],
  labels: [classes(4, 2, 5)],
  ...more,
});

const lstm = (nIn: number, nOut: number, more = {}): Layer => ({
  LSTM: { nIn, nOut, activation: "TANH", ...more },
});

/** The first 5, 3, 4 and 1 steps are there. */
const MASK: JavaArray = {
  shape: [4, 5],
  values: [5, 3, 4, 1].flatMap((length) => [0, 1, 2, 3, 4].map((step) => (step < length ? 1 : 0))),
};

/** Padding comes first, last, on both sides, and not at all. */
const AROUND: JavaArray = {
  shape: [4, 5],
  values: [
    [0, 0, 1, 1, 1],
    [1, 1, 1, 0, 0],
    [0, 1, 1, 1, 0],
    [1, 1, 1, 1, 1],
  ].flat(),
};

/** Padding between steps that are there, too. */
const HOLES: JavaArray = {
  shape: [4, 5],
  values: [
    [0, 1, 0, 1, 0],
    [1, 1, 0, 0, 1],
    [0, 1, 1, 1, 0],
    [1, 1, 1, 1, 1],
  ].flat(),
};

const ACTIVATIONS = [
  ...["CUBE", "ELU", "GELU", "HARDSIGMOID", "HARDTANH", "IDENTITY", "LEAKYRELU", "MISH"],
  ...["RECTIFIEDTANH", "RELU", "RELU6", "SELU", "SIGMOID", "SOFTMAX", "SOFTPLUS", "SOFTSIGN"],
  ...["SWISH", "TANH"],
];

const LOSSES: readonly (readonly [loss: string, activation: string])[] = [
  ["MCXENT", "SOFTMAX"],
  ["NEGATIVELOGLIKELIHOOD", "SOFTMAX"],
  ["XENT", "SIGMOID"],
  ["MSE", "IDENTITY"],
  ["MSE", "SIGMOID"],
  ["SQUARED_LOSS", "TANH"],
  ["L1", "IDENTITY"],
  ["L2", "IDENTITY"],
  ["MEAN_ABSOLUTE_ERROR", "IDENTITY"],
  ["HINGE", "TANH"],
  ["SQUARED_HINGE", "TANH"],
  ["KL_DIVERGENCE", "SOFTMAX"],
  ["POISSON", "SOFTPLUS"],
  ["MEAN_SQUARED_LOGARITHMIC_ERROR", "SIGMOID"],
];

const CENTERS = { lossFunction: "MCXENT", activation: "SOFTMAX" };

const PENALTIES = { ...GLOBAL, l1: 0.02, l2: 0.1, l1Bias: 0.03, l2Bias: 0.05, biasInit: 0.5 };

/** Layers with parameters that are no plain weights and biases, or with others inside. */
const REGULARIZED: Readonly<Record<string, readonly Layer[]>> = {
  "batch norm": [dense(3, 4), { BatchNormalization: { nIn: 4, nOut: 4 } }, output(4)],
  prelu: [{ PReLULayer: { inputShape: [3] } }, output(3)],
  "elementwise multiplication": [
    { ElementWiseMultiplicationLayer: { nIn: 3, nOut: 3, activation: "TANH" } },
    output(3),
  ],
};

const REGULARIZED_STEPS: Readonly<Record<string, Layer>> = {
  LSTM: lstm(3, 4),
  GravesLSTM: { GravesLSTM: { nIn: 3, nOut: 4, activation: "TANH" } },
  GravesBidirectionalLSTM: { GravesBidirectionalLSTM: { nIn: 3, nOut: 4, activation: "TANH" } },
  "both ways": { Bidirectional: { args: ["ADD", lstm(3, 4)] } },
};

const CASES: readonly Case[] = [
  ...ACTIVATIONS.map((activation) =>
    rows(`dense, ${activation}`, [dense(3, 4, { activation }), output(4)]),
  ),
  ...LOSSES.map(([lossFunction, activation]) =>
    rows(`loss ${lossFunction} of ${activation}`, [
      dense(3, 4),
      output(4, { lossFunction, activation }),
    ]),
  ),
  rows("l1 and l2, of weights and biases", [
    dense(3, 4, { l1: 0.02, l2: 0.03, l1Bias: 0.04, l2Bias: 0.05, biasInit: 0.5 }),
    output(4),
  ]),
  ...Object.entries(REGULARIZED).map(([title, layers]) =>
    rows(`l1 and l2: ${title}`, layers, {
      network: {
        global: PENALTIES,
        layers,
      },
    }),
  ),
  ...Object.entries(REGULARIZED_STEPS).map(([title, layer]) =>
    sequences(`l1 and l2: ${title}`, [layer, rnnOutput(4)], {
      network: {
        global: PENALTIES,
        layers: [layer, rnnOutput(4)],
        list: { setInputType: { recurrent: [3] } },
      },
    }),
  ),
  sequences("l1 and l2: the last step", [], {
    network: {
      global: PENALTIES,
      layers: [{ LastTimeStep: { args: [lstm(3, 4)] } }, output(4)],
      list: { setInputType: { recurrent: [3] } },
    },
    labels: [classes(4, 2)],
  }),
  rows(
    "center loss",
    [
      dense(3, 4),
      { CenterLossOutputLayer: { nIn: 4, nOut: 2, ...CENTERS, lambda: 0.3, alpha: 0.1 } },
    ],
    { trained: 3 },
  ),
  rows("no bias", [dense(3, 4, { hasBias: false }), output(4, { hasBias: false })]),
  rows(
    "activation, dropout and loss layers",
    [
      dense(3, 2, { activation: "IDENTITY" }),
      { ActivationLayer: { activation: "RELU" } },
      { LossLayer: { lossFunction: "MCXENT", activation: "SOFTMAX" } },
    ],
    { overwritten: ["0"] },
  ),
  rows("batch norm of rows", [dense(3, 4), { BatchNormalization: { nIn: 4, nOut: 4 } }, output(4)]),
  rows("batch norm with locked scale", [
    dense(3, 4),
    { BatchNormalization: { nIn: 4, nOut: 4, lockGammaBeta: true, gamma: 1.5, beta: 0.25 } },
    output(4),
  ]),
  rows("batch norm that keeps the variance", [
    dense(3, 4),
    { BatchNormalization: { nIn: 4, nOut: 4, useLogStd: false } },
    output(4),
  ]),
  rows("elementwise multiplication", [
    { ElementWiseMultiplicationLayer: { nIn: 3, nOut: 3, activation: "TANH" } },
    output(3),
  ]),
  rows("prelu", [{ PReLULayer: { inputShape: [3] } }, output(3)]),
  rows("embedding", [{ EmbeddingLayer: { nIn: 5, nOut: 3, activation: "TANH" } }, output(3)], {
    inputs: [{ shape: [4, 1], values: [0, 4, 2, 2] }],
  }),
  rows("frozen layers", [
    { FrozenLayer: { args: [dense(3, 4)] } },
    dense(4, 4),
    { FrozenLayerWithBackprop: { args: [dense(4, 4)] } },
    output(4),
  ]),

  images("convolution, same", [
    {
      ConvolutionLayer: {
        kernelSize: [3, 2],
        nOut: 3,
        convolutionMode: "Same",
        activation: "TANH",
      },
    },
  ]),
  images("convolution, strides and padding", [
    {
      ConvolutionLayer: {
        kernelSize: [3, 3],
        stride: [2, 1],
        padding: [1, 2],
        nOut: 3,
        activation: "TANH",
      },
    },
  ]),
  images("convolution, dilated", [
    { ConvolutionLayer: { kernelSize: [2, 2], dilation: [2, 1], nOut: 3, activation: "TANH" } },
  ]),
  images("depthwise convolution", [
    {
      DepthwiseConvolution2D: {
        kernelSize: [3, 3],
        depthMultiplier: 2,
        nOut: 4,
        activation: "TANH",
      },
    },
  ]),
  images("separable convolution", [
    {
      SeparableConvolution2D: {
        kernelSize: [3, 3],
        depthMultiplier: 2,
        nOut: 3,
        activation: "TANH",
      },
    },
  ]),
  images("deconvolution", [
    { Deconvolution2D: { kernelSize: [2, 2], stride: [2, 2], nOut: 3, activation: "TANH" } },
  ]),
  images("deconvolution, same", [
    {
      Deconvolution2D: {
        kernelSize: [3, 3],
        stride: [2, 2],
        nOut: 3,
        convolutionMode: "Same",
        activation: "TANH",
      },
    },
  ]),
  images("pooling: maximum", [
    { SubsamplingLayer: { poolingType: "MAX", kernelSize: [2, 2], stride: [2, 2] } },
  ]),
  images("pooling: mean", [
    { SubsamplingLayer: { poolingType: "AVG", kernelSize: [3, 2], stride: [2, 1] } },
  ]),
  images("pooling: maximum, same", [
    {
      SubsamplingLayer: {
        poolingType: "MAX",
        kernelSize: [3, 3],
        stride: [2, 2],
        convolutionMode: "Same",
      },
    },
  ]),
  images("pooling: mean, same", [
    {
      SubsamplingLayer: {
        poolingType: "AVG",
        kernelSize: [3, 3],
        stride: [2, 2],
        convolutionMode: "Same",
      },
    },
  ]),
  images(
    "batch norm of images",
    [
      { ConvolutionLayer: { kernelSize: [3, 3], nOut: 3, activation: "IDENTITY" } },
      { BatchNormalization: {} },
      { ActivationLayer: { activation: "RELU" } },
    ],
    "convolutional",
    { overwritten: ["1"] },
  ),
  ...["MAX", "AVG", "SUM", "PNORM"].map((poolingType) =>
    images(`global pooling: ${poolingType}`, [
      { ConvolutionLayer: { kernelSize: [3, 3], nOut: 3, activation: "TANH" } },
      { GlobalPoolingLayer: { poolingType } },
    ]),
  ),
  images("zero padding, cropping, upsampling", [
    { ZeroPaddingLayer: { args: [1, 2, 0, 1] } },
    { Cropping2D: { args: [1, 0, 2, 1] } },
    { Upsampling2D: { args: [2], name: "up" } },
    { ConvolutionLayer: { kernelSize: [3, 3], nOut: 3, activation: "TANH" } },
  ]),

  sequences("LSTM", [lstm(3, 4), rnnOutput(4)]),
  sequences("LSTM, a mask", [lstm(3, 4), rnnOutput(4)], { masks: [MASK] }),
  sequences("LSTM, other activation functions", [
    lstm(3, 4, { activation: "SOFTSIGN", gateActivationFunction: "HARDSIGMOID" }),
    rnnOutput(4),
  ]),
  sequences("GravesLSTM", [{ GravesLSTM: { nIn: 3, nOut: 4, activation: "TANH" } }, rnnOutput(4)]),
  sequences(
    "GravesBidirectionalLSTM, a mask",
    [{ GravesBidirectionalLSTM: { nIn: 3, nOut: 4, activation: "TANH" } }, rnnOutput(4)],
    { masks: [MASK] },
  ),
  ...["CONCAT", "ADD", "MUL", "AVERAGE"].map((mode) =>
    sequences(
      `bidirectional: ${mode}, a mask`,
      [{ Bidirectional: { args: [mode, lstm(3, 4)] } }, rnnOutput(mode === "CONCAT" ? 8 : 4)],
      { masks: [MASK] },
    ),
  ),
  ...[
    ["an LSTM", lstm(3, 4), 4] as const,
    ["a GravesLSTM", { GravesLSTM: { nIn: 3, nOut: 4, activation: "TANH" } }, 4] as const,
    ["a layer both ways", { Bidirectional: { args: ["CONCAT", lstm(3, 4)] } }, 8] as const,
  ].flatMap(([title, layer, size]) =>
    Object.entries({ "padding around": AROUND, holes: HOLES }).map(([how, mask]) =>
      sequences(
        `last step of ${title}, a mask with ${how}`,
        [{ LastTimeStep: { args: [layer] } }, output(size)],
        { masks: [mask], labels: [classes(4, 2)] },
      ),
    ),
  ),
  sequences("last step of an LSTM, a mask", [{ LastTimeStep: { args: [lstm(3, 4)] } }, output(4)], {
    masks: [MASK],
    labels: [classes(4, 2)],
  }),
  ...["MAX", "AVG", "SUM"].map((poolingType) =>
    sequences(
      `pooling over time: ${poolingType}, a mask`,
      [lstm(3, 4), { GlobalPoolingLayer: { poolingType } }, output(4)],
      { masks: [MASK], labels: [classes(4, 2)] },
    ),
  ),
  sequences("a dense layer at each step", [lstm(3, 4), dense(4, 3), lstm(3, 4), rnnOutput(4)]),
  sequences("a loss layer at each step", [
    lstm(3, 2),
    { RnnLossLayer: { lossFunction: "MCXENT", activation: "SOFTMAX" } },
  ]),
  sequences(
    "convolution and pooling along time",
    [
      { Convolution1DLayer: { nOut: 4, kernelSize: 2, stride: 1, activation: "TANH" } },
      { Subsampling1DLayer: { poolingType: "MAX", kernelSize: 2, stride: 1 } },
      { GlobalPoolingLayer: { poolingType: "AVG" } },
      output(4),
    ],
    { labels: [classes(4, 2)] },
  ),
  sequences(
    "causal convolution",
    [
      {
        Convolution1DLayer: {
          nOut: 4,
          kernelSize: 2,
          dilation: 2,
          convolutionMode: "Causal",
          activation: "TANH",
        },
      },
      { ZeroPadding1DLayer: { args: [1] } },
      lstm(4, 3),
      { GlobalPoolingLayer: { poolingType: "AVG" } },
      output(3),
    ],
    { labels: [classes(4, 2)] },
  ),

  {
    title: "vertices of rows",
    network: {
      global: GLOBAL,
      inputs: ["a", "b"],
      vertices: [
        ["left", dense(3, 4), "a"],
        ["right", dense(2, 4), "b"],
        ["joined", { MergeVertex: {} }, "left", "right"],
        ["part", { SubsetVertex: { args: [2, 5] } }, "joined"],
        ["sum", { ElementWiseVertex: { args: ["Add"] } }, "part", "left", "right"],
        ["less", { ElementWiseVertex: { args: ["Subtract"] } }, "sum", "right"],
        ["times", { ElementWiseVertex: { args: ["Product"] } }, "less", "left", "part"],
        ["mean", { ElementWiseVertex: { args: ["Average"] } }, "times", "left"],
        ["most", { ElementWiseVertex: { args: ["Max"] } }, "mean", "right"],
        ["scaled", { ScaleVertex: { args: [1.5] } }, "most"],
        ["shifted", { ShiftVertex: { args: [0.25] } }, "scaled"],
        ["out", output(4), "shifted"],
      ],
      outputs: ["out"],
    },
    inputs: [numbers(4, 3), numbers(4, 2)],
    labels: [classes(4, 2)],
  },
  {
    title: "vertices of sequences, masks",
    network: {
      global: GLOBAL,
      inputs: ["a"],
      vertices: [
        ["there", lstm(3, 4), "a"],
        ["turned", { ReverseTimeSeriesVertex: { args: ["a"] } }, "there"],
        ["joined", { MergeVertex: {} }, "there", "turned"],
        ["last", { LastTimeStepVertex: { args: ["a"] } }, "joined"],
        ["repeated", { DuplicateToTimeSeriesVertex: { args: ["a"] } }, "last"],
        ["both", { MergeVertex: {} }, "repeated", "a"],
        ["out", rnnOutput(11), "both"],
      ],
      outputs: ["out"],
      graph: { setInputTypes: [{ recurrent: [3] }] },
    },
    inputs: [numbers(4, 3, 5)],
    labels: [classes(4, 2, 5)],
    masks: [MASK],
  },
];

/**
 * Of what training in mini-batches computes, and not inference. And where padding comes before steps that are there: DL4J's
 * LSTM masks the way there, and not the way back (LSTM.backpropGradientHelper hands on no mask).
 */
const trainsOtherwise = ({ title }: Case): boolean => /batch norm|a mask with/.test(title);

withDl4j("networks of Deeplearning4j 1.0.0-M2.1", () => {
  const { java, at } = javaForSuite();
  beforeAll(() => executorOn("cpu"));

  test.each(CASES)("$title", async (each) => {
    const { network, inputs, labels, masks } = each;
    const isPerStep = labels[0].shape.length === 3;
    const samples = {
      ...{ inputs, labels },
      ...(masks && { masks }),
      ...(masks && isPerStep && { labelsMasks: masks }),
    };
    const path = at("made.zip");
    const made = await java.ask<JavaNetwork>({
      ...{ command: "make", network, as: path },
      ...(each.trained && { fit: { ...samples, steps: each.trained } }),
    });
    const { activations } = await java.ask<JavaOutput>({
      ...{ command: "output", path, inputs, activations: true },
      ...(masks && { masks }),
    });
    const checkpoint = await openCheckpoint(path);
    const model = await checkpoint.model();
    const feeds = Object.fromEntries([
      ...model.roles.inputs.map((name, index) => [name, inputs[index]] as const),
      ...(masks ? [["mask", masks[0]] as const] : []),
    ]);
    const vertices = Object.keys(activations!).filter(
      (name) =>
        !each.overwritten?.includes(name) && (model.aliases.has(name) || model.nodes.has(name)),
    );
    expect(vertices.length).toBeGreaterThan(1);
    const nodes = vertices.map((name) => nodeOf(model, name));
    const found = await outputsOf(model, checkpoint.read, feeds, nodes);
    const isThere = masks && stepsOf(masks[0]);
    vertices.forEach((name, index) => {
      const expected = inSequence(activations![name], found[index].shape);
      expect(found[index].shape, name).toEqual(expected.shape);
      const shown = (array: { shape: readonly number[]; values: ArrayLike<number> }) =>
        Float32Array.from(isThere ? isThere(array) : array.values);
      expectClose(shown(found[index]), shown(expected), 1e-5, name);
    });

    const { score = Number.NaN } = await java.ask<JavaNetwork>({
      ...{ command: "score", path },
      ...samples,
    });
    const fed = {
      ...{ ...feeds, [model.roles.labels!]: labels[0] },
      ...(masks && isPerStep && { labelsMask: masks[0] }),
    };
    const [loss] = await outputsOf(model, checkpoint.read, fed, [model.roles.loss!]);
    expectClose(loss.values, [score], 1e-5, "loss");

    if (!trainsOtherwise(each)) {
      const stepped = await java.ask<JavaNetwork>({
        ...{ command: "fit", path, steps: 1 },
        ...samples,
      });
      const gradients = await gradientsOf(model, checkpoint.read, fed);
      for (const [name, gradient] of gradients) {
        const before = made.parameters[name].values;
        const moved = stepped.parameters[name].values.map(
          (value, at) => (before[at] - value) / RATE,
        );
        expectClose(gradient, moved, each.tolerance ?? 2e-5, name);
      }
      // What has no gradient here has not moved there, but for centers, which move without one.
      for (const [name, { values }] of Object.entries(stepped.parameters))
        if (!gradients.has(name) && !name.endsWith("_cL"))
          expect(values, name).toEqual(made.parameters[name].values);
    }
    await checkpoint.close();
  });
});

/** Rows of all steps of all samples, the samples of a step one after the other, as a sequence. */
function inSequence(array: JavaArray, shape: readonly number[]): JavaArray {
  if (array.shape.length !== 2 || shape.length !== 3) return array;
  const [batch, features, time] = shape;
  const values = Array.from({ length: batch * features * time }, (_, at) => {
    const [step, feature] = [at % time, Math.floor(at / time) % features];
    const sample = Math.floor(at / (features * time));
    return array.values[(step * batch + sample) * features + feature];
  });
  return { shape, values };
}

/** The numbers of sequences at steps that are there, and all numbers of everything else. */
const stepsOf =
  ({ values: mask }: JavaArray) =>
  ({
    shape,
    values,
  }: {
    readonly shape: readonly number[];
    readonly values: ArrayLike<number>;
  }) => {
    if (shape.length !== 3) return Array.from(values);
    const [, features, time] = shape;
    return Array.from(values).filter((_, at) => {
      const sample = Math.floor(at / (features * time));
      return mask[sample * time + (at % time)] === 1;
    });
  };
