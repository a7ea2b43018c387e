// Static shapes: one rule per op of the catalogue. -1 is a size that is not known before a batch is there, and the
// shape [-1] says no more than "per sample": it is also what a placeholder of unknown rank has, and fits anything.
import { GraftError } from "../../protocol/errors";
import type { DataFormat, GRUInput, LSTMInput, OpAttributes, OpName, Padding } from "./catalogue";
import { refName, type Node, type Shape } from "./model";
import { GRU_BLOCKS, gruUnits, LSTM_BLOCKS, lstmUnits, portOf, sequenceAxes } from "./recurrent";

type Rule<Op extends OpName> = (
  inputs: readonly Shape[],
  attributes: OpAttributes[Op],
  /** Why the inputs do not fit, in words that come after "because". */
  fail: (why: string) => never,
) => Shape;

/**
 * The shape of a node's output. Throws `shape-mismatch` naming the inputs and their shapes. What a placeholder or an
 * opaque op yields does not follow from its inputs: [-1], and callers that know better keep what they know.
 */
export function inferShape(node: Node, inputs: readonly Shape[]): Shape {
  const fail = (why: string): never => {
    const sides = node.inputs.map(
      (input, index) => `${refName(input)} has shape ${formatShape(inputs[index])}`,
    );
    throw new GraftError(
      "shape-mismatch",
      `${node.op} "${node.name}" does not fit its inputs: ${sides.join(", ")}; ${why}.`,
    );
  };
  if (inputs.length < (LEAST_INPUTS[node.op] ?? 1)) return fail("an input is missing");
  // The table's type guarantees that the rule belongs to the op; TypeScript cannot see it through the union.
  const rule = RULES[node.op] as Rule<OpName>;
  return rule(inputs, node.attributes, fail);
}

/** "[?, 50]" */
export const formatShape = (shape: Shape | undefined): string =>
  shape === undefined ? "unknown" : `[${shape.map((size) => (size < 0 ? "?" : size)).join(", ")}]`;

/** Whether two sizes can be the same. */
export const fits = (a: number, b: number): boolean => a === b || a < 0 || b < 0;

/** Whether nothing is known but that there is one per sample. */
export const isVague = (shape: Shape): boolean => shape.length === 1 && shape[0] < 0;

/** The shape of an elementwise op over both. */
export function broadcast(a: Shape, b: Shape): Shape | undefined {
  if (isVague(a) && b.length > 0) return b;
  if (isVague(b) && a.length > 0) return a;
  const rank = Math.max(a.length, b.length);
  const result: number[] = [];
  for (let axis = 0; axis < rank; axis++) {
    const x = a[axis - rank + a.length] ?? 1;
    const y = b[axis - rank + b.length] ?? 1;
    if (x !== y && x > 1 && y > 1) return undefined;
    result.push(x === y || y === 1 ? x : x === 1 ? y : Math.max(x, y));
  }
  return result;
}

/** How many inputs an op cannot do without, where it is not one. */
const LEAST_INPUTS: { readonly [Op in OpName]?: number } = {
  Placeholder: 0,
  Const: 0,
  Opaque: 0,
  MatMul: 2,
  BiasAdd: 2,
  Conv2D: 2,
  DepthwiseConv2D: 2,
  Conv2DTranspose: 2,
  BatchNorm: 5,
  LSTM: 3,
  GRU: 3,
  SequenceMask: 2,
  Add: 2,
  Sub: 2,
  Mul: 2,
  Div: 2,
  Maximum: 2,
  Minimum: 2,
  Pow: 2,
  SquaredDifference: 2,
  Equal: 2,
  Greater: 2,
  GreaterEqual: 2,
  Less: 2,
  Select: 3,
  Gather: 2,
  InTopK: 2,
  SparseSoftmaxCrossEntropy: 2,
  SoftmaxCrossEntropy: 2,
  SigmoidCrossEntropy: 2,
};

const same: Rule<OpName> = ([x]) => x;

const elementwise: Rule<OpName> = (inputs, _, fail) =>
  inputs.reduce((a, b) => broadcast(a, b) ?? fail("their sizes differ and neither is 1"));

const matMul: Rule<"MatMul"> = ([a, b], { transposeA, transposeB }, fail) => {
  if (a.length > 2 && b.length === 2 && !transposeA) {
    const [inner, columns] = transposeB ? [b[1], b[0]] : b;
    const last = a.at(-1)!;
    return fits(last, inner)
      ? a.with(-1, columns)
      : fail(`${last} numbers in a row meet ${inner} rows`);
  }
  const [rows, inner] = isVague(a) ? [-1, -1] : transposeA ? [a[1], a[0]] : a;
  const [otherInner, columns] = isVague(b) ? [-1, -1] : transposeB ? [b[1], b[0]] : b;
  if ((!isVague(a) && a.length !== 2) || (!isVague(b) && b.length !== 2))
    return fail("both must be matrices");
  if (!fits(inner, otherInner)) return fail(`${inner} columns meet ${otherInner} rows`);
  return [rows, columns];
};

export const channelAxis = (shape: Shape, format: DataFormat): number =>
  format === "NCHW" && shape.length > 2 ? 1 : shape.length - 1;

const biasAdd: Rule<"BiasAdd"> = ([x, bias], { dataFormat }, fail) => {
  if (isVague(x)) return x;
  if (bias.length !== 1 || !fits(x[channelAxis(x, dataFormat)] ?? 1, bias[0]))
    return fail("the bias must have one number per channel");
  return x;
};

const batchNorm: Rule<"BatchNorm"> = ([x, ...perChannel], { dataFormat }, fail) => {
  const channels = isVague(x) ? -1 : x[channelAxis(x, dataFormat)];
  if (!perChannel.every((shape) => shape.length === 1 && fits(shape[0], channels)))
    return fail("scale, offset and statistics must have one number per channel");
  return x;
};

/** Output size of a window that slides along one axis. */
export function slide(size: number, window: number, stride: number, padding: Padding): number {
  if (size < 0) return -1;
  return padding === "SAME" ? Math.ceil(size / stride) : Math.ceil((size - window + 1) / stride);
}

interface Sliding {
  readonly strides: readonly [number, number];
  readonly padding: Padding;
  readonly dataFormat: DataFormat;
}

function slide2D(
  x: Shape,
  window: readonly [number, number],
  { strides, padding, dataFormat }: Sliding,
  channels: (before: number) => number,
  fail: (why: string) => never,
): Shape {
  if (!isVague(x) && x.length !== 4) return fail("the input must have four axes");
  const [batch, a, b, c] = isVague(x) ? [-1, -1, -1, -1] : x;
  const [height, width, depth] = dataFormat === "NCHW" ? [b, c, a] : [a, b, c];
  const rows = slide(height, window[0], strides[0], padding);
  const columns = slide(width, window[1], strides[1], padding);
  if (rows === 0 || columns === 0 || rows < -1 || columns < -1)
    return fail("the window is larger than the input");
  return dataFormat === "NCHW"
    ? [batch, channels(depth), rows, columns]
    : [batch, rows, columns, channels(depth)];
}

const convolution =
  (outputs: (kernel: Shape) => number): Rule<"Conv2D" | "DepthwiseConv2D"> =>
  ([x, kernel], attributes, fail) => {
    if (kernel.length !== 4) return fail("the kernel must have four axes");
    const [rows, columns, depth] = kernel;
    const dilated = (size: number, axis: 0 | 1): number =>
      size < 0 ? size : (size - 1) * attributes.dilations[axis] + 1;
    const channels = (before: number): number =>
      fits(before, depth)
        ? outputs(kernel)
        : fail(`the input has ${before} channels and the kernel takes ${depth}`);
    return slide2D(x, [dilated(rows, 0), dilated(columns, 1)], attributes, channels, fail);
  };

const transposed: Rule<"Conv2DTranspose"> = ([x, kernel], attributes, fail) => {
  if (kernel.length !== 4) return fail("the kernel must have four axes");
  const [rows, columns, channels, depth] = kernel;
  const [height, width] = attributes.outputSize;
  const [batch] = isVague(x) ? [-1] : x;
  const output =
    attributes.dataFormat === "NCHW"
      ? [batch, channels, height, width]
      : [batch, height, width, channels];
  const taken = slide2D(output, [rows, columns], attributes, () => depth, fail);
  if (!isVague(x) && !(x.length === 4 && x.every((size, axis) => fits(size, taken[axis]))))
    return fail(`a convolution of ${formatShape(output)} yields ${formatShape(taken)}`);
  return output;
};

const pooling: Rule<"MaxPool" | "AvgPool"> = ([x], attributes, fail) =>
  slide2D(x, attributes.window, attributes, (channels) => channels, fail);

/** A sequence of as many numbers per step as the op gives out. */
function sequence(x: Shape, width: number, fail: (why: string) => never): Shape {
  if (isVague(x)) return [-1, -1, width];
  return x.length === 3 ? x.with(2, width) : fail("a sequence has three axes");
}

const lstm: Rule<"LSTM"> = (inputs, attributes, fail) => {
  const { takes, gates, peepholeColumns } = attributes;
  const x = inputs[0];
  const shapeOf = (input: LSTMInput): Shape | undefined => {
    const port = portOf<"LSTM">(takes, input);
    return port === undefined ? undefined : inputs[port];
  };
  if (inputs.length !== takes.length + 1) return fail("an input is missing");
  if (new Set(gates).size !== LSTM_BLOCKS) return fail("an LSTM has four gates");
  const units = lstmUnits(attributes, inputs);
  if (!Number.isInteger(units)) return fail("its columns are no four equal blocks");
  const columns = LSTM_BLOCKS * units;
  const width = shapeOf("projection")?.[1] ?? units;
  const features = isVague(x) ? -1 : (x.at(-1) ?? -1);
  const joined = features < 0 ? -1 : features + width;
  const wanted: { readonly [Input in LSTMInput]: Shape } = {
    kernel: [features, columns],
    recurrentKernel: [width, columns + peepholeColumns.length],
    joinedKernel: [joined, columns],
    bias: [columns],
    peepholeInput: [units],
    peepholeForget: [units],
    peepholeOutput: [units],
    projection: [units, width],
    initialH: [-1, width],
    initialC: [-1, units],
    mask: [-1, -1],
  };
  takes.forEach((input, place) => checkPart(input, inputs[place + 1], wanted[input], fail));
  return sequence(x, width, fail);
};

const gru: Rule<"GRU"> = (inputs, attributes, fail) => {
  const { takes } = attributes;
  const x = inputs[0];
  if (inputs.length !== takes.length + 1) return fail("an input is missing");
  const units = gruUnits(attributes, inputs);
  const features = isVague(x) ? -1 : (x.at(-1) ?? -1);
  const rows = features < 0 ? -1 : features + units;
  const wanted: { readonly [Input in GRUInput]: Shape } = {
    gateKernel: [rows, GRU_BLOCKS * units],
    gateBias: [GRU_BLOCKS * units],
    candidateKernel: [rows, units],
    candidateBias: [units],
    initialH: [-1, units],
    mask: [-1, -1],
  };
  takes.forEach((input, place) => checkPart(input, inputs[place + 1], wanted[input], fail));
  return sequence(x, units, fail);
};

function checkPart(what: string, shape: Shape, wanted: Shape, fail: (why: string) => never): void {
  if (isVague(shape)) return;
  const isWanted =
    shape.length === wanted.length && shape.every((size, axis) => fits(size, wanted[axis]));
  if (!isWanted) fail(`${what} should have shape ${formatShape(wanted)}`);
}

const known = (shape: Shape): number =>
  shape.reduce((product, size) => (size < 0 ? product : product * size), 1);
const unknowns = (shape: Shape): number => shape.filter((size) => size < 0).length;

const reshape: Rule<"Reshape"> = ([x], { shape }, fail) => {
  if (isVague(x)) return shape;
  // Two open sizes: the batch stays, and the other takes what remains.
  if (unknowns(shape) > 1)
    return [x[0] ?? 1, ...reshape([x.slice(1)], { shape: shape.slice(1) }, fail)];
  const [have, want] = [known(x), known(shape)];
  const misfit = (): never => fail(`it cannot be reshaped to ${formatShape(shape)}`);
  if (unknowns(x) === 0) {
    if (unknowns(shape) === 0) return have === want ? shape : misfit();
    if (want === 0 ? have !== 0 : have % want !== 0) return misfit();
    return shape.map((size) => (size < 0 ? (want === 0 ? 0 : have / want) : size));
  }
  // With an unknown batch, a size that neither divides nor is divided by the other cannot come out even.
  if (unknowns(shape) > 0 && have % want !== 0 && want % have !== 0) return misfit();
  if (unknowns(shape) === 0 && want % have !== 0) return misfit();
  return shape;
};

/** `axis` counted from the start. */
export const fromStart = (axis: number, rank: number): number => (axis < 0 ? axis + rank : axis);

/** Which elements a slice takes of an axis of `size`: the first, and how many. */
export function span(
  size: number,
  begin: number | null,
  end: number | null,
  stride: number,
): { readonly first: number; readonly count: number } {
  const [least, most] = stride > 0 ? [0, size] : [-1, size - 1];
  const clamp = (index: number): number => Math.min(Math.max(fromStart(index, size), least), most);
  const first = begin === null ? (stride > 0 ? least : most) : clamp(begin);
  const stop = end === null ? (stride > 0 ? most : least) : clamp(end);
  return { first, count: Math.max(0, Math.ceil((stop - first) / stride)) };
}

const slice: Rule<"Slice"> = ([x], { begin, end, strides }, fail) => {
  if (isVague(x)) return begin.map(() => -1);
  if ([begin, end, strides].some((list) => list.length !== x.length))
    return fail("a slice needs a begin, an end and a stride for each axis");
  if (strides.includes(0)) return fail("a stride cannot be 0");
  return x.map((size, axis) =>
    size < 0 ? size : span(size, begin[axis], end[axis], strides[axis]).count,
  );
};

const reduction: Rule<"Mean" | "Sum" | "Max" | "Min"> = ([x], { axes, keepDims }, fail) => {
  if (isVague(x)) return keepDims || (axes.length === 1 && axes[0] !== 0) ? x : [];
  const over = new Set(axes.map((axis) => fromStart(axis, x.length)));
  for (const axis of over) if (axis < 0 || axis >= x.length) return fail(`it has no axis ${axis}`);
  return x.flatMap((size, axis) => (over.has(axis) ? (keepDims ? [1] : []) : [size]));
};

const RULES: { readonly [Op in OpName]: Rule<Op> } = {
  Placeholder: () => [-1],
  Opaque: () => [-1],
  Const: (_, { shape }) => shape,

  MatMul: matMul,
  BiasAdd: biasAdd,
  Conv2D: convolution((kernel) => kernel[3]),
  DepthwiseConv2D: convolution((kernel) => kernel[2] * kernel[3]),
  Conv2DTranspose: transposed,
  MaxPool: pooling,
  AvgPool: pooling,
  BatchNorm: batchNorm,
  Dropout: same,

  LSTM: lstm,
  GRU: gru,
  Reverse: same,
  LastStep: ([x], { timeMajor }, fail) =>
    isVague(x)
      ? [-1, -1]
      : x.length === 3
        ? [x[timeMajor ? 1 : 0], x[2]]
        : fail("a sequence has three axes"),
  SequenceMask: ([lengths, x], { timeMajor }) => {
    const { batch, time } = sequenceAxes(timeMajor);
    return isVague(x) ? [lengths[0] ?? -1, -1] : [x[batch], x[time]];
  },

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

  Relu: same,
  Relu6: same,
  Elu: same,
  Selu: same,
  LeakyRelu: same,
  Sigmoid: same,
  Tanh: same,
  Softplus: same,
  Softmax: same,
  LogSoftmax: same,
  Exp: same,
  Log: same,
  Log1p: same,
  Neg: same,
  Abs: same,
  Square: same,
  Sqrt: same,
  Rsqrt: same,
  Floor: same,
  Identity: same,
  StopGradient: same,
  Cast: same,

  Reshape: reshape,
  Transpose: ([x], { permutation }, fail) => {
    if (isVague(x)) return permutation.map(() => -1);
    const axes = new Set(permutation.filter((axis) => axis >= 0 && axis < x.length));
    if (permutation.length !== x.length || axes.size !== x.length)
      return fail(`[${permutation.join(", ")}] is no order of its axes`);
    return permutation.map((axis) => x[axis]);
  },
  Concat: (inputs, { axis }, fail) => {
    const [first] = inputs.filter((shape) => !isVague(shape));
    if (first === undefined) return [-1];
    const along = fromStart(axis, first.length);
    if (inputs.some((shape) => shape.length !== first.length && !isVague(shape)))
      return fail("all must have as many axes");
    return first.map((_, each) => {
      const sizes = inputs.map((shape) => (isVague(shape) ? -1 : shape[each]));
      if (each === along)
        return sizes.some((size) => size < 0) ? -1 : sizes.reduce((sum, size) => sum + size, 0);
      const size = sizes.reduce((a, b) => Math.max(a, b));
      if (!sizes.every((other) => fits(size, other))) return fail(`axis ${each} must agree`);
      return size;
    });
  },
  Slice: slice,
  Tile: ([x], { multiples }, fail) => {
    if (isVague(x)) return multiples.map(() => -1);
    if (multiples.length !== x.length || multiples.some((count) => count < 0))
      return fail("there must be a multiple for each axis, and none below 0");
    return x.map((size, axis) => (size < 0 ? size : size * multiples[axis]));
  },
  Squeeze: ([x], { axes }, fail) => {
    if (isVague(x)) return x;
    const over = new Set(axes.map((axis) => fromStart(axis, x.length)));
    if ([...over].some((axis) => !fits(x[axis] ?? 0, 1)))
      return fail("a squeezed axis must have size 1");
    return x.filter((size, axis) => (axes.length === 0 ? size !== 1 : !over.has(axis)));
  },
  ExpandDims: ([x], { axis }) => x.toSpliced(fromStart(axis, x.length + 1), 0, 1),
  Pad: ([x], { paddings }, fail) => {
    if (isVague(x)) return x;
    if (paddings.length !== 2 * x.length) return fail(`${paddings.length} paddings were given`);
    return x.map((size, axis) =>
      size < 0 ? size : size + paddings[2 * axis] + paddings[2 * axis + 1],
    );
  },
  Gather: ([table, indices], { axis }) =>
    isVague(table) ? table : table.toSpliced(fromStart(axis, table.length), 1, ...indices),
  OneHot: ([indices], { depth }) => [...indices, depth],

  Mean: reduction,
  Sum: reduction,
  Max: reduction,
  Min: reduction,
  ArgMax: ([x], { axis }) => (isVague(x) ? x : x.toSpliced(fromStart(axis, x.length), 1)),
  Select: ([condition, a, b], { rows }, fail) => {
    const chosen = broadcast(a, b) ?? fail("both alternatives must have one shape");
    if (!rows || condition.length !== 1 || chosen.length < 2)
      return broadcast(condition, chosen) ?? fail("the condition must fit the alternatives");
    if (!fits(condition[0], chosen[0])) return fail("there must be one condition per row");
    return chosen;
  },
  InTopK: ([predictions, targets], _, fail) => {
    if (!isVague(predictions) && predictions.length !== 2)
      return fail("predictions must be a matrix");
    if (!fits(predictions[0], targets[0] ?? -1)) return fail("there must be one target per row");
    return [predictions[0]];
  },

  SparseSoftmaxCrossEntropy: ([logits, labels], _, fail) => {
    if (isVague(logits)) return logits;
    if (logits.length < 2) return fail("the logits must be [batch, classes]");
    const rows = logits.slice(0, -1);
    if (labels.length > rows.length || !labels.every((size, axis) => fits(size, rows[axis])))
      return fail("there must be one class index per row of the logits");
    return rows;
  },
  SoftmaxCrossEntropy: ([logits, labels], _, fail) => {
    const both = broadcast(logits, labels);
    if (both === undefined || (!isVague(both) && both.length < 2))
      return fail("both must be [batch, classes]");
    return isVague(both) ? both : both.slice(0, -1);
  },
  SigmoidCrossEntropy: elementwise,
  L2Loss: () => [],
};
