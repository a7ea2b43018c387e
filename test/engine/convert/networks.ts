// Networks in TensorFlow's form, over x, that Deeplearning4j has words for; and samples for them.
import { elements, type Model } from "../../../src/engine/graph/model";
import { uniforms } from "../../../src/engine/graph/random";
import type { Numbers } from "../formats/dl4j/running";
import { handmade, LSTM_CELL, node, PRODUCT } from "../handmade";

export const KERNEL = ["joinedKernel", "bias"] as const;

const conv = { strides: [1, 1], padding: "SAME", dilations: [1, 1], dataFormat: "NHWC" } as const;

/** Networks in TensorFlow's form, over x. */
export const NETWORKS: Readonly<Record<string, Model>> = {
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
          ...LSTM_CELL,
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
        ...{ ...LSTM_CELL, timeMajor: true, takes: KERNEL },
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
        ...{ ...LSTM_CELL, takes: KERNEL },
      }),
      node("turned", "Reverse", ["x"], { axis: 1, batchAxis: 0 }),
      node("bw", "LSTM", ["turned", "[bw/kernel]", "[bw/bias]"], {
        ...{ ...LSTM_CELL, takes: KERNEL, forgetBias: 0 },
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
  "words looked up in a table": handmade({
    fed: { x: [-1, 5] },
    weights: { table: [7, 3], kernel: [7, 16], bias: [16], W: [4, 2] },
    nodes: [
      node("x", "Placeholder", [], { dtype: "int32" }),
      node("words", "Gather", ["[table]", "x"], { axis: 0 }),
      node("lstm", "LSTM", ["words", "[kernel]", "[bias]"], {
        ...{ ...LSTM_CELL, takes: KERNEL },
      }),
      node("last", "LastStep", ["lstm"], { timeMajor: false }),
      node("out", "MatMul", ["last", "[W]"], PRODUCT),
    ],
    roles: { output: "out" },
  }),
  "parts of a layer, their difference and their product": handmade({
    fed: { x: [-1, 5] },
    weights: { V: [5, 8], b: [8], W: [8, 2] },
    nodes: [
      node("hidden", "MatMul", ["x", "[V]"], PRODUCT),
      node("biased", "BiasAdd", ["hidden", "[b]"], { dataFormat: "NHWC" }),
      node("tanh", "Tanh", ["biased"], {}),
      node("left", "Slice", ["tanh"], { begin: [null, null], end: [null, 4], strides: [1, 1] }),
      node("right", "Slice", ["tanh"], { begin: [null, 4], end: [null, null], strides: [1, 1] }),
      node("difference", "Sub", ["left", "right"], {}),
      node("product", "Mul", ["left", "right"], {}),
      node("both", "Concat", ["difference", "product"], { axis: 1 }),
      node("out", "MatMul", ["both", "[W]"], PRODUCT),
    ],
    roles: { output: "out" },
  }),
  "images that end in means": handmade({
    fed: { x: [-1, 6, 6, 2] },
    weights: { K: [3, 3, 2, 4], b: [4], W: [4, 3] },
    nodes: [
      node("conv", "Conv2D", ["x", "[K]"], conv),
      node("biased", "BiasAdd", ["conv", "[b]"], { dataFormat: "NHWC" }),
      node("relu", "Relu", ["biased"], {}),
      node("mean", "Mean", ["relu"], { axes: [1, 2], keepDims: false }),
      node("out", "MatMul", ["mean", "[W]"], PRODUCT),
    ],
    roles: { output: "out" },
  }),
};

/** Four samples in Deeplearning4j's order of axes. */
export function samplesFor(model: Model): Numbers {
  const [, ...sizes] = model.shapes.get("x")!;
  const shape = [4, ...(sizes.length === 2 ? sizes.toReversed() : sizes)];
  const numbers = uniforms(5, ["x"], elements(shape));
  const x = model.nodes.get("x")!;
  const isIndices = x.op === "Placeholder" && x.attributes.dtype === "int32";
  return {
    shape,
    values: numbers.map((value) => (isIndices ? Math.floor(7 * value) : 2 * value - 1)),
  };
}
