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
  if (x.shape.length !== 1 || !from || !to || !by || from.length !== 1 || special || by[0] === 0)
    return undefined;
  const length = x.shape[0];
  const values = Array.from({ length }, (_, index) => x.values[x.values.length === 1 ? 0 : index]);
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
  if (x.shape.length !== 1 || from?.length !== 1 || count?.length !== 1) return undefined;
  const stop = count[0] < 0 ? x.shape[0] : from[0] + count[0];
  return vector(x.dtype, spread(x).slice(from[0], stop));
};

const pack: Fold = (inputs) =>
  inputs.every((input) => input.shape.length === 0)
    ? vector(
        inputs[0]?.dtype ?? "int32",
        inputs.flatMap((input) => input.values),
      )
    : undefined;

const concat = (inputs: readonly Static[]): Static | undefined =>
  inputs.every((input) => input.shape.length === 1 && input.shape[0] >= 0)
    ? vector(inputs[0]?.dtype ?? "int32", inputs.flatMap(spread))
    : undefined;

const gather: Fold = ([x, indices]) => {
  const wanted = plain(indices);
  if (x.shape.length !== 1 || wanted === undefined) return undefined;
  const values = spread(x);
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
  if (batch === null || open.length > 1) return undefined;
  return uniform(value.dtype, spread(dims).map(toSize), batch.batch, value.values[0]);
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
function spread(x: Static): Known[] {
  const count = elements(x.shape);
  return x.values.length === count ? [...x.values] : new Array<Known>(count).fill(x.values[0]);
}

const FOLDS: ReadonlyMap<string, Fold> = new Map<string, Fold>([
  ["Add", binary(add)],
  ["AddV2", binary(add)],
  ["Sub", binary(subtract)],
  ["Mul", binary(multiply)],
  [
    "Div",
    ([a, b], node) => binary(a.dtype.startsWith("float") ? divide : divideDown)([a, b], node),
  ],
  ["RealDiv", binary(divide)],
  ["TruncateDiv", binary(divideDown)],
  ["FloorDiv", binary(divideDown)],
  ["DivNoNan", binary((x, y) => (y === 0 ? 0 : divide(x, y)))],
  ["FloorMod", binary(modulo)],
  ["Maximum", binary(larger)],
  ["Minimum", binary(smaller)],
  ["Pow", binary(power)],
  ["Neg", unary((x) => -x)],
  ["Sqrt", unary(Math.sqrt)],
  ["Rsqrt", unary((x) => 1 / Math.sqrt(x))],
  ["Square", unary((x) => x * x)],
  ["Exp", unary(Math.exp)],
  ["Log", unary(Math.log)],
  ["Floor", unary(Math.floor)],
  ["Ceil", unary(Math.ceil)],
  ["Abs", unary(Math.abs)],
  ["Reciprocal", unary((x) => 1 / x)],
  ["Equal", compare((x, y) => x === y)],
  ["NotEqual", compare((x, y) => x !== y)],
  ["Greater", compare((x, y) => x > y)],
  ["GreaterEqual", compare((x, y) => x >= y)],
  ["Less", compare((x, y) => x < y)],
  ["LessEqual", compare((x, y) => x <= y)],
  ["LogicalNot", unary((x) => Number(x === 0))],
  ["LogicalAnd", compare((x, y) => x !== 0 && y !== 0)],
  ["LogicalOr", compare((x, y) => x !== 0 || y !== 0)],
  ["Select", select],
  ["SelectV2", select],
  ["Cast", cast],
  ["StopGradient", identity],
  [
    "Prod",
    reduce(1, multiply, (value, count) =>
      value === 1 ? 1 : typeof count === "number" ? power(value, count) : null,
    ),
  ],
  ["Sum", reduce(0, add, multiply)],
  [
    "Mean",
    reduce(
      0,
      () => null,
      (value) => value,
    ),
  ],
  ["StridedSlice", stridedSlice],
  ["Slice", slice],
  ["Pack", pack],
  ["ConcatV2", (inputs) => concat(inputs.slice(0, -1))],
  ["Concat", (inputs) => concat(inputs.slice(1))],
  ["Gather", gather],
  ["GatherV2", gather],
  ["Range", range],
  ["Fill", fill],
  ["Reshape", reshape],
  ["ExpandDims", expandDims],
  ["Squeeze", squeeze],
]);
