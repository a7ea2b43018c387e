// Variables of another size: every number out of the checkpoint stays in its place.
import type { Shape, Value, Variable } from "../graph/model";

export const resized = (shape: Shape, axis: number, size: number): number[] =>
  shape.map((old, index) => (index === axis ? size : old));

/** The numbers of `variable`, and behind them along `axis` `size` slices of others. */
export const joinedWith = (variable: Variable, axis: number, more: Value, size: number): Value => ({
  from: "concat",
  axis,
  parts: [variable.value, more],
  shapes: [variable.shape, resized(variable.shape, axis, size)],
});

/**
 * Slices of `part`, taken as far inside as it goes: what was joined and is taken apart again is what it was.
 */
export function taken(part: Value, shape: Shape, axis: number, indices: readonly number[]): Value {
  if (indices.length === shape[axis] && indices.every((index, place) => index === place))
    return part;
  const size = indices.length;
  switch (part.from) {
    case "take": {
      if (part.axis === axis) {
        const through = indices.map((index) => part.indices[index]);
        return taken(part.part, part.shape, axis, through);
      }
      const inner = taken(part.part, part.shape, axis, indices);
      return { ...part, part: inner, shape: resized(part.shape, axis, size) };
    }
    case "scale": {
      const inner = taken(part.part, part.shape, axis, indices);
      const factors =
        part.axis === axis ? indices.map((index) => part.factors[index]) : part.factors;
      return scaled(inner, resized(shape, axis, size), part.axis, factors);
    }
    case "concat":
      return part.axis === axis
        ? takenOfOne(part, shape, indices)
        : {
            ...part,
            parts: part.parts.map((each, which) => taken(each, part.shapes[which], axis, indices)),
            shapes: part.shapes.map((each) => resized(each, axis, size)),
          };
    default:
      return { from: "take", axis, indices, part, shape };
  }
}

/** Slices of a row of parts along its own axis; of one part alone where they all lie in it. */
function takenOfOne(
  part: Extract<Value, { from: "concat" }>,
  shape: Shape,
  indices: readonly number[],
): Value {
  const { axis } = part;
  let offset = 0;
  for (const [which, { [axis]: size }] of part.shapes.entries()) {
    const start = offset;
    offset += size;
    if (indices.every((index) => index >= start && index < offset))
      return taken(
        part.parts[which],
        part.shapes[which],
        axis,
        indices.map((index) => index - start),
      );
  }
  return { from: "take", axis, indices, part, shape };
}

/** Every slice of `part` multiplied by its factor. */
export const scaled = (
  part: Value,
  shape: Shape,
  axis: number,
  factors: readonly number[],
): Value =>
  factors.every((factor) => factor === 1) ? part : { from: "scale", axis, factors, part, shape };

/** The same, but for so many columns at the end of a matrix's rows. */
export function scaledRows(
  part: Value,
  shape: Shape,
  axis: number,
  factors: readonly number[],
  exceptColumns: number,
): Value {
  if (exceptColumns === 0) return scaled(part, shape, axis, factors);
  const columns = Array.from({ length: shape[1] }, (_, column) => column);
  const border = shape[1] - exceptColumns;
  const [read, own] = [columns.slice(0, border), columns.slice(border)];
  const shapes = [read, own].map(({ length }) => resized(shape, 1, length));
  return {
    from: "concat",
    axis: 1,
    parts: [
      scaled(taken(part, shape, 1, read), shapes[0], axis, factors),
      taken(part, shape, 1, own),
    ],
    shapes,
  };
}
