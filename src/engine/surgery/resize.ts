// Variables of another size: every number out of the checkpoint stays in its place.
import type { Initializer, Model, Shape, Value, Variable } from "../graph/model";
import { elements } from "../graph/model";

export const resized = (shape: Shape, axis: number, size: number): number[] =>
  shape.map((old, index) => (index === axis ? size : old));

export interface FreshNumbers {
  readonly shape: Shape;
  /** The shape that the whole variable gets: what the spread of a kernel follows. */
  readonly whole: Shape;
  /** What a kernel starts from. */
  readonly weights: Initializer;
  readonly key: string;
}

/**
 * Fresh numbers for (a part of) `variable`. A kernel starts from `weights`; a bias or a batch norm's shift from zero,
 * a factor and a moving variance from one.
 */
export function fresh(model: Model, variable: Variable, how: FreshNumbers): Value {
  const { shape, whole, weights, key } = how;
  const isKernel = whole.length >= 2 && !isPerUnit(model, variable.name);
  const initializer = isKernel ? weights : vectorInitializer(model, variable.name);
  const read = isKernel ? asRead(model, variable.name, whole) : [];
  const [fanIn, fanOut] = isKernel ? [fanInOf(read), fanOutOf(read)] : [1, 1];
  return { from: "initializer", initializer, shape, fanIn, fanOut, key };
}

/** The shape of a kernel with its axes in the order in which an op reads them, which may not be that of its variable. */
function asRead({ nodes }: Model, name: string, shape: Shape): Shape {
  const transposed = [...nodes.values()].find(
    (node) =>
      node.op === "Transpose" &&
      node.inputs.some((input) => "variable" in input && input.variable === name),
  );
  return transposed?.op === "Transpose"
    ? transposed.attributes.permutation.map((axis) => shape[axis])
    : shape;
}

// A unit's fan: its inputs, times the window of a convolution.
const fanInOf = (shape: Shape): number => elements(shape.slice(0, -1));
const fanOutOf = (shape: Shape): number => elements(shape.slice(0, -2)) * shape[shape.length - 1];

/** Whether a variable is only added to units or multiplied with them, whatever its shape. */
function isPerUnit(model: Model, name: string): boolean {
  const users = [...model.nodes.values()].filter((node) =>
    node.inputs.some((input) => "variable" in input && input.variable === name),
  );
  return users.length > 0 && users.every(({ op }) => ["Add", "Sub", "Mul", "Div"].includes(op));
}

/** Zero, but for what units are multiplied or divided by. */
function vectorInitializer(model: Model, name: string): Initializer {
  for (const node of model.nodes.values()) {
    const place = node.inputs.findIndex((input) => "variable" in input && input.variable === name);
    if ((node.op === "Mul" || node.op === "Div") && place >= 0) return "ones";
    // Inputs: x, gamma, beta, moving mean, moving variance.
    if (node.op === "BatchNorm" && (place === 1 || (place === 4 && !node.attributes.keeps)))
      return "ones";
  }
  return "zeros";
}

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
