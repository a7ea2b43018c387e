// Every op of the catalogue that has a gradient, on inputs that tell a right gradient from a nearly right one. A name
// is the key of the recorded value and gradient: a new case is recorded, the others stay.
import type { OpAttributes } from "../../../src/engine/graph/catalogue";
import { of, type Attributes, type Case, type Differentiable } from "./case";
import { fixed, x, type Input, type Pattern } from "./inputs";
import { GRU, LastStep, LSTM, Reverse } from "./recurrent";

const training = (cases: readonly Case[]): Case[] =>
  cases.map((each) => ({ ...each, what: `training, ${each.what}`, training: true }));

const pair = (both: number | readonly [number, number]): readonly [number, number] =>
  typeof both === "number" ? [both, both] : both;

const PADDINGS = ["SAME", "VALID"] as const;
const NHWC = { dataFormat: "NHWC" } as const;
const NCHW = { dataFormat: "NCHW" } as const;

// Convolution: [image height and width, kernel, stride, dilation].
type Sizes = readonly (number | readonly [number, number])[];
export const CONVOLUTIONS: readonly Sizes[] = [
  [[5, 6], 3, 1, 1],
  [[7, 6], [3, 2], 2, 1],
  [[8, 7], [2, 3], 3, 1],
  [[6, 5], 1, 2, 1],
  [[8, 8], 2, 3, 1],
  [[5, 7], 5, 2, 1],
  [[7, 8], 3, 1, 2],
  [[9, 7], [2, 3], 1, [3, 2]],
  [[6, 6], [3, 1], 1, [1, 4]],
];

export const convolutions = <Op extends "Conv2D" | "DepthwiseConv2D">(
  op: Op,
  all: readonly Sizes[],
  channels: number,
  outputs: number,
): Case[] =>
  PADDINGS.flatMap((padding) =>
    all.flatMap(([image, kernel, stride, dilation]) => {
      const [height, width] = pair(image!);
      const [strides, dilations] = [pair(stride!), pair(dilation!)];
      const what = `${height}×${width}, kernel ${pair(kernel!).join("×")}, stride ${strides.join("×")}, dilation ${dilations.join("×")}, ${channels} to ${outputs}, ${padding}`;
      return of(op, [
        what,
        { strides, dilations, padding, ...NHWC } as Attributes<Op>,
        x([2, height, width, channels]),
        x([...pair(kernel!), channels, outputs]),
      ]);
    }),
  );

// Transposed convolution: [output, kernel, stride]; its input is what a convolution makes of such an output.
const TRANSPOSED: readonly Sizes[] = [
  [[5, 6], 3, 1],
  [[7, 6], [3, 2], 2],
  [[8, 6], 3, 2],
  [[8, 7], [2, 3], 3],
  [[9, 9], 2, 3],
  [[6, 5], 1, 2],
];

export const transposedConvolutions = (channels: number, outputs: number): Case[] =>
  PADDINGS.flatMap((padding) =>
    TRANSPOSED.flatMap(([image, kernel, stride]) => {
      const [size, window, strides] = [pair(image!), pair(kernel!), pair(stride!)];
      const [height, width] = size.map((length, axis) =>
        padding === "SAME"
          ? Math.ceil(length / strides[axis]!)
          : Math.ceil((length - window[axis]! + 1) / strides[axis]!),
      );
      return of("Conv2DTranspose", [
        `${size.join("×")}, kernel ${window.join("×")}, stride ${strides.join("×")}, ${channels} to ${outputs}, ${padding}`,
        { strides, padding, outputSize: size, ...NHWC },
        x([2, height!, width!, channels]),
        x([...window, outputs, channels]),
      ]);
    }),
  );

// Pooling: [image, window, stride].
const POOLS: readonly Sizes[] = [
  [[4, 6], 2, 2],
  [[5, 7], 2, 2],
  [[6, 7], 3, 2],
  [[5, 5], 3, 1],
  [
    [7, 6],
    [2, 3],
    [1, 2],
  ],
  [[8, 7], 2, 3],
];
const PATTERNS: readonly Pattern[] = ["mixed", "ties", "constant", "negative"];

const pools = (op: "MaxPool" | "AvgPool", patterns: readonly Pattern[]): Case[] =>
  PADDINGS.flatMap((padding) =>
    POOLS.flatMap(([image, window, stride]) =>
      patterns.flatMap((pattern) => {
        const [height, width] = pair(image!);
        const attributes = { window: pair(window!), strides: pair(stride!), padding, ...NHWC };
        const what = `${height}×${width}, window ${attributes.window.join("×")}, stride ${attributes.strides.join("×")}, ${padding}, ${String(pattern)}`;
        return of(op, [what, attributes, x([2, height, width, 2], pattern)]);
      }),
    ),
  );

const BROADCASTS: readonly (readonly [readonly number[], readonly number[]])[] = [
  [
    [3, 4],
    [3, 4],
  ],
  [[3, 4], [4]],
  [[4], [3, 4]],
  [
    [3, 1],
    [3, 4],
  ],
  [
    [2, 1, 3],
    [4, 1],
  ],
  [[3, 4], []],
  [[], [3, 4]],
];

const binary = <Op extends Differentiable>(op: Op, ...patterns: Pattern[]): Case[] =>
  patterns.flatMap((pattern) =>
    BROADCASTS.flatMap(([a, b]) =>
      of(op, [
        `[${a.join(", ")}] and [${b.join(", ")}], ${String(pattern)}`,
        {} as Attributes<Op>,
        x(a, pattern),
        x(b, pattern),
      ]),
    ),
  );

const unary = <Op extends Differentiable>(op: Op, ...patterns: Pattern[]): Case[] =>
  patterns.flatMap((pattern) =>
    of(op, [
      String(pattern),
      {} as Attributes<Op>,
      x(pattern === "edges" ? [14] : [3, 4], pattern),
    ]),
  );

const REDUCTIONS = [
  [[0], false],
  [[1], false],
  [[-1], true],
  [[0, 2], false],
  [[0, 1, 2], false],
  [[1, 2], true],
] as const;

const reductions = (op: "Mean" | "Sum" | "Max" | "Min", ...patterns: Pattern[]): Case[] =>
  patterns.flatMap((pattern) =>
    REDUCTIONS.flatMap(([axes, keepDims]) =>
      of(op, [
        `axes ${axes.join(", ")}${keepDims ? ", kept" : ""}, ${String(pattern)}`,
        { axes, keepDims },
        x([2, 3, 4], pattern),
      ]),
    ),
  );

const norm = { epsilon: 0.01, momentum: 0.9, unbiased: true } as const;
const perChannel = (channels: number) => [x([channels]), x([channels])];
/** The moving statistics have a gradient in inference mode; while training they are not read. */
const statistics = (channels: number, moves: boolean): Input[] => [
  { ...x([channels]), moves },
  { ...x([channels], "positive"), moves },
];
const norms = (moves: boolean): Case[] =>
  of(
    "BatchNorm",
    ["matrix", { ...norm, ...NHWC }, x([5, 3]), ...perChannel(3), ...statistics(3, moves)],
    [
      "constant",
      { ...norm, ...NHWC },
      x([5, 3], "constant"),
      ...perChannel(3),
      ...statistics(3, moves),
    ],
    ["images", { ...norm, ...NHWC }, x([2, 3, 4, 2]), ...perChannel(2), ...statistics(2, moves)],
    [
      "images, channels first, biased",
      { ...norm, ...NCHW, unbiased: false, epsilon: 1e-5 },
      x([2, 3, 2, 3]),
      ...perChannel(3),
      ...statistics(3, moves),
    ],
  );

/** [begin, end, stride] of each axis. */
const slice = (
  ...axes: (readonly [begin: number | null, end: number | null, stride?: number])[]
): OpAttributes["Slice"] => ({
  begin: axes.map(([begin]) => begin),
  end: axes.map(([, end]) => end),
  strides: axes.map(([, , stride = 1]) => stride),
});

const conv = { strides: [2, 1], dilations: [1, 1], padding: "SAME", ...NCHW } as const;
const plain = { transposeA: false, transposeB: false };

/** At least one row per op: a forgotten one does not compile. */
const TABLE: { readonly [Op in Differentiable]: readonly Case[] } = {
  MatMul: of(
    "MatMul",
    ["plain", plain, x([3, 4]), x([4, 2])],
    ["first transposed", { ...plain, transposeA: true }, x([4, 3]), x([4, 2])],
    ["second transposed", { ...plain, transposeB: true }, x([3, 4]), x([2, 4])],
    ["both transposed", { transposeA: true, transposeB: true }, x([4, 3]), x([2, 4])],
    ["one row", plain, x([1, 4]), x([4, 1])],
    ["a matrix for each step", plain, x([2, 3, 4]), x([4, 2])],
    ["a transposed one for each step", { ...plain, transposeB: true }, x([2, 3, 4]), x([2, 4])],
  ),
  BiasAdd: of(
    "BiasAdd",
    ["matrix", NHWC, x([3, 4]), x([4])],
    ["sequences", NHWC, x([2, 3, 4]), x([4])],
    ["images", NHWC, x([2, 3, 4, 2]), x([2])],
    ["images, channels first", NCHW, x([2, 3, 4, 2]), x([3])],
  ),
  Conv2D: [
    ...convolutions("Conv2D", CONVOLUTIONS, 2, 3),
    ...of(
      "Conv2D",
      ["channels first", conv, x([2, 3, 5, 6]), x([3, 2, 3, 2])],
      [
        "channels first, dilated",
        { ...conv, strides: [1, 1], dilations: [2, 2] },
        x([2, 3, 5, 6]),
        x([3, 2, 3, 2]),
      ],
      ["constant", { ...conv, ...NHWC }, x([2, 5, 6, 2], "constant"), x([3, 3, 2, 2], "constant")],
      ["zeros", { ...conv, ...NHWC }, x([2, 5, 6, 2], "zeros"), x([3, 3, 2, 2], "zeros")],
    ),
  ],
  DepthwiseConv2D: [
    // TensorFlow takes one stride for both axes.
    ...convolutions("DepthwiseConv2D", CONVOLUTIONS, 3, 1),
    ...convolutions("DepthwiseConv2D", CONVOLUTIONS, 2, 3),
    ...of("DepthwiseConv2D", [
      "channels first",
      { ...conv, strides: [2, 2] },
      x([2, 3, 5, 6]),
      x([3, 2, 3, 2]),
    ]),
  ],
  Conv2DTranspose: [
    ...transposedConvolutions(2, 3),
    ...of("Conv2DTranspose", [
      "channels first",
      { strides: [2, 1], padding: "SAME", outputSize: [5, 6], ...NCHW },
      x([2, 2, 3, 6]),
      x([3, 2, 3, 2]),
    ]),
  ],
  MaxPool: [
    ...pools("MaxPool", PATTERNS),
    ...of("MaxPool", [
      "channels first",
      { window: [3, 3], strides: [2, 2], padding: "SAME", ...NCHW },
      x([2, 3, 5, 6], "ties"),
    ]),
  ],
  AvgPool: [
    ...pools("AvgPool", ["mixed"]),
    ...of("AvgPool", [
      "channels first",
      { window: [3, 3], strides: [2, 2], padding: "SAME", ...NCHW },
      x([2, 3, 5, 6]),
    ]),
  ],
  BatchNorm: [...norms(true), ...training(norms(false))],
  Dropout: [
    ...of("Dropout", ["inference", { rate: 0.4 }, x([4, 5])]),
    ...training(of("Dropout", ["rate 0.4", { rate: 0.4 }, x([4, 5])])),
    ...training(of("Dropout", ["rate 0", { rate: 0 }, x([4, 5])])),
  ],

  LSTM,
  GRU,
  Reverse,
  LastStep,

  Add: [...binary("Add", "mixed"), ...of("Add", ["three", {}, x([3, 4]), x([4]), x([3, 4])])],
  Sub: binary("Sub", "mixed"),
  Mul: binary("Mul", "mixed", "zeros"),
  Div: binary("Div", "positive", "negative"),
  Maximum: binary("Maximum", "mixed", "ties"),
  Minimum: binary("Minimum", "mixed", "ties"),
  Pow: [
    ...binary("Pow", "positive"),
    ...of(
      "Pow",
      ["square of both signs", {}, x([3, 4]), fixed("float32", [], [2])],
      ["base zero", {}, x([3], "zeros"), x([3], [2, 3, 1])],
      ["negative base", {}, x([3], [-1, -2, -0.5]), x([3], [2, 3, 1])],
    ),
  ],
  SquaredDifference: binary("SquaredDifference", "mixed", "ties"),

  Relu: unary("Relu", "mixed", "edges", "zeros"),
  Relu6: unary("Relu6", "mixed", "edges", "zeros"),
  Elu: unary("Elu", "mixed", "edges", "zeros"),
  Selu: unary("Selu", "mixed", "edges", "zeros"),
  LeakyRelu: of(
    "LeakyRelu",
    ["mixed", { alpha: 0.2 }, x([3, 4])],
    ["edges", { alpha: 0.1 }, x([14], "edges")],
    ["alpha above 1", { alpha: 1.5 }, x([14], "edges")],
    ["zeros", { alpha: 0.2 }, x([3], "zeros")],
  ),
  Sigmoid: unary("Sigmoid", "mixed", "edges"),
  Tanh: unary("Tanh", "mixed", "edges"),
  Softplus: unary("Softplus", "mixed", "edges"),
  Softmax: [
    ...unary("Softmax", "mixed", "ties", "edges"),
    ...of(
      "Softmax",
      ["three axes", {}, x([2, 3, 4])],
      ["large", {}, x([2, 3], [900, 1000, 999, -900, 0, 5])],
    ),
  ],
  LogSoftmax: [
    ...unary("LogSoftmax", "mixed", "ties", "edges"),
    ...of(
      "LogSoftmax",
      ["three axes", {}, x([2, 3, 4])],
      ["large", {}, x([2, 3], [900, 1000, 999, -900, 0, 5])],
    ),
  ],
  Exp: unary("Exp", "mixed"),
  Log: unary("Log", "positive"),
  Log1p: [...unary("Log1p", "positive"), ...of("Log1p", ["near 0", {}, x([3], [1e-6, -1e-6, 0])])],
  Neg: unary("Neg", "mixed"),
  Abs: unary("Abs", "mixed", "zeros", "edges"),
  Square: unary("Square", "mixed", "zeros"),
  Sqrt: unary("Sqrt", "positive"),
  Rsqrt: unary("Rsqrt", "positive"),
  Floor: unary("Floor", "mixed"),
  Identity: unary("Identity", "mixed"),
  StopGradient: unary("StopGradient", "mixed"),
  Cast: of("Cast", ["to itself", { to: "float32" }, x([3, 4])]),

  Reshape: of("Reshape", ["open batch", { shape: [-1, 6] }, x([2, 3, 4])]),
  Transpose: of(
    "Transpose",
    ["matrix", { permutation: [1, 0] }, x([3, 4])],
    ["four axes", { permutation: [0, 3, 1, 2] }, x([2, 3, 4, 2])],
    ["turned", { permutation: [2, 0, 1] }, x([2, 3, 4])],
  ),
  Concat: of(
    "Concat",
    ["rows", { axis: 0 }, x([2, 3]), x([1, 3]), x([3, 3])],
    ["columns", { axis: -1 }, x([2, 3]), x([2, 1])],
    ["channels", { axis: 3 }, x([2, 2, 3, 1]), x([2, 2, 3, 2])],
  ),
  Slice: of(
    "Slice",
    ["a part of both axes", slice([1, 4], [0, 2]), x([5, 3])],
    ["one row, from the end", slice([-2, -1], [null, null]), x([5, 3])],
    ["every other", slice([null, null, 2], [1, null, 2]), x([5, 4])],
    ["every third, with a rest", slice([1, null, 3], [null, null, 3]), x([6, 5])],
    ["backwards", slice([null, null, -1], [3, 0, -2]), x([4, 5])],
    ["past the end", slice([2, 9], [-9, 2]), x([4, 3])],
    ["channels", slice([null, null], [0, 2], [null, null, 2], [1, 3]), x([2, 3, 5, 4])],
  ),
  Tile: of(
    "Tile",
    ["rows and columns", { multiples: [2, 3] }, x([2, 3])],
    ["one axis", { multiples: [1, 2, 1] }, x([2, 3, 4])],
    ["once", { multiples: [1, 1] }, x([2, 3])],
    ["five axes", { multiples: [1, 2, 1, 1, 3] }, x([2, 1, 2, 1, 2])],
  ),
  Squeeze: of(
    "Squeeze",
    ["one axis", { axes: [1] }, x([3, 1, 4, 1])],
    ["all", { axes: [] }, x([3, 1, 4, 1])],
    ["from the end", { axes: [-1] }, x([3, 1, 4, 1])],
  ),
  ExpandDims: of(
    "ExpandDims",
    ["inside", { axis: 1 }, x([3, 4])],
    ["last", { axis: -1 }, x([3, 4])],
  ),
  Pad: of(
    "Pad",
    ["matrix", { paddings: [1, 2, 0, 3] }, x([3, 4])],
    ["images", { paddings: [0, 0, 1, 1, 2, 0, 0, 0] }, x([2, 3, 4, 2])],
  ),
  Gather: of(
    "Gather",
    ["repeated rows", { axis: 0 }, x([4, 3]), fixed("int32", [5], [0, 2, 2, 3, 2])],
    ["a matrix of indices", { axis: 0 }, x([4, 3]), fixed("int32", [2, 3], [0, 1, 0, 3, 3, 0])],
    ["columns", { axis: 1 }, x([3, 4]), fixed("int32", [3], [1, 1, 3])],
    ["from the end, of three axes", { axis: -1 }, x([2, 3, 4]), fixed("int32", [2], [3, 3])],
    ["one", { axis: 0 }, x([4, 3]), fixed("int32", [], [2])],
  ),

  Mean: reductions("Mean", "mixed"),
  Sum: reductions("Sum", "mixed"),
  Max: reductions("Max", "mixed", "ties", "constant"),
  Min: reductions("Min", "mixed", "ties", "constant"),
  Select: of(
    "Select",
    [
      "same shapes",
      { rows: false },
      fixed("bool", [2, 3], [1, 0, 1, 0, 0, 1]),
      x([2, 3]),
      x([2, 3]),
    ],
    ["a number", { rows: false }, fixed("bool", [2, 3], [1, 0, 1, 0, 0, 1]), x([2, 3]), x([])],
    ["a row", { rows: false }, fixed("bool", [2, 3], [1, 0, 1, 0, 0, 1]), x([3]), x([2, 3])],
    ["one condition", { rows: false }, fixed("bool", [], [0]), x([2, 3]), x([2, 3])],
    [
      "a column of conditions",
      { rows: false },
      fixed("bool", [2, 1], [0, 1]),
      x([2, 3]),
      x([2, 3]),
    ],
    ["a vector broadcasts", { rows: false }, fixed("bool", [3], [1, 0, 0]), x([3, 3]), x([3, 3])],
    ["a vector of rows", { rows: true }, fixed("bool", [3], [1, 0, 0]), x([3, 3]), x([3, 3])],
    ["rows of three axes", { rows: true }, fixed("bool", [2], [0, 1]), x([2, 3, 2]), x([2, 3, 2])],
    ["as many conditions", { rows: true }, fixed("bool", [2], [0, 1]), x([2]), x([2])],
  ),

  SparseSoftmaxCrossEntropy: of(
    "SparseSoftmaxCrossEntropy",
    ["mixed", {}, x([3, 4]), fixed("int32", [3], [0, 3, 1])],
    ["ties", {}, x([3, 4], "constant"), fixed("int32", [3], [0, 3, 1])],
    ["large", {}, x([2, 3], [900, 1000, 999, -900, 0, 5]), fixed("int32", [2], [0, 1])],
    ["per step", {}, x([2, 3, 4]), fixed("int32", [2, 3], [0, 3, 1, 2, 2, 0])],
  ),
  SoftmaxCrossEntropy: of(
    "SoftmaxCrossEntropy",
    ["shares", {}, x([3, 4]), fixed("float32", [3, 4], "shares")],
    ["labels that move", {}, x([3, 4]), x([3, 4], "shares")],
    ["one hot", {}, x([2, 3]), fixed("float32", [2, 3], [1, 0, 0, 0, 0, 1])],
    ["per step", {}, x([2, 3, 4]), x([2, 3, 4], "shares")],
    [
      "large",
      {},
      x([2, 3], [900, 1000, 999, -900, 0, 5]),
      fixed("float32", [2, 3], [1, 0, 0, 0, 0.5, 0.5]),
    ],
  ),
  SigmoidCrossEntropy: of(
    "SigmoidCrossEntropy",
    ["mixed", {}, x([3, 4]), x([3, 4], "positive")],
    ["per step", {}, x([2, 3, 4]), x([2, 3, 4], "positive")],
    ["edges", {}, x([14], "edges"), fixed("float32", [14], "ties")],
    ["zeros", {}, x([3, 4], "zeros"), fixed("float32", [3, 4], "shares")],
  ),
  L2Loss: unary("L2Loss", "mixed", "zeros"),
};

export const CASES: readonly Case[] = Object.values(TABLE).flat();
