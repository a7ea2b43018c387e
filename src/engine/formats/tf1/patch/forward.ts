// Sizes that the forward graph itself mentions: where a model's node has another attribute, its source node gets it too.
import { GraftError } from "../../../../protocol/errors";
import type { Node } from "../../../graph/model";
import type { NodeDef } from "../proto/tensorflow_pb";
import type { NodeDifference } from "./differences";
import { constantOf, type PatchedGraph } from "./graph";
import { channelAxis } from "../../../graph/shapes";
import { setShape } from "./shapes";
import { integers, integersLike, sameShape } from "./tensors";

export function patchForward(graph: PatchedGraph, changed: readonly NodeDifference[]): void {
  for (const { before, after, shape } of changed) {
    if (after.op === "Placeholder") {
      const node = source(graph, before, "Placeholder", "PlaceholderWithDefault");
      if (shape !== undefined && node !== undefined && "shape" in node.attr) setShape(node, shape);
    }
    if (after.op === "Reshape" && before.op === "Reshape") {
      const [old, now] = [before.attributes.shape, after.attributes.shape];
      if (!sameShape(old, now)) setSize(graph, before, "Reshape", old, now);
    }
    if (after.op === "MatMul" && shape !== undefined) setUnits(graph, before, shape.at(-1)!);
    if (after.op === "Conv2DTranspose" && shape !== undefined) {
      const channels = channelAxis(shape, after.attributes.dataFormat);
      const others = shape.with(channels, -1);
      setSize(graph, before, "Conv2DBackpropInput", others, shape, 0);
    }
    if (after.op === "OneHot" && before.op === "OneHot") {
      const [old, now] = [before.attributes.depth, after.attributes.depth];
      if (old !== now) setSize(graph, before, "OneHot", [old], [now]);
    }
  }
}

/** Writes what changed from `old` to `size` into an input, the second one, of the op that `node` was lifted from. */
function setSize(
  graph: PatchedGraph,
  node: Node,
  op: string,
  old: readonly number[],
  size: readonly number[],
  input = 1,
): void {
  const found = source(graph, node, op);
  const target = found === undefined ? undefined : graph.inputNode(found, input);
  if (found === undefined || target === undefined) throw notConstant(node, size);
  const constant = constantOf(target);
  if (constant !== undefined) {
    const written = integers(constant);
    const patched = size.map((value, i) => (value === old[i] ? (written?.[i] ?? value) : value));
    graph.setConstant(found, input, integersLike(constant, patched));
  } else if (target.op === "Pack") setPacked(graph, target, size);
  else if (![...graph.sources([target.name])].some((name) => isShape(graph.nodes.get(name))))
    throw notConstant(node, size);
  // Else it is computed from the shape of another tensor, and follows that.
}

const isShape = (node: NodeDef | undefined): boolean =>
  node !== undefined && /^(Shape|ShapeN|Size)$/.test(node.op);

const notConstant = (node: Node, size: readonly number[]): GraftError =>
  new GraftError(
    "unsupported-op",
    `The new size [${size.join(", ")}] of ${node.name} cannot be written into the graph, because the old one is not a constant there. ` +
      "Make it a constant in the program that built the graph, and save that.",
  );

/** A tensordot makes its shape of that of its input and of a constant, its units. */
function setUnits(graph: PatchedGraph, node: Node, units: number): void {
  const reshape = graph.nodes.get(node.origin.at(-1) ?? node.name);
  const target = reshape?.op === "Reshape" ? graph.inputNode(reshape, 1) : undefined;
  const constant = target?.op === "ConcatV2" ? graph.constant(target, 1) : undefined;
  if (constant !== undefined) graph.setConstant(target!, 1, integersLike(constant, [units]));
}

/** A target shape put together from sizes: only its constant ones are written down. */
function setPacked(graph: PatchedGraph, pack: NodeDef, size: readonly number[]): void {
  size.forEach((value, i) => {
    const constant = graph.constant(pack, i);
    if (constant === undefined || integers(constant)?.[0] === value || value < 0) return;
    graph.setConstant(pack, i, integersLike(constant, [value]));
  });
}

const source = (graph: PatchedGraph, node: Node, ...ops: readonly string[]): NodeDef | undefined =>
  [...node.origin, node.name]
    .map((name) => graph.nodes.get(name))
    .find((found) => found !== undefined && ops.includes(found.op));
