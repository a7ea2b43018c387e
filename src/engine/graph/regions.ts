// Boxes of a variable's elements: what trains where only a part does.
import { elements, wholeRegion, type Region, type Shape, type Value, type Variable } from "./model";

const covers = (region: Region, shape: Shape): boolean => elements(region.size) === elements(shape);

/** Where a value is fresh numbers and not numbers out of the checkpoint. */
export function freshRegions(value: Value, shape: Shape): Region[] {
  switch (value.from) {
    case "stored":
      return [];
    case "initializer":
      return [wholeRegion(shape)];
    case "concat": {
      let offset = 0;
      return value.parts.flatMap((part, index) => {
        const at = offset;
        offset += value.shapes[index][value.axis];
        return freshRegions(part, value.shapes[index]).map((region) => ({
          start: region.start.map((s, axis) => (axis === value.axis ? s + at : s)),
          size: region.size,
        }));
      });
    }
    case "take": {
      const { axis, indices, part, shape: before } = value;
      return [
        ...takenRegions(freshRegions(part, before), axis, indices),
        // A slice that is there twice is new the second time.
        ...slices(shape, axis, repetitions(indices)),
      ];
    }
    case "sum":
      return [wholeRegion(shape)];
    case "scale":
    case "power":
      return freshRegions(value.part, value.shape);
    case "transpose": {
      const ordered = (sizes: readonly number[]) => value.permutation.map((axis) => sizes[axis]);
      return freshRegions(value.part, value.shape).map(({ start, size }) => ({
        start: ordered(start),
        size: ordered(size),
      }));
    }
  }
}

/** Places of indices that stood before them already. */
export function repetitions(indices: readonly number[]): number[] {
  const seen = new Set<number>();
  return indices.flatMap((index, place) => {
    if (seen.has(index)) return [place];
    seen.add(index);
    return [];
  });
}

/** The slices of a tensor at ascending `places` along an axis. */
export function slices(shape: Shape, axis: number, places: readonly number[]): Region[] {
  const whole = wholeRegion(shape);
  const found: { start: number; size: number }[] = [];
  for (const place of places) {
    const last = found.at(-1);
    if (last !== undefined && last.start + last.size === place) last.size++;
    else found.push({ start: place, size: 1 });
  }
  return found.map(({ start, size }) => ({
    start: whole.start.with(axis, start),
    size: whole.size.with(axis, size),
  }));
}

/** One region where they cover everything. */
export const joined = (regions: readonly Region[], shape: Shape): readonly Region[] =>
  regions.length > 0 &&
  regions.reduce((sum, region) => sum + elements(region.size), 0) === elements(shape)
    ? [wholeRegion(shape)]
    : regions;

/** Where the elements of `regions` are after slices were taken along `axis`. */
export function takenRegions(
  regions: readonly Region[],
  axis: number,
  indices: readonly number[],
): Region[] {
  return regions.flatMap(({ start, size }) =>
    runs(indices, start[axis], size[axis]).map(([from, length]) => ({
      start: start.with(axis, from),
      size: size.with(axis, length),
    })),
  );
}

/** Where indices of [start, start + size) stand in a row: place and length of every run. */
function runs(indices: readonly number[], start: number, size: number): [number, number][] {
  const found: [number, number][] = [];
  indices.forEach((index, place) => {
    if (index < start || index >= start + size) return;
    const last = found.at(-1);
    if (last !== undefined && last[0] + last[1] === place) last[1]++;
    else found.push([place, 1]);
  });
  return found;
}

/** `regions` without the elements of `box`. */
export function without(regions: readonly Region[], box: Region): Region[] {
  return regions.flatMap((region) => {
    const rest: Region[] = [];
    let { start, size } = region;
    for (let axis = 0; axis < start.length; axis++) {
      const [from, to] = [start[axis], start[axis] + size[axis]];
      const [cutFrom, cutTo] = [
        Math.max(from, box.start[axis]),
        Math.min(to, box.start[axis] + box.size[axis]),
      ];
      if (cutFrom >= cutTo) return [region];
      if (from < cutFrom) rest.push({ start, size: size.with(axis, cutFrom - from) });
      if (cutTo < to)
        rest.push({ start: start.with(axis, cutTo), size: size.with(axis, to - cutTo) });
      start = start.with(axis, cutFrom);
      size = size.with(axis, cutTo - cutFrom);
    }
    return rest;
  });
}

/** The elements of `regions` that no box holds; boxes may overlap. */
export const outside = (regions: readonly Region[], boxes: readonly Region[]): readonly Region[] =>
  boxes.reduce<readonly Region[]>(without, regions);

/** The elements of `regions` that a box holds. */
export const inside = (regions: readonly Region[], boxes: readonly Region[]): readonly Region[] =>
  outside(regions, outside(regions, boxes));

/** 1 where an element trains, 0 where it is kept; undefined when all of it trains. */
export function trainableMask({
  shape,
  trainable,
}: Pick<Variable, "shape" | "trainable">): Uint8Array | undefined {
  if (trainable.some((region) => covers(region, shape))) return undefined;
  const mask = new Uint8Array(elements(shape));
  for (const region of trainable) fillRegion(mask, shape, region);
  return mask;
}

function fillRegion(mask: Uint8Array, shape: Shape, region: Region): void {
  const strides = shape.map((_, axis) => elements(shape.slice(axis + 1)));
  const fill = (axis: number, offset: number): void => {
    if (axis === shape.length) {
      mask[offset] = 1;
      return;
    }
    for (let index = 0; index < region.size[axis]; index++)
      fill(axis + 1, offset + (region.start[axis] + index) * strides[axis]);
  };
  fill(0, 0);
}
