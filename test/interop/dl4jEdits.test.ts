// Networks of real Deeplearning4j, edited here and loaded there: the same outputs, freeze state kept, and training goes on.
import { readFileSync } from "node:fs";
import { beforeAll, expect, test } from "vitest";
import { formatOf, openCheckpoint } from "../../src/engine/formats/table";
import { ancestors } from "../../src/engine/graph/order";
import { evaluate } from "../../src/engine/graph/value";
import { editedModel } from "../../src/engine/recipe/apply";
import { parseRecipe } from "../../src/engine/recipe/parse";
import { executorOn } from "../engine/executor";
import { expectClose } from "../engine/fixture";
import { nodeOf, outputsOf, SEED } from "../engine/formats/dl4j/running";
import { OLD_VERSIONS } from "../engine/formats/dl4j/zips";
import { fixture } from "../engine/formats/tf1/fixtures";
import { type JavaArray, type JavaNetwork, type JavaOutput, javaForSuite, withDl4j } from "./dl4j";
import { classes, numbers } from "./dl4jSamples";

/** Of sequences that end earlier. */
const MASK: JavaArray = {
  shape: [4, 5],
  values: [5, 2, 3, 1].flatMap((length) => [0, 1, 2, 3, 4].map((step) => Number(step < length))),
};

/** What is no padding: of sequences [samples, features, time] the steps that are there. */
const there = ({ shape, values }: { shape: readonly number[]; values: ArrayLike<number> }) =>
  Array.from(values, (value, at) => {
    if (shape.length < 3) return value;
    const sample = Math.floor(at / (shape[1] * shape[2]));
    return value * MASK.values[sample * shape[2] + (at % shape[2])];
  });

interface Source {
  readonly network: object;
  readonly inputs: readonly JavaArray[];
  /** How many steps the labels have; undefined for one label a sample, null where the samples are sequences. */
  readonly steps?: number | null;
}

const GLOBAL = { seed: 3, l2: 0.001, updater: { Adam: { learningRate: 0.01 } } };

const dense = (nIn: number, nOut: number) => ({
  DenseLayer: { nIn, nOut, activation: "TANH" },
});
const OUTPUT = { lossFunction: "MCXENT", activation: "SOFTMAX", nOut: 2 };

/** A graph over one sequence, a, that ends in out. */
const sequenceGraph = (vertices: readonly (readonly unknown[])[]): Source => ({
  network: {
    ...{ global: GLOBAL, inputs: ["a"], vertices, outputs: ["out"] },
    graph: { setInputTypes: [{ recurrent: [3] }] },
  },
  inputs: [numbers(4, 3, 5)],
});

const SOURCES: Readonly<Record<string, Source>> = {
  rows: {
    network: {
      global: GLOBAL,
      layers: [dense(3, 4), dense(4, 5), { OutputLayer: { nIn: 5, ...OUTPUT } }],
    },
    inputs: [numbers(4, 3)],
  },
  images: {
    network: {
      global: GLOBAL,
      layers: [
        { ConvolutionLayer: { kernelSize: [3, 3], nOut: 3, activation: "RELU" } },
        { BatchNormalization: {} },
        { SubsamplingLayer: { poolingType: "MAX", kernelSize: [2, 2], stride: [2, 2] } },
        { DenseLayer: { nOut: 5, activation: "TANH", dropOut: 0.8 } },
        { OutputLayer: OUTPUT },
      ],
      list: { setInputType: { convolutionalFlat: [6, 6, 1] } },
    },
    inputs: [numbers(4, 36)],
  },
  centers: {
    network: {
      global: GLOBAL,
      layers: [
        dense(3, 4),
        dense(4, 5),
        { CenterLossOutputLayer: { nIn: 5, ...OUTPUT, lambda: 0.3, alpha: 0.1 } },
      ],
    },
    inputs: [numbers(4, 3)],
  },
  sequences: {
    network: {
      global: GLOBAL,
      layers: [
        { GravesLSTM: { nIn: 3, nOut: 4, activation: "TANH" } },
        { LSTM: { nIn: 4, nOut: 5, activation: "TANH" } },
        { RnnOutputLayer: { nIn: 5, ...OUTPUT } },
      ],
    },
    inputs: [numbers(4, 3, 5)],
    steps: 5,
  },
  bothWays: {
    network: {
      global: GLOBAL,
      layers: [
        { Bidirectional: { args: ["CONCAT", { GravesLSTM: { nIn: 3, nOut: 4 } }] } },
        {
          LastTimeStep: { args: [{ Bidirectional: { args: ["CONCAT", { LSTM: { nOut: 3 } }] } }] },
        },
        { OutputLayer: OUTPUT },
      ],
      list: { setInputType: { recurrent: [3] } },
    },
    inputs: [numbers(4, 3, 5)],
  },
  recurrentGraph: {
    ...sequenceGraph([
      ["lstm", { LSTM: { nIn: 3, nOut: 4, activation: "TANH" } }, "a"],
      ["out", { RnnOutputLayer: { nIn: 4, ...OUTPUT } }, "lstm"],
    ]),
    steps: 5,
  },
  timeDistributed: {
    network: {
      global: GLOBAL,
      layers: [
        { LSTM: { nIn: 3, nOut: 4, activation: "TANH" } },
        { TimeDistributed: { args: [dense(4, 5)] } },
        { RnnOutputLayer: { nIn: 5, ...OUTPUT } },
      ],
      list: { setInputType: { recurrent: [3] } },
    },
    inputs: [numbers(4, 3, 5)],
    steps: 5,
  },
  pooled: {
    network: {
      global: GLOBAL,
      layers: [
        { LSTM: { nIn: 3, nOut: 4, activation: "TANH" } },
        { GlobalPoolingLayer: { args: ["MAX"] } },
        { OutputLayer: { nIn: 4, ...OUTPUT } },
      ],
      list: { setInputType: { recurrent: [3] } },
    },
    inputs: [numbers(4, 3, 5)],
  },
  denseBehindLast: sequenceGraph([
    ["lstm", { GravesLSTM: { nIn: 3, nOut: 4, activation: "TANH" } }, "a"],
    ["last", { LastTimeStepVertex: { args: ["a"] } }, "lstm"],
    ["dense", dense(4, 3), "last"],
    ["out", { OutputLayer: { nIn: 3, ...OUTPUT } }, "dense"],
  ]),
  turnedGraph: {
    ...sequenceGraph([
      ["there", { LSTM: { nIn: 3, nOut: 4, activation: "TANH" } }, "a"],
      ["turned", { ReverseTimeSeriesVertex: { args: ["a"] } }, "a"],
      ["back", { LSTM: { nIn: 3, nOut: 4, activation: "TANH" } }, "turned"],
      ["again", { ReverseTimeSeriesVertex: { args: ["a"] } }, "back"],
      ["joined", { MergeVertex: {} }, "there", "again"],
      ["out", { RnnOutputLayer: { nIn: 8, ...OUTPUT } }, "joined"],
    ]),
    steps: 5,
  },
  graph: {
    network: {
      global: GLOBAL,
      inputs: ["a", "b"],
      vertices: [
        ["left", dense(3, 4), "a"],
        ["right", dense(2, 4), "b"],
        ["sum", { ElementWiseVertex: { args: ["Add"] } }, "left", "right"],
        ["joined", { MergeVertex: {} }, "sum", "right"],
        ["hidden", dense(8, 5), "joined"],
        ["out", { OutputLayer: { nIn: 5, ...OUTPUT } }, "hidden"],
      ],
      outputs: ["out"],
    },
    inputs: [numbers(4, 3), numbers(4, 2)],
  },
  lossOfRows: {
    network: {
      global: GLOBAL,
      layers: [dense(3, 4), dense(4, 2), { LossLayer: { ...OUTPUT, nOut: undefined } }],
    },
    inputs: [numbers(4, 3)],
  },
  lossOfSteps: {
    network: {
      global: GLOBAL,
      layers: [
        { LSTM: { nIn: 3, nOut: 4, activation: "TANH" } },
        { LSTM: { nIn: 4, nOut: 2, activation: "TANH" } },
        { RnnLossLayer: { ...OUTPUT, nOut: undefined } },
      ],
    },
    inputs: [numbers(4, 3, 5)],
    steps: 5,
  },
  encoderAndDecoder: {
    ...sequenceGraph([
      ["encoder", { LSTM: { nIn: 3, nOut: 4, activation: "TANH" } }, "a"],
      ["last", { LastTimeStepVertex: { args: ["a"] } }, "encoder"],
      ["steps", { DuplicateToTimeSeriesVertex: { args: ["a"] } }, "last"],
      ["joined", { MergeVertex: {} }, "steps", "a"],
      ["decoder", { LSTM: { nIn: 7, nOut: 5, activation: "TANH" } }, "joined"],
      ["out", { RnnOutputLayer: { nIn: 5, ...OUTPUT } }, "decoder"],
    ]),
    steps: 5,
  },
  lastStep: {
    network: {
      global: GLOBAL,
      layers: [
        { LSTM: { nIn: 3, nOut: 4, activation: "TANH" } },
        { LastTimeStep: { args: [{ LSTM: { nIn: 4, nOut: 5, activation: "TANH" } }] } },
        { OutputLayer: { nIn: 5, ...OUTPUT } },
      ],
      list: { setInputType: { recurrent: [3] } },
    },
    inputs: [numbers(4, 3, 5)],
    steps: null,
  },
  lastStepGraph: {
    ...sequenceGraph([
      ["lstm", { GravesLSTM: { nIn: 3, nOut: 4, activation: "TANH" } }, "a"],
      ["last", { LastTimeStepVertex: { args: ["a"] } }, "lstm"],
      ["out", { OutputLayer: { nIn: 4, ...OUTPUT } }, "last"],
    ]),
    steps: null,
  },
  gravesBothWays: {
    network: {
      global: GLOBAL,
      layers: [
        { GravesBidirectionalLSTM: { nIn: 3, nOut: 4, activation: "TANH" } },
        { RnnOutputLayer: { nIn: 4, ...OUTPUT } },
      ],
    },
    inputs: [numbers(4, 3, 5)],
    steps: 5,
  },
  /** Pools and joined branches between layers that have parameters. */
  branches: {
    network: {
      global: GLOBAL,
      inputs: ["a"],
      vertices: [
        ["padded", { ZeroPaddingLayer: { args: [1, 1] } }, "a"],
        [
          "first",
          { ConvolutionLayer: { kernelSize: [3, 3], nOut: 3, activation: "RELU" } },
          "padded",
        ],
        [
          "pool",
          { SubsamplingLayer: { poolingType: "MAX", kernelSize: [2, 2], stride: [2, 2] } },
          "first",
        ],
        ["left", { DenseLayer: { nOut: 4, activation: "TANH" } }, "pool"],
        ["right", { DenseLayer: { nOut: 4, activation: "TANH" } }, "pool"],
        ["sum", { ElementWiseVertex: { args: ["Add"] } }, "left", "right"],
        ["relu", { ActivationLayer: { activation: "RELU" } }, "sum"],
        ["hidden", { DenseLayer: { nOut: 5, activation: "TANH" } }, "relu"],
        ["out", { OutputLayer: OUTPUT }, "hidden"],
      ],
      outputs: ["out"],
      graph: { setInputTypes: [{ convolutional: [6, 6, 1] }] },
    },
    inputs: [numbers(4, 1, 6, 6)],
  },
};

interface Case {
  readonly title: string;
  readonly source: keyof typeof SOURCES;
  readonly edits: readonly object[];
  /** Layers that Deeplearning4j holds frozen afterwards, by index or vertex. */
  readonly frozen?: readonly string[];
  readonly classes?: number;
  /** Where the labels have other steps than those of the source: null for none. */
  readonly steps?: null;
  /** Whether padding is tried, too. */
  readonly isMasked?: boolean;
  readonly hasNoLoss?: boolean;
}

const CASES: readonly Case[] = [
  {
    title: "more units, fewer units, other classes",
    source: "rows",
    edits: [
      { addUnits: { layer: "layer0", units: 3, init: "random" } },
      { removeUnits: { layer: "layer1", units: "1, 3" } },
      { replaceOutput: { classes: 4 } },
    ],
    classes: 4,
  },
  {
    title: "units that change nothing at first",
    source: "rows",
    edits: [{ addUnits: { layer: "layer0", units: 2, init: "zero" } }],
  },
  { title: "frozen layers", source: "rows", edits: [{ freeze: "layer0" }], frozen: ["0"] },
  {
    title: "a frozen layer above one that trains",
    source: "rows",
    edits: [{ freeze: "layer1" }],
    frozen: ["1"],
  },
  {
    title: "layers put in: dense, batch norm, dropout, activation function",
    source: "rows",
    edits: [
      { insertLayer: { after: "layer0", layer: { dense: { units: 6, activation: "elu" } } } },
      { insertLayer: { after: "layer0", layer: { batchNorm: {} } } },
      { insertLayer: { after: "layer1", layer: { dropout: { rate: 0.2 } } } },
      { insertLayer: { after: "layer1", layer: { activation: "softplus" }, name: "soft" } },
      { setLayer: { layer: "layer1", activation: "relu" } },
    ],
  },
  {
    title: "a layer taken out, a layer behind the output",
    source: "rows",
    edits: [
      { removeLayer: { layer: "layer1" } },
      { insertLayer: { after: "layer2", layer: { dense: { units: 3, activation: "none" } } } },
    ],
    classes: 3,
  },
  {
    title: "a new output with another loss",
    source: "rows",
    edits: [{ replaceOutput: { classes: 3, activation: "sigmoid", loss: "sigmoidCrossEntropy" } }],
    classes: 3,
  },
  {
    title: "a new output in the place of the old one",
    source: "rows",
    edits: [{ freeze: "layer0" }, { replaceOutput: { classes: 3, connections: "replace" } }],
    frozen: ["0"],
    classes: 3,
  },
  {
    title: "channels through a batch norm and a flattening; a new convolution",
    source: "images",
    edits: [
      { addUnits: { layer: "layer0", units: 2, init: "random" } },
      { insertLayer: { after: "layer1", layer: { conv2d: { units: 4, window: [3, 2] } } } },
      { freeze: "layer0" },
    ],
    frozen: ["0"],
  },
  {
    title: "frozen up to a layer, with a pool between",
    source: "images",
    edits: [{ freeze: { upTo: "layer3" } }],
    frozen: ["0", "1", "2", "3"],
  },
  {
    title: "a head of global pooling",
    source: "images",
    edits: [
      { setOutputs: { outputs: "layer2" } },
      { replaceOutput: { classes: 3, head: "pooling" } },
    ],
    classes: 3,
  },
  {
    title: "a GravesLSTM and an LSTM of other sizes",
    source: "sequences",
    edits: [
      { addUnits: { layer: "layer0", units: 3, init: "random" } },
      { removeUnits: { layer: "layer1", units: "0-1" } },
      { freeze: "layer0" },
      { replaceOutput: { classes: 3 } },
    ],
    frozen: ["0"],
    classes: 3,
  },
  {
    title: "more and fewer units in front of the centers",
    source: "centers",
    edits: [
      { addUnits: { layer: "layer1", units: 2, init: "net2wider" } },
      { removeUnits: { layer: "layer1", units: "1" } },
    ],
  },
  {
    title: "a new output in the place of one with centers",
    source: "centers",
    edits: [{ replaceOutput: { classes: 3, connections: "replace" } }],
    classes: 3,
  },
  {
    title: "a new output behind one with centers",
    source: "centers",
    edits: [{ replaceOutput: { classes: 3, head: "dense" } }],
    classes: 3,
  },
  {
    title: "a layer in front of the centers",
    source: "centers",
    edits: [{ insertLayer: { after: "layer1", layer: { dense: {} } } }],
  },
  {
    title: "units of either direction, more and fewer",
    source: "bothWays",
    edits: [
      { addUnits: { layer: "layer0", units: 2, init: "net2wider" } },
      { removeUnits: { layer: "layer1", units: "1" } },
      { addUnits: { layer: "layer1", units: 3, init: "random" } },
    ],
  },
  {
    title: "other units of either direction",
    source: "bothWays",
    edits: [{ replaceUnits: { layer: "layer0", units: 7 } }, { replaceOutput: { classes: 3 } }],
    classes: 3,
  },
  {
    title: "an LSTM and a dense layer put into the stack",
    source: "sequences",
    edits: [
      { insertLayer: { after: "layer0", layer: { lstm: { units: 3 } } } },
      { insertLayer: { after: "layer1", layer: { dense: { units: 4 } } } },
      { freeze: "layer0" },
    ],
    frozen: ["0"],
  },
  {
    title: "a head for the last step",
    source: "sequences",
    edits: [
      { setOutputs: { outputs: "layer1" } },
      { replaceOutput: { classes: 3, head: "lastStep" } },
    ],
    classes: 3,
    steps: null,
  },
  {
    title: "a head for the last step of frozen layers, and a layer behind it",
    source: "sequences",
    edits: [
      { setOutputs: { outputs: "layer1" } },
      { freeze: { upTo: "layer1" } },
      { replaceOutput: { classes: 4, head: "lastStep" } },
      { insertLayer: { after: "logits", layer: { dense: { units: 3, activation: "none" } } } },
    ],
    frozen: ["0", "1"],
    classes: 3,
    steps: null,
  },
  {
    title: "activation functions and a batch norm of each step",
    source: "sequences",
    edits: [
      { insertLayer: { after: "layer0", layer: { activation: "leakyRelu" } } },
      { insertLayer: { after: "layer1", layer: { batchNorm: {} } } },
      { insertLayer: { after: "layer1", layer: { activation: "relu" } } },
    ],
  },
  {
    title: "a leaky activation function and a batch norm behind a dense layer of each step",
    source: "sequences",
    edits: [
      {
        insertLayer: {
          after: "layer0",
          layer: { dense: { units: 4, activation: "leakyRelu" } },
          name: "d",
        },
      },
      { insertLayer: { after: "d", layer: { batchNorm: {} } } },
    ],
  },
  {
    title: "a head for the last step of a graph, and a batch norm",
    source: "recurrentGraph",
    edits: [
      { insertLayer: { after: "lstm", layer: { batchNorm: {} } } },
      { setOutputs: { outputs: "lstm" } },
      { replaceOutput: { classes: 3, head: "lastStep" } },
    ],
    classes: 3,
    steps: null,
  },
  {
    title: "a learning rate, and units within",
    source: "timeDistributed",
    edits: [
      { setLayer: { layer: "layer0", learningRate: 0.5 } },
      { addUnits: { layer: "layer1", units: 2, init: "random" } },
    ],
  },
  {
    title: "batch norms around it, behind a frozen layer",
    source: "timeDistributed",
    edits: [
      { insertLayer: { after: "layer0", layer: { batchNorm: {} } } },
      { insertLayer: { after: "layer1", layer: { batchNorm: {} }, name: "norm" } },
      { freeze: "layer0" },
    ],
    frozen: ["0"],
  },
  {
    title: "a batch norm before a pooling over the steps",
    source: "pooled",
    edits: [{ insertLayer: { after: "layer0", layer: { batchNorm: {} } } }],
    isMasked: true,
  },
  {
    title: "dropout before a pooling over the steps",
    source: "pooled",
    edits: [{ insertLayer: { after: "layer0", layer: { dropout: { rate: 0.5 } } } }],
    isMasked: true,
  },
  {
    title: "an activation function and a batch norm before the last step",
    source: "denseBehindLast",
    edits: [
      { insertLayer: { after: "lstm", layer: { activation: "relu" } } },
      { insertLayer: { after: "lstm", layer: { batchNorm: {} } } },
    ],
    isMasked: true,
  },
  {
    title: "a batch norm and dropout before a merge, and before a reversal",
    source: "turnedGraph",
    edits: [
      { insertLayer: { after: "there", layer: { batchNorm: {} } } },
      { insertLayer: { after: "there", layer: { dropout: { rate: 0.5 } }, name: "drop" } },
      { insertLayer: { after: "back", layer: { batchNorm: {} } } },
    ],
    isMasked: true,
  },
  {
    title: "a batch norm at the end",
    source: "recurrentGraph",
    edits: [
      { insertLayer: { after: "lstm", layer: { batchNorm: {} }, name: "logits" } },
      { setOutputs: { outputs: "logits" } },
    ],
    isMasked: true,
    hasNoLoss: true,
  },
  {
    title: "dropout behind recurrent layers",
    source: "sequences",
    edits: [
      { insertLayer: { after: "layer0", layer: { dropout: { rate: 0.5 } } } },
      { insertLayer: { after: "layer1", layer: { dropout: { rate: 0.25 } } } },
    ],
    isMasked: true,
  },
  {
    title: "dropout before a frozen layer",
    source: "recurrentGraph",
    edits: [
      { insertLayer: { after: "lstm", layer: { dropout: { rate: 0.5 } } } },
      { freeze: "out" },
    ],
    frozen: ["out"],
    isMasked: true,
  },
  {
    title: "units, freezing and layers in a graph",
    source: "graph",
    edits: [
      { addUnits: { layer: "right", units: 2, init: "random" } },
      { freeze: "left" },
      { insertLayer: { before: "hidden", layer: { dense: { units: 6 } }, name: "between" } },
      { insertLayer: { after: "right", layer: { dropout: { rate: 0.5 } } } },
      { replaceOutput: { classes: 3 } },
    ],
    frozen: ["left"],
    classes: 3,
  },
  {
    title: "the first layer with parameters frozen, and what is before it",
    source: "branches",
    edits: [{ freeze: "first" }],
    frozen: ["padded", "first"],
  },
  {
    title: "frozen up to a layer, with a pool and joined branches between",
    source: "branches",
    edits: [{ freeze: { upTo: "hidden" } }],
    frozen: ["padded", "first", "pool", "left", "right", "relu", "hidden"],
  },
  {
    title: "a branch that is frozen beside one that trains",
    source: "branches",
    edits: [{ freeze: "first" }, { freeze: "left" }],
    frozen: ["padded", "first", "left"],
  },
  ...(["lastStep", "lastStepGraph", "gravesBothWays"] as const).flatMap((source) =>
    [{ units: 3 }, { peepholes: true }].map((lstm): Case => {
      const after = source === "lastStepGraph" ? "lstm" : "layer0";
      const title = `an LSTM more ${JSON.stringify(lstm)}`;
      return { title, source, edits: [{ insertLayer: { after, layer: { lstm } } }] };
    }),
  ),
  {
    title: "a branch of a graph taken out",
    source: "graph",
    edits: [{ removeLayer: { layer: "left", connections: "remove" } }],
  },
  ...(["lossOfRows", "lossOfSteps"] as const).flatMap((source): Case[] => [
    { title: "no edits", source, edits: [] },
    {
      title: "units of the layer before",
      source,
      edits: [{ addUnits: { layer: "layer0", units: 2, init: "random" } }],
    },
  ]),
  { title: "no edits", source: "encoderAndDecoder", edits: [] },
  {
    title: "units whose last step is read at every step",
    source: "encoderAndDecoder",
    edits: [{ addUnits: { layer: "encoder", units: 2, init: "random" } }],
  },
];

withDl4j("edits of networks of Deeplearning4j 1.0.0-M2.1", () => {
  const { java, at } = javaForSuite();
  beforeAll(() => executorOn("cpu"));

  test.each(CASES)("$source: $title", async ({ source, edits, frozen = [], ...more }) => {
    const { network, inputs, steps } = SOURCES[source];
    const [path, as] = [at("made.zip"), at("edited.zip")];
    await java.ask<JavaNetwork>({
      ...{ command: "make", network, as: path },
      fit: { inputs, labels: [classes(4, 2, steps ?? undefined)], steps: 2 },
    });
    const checkpoint = await openCheckpoint(path);
    const { recipe } = parseRecipe("r.graft.json", JSON.stringify({ checkpoint: "made", edits }));
    const model = editedModel(await checkpoint.model(), recipe, new Map());
    await formatOf(checkpoint).save(checkpoint, model, as, (each) =>
      evaluate(each, checkpoint.read, SEED),
    );
    const { roles } = model;
    const fedTo = [...ancestors(model, [roles.loss!])].filter((name) => {
      const node = model.nodes.get(name)!;
      return node.op === "Placeholder" && node.attributes.value === undefined;
    });
    expect(fedTo.filter((name) => !roles.inputs.includes(name))).toEqual(
      roles.labels === undefined ? [] : [roles.labels],
    );

    // What the network hands on behind its softmax, there and here.
    const saved = await openCheckpoint(as);
    const again = await saved.model();
    const left = model.roles.inputs
      .map((name) => ["a", "b"].indexOf(name))
      .map((at) => Math.max(at, 0));
    const fed = left.map((at) => inputs[at]);
    const given = { command: "output", path: as, inputs: fed };
    const { outputs } = await java.ask<JavaOutput>(given);
    const feeds = Object.fromEntries(model.roles.inputs.map((name, at) => [name, fed[at]]));
    const logits = await outputsOf(model, checkpoint.read, feeds, [model.roles.output!]);
    const last = [...again.aliases.keys()]
      .filter((name) => /^(out|logits|\d+)(_steps)?$/.test(name))
      .at(-1)!;
    const both = await outputsOf(again, saved.read, feeds, [
      again.roles.output!,
      nodeOf(again, last),
    ]);
    expectClose(both[0].values, Float32Array.from(logits[0].values), 1e-6, "logits");
    expect(both[1].shape).toEqual(outputs[0].shape);
    expectClose(both[1].values, Float32Array.from(outputs[0].values), 1e-5, "outputs");
    const labelSteps = "steps" in more ? more.steps : steps;
    if (labelSteps === null || more.isMasked) {
      const masks = [MASK];
      const masked = await java.ask<JavaOutput>({ ...given, masks });
      const mask = { mask: MASK };
      const [here] = await outputsOf(again, saved.read, { ...feeds, ...mask }, [
        nodeOf(again, last),
      ]);
      expectClose(
        Float32Array.from(there(here)),
        Float32Array.from(there(masked.outputs[0])),
        1e-5,
        "masked",
      );
    }

    const loaded = await java.ask<JavaNetwork>({ command: "load", path: as });
    // Layers of a chain are named "layer0", and their parameters "0_W".
    const held = loaded.layers.filter((layer) => layer.frozen).map(({ name }) => name);
    expect(held.map((name) => name.replace(/^layer/, ""))).toEqual(frozen);
    if (more.hasNoLoss) return void (await Promise.all([checkpoint.close(), saved.close()]));
    const fitted = await java.ask<JavaNetwork>({
      ...{ command: "fit", path: as, steps: 1 },
      ...{
        inputs: fed,
        labels: [classes(4, more.classes ?? 2, labelSteps ?? undefined)],
        ...(more.isMasked && { masks: [MASK], ...(labelSteps && { labelsMasks: [MASK] }) }),
      },
    });
    for (const [name, { values }] of Object.entries(fitted.parameters)) {
      const isFrozen = frozen.includes(name.slice(0, name.lastIndexOf("_")));
      const hasMoved = values.some((value, at) => value !== loaded.parameters[name].values[at]);
      expect(hasMoved, name).toBe(!isFrozen);
    }
    await Promise.all([checkpoint.close(), saved.close()]);
  });

  test.each([
    [{ addClasses: { classes: 2 } }, /units also feed 2_cL/],
    [{ replaceOutput: { classes: 3 } }, /units also feed 2_cL/],
    [{ insertLayer: { after: "layer1", layer: { dense: { units: 6 } } } }, /those of 2_cL/],
    [{ removeLayer: { layer: "layer1" } }, /those of 2_cL/],
  ])("centers refuse %j", async (edit, message) => {
    const path = at("centers.zip");
    await java.ask({ command: "make", network: SOURCES.centers.network, as: path });
    const checkpoint = await openCheckpoint(path);
    const text = JSON.stringify({ checkpoint: "made", edits: [edit] });
    const { recipe } = parseRecipe("r.graft.json", text);
    const source = await checkpoint.model();
    expect(() => editedModel(source, recipe, new Map())).toThrow(message);
    await checkpoint.close();
  });

  // This version reads those from 0.7 on, so it tells whether what is written is in the style of each.
  test.each(
    OLD_VERSIONS.filter((version) => !/^0\.[56]/.test(version)).flatMap((version) =>
      // It refuses graphs of versions before 1.0 that have no dropout: to it, 0.0 is a probability of keeping.
      (/^0/.test(version) ? ["graves_lstm", "conv"] : ["graves_lstm", "conv", "graph"]).map(
        (name) => [version, name] as const,
      ),
    ),
  )("a zip of Deeplearning4j %s: %s.zip", async (version, name) => {
    const checkpoint = await openCheckpoint(fixture("dl4j_old", version, `${name}.zip`));
    const source = await checkpoint.model();
    const [first, last] = [source.layers[0].name, source.layers.at(-1)!.name];
    const isSequence = name === "graves_lstm";
    const edits = [
      { addUnits: { layer: first, units: 2, init: "random" } },
      { freeze: first },
      ...(version === "0.7.2"
        ? []
        : [{ insertLayer: { after: first, layer: { dropout: { rate: 0.5 } } } }]),
      ...(isSequence
        ? [{ insertLayer: { after: first, layer: { lstm: { peepholes: version === "0.7.2" } } } }]
        : [{ insertLayer: { before: last, layer: { dense: { units: 3 } } } }]),
      { replaceOutput: { classes: 4 } },
    ];
    const { recipe } = parseRecipe("r.graft.json", JSON.stringify({ checkpoint: "made", edits }));
    const model = editedModel(source, recipe, new Map());
    const as = at(`${version}-${name}.zip`);
    await formatOf(checkpoint).save(checkpoint, model, as, (each) =>
      evaluate(each, checkpoint.read, SEED),
    );
    const { input } = JSON.parse(
      readFileSync(fixture("dl4j_old", version, `${name}.json`), "utf8"),
    ) as { input: JavaArray };
    const { outputs } = await java.ask<JavaOutput>({
      command: "output",
      path: as,
      inputs: [input],
    });
    const saved = await openCheckpoint(as);
    const again = await saved.model();
    const end = [...again.aliases.keys()].filter((each) => /^(out|\d+)$/.test(each)).at(-1)!;
    const [here] = await outputsOf(again, saved.read, { [again.roles.inputs[0]]: input }, [
      nodeOf(again, end),
    ]);
    expect(here.shape).toEqual(outputs[0].shape);
    expectClose(here.values, Float32Array.from(outputs[0].values), 1e-5);
    const loaded = await java.ask<JavaNetwork>({ command: "load", path: as });
    // That version has no frozen layers.
    expect(loaded.layers.filter(({ frozen }) => frozen)).toHaveLength(version === "0.7.2" ? 0 : 1);
    await Promise.all([checkpoint.close(), saved.close()]);
  });

  /** A zip with L2 on its first layer beside what it has, and what Deeplearning4j says of both. */
  async function withL2(path: string, edits: readonly object[], samples: object) {
    const as = at("l2.zip");
    const checkpoint = await openCheckpoint(path);
    const source = await checkpoint.model();
    const { recipe } = parseRecipe("r.graft.json", JSON.stringify({ checkpoint: "made", edits }));
    const model = editedModel(source, recipe, new Map());
    const { notes } = await formatOf(checkpoint).save(checkpoint, model, as, (each) =>
      evaluate(each, checkpoint.read, SEED),
    );
    await checkpoint.close();
    expect(notes).toEqual([]);
    const score = async (zip: string) =>
      (await java.ask<JavaNetwork>({ command: "score", path: zip, ...samples })).score!;
    const { parameters } = await java.ask<JavaNetwork>({ command: "load", path: as });
    const squares = (name: string) =>
      parameters[name].values.reduce((sum, value) => sum + value * value, 0);
    return { more: (await score(as)) - (await score(path)), squares };
  }

  test("L2 of its own is in the regularization of a layer", async () => {
    const path = at("l2-made.zip");
    const way = { LSTM: { nIn: 3, nOut: 4, activation: "TANH" } };
    const layers = [
      { Bidirectional: { args: ["CONCAT", way] } },
      { RnnOutputLayer: { nIn: 8, ...OUTPUT } },
    ];
    await java.ask({ command: "make", network: { global: GLOBAL, layers }, as: path });
    const samples = { inputs: [numbers(4, 3, 5)], labels: [classes(4, 2, 5)] };
    const { more, squares } = await withL2(
      path,
      [{ setLayer: { layer: "layer0", l2: 0.5 } }, { setLayer: { layer: "1_b", l2: 0.25 } }],
      samples,
    );
    const kernels = ["0_fW", "0_fRW", "0_bW", "0_bRW"].map(squares).reduce((a, b) => a + b);
    expect(more).toBeCloseTo(0.25 * kernels + 0.125 * squares("1_b"), 4);
  });

  // Before 1.0 what is called L2 is a decay of weights.
  const WITH_L2 = OLD_VERSIONS.filter((version) => version.startsWith("1"));
  test.each(WITH_L2)("L2 of its own, in a zip of Deeplearning4j %s", async (version) => {
    const path = fixture("dl4j_old", version, "graves_lstm.zip");
    const { input } = JSON.parse(readFileSync(path.replace(".zip", ".json"), "utf8")) as {
      input: JavaArray;
    };
    const [samples, , steps] = input.shape;
    const { more, squares } = await withL2(path, [{ setLayer: { layer: "0_R?W", l2: 0.5 } }], {
      inputs: [input],
      labels: [classes(samples, 2, steps)],
    });
    expect(more).toBeCloseTo(0.25 * ["0_W", "0_RW"].map(squares).reduce((a, b) => a + b), 4);
  });

  test.each([
    { SimpleRnn: { nIn: 3, nOut: 4, activation: "TANH" } },
    { SelfAttentionLayer: { nIn: 3, nOut: 4, nHeads: 1, projectInput: true } },
  ])("a layer that is not computed here is kept: %j", async (unknown) => {
    const [path, as] = [at("unknown.zip"), at("unknown-edited.zip")];
    const rnnOutput = { RnnOutputLayer: { nIn: 3, ...OUTPUT } };
    const layers = [unknown, dense(4, 3), rnnOutput];
    const network = { global: GLOBAL, layers, list: { setInputType: { recurrent: [3] } } };
    await java.ask({ command: "make", network, as: path });
    const checkpoint = await openCheckpoint(path);
    const edits = [
      { freeze: "layer0" },
      { setLayer: { layer: "layer1", activation: "tanh", learningRate: 0.5 } },
    ];
    const { recipe } = parseRecipe("r.graft.json", JSON.stringify({ checkpoint: "made", edits }));
    const model = editedModel(await checkpoint.model(), recipe, new Map());
    await formatOf(checkpoint).save(checkpoint, model, as, (each) =>
      evaluate(each, checkpoint.read, SEED),
    );
    await checkpoint.close();
    const ask = (zip: string) =>
      java.ask<JavaOutput>({ command: "output", path: zip, inputs: [numbers(4, 3, 5)] });
    expect(await ask(as)).toEqual(await ask(path));
    const loaded = await java.ask<JavaNetwork>({ command: "load", path: as });
    expect(loaded.layers.map(({ frozen }) => frozen)).toEqual([true, false, false]);
  });
});
