// Rewrites a recorded graph into fewer, larger operators. A small training step is bound by the number of its nodes: it
// wants an update to be one Gemm.
import { elements, sameShape } from "../graph/model";
import { Graph, nodesOf, type OnnxNode, type Value } from "./graph";

/** What a rule sees: the node with inputs that are rewritten already. */
interface Site {
  readonly graph: Graph;
  readonly node: OnnxNode;
  /** The node that makes `value`, if it is an `op` and nothing else reads it. */
  readonly only: (value: Value, op: string) => OnnxNode | undefined;
}

export type Fusion = (site: Site) => Value | undefined;

const number = (value: Value): number | undefined =>
  value.constant !== undefined && elements(value.shape) === 1 && value.dtype === "float32"
    ? Number(value.constant[0])
    : undefined;

const float = (attribute: unknown, otherwise: number): number =>
  attribute === undefined ? otherwise : (attribute as { float: number }).float;

/** Alpha · A · B + beta · C with other factors, or with another C. */
function gemm(
  graph: Graph,
  product: OnnxNode,
  change: { readonly alpha?: number; readonly beta?: number; readonly c?: Value },
): Value {
  const alpha = change.alpha ?? float(product.attributes["alpha"], 1);
  const beta = change.beta ?? float(product.attributes["beta"], 1);
  const c = change.c ?? product.inputs.at(2);
  const inputs = [...product.inputs.slice(0, 2), ...(c === undefined ? [] : [c])];
  return graph.emit("Gemm", inputs, product.outputs[0], {
    transA: product.attributes["transA"] ?? 0,
    transB: product.attributes["transB"] ?? 0,
    alpha: { float: alpha },
    beta: { float: beta },
  });
}

/** Whether `c` can be Gemm's third input for a product of `shape`. */
function broadcasts(c: Value, shape: readonly number[]): boolean {
  const padded = [...new Array<number>(Math.max(0, 2 - c.shape.length)).fill(1), ...c.shape];
  return (
    padded.length === 2 && padded.every((length, axis) => length === 1 || length === shape[axis])
  );
}

/** A product without a third input. */
const product = ({ only }: Site, value: Value): OnnxNode | undefined => {
  const node = only(value, "Gemm");
  return node?.inputs.length === 2 ? node : undefined;
};

/** What `value` is a multiple of, and how many times. */
function unscaled(value: Value): readonly [Value, number] {
  const scaled = value.node?.op === "Mul" ? value.node : undefined;
  const [x, factor] = scaled?.inputs ?? [value];
  const by = factor && number(factor);
  return by !== undefined && sameShape(x.shape, value.shape) ? [x, by] : [value, 1];
}

/** A product of a multiple of a matrix. A gradient divided by the batch is read by products alone. */
const productOfScaled: Fusion = ({ node, graph }) => {
  if (node.op !== "Gemm") return undefined;
  const [a, timesA] = unscaled(node.inputs[0]);
  const [b, timesB] = unscaled(node.inputs[1]);
  if (timesA === 1 && timesB === 1) return undefined;
  const alpha = float(node.attributes["alpha"], 1) * timesA * timesB;
  return gemm(graph, { ...node, inputs: [a, b, ...node.inputs.slice(2)] }, { alpha });
};

/** A·B times a number. */
const scaledProduct: Fusion = (site) => {
  if (site.node.op !== "Mul") return undefined;
  const [a, b] = site.node.inputs;
  for (const [value, factor] of [
    [a, b],
    [b, a],
  ]) {
    const by = number(factor);
    const node = product(site, value);
    if (by === undefined || node === undefined || factor.shape.length > 2) continue;
    return gemm(site.graph, node, { alpha: float(node.attributes["alpha"], 1) * by });
  }
  return undefined;
};

/**
 * Numbers in a matrix from which it is added to a product by a node of its own: Gemm copies it into its result first, on
 * one thread.
 */
const LARGE = 100_000;

/** A·B plus a bias, plus what came before (momentum), or plus a variable that is updated by it. */
const addedProduct: Fusion = (site) => {
  const { op, inputs, outputs } = site.node;
  if (op !== "Add" && op !== "Sub") return undefined;
  const sides = [
    [inputs[1], inputs[0], op === "Sub" ? -1 : 1],
    ...(op === "Add" ? [[inputs[0], inputs[1], 1] as const] : []),
  ] as const;
  for (const [value, other, sign] of sides) {
    const node = product(site, value);
    if (node === undefined || !broadcasts(other, value.shape)) continue;
    if (!sameShape(outputs[0].shape, value.shape)) continue;
    const alpha = sign * float(node.attributes["alpha"], 1);
    const scaled = site.only(other, "Mul");
    const beta = scaled && number(scaled.inputs[1]);
    if (beta === undefined && elements(other.shape) >= LARGE) continue;
    return beta !== undefined && sameShape(scaled!.inputs[0].shape, other.shape)
      ? gemm(site.graph, node, { alpha, beta, c: scaled!.inputs[0] })
      : gemm(site.graph, node, { alpha, c: other });
  }
  return undefined;
};

/** b − k · (column sums of x): the update of a bias, as a product with a row of ones. */
const biasUpdate: Fusion = (site) => {
  const { node, graph, only } = site;
  if (node.op !== "Sub") return undefined;
  const [bias, change] = node.inputs;
  const scaled = only(change, "Mul");
  const factor = scaled && number(scaled.inputs[1]);
  if (factor === undefined) return undefined;
  const sum = only(scaled!.inputs[0], "ReduceSum");
  const [rows, axes] = sum?.inputs ?? [];
  if (rows?.shape.length !== 2 || bias.shape.length !== 1) return undefined;
  if (axes.constant?.length !== 1 || Number(axes.constant[0]) !== 0) return undefined;
  const [x, times] = unscaled(rows);
  const [count, width] = rows.shape;
  if (bias.shape[0] !== width || !sameShape(node.outputs[0].shape, bias.shape)) return undefined;
  const ones = graph.constant(new Float32Array(count).fill(1), "float32", [1, count]);
  const type = { dtype: "float32", shape: [1, width] } as const;
  const moved = graph.emit("Gemm", [ones, x, bias], type, {
    transA: 0,
    transB: 0,
    alpha: { float: -factor * times },
    beta: { float: 1 },
  });
  return graph.emit("Reshape", [moved, graph.integers([width])], bias);
};

/** x > 0 of what a rectifier is given: what it gave says the same, and x is then read by it alone. */
const rectifierStep: Fusion = ({ node, graph }) => {
  if (node.op !== "Greater" || number(node.inputs[1]) !== 0) return undefined;
  const [x, zero] = node.inputs;
  const rectified = graph.find("Relu", [x]);
  return rectified && graph.emit("Greater", [rectified, zero], node.outputs[0]);
};

/**
 * A gradient that goes back through a pool of windows apart, then through the rectifier before it: each number lies where
 * the largest of its window was, so that it may be masked by the largest before it is spread.
 */
const maskBeforeUnpool: Fusion = ({ node, graph }) => {
  if (node.op !== "Mul") return undefined;
  const [{ node: unpool }, { node: cast }] = node.inputs;
  const step = cast?.op === "Cast" ? cast.inputs[0].node : undefined;
  if (unpool?.op !== "MaxUnpool" || step?.op !== "Greater") return undefined;
  const [gradient, places, shape] = unpool.inputs;
  const [pooled, zero] = step.inputs;
  const pool = places.node!;
  if (pool.inputs[0] !== pooled || number(zero) !== 0) return undefined;
  const [largest] = pool.outputs;
  const positive = graph.emit("Greater", [largest, zero], { dtype: "bool", shape: largest.shape });
  const mask = graph.emit("Cast", [positive], largest, cast!.attributes);
  const masked = graph.emit("Mul", [gradient, mask], gradient);
  return graph.emit("MaxUnpool", [masked, places, shape], node.outputs[0], unpool.attributes);
};

/** The sum over an image to which numbers were only spread: the gradient of a bias. */
const sumBeforeUnpool: Fusion = ({ node, graph }) => {
  const [x, axes] = node.inputs;
  if (node.op !== "ReduceSum" || x.node?.op !== "MaxUnpool") return undefined;
  const summed = Array.from(axes.constant ?? [], Number);
  if (!summed.includes(2) || !summed.includes(3)) return undefined;
  return graph.emit("ReduceSum", [x.node.inputs[0], axes], node.outputs[0], node.attributes);
};

/** Whole numbers that became integers are floats again. */
const castBack: Fusion = ({ node, only }) => {
  if (node.op !== "Cast" || node.outputs[0].dtype !== "float32") return undefined;
  const integers = only(node.inputs[0], "Cast");
  const [from] = integers?.inputs ?? [];
  if (from?.node?.op !== "OneHot" || integers!.outputs[0].dtype !== "int32") return undefined;
  const values = from.node.inputs[2].constant as Float32Array | undefined;
  return values?.every(Number.isInteger) ? from : undefined;
};

/** x − max x − log Σ exp(x − max x), over the last axis: TensorFlow.js has no kernel for it, ONNX has. */
const logSoftmax: Fusion = ({ node, graph }) => {
  if (node.op !== "Sub") return undefined;
  const [shifted, logarithm] = node.inputs;
  const sum = logarithm.node?.op === "Log" ? logarithm.node.inputs[0].node : undefined;
  if (!isLastAxis(sum, "ReduceSum")) return undefined;
  const exp = sum.inputs[0].node;
  if (exp?.op !== "Exp" || exp.inputs[0] !== shifted) return undefined;
  const { node: shift } = shifted;
  if (shift?.op !== "Sub" || !isLastAxis(shift.inputs[1].node, "ReduceMax")) return undefined;
  const [x] = shift.inputs;
  if (shift.inputs[1].node.inputs[0] !== x) return undefined;
  return graph.emit("LogSoftmax", [x], x, { axis: x.shape.length - 1 });
};

function isLastAxis(node: OnnxNode | undefined, op: string): node is OnnxNode {
  if (node?.op !== op || node.attributes["keepdims"] !== 1) return false;
  const [x, axes] = node.inputs;
  return axes.constant?.length === 1 && Number(axes.constant[0]) === x.shape.length - 1;
}

const BROADCASTING = new Set(["Add", "Sub", "Mul", "Div", "Max", "Min", "Pow", "Where", "Greater"]);

/** An operand that was repeated to the shape that the others give the result anyway. */
const needlessExpand: Fusion = ({ node, graph }) => {
  if (!BROADCASTING.has(node.op)) return undefined;
  const [{ shape }] = node.outputs;
  const place = node.inputs.findIndex(
    (input) =>
      input.node?.op === "Expand" &&
      node.inputs.some((other) => other !== input && sameShape(other.shape, shape)),
  );
  if (place < 0) return undefined;
  const inputs = node.inputs.with(place, node.inputs[place].node!.inputs[0]);
  return graph.emit(node.op, inputs, node.outputs[0], node.attributes);
};

const FUSIONS: readonly Fusion[] = [
  needlessExpand,
  logSoftmax,
  biasUpdate,
  productOfScaled,
  scaledProduct,
  addedProduct,
  rectifierStep,
  maskBeforeUnpool,
  sumBeforeUnpool,
  castBack,
];

/** The same outputs, computed by fewer nodes. */
export const fuse = (outputs: readonly Value[]): Value[] => rewrite(outputs, FUSIONS);

/** The same outputs, computed by the nodes of a new graph. Inputs keep their names. */
export function rewrite(outputs: readonly Value[], fusions: readonly Fusion[]): Value[] {
  const nodes = nodesOf(outputs);
  const uses = countUses(nodes, outputs);
  const graph = new Graph();
  const moved = new Map<Value, Value>();
  const usesOfNew = new Map<Value, number>();
  const now = (value: Value): Value => {
    const known = moved.get(value);
    if (known !== undefined) return known;
    const kept =
      value.constant === undefined
        ? value
        : graph.constant(value.constant, value.dtype, value.shape);
    moved.set(value, kept);
    return kept;
  };
  const only = (value: Value, op: string) =>
    value.node?.op === op && usesOfNew.get(value) === 1 ? value.node : undefined;
  for (const node of nodes) {
    const site: Site = { graph, node: { ...node, inputs: node.inputs.map(now) }, only };
    const fused = firstFusion(fusions, site);
    const results =
      fused === undefined
        ? graph.emitAll(node.op, site.node.inputs, node.outputs, node.attributes)
        : [fused];
    results.forEach((result, index) => {
      const old = node.outputs[index];
      moved.set(old, result);
      usesOfNew.set(result, (usesOfNew.get(result) ?? 0) + (uses.get(old) ?? 0));
    });
  }
  return outputs.map(now);
}

function firstFusion(fusions: readonly Fusion[], site: Site): Value | undefined {
  for (const fusion of fusions) {
    const value = fusion(site);
    if (value !== undefined) return value;
  }
  return undefined;
}

function countUses(nodes: readonly OnnxNode[], outputs: readonly Value[]): Map<Value, number> {
  const uses = new Map<Value, number>();
  const use = (value: Value) => uses.set(value, (uses.get(value) ?? 0) + 1);
  for (const node of nodes) node.inputs.forEach(use);
  outputs.forEach(use);
  return uses;
}
