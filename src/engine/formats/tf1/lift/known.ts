// Numbers that are known when a graph is read, up to the size of the batch: what shape arithmetic is made of.
import type { DType } from "../../../../protocol/checkpoint";
import { elements, type Shape } from "../../../graph/model";
import { broadcast, isVague } from "../../../graph/shapes";

/** A number; a multiple of the batch size; or null, a number that a run decides. */
export type Known = number | { readonly batch: number } | null;

/** A tensor whose elements are known. */
export interface Static {
  readonly dtype: DType;
  /** -1 only where `values` holds the one number that all elements are. */
  readonly shape: Shape;
  /** How many samples an open size counts: after [batch, 5] became [-1], a batch counts five. */
  readonly batch?: number;
  readonly values: readonly Known[];
}

export const scalar = (dtype: DType, value: Known): Static => ({
  dtype,
  shape: [],
  values: [value],
});

export const vector = (dtype: DType, values: readonly Known[]): Static => ({
  dtype,
  shape: [values.length],
  values,
});

/** A tensor of equal elements, of a shape that may be open. */
export const uniform = (dtype: DType, shape: Shape, batch: number, value: Known): Static => ({
  dtype,
  shape,
  batch,
  values: [value],
});

/** Past this, a tensor is data and not part of a graph's structure. */
export const LARGEST = 1 << 22;

/** Undefined where an element is not a plain number, the shape is open, or there are too many. */
export function plain(value: Static): number[] | undefined {
  const values = value.values.filter((each) => typeof each === "number");
  if (values.length !== value.values.length || isOpen(value.shape)) return undefined;
  const count = elements(value.shape);
  if (count > LARGEST) return undefined;
  return values.length === count ? values : new Array<number>(count).fill(values[0]);
}

/**
 * Sizes as numbers to compute with. The batch is the only open axis, or else the first; `batch` is what it counts,
 * null where that is not known.
 */
export function sizes(shape: Shape, batch: number | null): Known[] {
  const open = shape.filter((size) => size < 0).length;
  return shape.map((size, axis) =>
    size >= 0 ? size : batch !== null && (open === 1 || axis === 0) ? { batch } : null,
  );
}

export const toSize = (value: Known): number => (typeof value === "number" ? value : -1);

/** An elementwise op over two statics, with broadcasting. */
export function combine(
  a: Static,
  b: Static,
  dtype: DType,
  compute: (x: Known, y: Known) => Known,
): Static | undefined {
  const shape = broadcast(a.shape, b.shape);
  if (shape === undefined) return undefined;
  if (a.values.length === 1 && b.values.length === 1) {
    const [batch, other] = [a, b].flatMap((each) => (isOpen(each.shape) ? [each.batch ?? 1] : []));
    if (other !== undefined && other !== batch) return undefined;
    return { dtype, shape, batch, values: [compute(a.values[0], b.values[0])] };
  }
  if (isVague(a.shape) || isVague(b.shape) || isOpen(shape)) return undefined;
  const at = reader(a, shape);
  const bt = reader(b, shape);
  const values = Array.from({ length: elements(shape) }, (_, index) =>
    compute(at(index), bt(index)),
  );
  return { dtype, shape, values };
}

const isOpen = (shape: Shape): boolean => shape.some((size) => size < 0);

/** Reads an element of `value` by its index in the broadcast `shape`. */
function reader(value: Static, shape: Shape): (index: number) => Known {
  if (value.values.length === 1) return () => value.values[0];
  const padded = [...new Array<number>(shape.length - value.shape.length).fill(1), ...value.shape];
  return (index) => {
    let rest = index;
    let position = 0;
    let stride = 1;
    for (let axis = shape.length - 1; axis >= 0; axis--) {
      const coordinate = rest % shape[axis];
      rest = Math.floor(rest / shape[axis]);
      if (padded[axis] !== 1) position += coordinate * stride;
      stride *= padded[axis];
    }
    return value.values[position];
  };
}

const isBatch = (value: Known): value is { batch: number } =>
  typeof value === "object" && value !== null;

const both =
  (compute: (x: number, y: number) => number) =>
  (x: Known, y: Known): Known =>
    typeof x === "number" && typeof y === "number" ? compute(x, y) : null;

export const add = (x: Known, y: Known): Known => {
  if (isBatch(x) && isBatch(y)) return { batch: x.batch + y.batch };
  if (x === 0) return y;
  return y === 0 ? x : both((a, b) => a + b)(x, y);
};

export const subtract = (x: Known, y: Known): Known => {
  if (isBatch(x) && isBatch(y)) return x.batch === y.batch ? 0 : { batch: x.batch - y.batch };
  return y === 0 ? x : both((a, b) => a - b)(x, y);
};

export const multiply = (x: Known, y: Known): Known => {
  if (x === 0 || y === 0) return 0;
  if (isBatch(x)) return typeof y === "number" ? { batch: x.batch * y } : null;
  if (isBatch(y)) return typeof x === "number" ? { batch: x * y.batch } : null;
  return both((a, b) => a * b)(x, y);
};

export const divide = (x: Known, y: Known): Known => {
  if (isBatch(x) && isBatch(y)) return x.batch / y.batch;
  if (isBatch(x)) return typeof y === "number" && y !== 0 ? { batch: x.batch / y } : null;
  return both((a, b) => a / b)(x, y);
};

/** Half a batch, rounded down, is known only where the batch is a multiple. */
export const divideDown = (x: Known, y: Known): Known => {
  const exact = divide(x, y);
  if (isBatch(exact)) return Number.isInteger(exact.batch) ? exact : null;
  return typeof exact === "number" ? Math.floor(exact) : null;
};

export const modulo = both((a, b) => a - b * Math.floor(a / b));

/** A batch has at least one sample. */
export const larger = (x: Known, y: Known): Known => {
  if (isBatch(x) && typeof y === "number" && y <= x.batch) return x;
  if (isBatch(y) && typeof x === "number" && x <= y.batch) return y;
  return x !== null && JSON.stringify(x) === JSON.stringify(y) ? x : both(Math.max)(x, y);
};

export const smaller = (x: Known, y: Known): Known =>
  x !== null && JSON.stringify(x) === JSON.stringify(y) ? x : both(Math.min)(x, y);

export const test = (holds: (x: number, y: number) => boolean): ((x: Known, y: Known) => Known) =>
  both((a, b) => Number(holds(a, b)));

export const power = both(Math.pow);
