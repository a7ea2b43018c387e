// Constant folding: ops over known numbers, and over shapes. What folds never becomes a node.
import type { DType } from "../../../../protocol/checkpoint";
import { elements, type Shape } from "../../../graph/model";
import { fromStart } from "../../../graph/shapes";
import * as attributes from "./attributes";
import {
  add,
  combine,
  divide,
  divideDown,
  larger,
  modulo,
  multiply,
  plain,
  power,
  scalar,
  sizes,
  smaller,
  subtract,
  test,
  toSize,
  uniform,
  vector,
  type Known,
  type Static,
} from "./known";
import type { SourceNode } from "./source";

type Fold = (inputs: readonly Static[], node: SourceNode) => Static | undefined;

/** The value of an op over known inputs; undefined where it is not known. */
export const fold = (node: SourceNode, inputs: readonly Static[]): Static | undefined =>
  FOLDS.get(node.op)?.(inputs, node);

/** The value of an op that asks for a tensor's shape only. `batch`: what its open size counts. */
export function foldShape(
  node: SourceNode,
  shape: Shape,
  batch: number | null,
): Static | undefined {
  const dtype = attributes.type(node, "out_type") ?? "int32";
  switch (node.op) {
    case "Shape":
      return vector(dtype, sizes(shape, batch));
    case "Size":
      return scalar(dtype, sizes(shape, batch).reduce(multiply, 1));
    case "Rank":
      return scalar("int32", shape.length);
    case "ZerosLike":
    case "OnesLike":
      return batch === null
        ? undefined
        : uniform(
            attributes.type(node, "T") ?? "float32",
            shape,
            batch,
            Number(node.op === "OnesLike"),
          );
    default:
      return undefined;
  }
}

/** Larger results are data, not structure. */
const MOST = 1 << 16;

const binary =
  (compute: (x: Known, y: Known) => Known, dtype?: DType): Fold =>
  ([a, b]) =>
    combine(a, b, dtype ?? a.dtype, compute);

const unary =
  (compute: (x: number) => number): Fold =>
  ([x]) => ({
    ...x,
    values: x.values.map((value) => (typeof value === "number" ? compute(value) : null)),
  });

const identity: Fold = ([x]) => x;

const compare = (holds: (x: number, y: number) => boolean): Fold => binary(test(holds), "bool");

/** Of a vector, or of equal elements over all axes. */
const reduce =
  (
    start: Known,
    compute: (x: Known, y: Known) => Known,
    equal: (value: Known, count: Known) => Known,
  ): Fold =>
  ([x, axes], node) => {
    const over = plain(axes);
    if (over === undefined || attributes.flag(node, "keep_dims")) return undefined;
    const all =
      new Set(over.map((axis) => fromStart(axis, x.shape.length))).size === x.shape.length;
    if (!all) return over.length === 0 ? x : undefined;
    if (x.values.length === 1 && x.shape.some((size) => size !== 1))
      return scalar(x.dtype, equal(x.values[0], sizes(x.shape, x.batch ?? 1).reduce(multiply, 1)));
    return scalar(x.dtype, x.values.reduce(compute, start));
  };

const stridedSlice: Fold = ([x, begin, end, strides], node) => {
  const [from, to, by] = [begin, end, strides].map(plain);
  const mask = (name: string): boolean => ((attributes.integer(node, name) ?? 0) & 1) === 1;
  const special = ["ellipsis_mask", "new_axis_mask"].some((name) => attributes.integer(node, name));
  const values = spread(x);
  if (!values || from?.length !== 1 || to?.length !== 1 || by?.length !== 1 || special)
    return undefined;
  const { length } = values;
  if (by[0] === 0) return undefined;
  const first = fromStart(from[0], length);
  if (mask("shrink_axis_mask"))
    return first >= 0 && first < length ? scalar(x.dtype, values[first]) : undefined;
  const clamp = (index: number): number => Math.min(Math.max(index, by[0] > 0 ? 0 : -1), length);
  const start = mask("begin_mask") ? (by[0] > 0 ? 0 : length - 1) : clamp(first);
  const stop = mask("end_mask") ? (by[0] > 0 ? length : -1) : clamp(fromStart(to[0], length));
  const taken: Known[] = [];
  for (let index = start; by[0] > 0 ? index < stop : index > stop; index += by[0])
    taken.push(values[index]);
  return vector(x.dtype, taken);
};

const slice: Fold = ([x, begin, size]) => {
  const [from, count] = [plain(begin), plain(size)];
  const values = spread(x);
  if (values === undefined || from?.length !== 1 || count?.length !== 1) return undefined;
  const stop = count[0] < 0 ? values.length : from[0] + count[0];
  return vector(x.dtype, values.slice(from[0], stop));
};

const pack: Fold = (inputs) =>
  inputs.every((input) => input.shape.length === 0)
    ? vector(
        inputs[0]?.dtype ?? "int32",
        inputs.flatMap((input) => input.values),
      )
    : undefined;

const concat = (inputs: readonly Static[]): Static | undefined => {
  const parts = inputs.map(spread);
  return parts.length > 0 && parts.every((part) => part !== undefined)
    ? vector(inputs[0].dtype, parts.flat())
    : undefined;
};

const gather: Fold = ([x, indices]) => {
  const wanted = plain(indices);
  const values = spread(x);
  if (values === undefined || wanted === undefined) return undefined;
  if (wanted.some((index) => index < 0 || index >= values.length)) return undefined;
  return { dtype: x.dtype, shape: indices.shape, values: wanted.map((index) => values[index]) };
};

const range: Fold = ([start, limit, delta]) => {
  const [from] = plain(start) ?? [];
  const [to] = plain(limit) ?? [];
  const [step] = plain(delta) ?? [];
  if (from === undefined || to === undefined || !step) return undefined;
  const count = Math.max(0, Math.ceil((to - from) / step));
  if (count > MOST) return undefined;
  return vector(
    start.dtype,
    Array.from({ length: count }, (_, index) => from + index * step),
  );
};

const fill: Fold = ([dims, value]) => {
  const open = dims.values.filter((size) => typeof size !== "number");
  const [batch = { batch: 1 }] = open;
  const sizes = spread(dims);
  if (sizes === undefined || batch === null || open.length > 1) return undefined;
  return uniform(value.dtype, sizes.map(toSize), batch.batch, value.values[0]);
};

const reshape: Fold = ([x, target]) => {
  const shape = plain(target);
  const known = plain(x) !== undefined || x.shape.every((size) => size >= 0);
  if (shape === undefined || !known) return undefined;
  const rest = shape.filter((size) => size >= 0).reduce((product, size) => product * size, 1);
  const full = shape.map((size) => (size < 0 ? elements(x.shape) / rest : size));
  return elements(full) === elements(x.shape) ? { ...x, shape: full } : undefined;
};

const expandDims: Fold = ([x, axis]) => {
  const [at] = plain(axis) ?? [];
  if (at === undefined) return undefined;
  return { ...x, shape: x.shape.toSpliced(fromStart(at, x.shape.length + 1), 0, 1) };
};

const squeeze: Fold = ([x], node) => {
  const axes = attributes
    .integers(node, "squeeze_dims")
    .map((axis) => fromStart(axis, x.shape.length));
  return {
    ...x,
    shape: x.shape.filter((size, axis) => size !== 1 || (axes.length > 0 && !axes.includes(axis))),
  };
};

const select: Fold = ([condition, a, b]) => {
  const chosen = condition.values.length === 1 ? condition.values[0] : null;
  return typeof chosen === "number" ? (chosen === 0 ? b : a) : undefined;
};

const cast: Fold = ([x], node) => {
  const dtype = attributes.type(node, "DstT");
  if (dtype === undefined) return undefined;
  const truncates = dtype.includes("int") && x.dtype.startsWith("float");
  const convert = (value: Known): Known =>
    typeof value !== "number"
      ? value
      : dtype === "bool"
        ? Number(value !== 0)
        : truncates
          ? Math.trunc(value)
          : value;
  return { ...x, dtype, values: x.values.map(convert) };
};

/** Every element of a vector. */
function spread(x: Static): Known[] | undefined {
  const [count] = x.shape;
  if (x.shape.length !== 1 || count < 0 || count > MOST) return undefined;
  return x.values.length === count ? [...x.values] : new Array<Known>(count).fill(x.values[0]);
}

/** By op: how many inputs it cannot do without, and its value over known ones. */
const TABLE: readonly (readonly [op: string, least: number, compute: Fold])[] = [
  ["Add", 2, binary(add)],
  ["AddV2", 2, binary(add)],
  ["Sub", 2, binary(subtract)],
  ["Mul", 2, binary(multiply)],
  [
    "Div",
    2,
    ([a, b], node) => binary(a.dtype.startsWith("float") ? divide : divideDown)([a, b], node),
  ],
  ["RealDiv", 2, binary(divide)],
  ["TruncateDiv", 2, binary(divideDown)],
  ["FloorDiv", 2, binary(divideDown)],
  ["DivNoNan", 2, binary((x, y) => (y === 0 ? 0 : divide(x, y)))],
  ["FloorMod", 2, binary(modulo)],
  ["Maximum", 2, binary(larger)],
  ["Minimum", 2, binary(smaller)],
  ["Pow", 2, binary(power)],
  ["Neg", 1, unary((x) => -x)],
  ["Sqrt", 1, unary(Math.sqrt)],
  ["Rsqrt", 1, unary((x) => 1 / Math.sqrt(x))],
  ["Square", 1, unary((x) => x * x)],
  ["Exp", 1, unary(Math.exp)],
  ["Log", 1, unary(Math.log)],
  ["Floor", 1, unary(Math.floor)],
  ["Ceil", 1, unary(Math.ceil)],
  ["Abs", 1, unary(Math.abs)],
  ["Reciprocal", 1, unary((x) => 1 / x)],
  ["Equal", 2, compare((x, y) => x === y)],
  ["NotEqual", 2, compare((x, y) => x !== y)],
  ["Greater", 2, compare((x, y) => x > y)],
  ["GreaterEqual", 2, compare((x, y) => x >= y)],
  ["Less", 2, compare((x, y) => x < y)],
  ["LessEqual", 2, compare((x, y) => x <= y)],
  ["LogicalNot", 1, unary((x) => Number(x === 0))],
  ["LogicalAnd", 2, compare((x, y) => x !== 0 && y !== 0)],
  ["LogicalOr", 2, compare((x, y) => x !== 0 || y !== 0)],
  ["Select", 3, select],
  ["SelectV2", 3, select],
  ["Cast", 1, cast],
  ["StopGradient", 1, identity],
  [
    "Prod",
    2,
    reduce(1, multiply, (value, count) =>
      value === 1 ? 1 : typeof count === "number" ? power(value, count) : null,
    ),
  ],
  ["Sum", 2, reduce(0, add, multiply)],
  [
    "Mean",
    2,
    reduce(
      0,
      () => null,
      (value) => value,
    ),
  ],
  ["StridedSlice", 4, stridedSlice],
  ["Slice", 3, slice],
  ["Pack", 1, pack],
  ["ConcatV2", 2, (inputs) => concat(inputs.slice(0, -1))],
  ["Concat", 2, (inputs) => concat(inputs.slice(1))],
  ["Gather", 2, gather],
  ["GatherV2", 2, gather],
  ["Range", 3, range],
  ["Fill", 2, fill],
  ["Reshape", 2, reshape],
  ["ExpandDims", 2, expandDims],
  ["Squeeze", 1, squeeze],
];

const FOLDS: ReadonlyMap<string, Fold> = new Map(
  TABLE.map(([op, least, compute]): [string, Fold] => [
    op,
    (inputs, node) => (inputs.length < least ? undefined : compute(inputs, node)),
  ]),
);
