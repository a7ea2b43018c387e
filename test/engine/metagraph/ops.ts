// Every op that can be written into a graph, each as a new node over new placeholders, constants and variables.
import type { Model, Node, Shape, Variable } from "../../../src/engine/graph/model";
import { node, PRODUCT } from "../handmade";
import { plus, variable } from "./edits";

const WINDOW = { strides: [1, 1], padding: "SAME", dataFormat: "NHWC" } as const;
const POOL = { window: [2, 2], strides: [2, 2], padding: "VALID", dataFormat: "NHWC" } as const;

/** Placeholders that tests feed: name, type, shape with an open batch. */
export const FED = [
  { name: "image", dtype: "float32", shape: [-1, 6, 6, 3] },
  { name: "vector", dtype: "float32", shape: [-1, 4] },
  { name: "other", dtype: "float32", shape: [-1, 4] },
  { name: "hot", dtype: "float32", shape: [-1, 4] },
  { name: "class", dtype: "int64", shape: [-1] },
] as const;

const statistics = (name: string, size: number): readonly Variable[] => [
  variable(`${name}/gamma`, [size], "ones"),
  variable(`${name}/beta`, [size], "zeros"),
  variable(`${name}/mean`, [size], "zeros", "statistic"),
  variable(`${name}/variance`, [size], "ones", "statistic"),
];
const read = (variables: readonly Variable[]): string[] => variables.map(({ name }) => `[${name}]`);

const VARIABLES: readonly Variable[] = [
  variable("kernel", [3, 3, 3, 2], "glorotUniform"),
  variable("depth", [3, 3, 3, 2], "heNormal"),
  variable("upward", [3, 3, 2, 3], "glorotUniform"),
  variable("weights", [4, 5], "glorotUniform"),
  variable("table", [7, 3], "glorotUniform"),
  variable("bias", [5], "ones"),
  ...statistics("bn2", 4),
  ...statistics("bn4", 3),
];

const BINARY = ["Sub", "Mul", "Div", "Maximum", "Minimum", "SquaredDifference"] as const;
const COMPARED = ["Equal", "Greater", "GreaterEqual", "Less"] as const;
const UNARY = [
  ...([
    "Relu",
    "Relu6",
    "Elu",
    "Selu",
    "Sigmoid",
    "Tanh",
    "Softplus",
    "Softmax",
    "LogSoftmax",
  ] as const),
  ...(["Exp", "Neg", "Abs", "Square", "Floor", "StopGradient"] as const),
];
/** Of positive numbers only. */
const ROOTS = ["Log", "Log1p", "Sqrt", "Rsqrt"] as const;
const REDUCED = ["Mean", "Sum", "Max", "Min"] as const;

const NODES: readonly Node[] = [
  ...FED.map(({ name, dtype }) => node(name, "Placeholder", [], { dtype })),
  node("rate", "Placeholder", [], { dtype: "float32", value: 0 }),
  node("kept", "Placeholder", [], { dtype: "float32", value: 1 }),
  node("on", "Placeholder", [], { dtype: "bool", value: 1 }),
  node("numbers", "Const", [], { dtype: "float32", shape: [4], values: [1, -2, 0.5, 3] }),

  node("matmul", "MatMul", ["vector", "[weights]"], PRODUCT),
  node("transposed", "MatMul", ["vector", "other"], { transposeA: true, transposeB: false }),
  node("biased", "BiasAdd", ["matmul", "[bias]"], { dataFormat: "NHWC" }),
  node("conv", "Conv2D", ["image", "[kernel]"], { ...WINDOW, dilations: [1, 1] }),
  node("dilated", "Conv2D", ["image", "[kernel]"], { ...WINDOW, dilations: [2, 2] }),
  node("depthwise", "DepthwiseConv2D", ["image", "[depth]"], { ...WINDOW, dilations: [1, 1] }),
  node("larger", "Conv2DTranspose", ["image", "[upward]"], {
    ...{ strides: [2, 2], padding: "SAME", dataFormat: "NHWC" },
    outputSize: [12, 11],
  }),
  node("maxpool", "MaxPool", ["image"], POOL),
  node("avgpool", "AvgPool", ["image"], { ...POOL, padding: "SAME", window: [3, 3] }),
  node("gather", "Gather", ["[table]", "class"], { axis: 0 }),
  node("bn2", "BatchNorm", ["vector", ...read(statistics("bn2", 4))], {
    epsilon: 0.01,
    momentum: 0.9,
    unbiased: false,
    dataFormat: "NHWC",
  }),
  node("bn4", "BatchNorm", ["image", ...read(statistics("bn4", 3))], {
    epsilon: 0.001,
    momentum: 0.8,
    unbiased: true,
    dataFormat: "NHWC",
  }),
  node("dropout", "Dropout", ["vector"], { rate: 0.4 }),
  node("dropout_rate", "Dropout", ["vector"], { rateFrom: "rate" }),
  node("dropout_keep", "Dropout", ["vector"], { keepProbabilityFrom: "kept" }),

  node("add", "Add", ["vector", "numbers"], {}),
  ...BINARY.map((op) => node(op.toLowerCase(), op, ["vector", "other"], {})),
  ...COMPARED.map((op) => node(op.toLowerCase(), op, ["vector", "other"], {})),
  node("pow", "Pow", ["abs", "numbers"], {}),
  ...UNARY.map((op) => node(op.toLowerCase(), op, ["vector"], {})),
  ...ROOTS.map((op) => node(op.toLowerCase(), op, ["exp"], {})),
  node("leakyrelu", "LeakyRelu", ["vector"], { alpha: 0.125 }),
  node("cast", "Cast", ["vector"], { to: "int32" }),
  node("select", "Select", ["on", "vector", "other"], { rows: true }),
  node("selectv2", "Select", ["greater", "vector", "other"], { rows: false }),

  node("reshape", "Reshape", ["image"], { shape: [-1, 108] }),
  node("transpose", "Transpose", ["image"], { permutation: [0, 3, 1, 2] }),
  node("concat", "Concat", ["vector", "matmul", "other"], { axis: 1 }),
  node("expanddims", "ExpandDims", ["vector"], { axis: 1 }),
  node("squeeze", "Squeeze", ["expanddims"], { axes: [1] }),
  node("slice", "Slice", ["image"], {
    begin: [null, 1, -3, null],
    end: [null, null, -1, null],
    strides: [1, 2, 1, -1],
  }),
  node("tile", "Tile", ["vector"], { multiples: [1, 3] }),
  node("pad", "Pad", ["image"], { paddings: [0, 0, 1, 2, 0, 1, 0, 0] }),
  node("onehot", "OneHot", ["class"], { depth: 4, on: 1, off: 0 }),

  ...REDUCED.map((op) => node(op.toLowerCase(), op, ["image"], { axes: [1, 2], keepDims: false })),
  node("kept_sum", "Sum", ["image"], { axes: [3], keepDims: true }),
  node("argmax", "ArgMax", ["vector"], { axis: 1 }),
  node("intopk", "InTopK", ["vector", "class"], { k: 2 }),

  node("sparse", "SparseSoftmaxCrossEntropy", ["vector", "class"], {}),
  node("soft", "SoftmaxCrossEntropy", ["vector", "hot"], {}),
  node("sigmoid_loss", "SigmoidCrossEntropy", ["vector", "hot"], {}),
  node("l2", "L2Loss", ["matmul"], {}),
];

/** Results that a test fetches: everything that is computed. */
export const FETCHED = NODES.filter(({ op }) => op !== "Placeholder" && op !== "Const").map(
  ({ name }) => name,
);

export const withEveryOp = (model: Model): Model => {
  const fed: Record<string, Shape> = { rate: [], kept: [], on: [] };
  for (const { name, shape } of FED) fed[name] = shape;
  return plus(model, { nodes: NODES, variables: VARIABLES, fed });
};
