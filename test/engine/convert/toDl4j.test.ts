// TensorFlow checkpoints as zips of Deeplearning4j: they compute what TensorFlow recorded, or are refused by name.
import { access, mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { convert } from "../../../src/engine/convert";
import { createZip } from "../../../src/engine/formats/dl4j/create";
import { openCheckpoint } from "../../../src/engine/formats/table";
import { elements, isFrozen, type Model } from "../../../src/engine/graph/model";
import { uniforms } from "../../../src/engine/graph/random";
import { evaluate } from "../../../src/engine/graph/value";
import { executorOn } from "../executor";
import { expectClose, fixture, FIXTURES, type Recorded } from "../fixture";
import { outputsOf, type Numbers } from "../formats/dl4j/running";
import { handmade, node, PRODUCT } from "../handmade";
import { stored } from "../surgery/run";

let folder: string;
beforeAll(async () => {
  await executorOn("cpu");
  folder = await mkdtemp(join(tmpdir(), "graft-convert-"));
});
afterAll(() => rm(folder, { recursive: true, force: true }));

interface Expected {
  readonly prefix: string;
  readonly forward: {
    readonly X?: Recorded;
    readonly x?: Recorded;
    readonly activations: Readonly<Record<string, Recorded>>;
  };
}

describe.each([
  ["b1_mini_v2", "outputs"],
  ["b2_cnn_digits", "y_conv"],
  ["b2_cnn_digits_batchnorm", "y_conv"],
])("%s", (name, output) => {
  test("computes what TensorFlow recorded", async () => {
    const { expected, floats } = fixture<Expected>(name);
    const zip = join(folder, `${name}.zip`);
    await convert(join(FIXTURES, name, expected.prefix), "dl4j", zip);
    const checkpoint = await openCheckpoint(zip);
    const model = await checkpoint.model();
    const { X, x = X!, activations } = expected.forward;
    const feeds = { [model.roles.inputs[0]]: { shape: x.shape, values: floats(x) } };
    const [found] = await outputsOf(model, checkpoint.read, feeds, [model.roles.output!]);
    expect(found.shape).toEqual(activations[output].shape);
    expectClose(found.values, floats(activations[output]), 1e-5);
    await checkpoint.close();
  });
});

const LSTM = {
  activation: "tanh",
  gateActivation: "sigmoid",
  gates: ["i", "c", "f", "o"],
  peepholeColumns: [],
  cellClip: null,
  projectionClip: null,
  masked: "hold",
  timeMajor: false,
} as const;

const KERNEL = ["joinedKernel", "bias"] as const;

const conv = { strides: [1, 1], padding: "SAME", dilations: [1, 1], dataFormat: "NHWC" } as const;

/** Networks in TensorFlow's form, over x. */
const NETWORKS: Readonly<Record<string, Model>> = {
  "an LSTM with peepholes and a forget bias, and its last step": handmade({
    fed: { x: [-1, 5, 3] },
    weights: {
      "lstm/kernel": [7, 16],
      "lstm/bias": [16],
      ...{ "lstm/w_i_diag": [4], "lstm/w_f_diag": [4], "lstm/w_o_diag": [4], "out/W": [4, 2] },
    },
    nodes: [
      node(
        "lstm/out",
        "LSTM",
        [
          ...["x", "[lstm/kernel]", "[lstm/bias]"],
          ...["[lstm/w_i_diag]", "[lstm/w_f_diag]", "[lstm/w_o_diag]"],
        ],
        {
          ...LSTM,
          takes: [...KERNEL, "peepholeInput", "peepholeForget", "peepholeOutput"],
          forgetBias: 0.75,
        },
      ),
      node("last", "Slice", ["lstm/out"], {
        begin: [null, -1, null],
        end: [null, null, null],
        strides: [1, 1, 1],
      }),
      node("row", "Squeeze", ["last"], { axes: [1] }),
      node("out", "MatMul", ["row", "[out/W]"], PRODUCT),
    ],
    roles: { output: "out" },
  }),
  "time first, and a dense layer per step": handmade({
    fed: { x: [-1, 5, 3] },
    weights: { kernel: [7, 16], bias: [16], W: [4, 6], b: [6], V: [6, 2] },
    nodes: [
      node("time/first", "Transpose", ["x"], { permutation: [1, 0, 2] }),
      node("lstm", "LSTM", ["time/first", "[kernel]", "[bias]"], {
        ...{ ...LSTM, timeMajor: true, takes: KERNEL, forgetBias: 1 },
      }),
      node("batch/first", "Transpose", ["lstm"], { permutation: [1, 0, 2] }),
      node("rows", "Reshape", ["batch/first"], { shape: [-1, 4] }),
      node("dense", "MatMul", ["rows", "[W]"], PRODUCT),
      node("biased", "BiasAdd", ["dense", "[b]"], { dataFormat: "NHWC" }),
      node("relu", "Relu", ["biased"], {}),
      node("classes", "MatMul", ["relu", "[V]"], PRODUCT),
      node("steps", "Reshape", ["classes"], { shape: [-1, 5, 2] }),
    ],
    roles: { output: "steps" },
  }),
  "both ways": handmade({
    fed: { x: [-1, 5, 3] },
    weights: {
      ...{ "fw/kernel": [7, 16], "fw/bias": [16], "bw/kernel": [5, 8], "bw/bias": [8] },
      W: [6, 2],
    },
    nodes: [
      node("fw", "LSTM", ["x", "[fw/kernel]", "[fw/bias]"], {
        ...{ ...LSTM, takes: KERNEL, forgetBias: 1 },
      }),
      node("turned", "Reverse", ["x"], { axis: 1, batchAxis: 0 }),
      node("bw", "LSTM", ["turned", "[bw/kernel]", "[bw/bias]"], {
        ...{ ...LSTM, takes: KERNEL, forgetBias: 0 },
      }),
      node("back", "Reverse", ["bw"], { axis: 1, batchAxis: 0 }),
      node("both", "Concat", ["fw", "back"], { axis: -1 }),
      node("out", "MatMul", ["both", "[W]"], PRODUCT),
    ],
    roles: { output: "out" },
  }),
  "images in branches, padded, pooled and normalized by constants": handmade({
    fed: { x: [-1, 6, 6, 2] },
    weights: {
      ...{ K: [3, 3, 2, 4], L: [1, 1, 2, 4], "norm/mean": [4], "norm/variance": [4] },
      W: [36, 3],
      b: [3],
    },
    nodes: [
      node("pad", "Pad", ["x"], { paddings: [0, 0, 0, 1, 1, 0, 0, 0] }),
      node("a", "Conv2D", ["pad", "[K]"], conv),
      node("b", "Conv2D", ["pad", "[L]"], conv),
      node("gamma", "Const", [], { dtype: "float32", shape: [4], values: [1, 2, 3, 4] }),
      node("beta", "Const", [], { dtype: "float32", shape: [4], values: [0, 0, 0, 0.5] }),
      node("norm", "BatchNorm", ["b", "gamma", "beta", "[norm/mean]", "[norm/variance]"], {
        ...{ epsilon: 0.01, momentum: 0.9, unbiased: true, dataFormat: "NHWC" },
      }),
      node("sum", "Add", ["a", "norm"], {}),
      node("half", "Const", [], { dtype: "float32", shape: [], values: [0.5] }),
      node("scaled", "Mul", ["sum", "half"], {}),
      node("relu", "Relu", ["scaled"], {}),
      node("pool", "AvgPool", ["relu"], {
        ...{ window: [3, 3], strides: [2, 2], padding: "VALID", dataFormat: "NHWC" },
      }),
      node("flat", "Reshape", ["pool"], { shape: [-1, 36] }),
      node("out", "MatMul", ["flat", "[W]"], PRODUCT),
      node("biased", "BiasAdd", ["out", "[b]"], { dataFormat: "NHWC" }),
    ],
    roles: { output: "biased" },
  }),
};

describe.each(Object.entries(NETWORKS))("%s", (title, model) => {
  test("computes the same, in the zip too", async () => {
    const zip = join(folder, `${title}.zip`);
    const read = (name: string) => Promise.resolve(new Uint8Array(stored(model, name).buffer));
    await createZip(model, zip, (variable) => evaluate(variable, read, 0));
    const checkpoint = await openCheckpoint(zip);
    const saved = await checkpoint.model();
    const x = samplesFor(model);
    const [before] = await outputsOf(model, read, { x }, [model.roles.output!]);
    const feeds = { [saved.roles.inputs[0]]: x };
    const [after] = await outputsOf(saved, checkpoint.read, feeds, [saved.roles.output!]);
    expect(after.shape).toEqual(before.shape);
    expectClose(after.values, before.values, 1e-6);
    await checkpoint.close();
  });
});

/** Four samples in Deeplearning4j's order of axes. */
function samplesFor(model: Model): Numbers {
  const [, ...sizes] = model.shapes.get("x")!;
  const shape = [4, ...(sizes.length === 2 ? sizes.toReversed() : sizes)];
  return { shape, values: uniforms(5, ["x"], elements(shape)).map((value) => 2 * value - 1) };
}

const dense = (more: Partial<Parameters<typeof handmade>[0]>): Model =>
  handmade({
    fed: { x: [-1, 5, 3] },
    weights: { kernel: [7, 16], bias: [16], projection: [4, 2], W: [3, 4], g: [7, 8], c: [7, 4] },
    nodes: [],
    ...more,
  });

const REFUSED: Readonly<Record<string, readonly [Model, RegExp]>> = {
  "a projection": [
    dense({
      weights: { kernel: [5, 16], bias: [16], projection: [4, 2] },
      nodes: [
        node("lstm", "LSTM", ["x", "[kernel]", "[bias]", "[projection]"], {
          ...{ ...LSTM, takes: [...KERNEL, "projection"], forgetBias: 1 },
        }),
      ],
      roles: { output: "lstm" },
    }),
    /lstm cannot be written .* projects its output/,
  ],
  "a GRU": [
    dense({
      nodes: [
        node("gru", "GRU", ["x", "[g]", "[c]"], {
          takes: ["gateKernel", "candidateKernel"],
          gates: ["r", "u"],
          ...{ activation: "tanh", gateActivation: "sigmoid", masked: "hold", timeMajor: false },
        }),
      ],
      roles: { output: "gru" },
    }),
    /gru cannot be written .* it is a GRU/,
  ],
  "an op that there is not": [
    handmade({
      fed: { x: [-1, 3] },
      weights: { W: [3, 4] },
      nodes: [
        node("product", "MatMul", ["x", "[W]"], PRODUCT),
        node("exp", "Exp", ["product"], {}),
      ],
      roles: { output: "exp" },
    }),
    /exp cannot be written .* it is a Exp/,
  ],
};

test.each(Object.entries(REFUSED))(
  "%s is refused, and nothing is written",
  async (title, [model, message]) => {
    const zip = join(folder, `${title}.zip`);
    const written = createZip(model, zip, async () => new Uint8Array());
    await expect(written).rejects.toMatchObject({
      code: "unsupported-op",
      message: expect.stringMatching(message) as string,
    });
    await expect(access(zip)).rejects.toThrow();
  },
);

test("what is frozen stays so", async () => {
  const { expected, open } = fixture<Expected>("b1_mini_v2");
  const source = await open(expected.prefix);
  const model = await source.model();
  const variables = new Map(
    [...model.variables].map(([name, variable]) => [
      name,
      name.startsWith("hidden1/") ? { ...variable, trainable: [] } : variable,
    ]),
  );
  const zip = join(folder, "frozen.zip");
  await createZip({ ...model, variables }, zip, (variable) => evaluate(variable, source.read, 0));
  const saved = await openCheckpoint(zip);
  const frozen = [...(await saved.model()).variables.values()].filter(isFrozen);
  expect(frozen.map(({ name }) => name)).toEqual(["0_W", "0_b"]);
  await Promise.all([source.close(), saved.close()]);
});
