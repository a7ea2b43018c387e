// Where a node of the model reads another value, its source nodes do: which of their inputs that concerns.
import type { Node, Ref } from "../../../graph/model";
import type { NodeDef } from "../proto/tensorflow_pb";
import type { Rewired } from "./differences";
import { tensorText, type PatchedGraph } from "./graph";
import { isVariable } from "./ops";
import { isGradient } from "./training";
import type { Values } from "./values";

/** Input `index` of `node` is to be `to`, a value of the model after the edits. */
export interface Edge {
  readonly node: NodeDef;
  readonly index: number;
  readonly to: Ref;
  /** Not the variable's value is read here but the variable itself, which a branch or an op reads. */
  readonly handle: boolean;
}

/** All that is rewired, and the nodes that each op of the graph yields: several for one with several outputs. */
export interface Rewiring {
  readonly graph: PatchedGraph;
  readonly values: Values;
  readonly rewired: readonly Rewired[];
  readonly yields: ReadonlyMap<string, readonly Node[]>;
}

/** The inputs to change; undefined where they cannot be told, and the node has to be written anew. */
export function edgesOf(
  rewiring: Rewiring,
  { before, inputs }: Rewired,
): readonly Edge[] | undefined {
  const { graph, values } = rewiring;
  const origin = new Set(before.origin);
  const edges: Edge[] = [];
  for (const { from, to } of inputs) {
    // The same value twice, of which only one is replaced: names do not tell which.
    const all = before.inputs.filter((input) => isSame(input, from)).length;
    const replaced = inputs.filter((each) => isSame(each.from, from) && isSame(each.to, to)).length;
    if (all !== replaced) return undefined;
    const tensors = "node" in from ? values.ofNode(from.node) : values.ofVariable(from.variable);
    const found = [...origin].flatMap((name) => readings(graph, name, tensors));
    if (found.length === 0) return undefined;
    for (const reading of found) {
      if (!areAllRewired(rewiring, reading.node.name, { from, to })) return undefined;
      const edge = beforeBranches(graph, reading, origin, tensors);
      if (edge === undefined) return undefined;
      const source = graph.inputNode(edge.node, edge.index);
      if ("node" in to && source?.op === "VarHandleOp") return undefined;
      edges.push({ ...edge, to, handle: isVariable(source) });
    }
  }
  return edges;
}

/** Whether all nodes that an op yields read `to` instead of `from`: an op has its inputs for all of its outputs. */
const areAllRewired = (
  { rewired, yields }: Rewiring,
  op: string,
  { from, to }: Rewired["inputs"][number],
): boolean =>
  (yields.get(op) ?? [])
    .filter(({ inputs }) => inputs.some((input) => isSame(input, from)))
    .every(({ name }) =>
      rewired.some(
        ({ before, inputs }) =>
          before.name === name &&
          inputs.some((each) => isSame(each.from, from) && isSame(each.to, to)),
      ),
    );

interface Reading {
  readonly node: NodeDef;
  readonly index: number;
}

const isSame = (a: Ref, b: Ref): boolean =>
  "node" in a ? "node" in b && a.node === b.node : "variable" in b && a.variable === b.variable;

function readings(graph: PatchedGraph, name: string, tensors: ReadonlySet<string>): Reading[] {
  const node = graph.nodes.get(name);
  return (node?.input ?? []).flatMap((input, index) =>
    tensors.has(tensorText(input) ?? "") ? [{ node: node!, index }] : [],
  );
}

/**
 * A value goes into the branches of a cond through switches: those are what reads the new one. Undefined where others
 * read it through the same switch.
 */
function beforeBranches(
  graph: PatchedGraph,
  reading: Reading,
  origin: ReadonlySet<string>,
  tensors: ReadonlySet<string>,
): Reading | undefined {
  const isOwn = (name: string): boolean =>
    graph
      .users(name)
      .every(
        (user) =>
          origin.has(user.name) ||
          isGradient(user.name) ||
          (tensors.has(user.name) && isOwn(user.name)),
      );
  let outermost = reading;
  let at = graph.inputNode(reading.node, reading.index);
  while (at !== undefined && tensors.has(tensorText(at.input[0] ?? "^") ?? "")) {
    if (/^(Ref)?Switch$/.test(at.op)) {
      if (!isOwn(at.name)) return undefined;
      outermost = { node: at, index: 0 };
    }
    at = graph.inputNode(at, 0);
  }
  return outermost;
}
