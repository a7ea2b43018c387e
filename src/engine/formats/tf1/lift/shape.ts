// Ops that move elements without changing them. Targets and axes are known when the graph is read, or the op is opaque.
import { elements, type Shape } from "../../../graph/model";
import * as attributes from "./attributes";
import { multiply, sizes, type Known } from "./known";
import {
  consumed,
  inputOf,
  inputsOf,
  isUnknownRank,
  make,
  numbersOf,
  shapeOf,
  type Lifter,
  type Lifting,
  type Meaning,
} from "./lifting";
import { inputNode, type SourceNode } from "./source";

export const reshape: Lifter = (lifting, node) => {
  const x = inputOf(lifting, node, 0);
  const wanted = integersOf(lifting, node, 1);
  if (wanted === undefined) return undefined;
  const before = sizes(shapeOf(x), x.kind === "node" ? x.batch : 1);
  const shape = resolve(before, wanted, isUnknownRank(x));
  if (shape === undefined) return undefined;
  const origin = consumed(lifting, node, [x]);
  const batch = batchAfter(before, shape);
  return make(lifting, node, "Reshape", { shape }, [x], { origin, vague: false, batch });
};

/** The numbers of an input that is a vector: known, or packed from numbers of which only a run knows some. */
export function integersOf(lifting: Lifting, node: SourceNode, index: number): Known[] | undefined {
  const target = inputOf(lifting, node, index);
  if (target.kind === "static") {
    const [rank] = target.value.shape;
    const { values } = target.value;
    if (target.value.shape.length !== 1 || rank < 0 || rank > 64) return undefined;
    return Array.from({ length: rank }, (_, index) => values[values.length === 1 ? 0 : index]);
  }
  const pack = inputNode(lifting.graph, node, index);
  if (pack?.op !== "Pack") return undefined;
  return inputsOf(lifting, pack).map((size) =>
    size.kind === "static" && size.value.shape.length === 0 ? size.value.values[0] : null,
  );
}

/** The target with at most one -1: the batch, or what remains beside fixed sizes. */
function resolve(
  before: readonly Known[],
  wanted: readonly Known[],
  vague: boolean,
): Shape | undefined {
  const rest = wanted.indexOf(-1);
  // A size that only a run knows, such as a fed batch size, is taken for the batch.
  const open = wanted.findIndex((size) => typeof size !== "number");
  const isSecondOpen = wanted.some((size, axis) => axis !== open && typeof size !== "number");
  const shape = wanted.map((size) => (typeof size === "number" ? size : -1));
  if (isSecondOpen) return undefined;
  if (open < 0 || rest < 0) return shape;
  const batch = wanted[open];
  const perSample = vague ? null : before.reduce(multiply, 1);
  if (typeof perSample !== "object" || perSample === null) return undefined;
  const unit = typeof batch === "object" && batch !== null ? batch.batch : 1;
  const others = shape.filter((size) => size >= 0).reduce((product, size) => product * size, 1);
  const remaining = perSample.batch / unit / others;
  return Number.isInteger(remaining) ? shape.with(rest, remaining) : undefined;
}

/** How many samples the open size counts afterwards. */
function batchAfter(before: readonly Known[], shape: Shape): number | null {
  const count = before.reduce(multiply, 1);
  if (typeof count !== "object" || count === null) return shape.some((size) => size < 0) ? null : 1;
  return count.batch / elements(shape.filter((size) => size >= 0));
}

export const transpose: Lifter = (lifting, node) => {
  const x = inputOf(lifting, node, 0);
  const permutation = numbersOf(lifting, node, 1);
  if (permutation === undefined) return undefined;
  const isOneOpen = shapeOf(x).filter((size) => size < 0).length <= 1;
  const batch = x.kind === "node" && isOneOpen ? x.batch : null;
  const origin = consumed(lifting, node, [x]);
  return make(lifting, node, "Transpose", { permutation }, [x], { origin, batch, vague: false });
};

/** All parts of a partitioned variable, in order, are the variable. */
function wholeVariable(lifting: Lifting, parts: readonly string[]): Meaning | undefined {
  const ops = parts.map((name) => readsPart(lifting, name));
  const variable = ops[0] === undefined ? undefined : lifting.variables.get(ops[0]);
  if (variable === undefined || variable.ops.length !== ops.length) return undefined;
  return variable.ops.every((op, index) => op === ops[index])
    ? { kind: "variable", variable }
    : undefined;
}

function readsPart(lifting: Lifting, name: string): string | undefined {
  const node = lifting.graph.nodes.get(name);
  const op = lifting.variables.has(name) ? name : node?.inputs[0]?.node;
  return op !== undefined && (lifting.variables.get(op)?.ops.length ?? 0) > 1 ? op : undefined;
}

export const concat =
  (axisFirst: boolean): Lifter =>
  (lifting, node) => {
    const count = node.inputs.length - 1;
    const first = axisFirst ? 1 : 0;
    const parts = node.inputs.slice(first, first + count);
    const whole = wholeVariable(
      lifting,
      parts.map((part) => part.node),
    );
    if (whole !== undefined) return whole;
    const [axis] = numbersOf(lifting, node, axisFirst ? 0 : count) ?? [];
    if (axis === undefined) return undefined;
    const inputs = parts.map((_, index) => inputOf(lifting, node, first + index));
    if (inputs.length === 1) return inputs[0];
    return make(lifting, node, "Concat", { axis }, inputs);
  };

export const squeeze: Lifter = (lifting, node) => {
  const x = inputOf(lifting, node, 0);
  if (isUnknownRank(x)) return undefined;
  const listed = attributes.integers(node, "squeeze_dims");
  const axes =
    listed.length > 0 ? listed : shapeOf(x).flatMap((size, axis) => (size === 1 ? [axis] : []));
  return make(lifting, node, "Squeeze", { axes }, [x]);
};

export const expandDims: Lifter = (lifting, node) => {
  const [axis] = numbersOf(lifting, node, 1) ?? [];
  const x = inputOf(lifting, node, 0);
  return axis === undefined ? undefined : make(lifting, node, "ExpandDims", { axis }, [x]);
};

/** Padding with zeros. */
export const pad: Lifter = (lifting, node) => {
  const paddings = numbersOf(lifting, node, 1);
  const filled = node.inputs.length > 2 ? numbersOf(lifting, node, 2) : [0];
  if (paddings === undefined || filled?.[0] !== 0) return undefined;
  return make(lifting, node, "Pad", { paddings }, [inputOf(lifting, node, 0)]);
};

/** OneHot(indices, depth, on, off) with the new axis last. */
export const oneHot: Lifter = (lifting, node) => {
  const indices = inputOf(lifting, node, 0);
  const [depth, on, off] = [1, 2, 3].map((index) => numbersOf(lifting, node, index)?.[0]);
  const axis = attributes.integer(node, "axis") ?? -1;
  if (depth === undefined || on === undefined || off === undefined) return undefined;
  if (axis !== -1 && axis !== shapeOf(indices).length) return undefined;
  const origin = consumed(lifting, node, [indices]);
  return make(lifting, node, "OneHot", { depth, on, off }, [indices], { origin });
};

/** What it promises about the shape may be all that is known. */
export const ensureShape: Lifter = (lifting, node) => {
  const x = inputOf(lifting, node, 0);
  const shape = attributes.shape(node, "shape");
  if (x.kind !== "node" || shape === undefined || !isUnknownRank(x)) return x;
  return make(lifting, node, "Identity", {}, [x], { shape, vague: false });
};
