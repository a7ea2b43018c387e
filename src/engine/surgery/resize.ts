// Variables of another size: every number out of the checkpoint stays in its place.
import type { Initializer, Model, Shape, Value, Variable } from "../graph/model";
import { elements } from "../graph/model";

export const resized = (shape: Shape, axis: number, size: number): number[] =>
  shape.map((old, index) => (index === axis ? size : old));

/**
 * Fresh numbers for (a part of) `variable`. What starts from `weights` is a kernel; a bias or a batch norm's
 * shift starts from zero, a factor and a moving variance from one.
 */
export function fresh(
  model: Model,
  variable: Variable,
  shape: Shape,
  weights: Initializer,
  key: string,
): Value {
  const full = variable.shape;
  // A unit's fan: its inputs (times the window of a convolution), and the units beside it.
  const window = elements(full.slice(0, -2));
  const [fanIn, fanOut] =
    shape.length >= 2
      ? [window * shape[shape.length - 2], window * shape[shape.length - 1]]
      : [1, 1];
  const initializer = shape.length >= 2 ? weights : vectorInitializer(model, variable.name);
  return { from: "initializer", initializer, shape, fanIn, fanOut, key };
}

/** Zero, but for what units are multiplied or divided by. */
function vectorInitializer(model: Model, name: string): Initializer {
  for (const node of model.nodes.values()) {
    const place = node.inputs.findIndex((input) => "variable" in input && input.variable === name);
    if (node.op === "Mul" && place >= 0) return "ones";
    // Inputs: x, gamma, beta, moving mean, moving variance.
    if (node.op === "BatchNorm" && (place === 1 || place === 4)) return "ones";
  }
  return "zeros";
}

/** `variable` grown along `axis` by `size` slices of fresh numbers. */
export function grownValue(
  model: Model,
  variable: Variable,
  axis: number,
  size: number,
  weights: Initializer,
  key: string,
): Value {
  const addition = resized(variable.shape, axis, size);
  const grown = resized(variable.shape, axis, variable.shape[axis] + size);
  const value = fresh(model, variable, addition, weights, key);
  // The spread is that of the whole grown layer, so that new units start like old ones did.
  const spread =
    value.from === "initializer" && grown.length >= 2
      ? { ...value, fanIn: fanIn(grown), fanOut: fanOut(grown) }
      : value;
  return {
    from: "concat",
    axis,
    parts: [variable.value, spread],
    shapes: [variable.shape, addition],
  };
}

const fanIn = (shape: Shape): number => elements(shape.slice(0, -1));
const fanOut = (shape: Shape): number => elements(shape.slice(0, -2)) * shape[shape.length - 1];
