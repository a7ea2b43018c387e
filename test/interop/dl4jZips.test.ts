// Zips between Graft and real Deeplearning4j: the same values, states and outputs in both directions.
import { expect, test } from "vitest";
import { openCheckpoint, formatOf } from "../../src/engine/formats/table";
import type { Opened } from "../../src/engine/formats/dl4j/tensors";
import type { Checkpoint } from "../../src/engine/formats/format";
import type { Normalizer } from "../../src/engine/graph/normalizer";
import { evaluate } from "../../src/engine/graph/value";
import { editedModel } from "../../src/engine/recipe/apply";
import { RecipeSchema } from "../../src/engine/recipe/schema";
import { type JavaArray, type JavaNetwork, type JavaOutput, javaForSuite, withDl4j } from "./dl4j";
import { classes, numbers } from "./dl4jSamples";

interface Case {
  readonly title: string;
  readonly network: object;
  readonly inputs: readonly JavaArray[];
  readonly labels: readonly JavaArray[];
}

const OUTPUT = { OutputLayer: { lossFunction: "MCXENT", nOut: 2, activation: "SOFTMAX" } };
const dense = (nIn: number, nOut: number, more = {}) => ({
  DenseLayer: { nIn, nOut, activation: "TANH", ...more },
});

/** Two dense layers and an output, with this updater; the bias of the second has one of its own. */
const withUpdater = (name: string, properties: object): Case => ({
  title: name,
  network: {
    global: { seed: 1, updater: { [name]: properties } },
    layers: [
      dense(3, 4),
      dense(4, 3, { biasUpdater: { Adam: { learningRate: 0.02 } } }),
      { OutputLayer: { nIn: 3, ...OUTPUT.OutputLayer } },
    ],
  },
  inputs: [numbers(4, 3)],
  labels: [classes(4, 2)],
});

const CASES: readonly Case[] = [
  withUpdater("Sgd", { learningRate: 0.1 }),
  withUpdater("Adam", { learningRate: 0.01 }),
  withUpdater("AdaMax", { args: [0.01] }),
  withUpdater("Nadam", { learningRate: 0.01 }),
  withUpdater("AMSGrad", { learningRate: 0.01 }),
  withUpdater("AdaDelta", {}),
  withUpdater("AdaGrad", { learningRate: 0.05 }),
  withUpdater("RmsProp", { learningRate: 0.01 }),
  withUpdater("Nesterovs", { learningRate: 0.05, momentum: 0.9 }),
  {
    title: "convolution and batch norm",
    network: {
      global: { seed: 2, updater: { Adam: { learningRate: 0.01 } } },
      layers: [
        { ConvolutionLayer: { kernelSize: [3, 3], nOut: 2, activation: "RELU" } },
        { BatchNormalization: {} },
        { SubsamplingLayer: { poolingType: "MAX", kernelSize: [2, 2], stride: [2, 2] } },
        OUTPUT,
      ],
      list: { setInputType: { convolutional: [6, 6, 1] } },
    },
    inputs: [numbers(4, 1, 6, 6)],
    labels: [classes(4, 2)],
  },
  {
    title: "recurrent, both directions",
    network: {
      global: { seed: 3, updater: { RmsProp: { learningRate: 0.01 } } },
      layers: [
        { GravesLSTM: { nIn: 3, nOut: 4, activation: "TANH" } },
        {
          Bidirectional: {
            args: [
              "CONCAT",
              {
                LSTM: {
                  nIn: 4,
                  nOut: 3,
                  activation: "TANH",
                  biasUpdater: { Sgd: { learningRate: 0.1 } },
                },
              },
            ],
          },
        },
        { RnnOutputLayer: { lossFunction: "MCXENT", nIn: 6, nOut: 2, activation: "SOFTMAX" } },
      ],
    },
    inputs: [numbers(4, 3, 5)],
    labels: [classes(4, 2, 5)],
  },
  {
    title: "a graph, two rates",
    network: {
      global: { seed: 4, updater: { Adam: { learningRate: 0.01 } } },
      inputs: ["a", "b"],
      vertices: [
        ["left", dense(3, 4, { updater: { Adam: { learningRate: 0.05 } } }), "a"],
        ["left_more", dense(4, 4), "left"],
        ["right", dense(2, 4), "b"],
        ["sum", { ElementWiseVertex: { args: ["Add"] } }, "left_more", "right"],
        [
          "out",
          { OutputLayer: { lossFunction: "MSE", nIn: 4, nOut: 2, activation: "IDENTITY" } },
          "sum",
        ],
      ],
      outputs: ["out"],
    },
    inputs: [numbers(4, 3), numbers(4, 2)],
    labels: [classes(4, 2)],
  },
  {
    title: "a frozen layer",
    network: {
      global: { seed: 5, updater: { Adam: { learningRate: 0.01 } } },
      layers: [
        { FrozenLayer: { args: [dense(3, 4)] } },
        dense(4, 3),
        { OutputLayer: { nIn: 3, ...OUTPUT.OutputLayer } },
      ],
    },
    inputs: [numbers(4, 3)],
    labels: [classes(4, 2)],
  },
  {
    title: "double precision",
    network: {
      global: { seed: 6, dataType: "DOUBLE", updater: { Adam: { learningRate: 0.01 } } },
      layers: [dense(3, 4), { OutputLayer: { nIn: 4, ...OUTPUT.OutputLayer } }],
    },
    inputs: [numbers(4, 3)],
    labels: [classes(4, 2)],
  },
];

async function valuesOf(checkpoint: Checkpoint, name: string): Promise<JavaArray> {
  const { shape, dtype } = checkpoint.tensors.get(name)!;
  const { buffer } = Uint8Array.from(await checkpoint.read(name));
  return {
    shape,
    values: [...(dtype === "float64" ? new Float64Array(buffer) : new Float32Array(buffer))],
  };
}

/** The states that DL4J's own blocks cut out of the flat state, each in the order of its parameter's elements there. */
function statesOf({ blocks, updater, parameters }: JavaNetwork): Map<string, readonly number[][]> {
  const states = new Map<string, number[][]>();
  let offset = 0;
  for (const { parameters: names, size, state } of blocks) {
    for (let each = 0; each < state / size; each++)
      for (const name of names) {
        const length = parameters[name].values.length;
        const values = updater!.values.slice(offset, offset + length);
        states.set(name, [...(states.get(name) ?? []), values]);
        offset += length;
      }
  }
  expect(offset).toBe(updater?.values.length ?? 0);
  return states;
}

/** Columns one after the other, as matrices are in flat vectors. */
const byColumns = ({ shape, values }: JavaArray): readonly number[] =>
  shape.length === 2
    ? values.map((_, at) => values[(at % shape[0]) * shape[1] + Math.floor(at / shape[0])])
    : values;

withDl4j("a zip of Deeplearning4j 1.0.0-M2.1", () => {
  const { java, at } = javaForSuite();

  test.each(CASES)("$title: parameters and states as there", async ({ network, ...samples }) => {
    const path = at("made.zip");
    const made = await java.ask({
      command: "make",
      network,
      as: path,
      fit: { ...samples, steps: 3 },
    });
    const checkpoint = await openCheckpoint(path);
    const stored = [...checkpoint.tensors.keys()].filter((name) => !name.includes("/"));
    // A graph lists its layers in another order than it stores them.
    expect(stored.sort()).toEqual(Object.keys(made.parameters).sort());
    for (const [name, parameter] of Object.entries(made.parameters))
      expect(await valuesOf(checkpoint, name), name).toEqual(parameter);
    for (const [name, states] of statesOf(made)) {
      const slots = [...checkpoint.tensors.keys()].filter((each) => each.startsWith(`${name}/`));
      const found = await Promise.all(slots.map((slot) => valuesOf(checkpoint, slot)));
      expect(found.map(byColumns), name).toEqual(states);
    }
    await checkpoint.close();
  });

  test.each(CASES)(
    "$title: saved unchanged, it goes on as the source does",
    async ({ network, ...samples }) => {
      const [path, copy] = [at("source.zip"), at("copy.zip")];
      await java.ask({ command: "make", network, as: path, fit: { ...samples, steps: 2 } });
      const checkpoint = await openCheckpoint(path);
      await formatOf(checkpoint).save(checkpoint, await checkpoint.model(), copy, ({ name }) =>
        checkpoint.read(name),
      );
      await checkpoint.close();
      const both = async <Answer>(command: string) =>
        [
          await java.ask<Answer>({ command, path, ...samples }),
          await java.ask<Answer>({ command, path: copy, ...samples }),
        ] as const;
      const [before, after] = await both<JavaOutput>("output");
      expect(after).toEqual(before);
      const [there, here] = await both<JavaNetwork>("fit");
      expect(here.parameters).toEqual(there.parameters);
      expect(here.updater).toEqual(there.updater);
    },
  );

  /** The network of Adam, edited here, as DL4J has it. */
  async function edited(
    edit: object,
  ): Promise<{ readonly before: JavaNetwork; readonly after: JavaNetwork }> {
    const { network, ...samples } = withUpdater("Adam", { learningRate: 0.01 });
    const [path, as] = [at("source.zip"), at("edited.zip")];
    const fit = { ...samples, steps: 3 };
    const before = await java.ask({ command: "make", network, as: path, fit });
    const checkpoint = await openCheckpoint(path);
    const recipe = RecipeSchema.parse({ checkpoint: path, edits: [edit] });
    const model = editedModel(await checkpoint.model(), recipe, new Map());
    const stored = (name: string) => checkpoint.read(name);
    await formatOf(checkpoint).save(checkpoint, model, as, (each) => evaluate(each, stored, 1));
    await checkpoint.close();
    const after = await java.ask({ command: "load", path: as });
    await java.ask({ command: "fit", path: as, ...samples });
    return { before, after };
  }

  test("a widened layer's states: the old in their places, zero for what is new", async () => {
    const { before, after } = await edited({
      addUnits: { layer: "layer0", units: 2, init: "zero" },
    });
    const [was, is] = [statesOf(before), statesOf(after)];
    const columns = (numbers: readonly number[], rows: number) =>
      Array.from({ length: numbers.length / rows }, (_, at) =>
        numbers.slice(at * rows, (at + 1) * rows),
      );
    for (const state of [0, 1]) {
      // Units are the columns of the kernel, and the rows of the next one.
      const added = [
        [0, 0, 0],
        [0, 0, 0],
      ];
      expect(columns(is.get("0_W")![state], 3)).toEqual([
        ...columns(was.get("0_W")![state], 3),
        ...added,
      ]);
      expect(is.get("0_b")![state]).toEqual([...was.get("0_b")![state], 0, 0]);
      const next = columns(was.get("1_W")![state], 4).map((column) => [...column, 0, 0]);
      expect(columns(is.get("1_W")![state], 6)).toEqual(next);
      for (const name of ["1_b", "2_W", "2_b"])
        expect(is.get(name)![state], name).toEqual(was.get(name)![state]);
    }
  });

  test("a frozen layer has no state, the others keep theirs", async () => {
    const { before, after } = await edited({ freeze: "layer0" });
    expect(after.layers.map(({ frozen }) => frozen)).toEqual([true, false, false]);
    const [was, is] = [statesOf(before), statesOf(after)];
    expect([...is.keys()].sort()).toEqual(["1_W", "1_b", "2_W", "2_b"]);
    for (const [name, states] of is) expect(states, name).toEqual(was.get(name));
  });

  test("what a zip asks of training and does not get is told", async () => {
    const path = at("ignored.zip");
    const ignored = async (network: object) => {
      await java.ask({ command: "make", network, as: path });
      const checkpoint = await openCheckpoint(path);
      const model = await checkpoint.model();
      await checkpoint.close();
      return model.ignored;
    };
    const way = { LSTM: { nIn: 3, nOut: 4, activation: "TANH" } };
    const global = {
      seed: 3,
      gradientNormalization: "ClipL2PerLayer",
      weightDecay: 0.01,
      biasUpdater: { Sgd: { args: [0.5] } },
      weightNoise: { DropConnect: { args: [0.9] } },
      constrainWeights: [{ MaxNormConstraint: { args: [2, 1] } }],
      optimizationAlgo: "LINE_GRADIENT_DESCENT",
    };
    const asked = [
      /clips gradients \(ClipL2PerLayer\)/,
      /decays weights \(WeightDecay\)/,
      /biases by an updater of their own \(Sgd\)/,
      /noise on weights \(DropConnect\)/,
      /constrains weights \(MaxNorm\)/,
      /\(LINE_GRADIENT_DESCENT\)/,
      /after 4 steps/,
    ];
    const layers = [
      { Bidirectional: { args: ["CONCAT", way] } },
      { RnnOutputLayer: { nIn: 8, ...OUTPUT.OutputLayer } },
    ];
    const list = { backpropType: "TruncatedBPTT", tBPTTLength: 4 };
    expect(await ignored({ global, layers, list })).toEqual(
      asked.map((each) => expect.stringMatching(each) as string),
    );
    const centers = { CenterLossOutputLayer: { nIn: 4, ...OUTPUT.OutputLayer } };
    expect(await ignored({ global: { seed: 3, l2: 0.1 }, layers: [dense(3, 4), centers] })).toEqual(
      [expect.stringMatching(/the centers of its center loss in layer1,/)],
    );
  });

  test.each(["AdaGrad", "RmsProp"])("a fresh state of %s begins as there", async (name) => {
    const [path, as] = [at("fresh-made.zip"), at("fresh.zip")];
    const { network } = withUpdater(name, { learningRate: 0.1, epsilon: 0.01 });
    const made = await java.ask<JavaNetwork>({ command: "make", network, as: path });
    const checkpoint = await openCheckpoint(path);
    const model = await checkpoint.model();
    const variables = [...model.variables].filter(([, { role }]) => role !== "slot");
    const stateless = { ...model, variables: new Map(variables) };
    await formatOf(checkpoint).save(checkpoint, stateless, as, ({ name: each }) =>
      checkpoint.read(each),
    );
    await checkpoint.close();
    const { updater } = await java.ask<JavaNetwork>({ command: "load", path: as });
    expect(updater).toEqual(made.updater);
  });

  const NORMALIZERS: readonly (readonly [string, object, number[]])[] = [
    ["NormalizerStandardize", {}, [4, 3]],
    ["NormalizerMinMaxScaler", { args: [-1, 1] }, [4, 3]],
    ["ImagePreProcessingScaler", { args: [-1, 1] }, [4, 3]],
    // Of sequences, features are the second axis.
    ["NormalizerStandardize", {}, [4, 3, 5]],
    ["NormalizerMinMaxScaler", {}, [4, 3, 5]],
  ];
  test.each(NORMALIZERS)("%s %j of samples %j", async (kind, properties, shape) => {
    const path = at("normalized.zip");
    const samples = constantFeature(numbers(...shape));
    const [{ network }] = CASES;
    const normalizer = { [kind]: properties };
    const request = { network, as: path, normalizer, normalizerData: samples };
    await java.ask({ command: "make", ...request });
    const inputs = [numbers(...shape)];
    const { outputs } = await java.ask<JavaOutput>({ command: "normalize", path, inputs });
    const checkpoint = await openCheckpoint(path);
    await checkpoint.close();
    const steps = shape[2] ?? 1;
    const applied = inputs[0].values.map((value, at) =>
      normalized((checkpoint as unknown as Opened).normalizer!, value, Math.floor(at / steps) % 3),
    );
    expectClose(applied, outputs[0].values);
  });
});

/** A feature that never changes is where dividing by its spread goes wrong. */
const constantFeature = ({ shape, values }: JavaArray): JavaArray => {
  const steps = shape[2] ?? 1;
  return {
    shape,
    values: values.map((value, at) => (Math.floor(at / steps) % 3 === 1 ? 0.5 : value)),
  };
};

/** What a normalizer says of itself. */
function normalized(normalizer: Normalizer, value: number, feature: number): number {
  const of = (numbers: readonly number[]) => numbers[numbers.length === 1 ? 0 : feature];
  switch (normalizer.kind) {
    case "standardize":
      return (value - of(normalizer.mean)) / of(normalizer.std);
    case "minMax": {
      const { min, max, from, to } = normalizer;
      return ((value - of(min)) / (of(max) - of(min))) * (to - from) + from;
    }
    case "unknown":
      throw new Error(normalizer.reason);
  }
}

/** Within single precision of numbers this large. */
function expectClose(actual: readonly number[], expected: readonly number[]): void {
  expect(actual.length).toBe(expected.length);
  for (const [at, value] of expected.entries())
    expect(Math.abs(actual[at] - value)).toBeLessThanOrEqual(1e-5 * (1 + Math.abs(value)));
}
