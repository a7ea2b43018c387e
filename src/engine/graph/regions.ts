// Boxes of a variable's elements: what trains where only a part does.
import { elements, wholeRegion, type Region, type Shape, type Value, type Variable } from "./model";

const covers = (region: Region, shape: Shape): boolean => elements(region.size) === elements(shape);

/** The elements that an axis gained: everything from `from` on. */
export function addedRegion(shape: Shape, axis: number, from: number): Region {
  const whole = wholeRegion(shape);
  const start = whole.start.map((at, index) => (index === axis ? from : at));
  const size = whole.size.map((length, index) => (index === axis ? length - from : length));
  return { start, size };
}

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
  }
}

/** What trains after `variable` grew along `axis` to `shape`: what trained before, and the new elements. */
export function grownRegions(variable: Variable, shape: Shape, axis: number): Region[] {
  if (variable.trainable.some((region) => covers(region, variable.shape)))
    return [wholeRegion(shape)];
  return [...variable.trainable, addedRegion(shape, axis, variable.shape[axis])];
}

/** 1 where an element trains, 0 where it is kept; undefined when all of it trains. */
export function trainableMask(variable: Variable): Uint8Array | undefined {
  const { shape, trainable } = variable;
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
