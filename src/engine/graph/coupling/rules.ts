// The ties of every op of the catalogue. One line per op; see `Tie`.
import type { OpName } from "../catalogue";
import { elements, type Node, type Shape } from "../model";
import { sequenceAxes } from "../recurrent";
import { channelAxis, fromStart, isVague } from "../shapes";
import { gru, lstm } from "./recurrent";
import { contracting, end, mixing, tie, type End, type Tie, type TieRule } from "./tie";

const axesOf = (shape: Shape): number[] => shape.map((_, axis) => axis);

/** Attributes of an op that has none. */
const NONE = {};

/** One input, elementwise. */
const passing: TieRule = (_, [x]) =>
  axesOf(x).map((axis) => tie(end(0, axis), end("output", axis)));

/** Any number of inputs that broadcast. */
const elementwise: TieRule = (_, inputs, output) =>
  axesOf(output).map((axis) => {
    const ends = inputs.flatMap((shape, port) => {
      const own = axis - output.length + shape.length;
      return own >= 0 && shape[own] === output[axis] ? [end(port, own)] : [];
    });
    return tie(...ends, end("output", axis));
  });

/** Over the last axis; elementwise over the others. */
const normalizing: TieRule = (attributes, inputs, output) =>
  passing(attributes, inputs, output).map((each, axis) =>
    axis === output.length - 1 ? { ...each, mixes: true } : each,
  );

const noTies: TieRule = () => [];

/** Any size of any axis will do. */
const indifferent: TieRule = (_, inputs) =>
  inputs.flatMap((shape, port) => axesOf(shape).map((axis) => mixing(end(port, axis))));

const matMul: TieRule<"MatMul"> = ({ transposeA, transposeB }, [a], output) => {
  const last = Math.max(1, a.length - 1);
  return [
    contracting(end(0, transposeA ? 0 : last), end(1, transposeB ? 1 : 0)),
    tie(end(1, transposeB ? 0 : 1), end("output", output.length - 1)),
    ...(transposeA
      ? [tie(end(0, 1), end("output", 0))]
      : axesOf(output)
          .slice(0, -1)
          .map((axis) => tie(end(0, axis), end("output", axis)))),
  ];
};

const conv2D: TieRule<"Conv2D"> = ({ dataFormat }, [x], output) => [
  contracting(end(0, channelAxis(x, dataFormat)), end(1, 2)),
  tie(end(1, 3), end("output", channelAxis(output, dataFormat))),
];

const conv2DTranspose: TieRule<"Conv2DTranspose"> = ({ dataFormat }, [x], output) => [
  contracting(end(0, channelAxis(x, dataFormat)), end(1, 3)),
  tie(end(1, 2), end("output", channelAxis(output, dataFormat))),
];

/** Channel c becomes the channels c · multiplier …: its own kernels, in a row. */
const depthwise: TieRule<"DepthwiseConv2D"> = ({ dataFormat }, [x, kernel], output) => {
  const embedding = { kind: "tiled", times: 1, inner: kernel[3], size: kernel[2] } as const;
  const channels = channelAxis(output, dataFormat);
  return [
    tie(end(0, channelAxis(x, dataFormat)), end(1, 2), {
      ...end("output", channels),
      embedding,
    }),
  ];
};

const perChannel: TieRule<"BiasAdd" | "BatchNorm"> = ({ dataFormat }, [x, ...others], output) => {
  const channel = channelAxis(x, dataFormat);
  return passing(NONE, [x], output).map((each, axis) =>
    axis === channel ? tie(...each.ends, ...others.map((_, index) => end(index + 1, 0))) : each,
  );
};

const pooling: TieRule<"MaxPool" | "AvgPool"> = ({ dataFormat }, [x]) => {
  const channel = channelAxis(x, dataFormat);
  return [tie(end(0, channel), end("output", channel))];
};

const reduction: TieRule<"Mean" | "Sum" | "Max" | "Min"> = ({ axes, keepDims }, [x]) => {
  const over = new Set(axes.map((axis) => fromStart(axis, x.length)));
  return axesOf(x).map((axis) => {
    if (over.has(axis)) return mixing(end(0, axis));
    const before = keepDims ? 0 : [...over].filter((each) => each < axis).length;
    return tie(end(0, axis), end("output", axis - before));
  });
};

/**
 * Axes that stay what they were, and axes that become one. An unknown size may only be the batch, the first axis of
 * both.
 */
const reshape: TieRule<"Reshape"> = (_, [x], output) => {
  const ties: Tie[] = [];
  let [a, b] = [0, 0];
  if (x[0] < 0 || output[0] < 0) {
    const isOpen = (shape: Shape) => shape.slice(1).some((size) => size < 0);
    if (isOpen(output)) return [];
    if (isOpen(x)) return flattened(x, output);
    if (elements(x.slice(1)) !== elements(output.slice(1))) return trailing(x, output);
    ties.push(tie(end(0, 0), end("output", 0)));
    [a, b] = [1, 1];
  }
  while (a < x.length && b < output.length) {
    // The shortest runs of axes with as many elements on either side.
    let [toA, toB] = [a + 1, b + 1];
    while (elements(x.slice(a, toA)) !== elements(output.slice(b, toB))) {
      if (elements(x.slice(a, toA)) < elements(output.slice(b, toB))) toA++;
      else toB++;
      if (toA > x.length || toB > output.length) return ties;
    }
    // Axes of one element at the end belong to the last run.
    if (toB === output.length) toA = x.length;
    else if (toA === x.length) toB = output.length;
    if (toB === b + 1) ties.push(...merged(x, [a, toA], b, (port) => port));
    else if (toA === a + 1) ties.push(...merged(output, [b, toB], a, flip));
    [a, b] = [toA, toB];
  }
  return ties;
};

/** Images of unknown size become rows of a known one: so many numbers has each channel, if channels are all that is known. */
function flattened(x: Shape, output: Shape): Tie[] {
  const known = axesOf(x).filter((axis) => axis > 0 && x[axis] > 0);
  const [channels] = known;
  const isAtEnd = channels === 1 || channels === x.length - 1;
  if (known.length !== 1 || !isAtEnd || output.length !== 2 || output[1] % x[channels] !== 0)
    return [];
  const each = output[1] / x[channels];
  const [times, inner] = channels === 1 ? [1, each] : [each, 1];
  const embedding = { kind: "tiled", times, inner, size: x[channels] } as const;
  return [
    tie(end(0, 0), end("output", 0)),
    tie(end(0, channels), { ...end("output", 1), embedding }),
  ];
}

/** The batch takes in other axes, or gives some away: the last ones stay what they were. */
function trailing(x: Shape, output: Shape): Tie[] {
  const ties: Tie[] = [];
  for (let [a, b] = [x.length - 1, output.length - 1]; a > 0 && b > 0; [a, b] = [a - 1, b - 1]) {
    if (x[a] !== output[b]) break;
    ties.push(tie(end(0, a), end("output", b)));
  }
  return ties;
}

const flip = (port: End["port"]): End["port"] => (port === "output" ? 0 : "output");

/** Each of the axes `from` … `to` of `shape` with the one axis that they become. */
function merged(
  shape: Shape,
  [from, to]: readonly [number, number],
  into: number,
  port: (port: End["port"]) => End["port"],
): Tie[] {
  return axesOf(shape)
    .slice(from, to)
    .map((axis) => {
      const [times, inner] = [
        elements(shape.slice(from, axis)),
        elements(shape.slice(axis + 1, to)),
      ];
      const outer = end(port("output"), into);
      if (times * inner === 1) return { ends: [end(port(0), axis), outer], alternative: true };
      const embedding = { kind: "tiled", times, inner, size: shape[axis] } as const;
      return { ends: [end(port(0), axis), { ...outer, embedding }], alternative: true };
    });
}

const concat: TieRule<"Concat"> = (attributes, inputs, output) => {
  const along = fromStart(attributes.axis, output.length);
  const others = axesOf(output)
    .filter((axis) => axis !== along)
    .map((axis) => tie(...inputs.map((_, port) => end(port, axis)), end("output", axis)));
  let offset = 0;
  const parts = inputs.map((shape, port) => {
    const embedding = { kind: "part", offset, size: shape[along] } as const;
    offset += shape[along];
    return tie(end(port, along), { ...end("output", along), embedding });
  });
  return [...others, ...parts];
};

/** An axis that is cut stays as long as it is: what is cut off it says so in numbers. */
const slice: TieRule<"Slice"> = ({ begin, end: stop, strides }, inputs, output) =>
  passing(NONE, inputs, output).filter(
    (_, axis) => begin[axis] === null && stop[axis] === null && strides[axis] === 1,
  );

const tile: TieRule<"Tile"> = ({ multiples }, [x]) =>
  axesOf(x).map((axis) => {
    const embedding = { kind: "tiled", times: multiples[axis], inner: 1, size: x[axis] } as const;
    return multiples[axis] === 1
      ? tie(end(0, axis), end("output", axis))
      : tie(end(0, axis), { ...end("output", axis), embedding });
  });

const squeeze: TieRule<"Squeeze"> = ({ axes }, [x]) => {
  const over = new Set(axes.map((axis) => fromStart(axis, x.length)));
  const gone = (axis: number) => (axes.length === 0 ? x[axis] === 1 : over.has(axis));
  const kept = axesOf(x).filter((axis) => !gone(axis));
  return kept.map((axis, place) => tie(end(0, axis), end("output", place)));
};

const expandDims: TieRule<"ExpandDims"> = ({ axis: place }, [x], output) => {
  const added = fromStart(place, output.length);
  return axesOf(x).map((axis) => tie(end(0, axis), end("output", axis < added ? axis : axis + 1)));
};

const RULES: { readonly [Op in OpName]: TieRule<Op> } = {
  Placeholder: noTies,
  Const: noTies,
  Opaque: noTies,

  MatMul: matMul,
  BiasAdd: perChannel,
  Conv2D: conv2D,
  DepthwiseConv2D: depthwise,
  Conv2DTranspose: conv2DTranspose,
  MaxPool: pooling,
  AvgPool: pooling,
  BatchNorm: perChannel,
  Dropout: passing,
  LSTM: lstm,
  GRU: gru,
  Reverse: (_, [x]) => axesOf(x).map((axis) => tie(end(0, axis), end("output", axis))),
  LastStep: ({ timeMajor }) => [
    tie(end(0, sequenceAxes(timeMajor).batch), end("output", 0)),
    tie(end(0, 2), end("output", 1)),
  ],
  // Reads of a sequence how long it is, and nothing else.
  SequenceMask: (_, [, x]) => axesOf(x).map((axis) => tie(end(1, axis))),

  Add: elementwise,
  Sub: elementwise,
  Mul: elementwise,
  Div: elementwise,
  Maximum: elementwise,
  Minimum: elementwise,
  Pow: elementwise,
  SquaredDifference: elementwise,
  Equal: elementwise,
  Greater: elementwise,
  GreaterEqual: elementwise,
  Less: elementwise,
  Select: elementwise,
  SigmoidCrossEntropy: elementwise,

  Relu: passing,
  Relu6: passing,
  Elu: passing,
  Selu: passing,
  LeakyRelu: passing,
  Sigmoid: passing,
  Tanh: passing,
  Softplus: passing,
  Softmax: normalizing,
  LogSoftmax: normalizing,
  Exp: passing,
  Log: passing,
  Log1p: passing,
  Neg: passing,
  Abs: passing,
  Square: passing,
  Sqrt: passing,
  Rsqrt: passing,
  Floor: passing,
  Identity: passing,
  StopGradient: passing,
  Cast: passing,

  Reshape: reshape,
  Transpose: ({ permutation }) =>
    permutation.map((axis, place) => tie(end(0, axis), end("output", place))),
  Concat: concat,
  Slice: slice,
  Tile: tile,
  Squeeze: squeeze,
  ExpandDims: expandDims,
  Pad: ({ paddings }, inputs, output) =>
    passing(NONE, inputs, output).filter(
      (_, axis) => paddings[2 * axis] === 0 && paddings[2 * axis + 1] === 0,
    ),
  Gather: ({ axis: place }, [table, indices]) => {
    const along = fromStart(place, table.length);
    return axesOf(table)
      .filter((axis) => axis !== along)
      .map((axis) =>
        tie(end(0, axis), end("output", axis < along ? axis : axis - 1 + indices.length)),
      );
  },
  OneHot: (_, __, output) =>
    axesOf(output).map((axis) =>
      axis === output.length - 1
        ? tie(end("output", axis))
        : tie(end(0, axis), end("output", axis)),
    ),

  Mean: reduction,
  Sum: reduction,
  Max: reduction,
  Min: reduction,
  ArgMax: indifferent,
  InTopK: indifferent,
  L2Loss: indifferent,
  SparseSoftmaxCrossEntropy: (_, [logits]) => axesOf(logits).map((axis) => mixing(end(0, axis))),
  SoftmaxCrossEntropy: (_, [logits, labels]) => [
    mixing(end(0, Math.max(1, logits.length - 1)), end(1, Math.max(1, labels.length - 1))),
  ],
};

/** Ops whose inputs need not be known to their rank: lengths of sequences are one number per sample. */
const ANY_RANK: ReadonlySet<OpName> = new Set(["MatMul", "OneHot", "Reverse", "SequenceMask"]);

/** The ties of `node`; none where a shape is not known well enough. */
export function tiesOf(
  node: Node,
  inputs: readonly (Shape | undefined)[],
  output: Shape | undefined,
): readonly Tie[] {
  if (output === undefined || !inputs.every((shape) => shape !== undefined)) return [];
  const needsRank = !ANY_RANK.has(node.op);
  if (needsRank && inputs.some((shape) => isVague(shape) && output.length > 1)) return [];
  // The table's type guarantees that the rule belongs to the op; TypeScript cannot see it through the union.
  return (RULES[node.op] as TieRule)(node.attributes, inputs, output);
}
