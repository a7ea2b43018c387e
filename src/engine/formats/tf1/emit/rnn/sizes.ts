// Sizes that only a run knows, and what is made of them.
import {
  floatType,
  INT32,
  constant,
  integer,
  integers,
  step,
  typeOf,
  type Emission,
} from "../emission";
import * as attribute from "../attributes";

export const shapeOf = (to: Emission, tensor: string): string =>
  step(to, "Shape", "Shape", [tensor], { T: typeOf(to, tensor), out_type: INT32 });

/** One number of a shape. */
export function sizeAt(to: Emission, suffix: string, shape: string, axis: number): string {
  const bounds = [axis, axis + 1, 1].map((at, index) =>
    integers(to, `${suffix}/stack_${index}`, [at]),
  );
  return step(to, suffix, "StridedSlice", [shape, ...bounds], {
    T: INT32,
    Index: INT32,
    shrink_axis_mask: attribute.integer(1),
  });
}

/** 0, 1, … below `limit`. */
export function rangeOf(to: Emission, suffix: string, limit: string): string {
  const [start, delta] = [integer(to, `${suffix}/start`, 0), integer(to, `${suffix}/delta`, 1)];
  return step(to, suffix, "Range", [start, limit, delta], { Tidx: INT32 });
}

/** Two numbers as a vector, or two vectors side by side. */
export const pair = (to: Emission, suffix: string, parts: readonly [string, string], axis = 0) =>
  step(to, suffix, "Pack", parts, {
    T: INT32,
    N: attribute.integer(2),
    axis: attribute.integer(axis),
  });

/** Zeros of a number of columns for each sample, of the type of `like`. */
export function zerosOf(
  to: Emission,
  suffix: string,
  like: string,
  batch: string,
  columns: number,
): string {
  const dims = pair(to, `${suffix}/shape`, [batch, integer(to, `${suffix}/columns`, columns)]);
  const zero = constant(to, `${suffix}/Const`, floatType(to, like), [], [0]);
  return step(to, suffix, "Fill", [dims, zero], { T: typeOf(to, like), index_type: INT32 });
}

/** A row for each sample. */
export function repeated(to: Emission, suffix: string, row: string, batch: string): string {
  const multiples = pair(to, `${suffix}/multiples`, [
    batch,
    integer(to, `${suffix}/multiples/1`, 1),
  ]);
  return step(to, suffix, "Tile", [row, multiples], { T: typeOf(to, row), Tmultiples: INT32 });
}

export function transposed(
  to: Emission,
  suffix: string,
  tensor: string,
  permutation: readonly number[],
): string {
  const perm = integers(to, `${suffix}/perm`, permutation);
  return step(to, suffix, "Transpose", [tensor, perm], { T: typeOf(to, tensor), Tperm: INT32 });
}
