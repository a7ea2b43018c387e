// Boxes of a tensor: how a partitioned tensor is cut, and how its parts are put together.
import { WHOLE, type Extent } from "./orderedcode";
import type { TensorSliceProto } from "./proto/tensorflow_pb";

export interface Box {
  readonly start: readonly number[];
  readonly size: readonly number[];
}

export const extentsOf = (slice: TensorSliceProto): Extent[] =>
  slice.extent.map(({ start, hasLength }) =>
    hasLength.case === "length" ? [start, hasLength.value] : WHOLE,
  );

/** The box that extents cut out of `shape`; null when they do not lie in it. */
export function boxOf(extents: readonly Extent[], shape: readonly number[]): Box | null {
  if (extents.length !== shape.length) return null;
  const start = extents.map(([from]) => Number(from));
  const size = extents.map(([, length], axis) => (length === -1n ? shape[axis]! : Number(length)));
  const inside = shape.every(
    (full, axis) => start[axis]! >= 0 && size[axis]! >= 0 && start[axis]! + size[axis]! <= full,
  );
  return inside ? { start, size } : null;
}

export const boxElements = ({ size }: Box): number =>
  size.reduce((product, length) => product * length, 1);

export const isWhole = ({ size }: Box, shape: readonly number[]): boolean =>
  size.every((length, axis) => length === shape[axis]);

/** Calls `run` for each stretch of elements that is contiguous both in the box and in the whole. */
export function eachRun(
  box: Box,
  shape: readonly number[],
  run: (inBox: number, inWhole: number, count: number) => void,
): void {
  if (boxElements(box) === 0) return;
  // Axes after `last` are taken entirely, so a run spans them.
  let last = shape.length - 1;
  while (last > 0 && box.size[last] === shape[last]) last--;
  const strides = shape.map((_, axis) => shape.slice(axis + 1).reduce((a, b) => a * b, 1));
  const count = last < 0 ? 1 : box.size[last]! * strides[last]!;
  const runs = box.size.slice(0, Math.max(last, 0)).reduce((a, b) => a * b, 1);
  const origin = box.start.reduce((sum, from, axis) => sum + from * strides[axis]!, 0);
  for (let index = 0; index < runs; index++) {
    let inWhole = origin;
    let rest = index;
    for (let axis = last - 1; axis >= 0; axis--) {
      inWhole += (rest % box.size[axis]!) * strides[axis]!;
      rest = Math.floor(rest / box.size[axis]!);
    }
    run(index * count, inWhole, count);
  }
}
