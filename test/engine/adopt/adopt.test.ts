// Networks in another format's form, put into TensorFlow's: they compute what they did.
import { beforeAll, describe, expect, test } from "vitest";
import { adopted } from "../../../src/engine/formats/tf1/adopt";
import type { Model } from "../../../src/engine/graph/model";
import { executorOn } from "../executor";
import { LSTM_CELL, handmade, node, PRODUCT } from "../handmade";
import { largestDifference, logits } from "../surgery/run";

beforeAll(async () => {
  await executorOn("cpu");
});

const NCHW = { dataFormat: "NCHW" } as const;
const CONVOLUTION = { strides: [1, 1], padding: "VALID", dilations: [1, 1], ...NCHW } as const;
const KERNEL = { permutation: [2, 3, 1, 0] };

/** Two branches of convolutions, joined, pooled and flattened with the channels first. */
const images = handmade({
  fed: { x: [-1, 2, 6, 7] },
  weights: {
    a_W: [3, 2, 3, 3],
    a_b: [3],
    b_W: [4, 3, 1, 1],
    "norm/gamma": [4],
    "norm/beta": [4],
    "norm/mean": [4],
    "norm/variance": [4],
    out_W: [7 * 3 * 4, 5],
  },
  nodes: [
    node("a/W", "Transpose", ["[a_W]"], KERNEL),
    node("a/conv", "Conv2D", ["x", "a/W"], CONVOLUTION),
    node("a/bias", "BiasAdd", ["a/conv", "[a_b]"], NCHW),
    node("a", "Relu", ["a/bias"], {}),
    node("pad", "Pad", ["a"], { paddings: [0, 0, 0, 0, 1, 0, 0, 2] }),
    node("b/W", "Transpose", ["[b_W]"], KERNEL),
    node("b/conv", "Conv2D", ["pad", "b/W"], CONVOLUTION),
    node(
      "norm",
      "BatchNorm",
      ["b/conv", "[norm/gamma]", "[norm/beta]", "[norm/mean]", "[norm/variance]"],
      { epsilon: 0.01, momentum: 0.9, unbiased: true, ...NCHW },
    ),
    node("join", "Concat", ["pad", "norm"], { axis: 1 }),
    node("pool", "MaxPool", ["join"], {
      window: [2, 2],
      strides: [2, 2],
      padding: "SAME",
      ...NCHW,
    }),
    node("flat", "Reshape", ["pool"], { shape: [-1, 7 * 3 * 4] }),
    node("out", "MatMul", ["flat", "[out_W]"], PRODUCT),
  ],
  layers: [
    { name: "a", kind: "conv", variables: ["a_W", "a_b"], nodes: ["a/W", "a/conv", "a/bias", "a"] },
    { name: "b", kind: "conv", variables: ["b_W"], nodes: ["b/W", "b/conv"] },
    { name: "out", kind: "dense", variables: ["out_W"], nodes: ["out"] },
  ],
  roles: { output: "out" },
});

/** DL4J's GravesLSTM with a dense layer per step. */
const graves = handmade({
  fed: { x: [-1, 5, 3], mask: [-1, 5] },
  weights: { "0_W": [3, 16], "0_RW": [4, 19], "0_b": [16], "1_W": [4, 2] },
  nodes: [
    node("mask", "Placeholder", [], { dtype: "float32", value: 1 }),
    node("0", "LSTM", ["x", "[0_W]", "[0_RW]", "[0_b]", "mask"], {
      ...LSTM_CELL,
      takes: ["kernel", "recurrentKernel", "bias", "mask"],
      gates: ["c", "f", "o", "i"],
      peepholeColumns: ["f", "o", "i"],
      forgetBias: 0,
      masked: "reset",
    }),
    node("1", "MatMul", ["0", "[1_W]"], PRODUCT),
  ],
  layers: [
    { name: "0", kind: "GravesLSTM", variables: ["0_W", "0_RW", "0_b"], nodes: ["0"] },
    { name: "1", kind: "dense", variables: ["1_W"], nodes: ["1"] },
  ],
  roles: { output: "1" },
});

describe.each([
  ["images", images],
  ["a GravesLSTM", graves],
])("%s", (_, model) => {
  test("computes the same", async () => {
    const now = adopted(model);
    const difference = largestDifference(await logits(model, model), await logits(model, now));
    expect(difference).toBeLessThan(1e-6);
  });
});

const formats = ({ nodes }: Model) =>
  [...nodes.values()].flatMap(({ attributes }) =>
    "dataFormat" in attributes ? [attributes.dataFormat] : [],
  );

test("images have their channels last, and are turned twice: when they come in, and to be flattened", () => {
  const now = adopted(images);
  expect(new Set(formats(now))).toEqual(new Set(["NHWC"]));
  const turns = [...now.nodes.values()].filter(({ op }) => op === "Transpose");
  expect(turns.map(({ name }) => name)).toEqual(["x/channels_last", "pool/channels_first"]);
});

test("variables are named and shaped as TensorFlow has them", () => {
  const shapes = (model: Model) =>
    Object.fromEntries([...model.variables].map(([name, { shape }]) => [name, shape]));
  expect(shapes(adopted(images))).toMatchObject({ "a/W": [3, 3, 2, 3], "b/W": [1, 1, 3, 4] });
  expect(shapes(adopted(graves))).toEqual({
    "0/kernel": [7, 16],
    "0/bias": [16],
    "0/w_f_diag": [4],
    "0/w_o_diag": [4],
    "0/w_i_diag": [4],
    "1/W": [4, 2],
  });
});
