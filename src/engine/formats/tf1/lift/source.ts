// A GraphDef as lifting reads it: names resolved, checked, in an order where inputs come first.
import { GraftError } from "../../../../protocol/errors";
import { dependencyOrder } from "../../../graph/order";
import type { AttrValue, GraphDef, NodeDef } from "../proto/tensorflow_pb";

/** One output of a source node. */
export interface Tensor {
  readonly node: string;
  readonly output: number;
}

export interface SourceNode {
  readonly name: string;
  readonly op: string;
  readonly inputs: readonly Tensor[];
  /** Nodes that must have run before, without handing over a value. */
  readonly controls: readonly string[];
  readonly attr: Readonly<Record<string, AttrValue>>;
}

export interface SourceGraph {
  /** In the file's order. */
  readonly nodes: ReadonlyMap<string, SourceNode>;
  /** Every node after its inputs; the back edges of while loops do not count. */
  readonly order: readonly SourceNode[];
  /** The nodes that read a node's outputs. */
  readonly readers: ReadonlyMap<string, readonly SourceNode[]>;
}

/** Throws `corrupt-file` on duplicate names, inputs that do not exist and cycles. */
export function readGraph(graph: GraphDef): SourceGraph {
  const nodes = new Map<string, SourceNode>();
  for (const node of graph.node) {
    if (nodes.has(node.name)) throw corrupt(`two nodes are named "${node.name}"`);
    nodes.set(node.name, readNode(node));
  }
  const readers = new Map<string, SourceNode[]>([...nodes.keys()].map((name) => [name, []]));
  for (const node of nodes.values()) {
    for (const name of dependencies(node))
      if (!nodes.has(name)) throw corrupt(`"${node.name}" reads "${name}", which does not exist`);
    for (const name of new Set(node.inputs.map((input) => input.node)))
      readers.get(name)!.push(node);
  }
  const ends = endsOfRounds(nodes);
  const order = dependencyOrder(nodes.keys(), (name) => {
    const node = nodes.get(name)!;
    const before = dependencies(node);
    if (/^(Ref)?Merge$/.test(node.op)) return before.filter((each) => !isBack(nodes.get(each)));
    // A loop's results come after all that its rounds compute.
    const condition = /^(Ref)?Exit$/.test(node.op) ? conditionOf(nodes.get(before[0])) : undefined;
    return condition === undefined ? before : [...before, ...(ends.get(condition) ?? [])];
  });
  return { nodes, readers, order: order.map((name) => nodes.get(name)!) };
}

const isBack = (node: SourceNode | undefined): boolean =>
  node !== undefined && /^(Ref)?NextIteration$/.test(node.op);

/** The LoopCond behind the Switch of a while loop's variable. */
const conditionOf = (node: SourceNode | undefined): string | undefined =>
  node !== undefined && /^(Ref)?Switch$/.test(node.op) ? node.inputs[1]?.node : undefined;

/** The NextIteration ops of each while loop, by its LoopCond. */
function endsOfRounds(nodes: ReadonlyMap<string, SourceNode>): Map<string, string[]> {
  const ends = new Map<string, string[]>();
  for (const node of nodes.values()) {
    const condition = conditionOf(node);
    const merge = nodes.get(node.inputs[0]?.node ?? "");
    if (condition === undefined || merge === undefined) continue;
    const back = merge.inputs.filter((input) => isBack(nodes.get(input.node)));
    ends.set(condition, [...(ends.get(condition) ?? []), ...back.map((input) => input.node)]);
  }
  return ends;
}

/** How a tensor is written: "split:1", and just the node's name for its first output. */
export const tensorName = ({ node, output }: Tensor): string =>
  output === 0 ? node : `${node}:${output}`;

export const nodeAt = (graph: SourceGraph, tensor: Tensor | undefined): SourceNode | undefined =>
  tensor === undefined ? undefined : graph.nodes.get(tensor.node);

/** The node that makes a node's input. */
export const inputNode = (
  graph: SourceGraph,
  node: SourceNode,
  index: number,
): SourceNode | undefined => nodeAt(graph, node.inputs[index]);

const dependencies = (node: SourceNode): string[] => [
  ...node.inputs.map((input) => input.node),
  ...node.controls,
];

function readNode({ name, op, input, attr }: NodeDef): SourceNode {
  const inputs = input.filter((each) => !each.startsWith("^")).map(readTensor);
  const controls = input.filter((each) => each.startsWith("^")).map((each) => each.slice(1));
  return { name, op, inputs, controls, attr };
}

export function readTensor(text: string): Tensor {
  const [, node, output] = /^(.*?)(?::(\d+))?$/s.exec(text)!;
  return { node, output: Number(output ?? 0) };
}

const corrupt = (what: string): GraftError =>
  new GraftError(
    "corrupt-file",
    `The graph is damaged: ${what}. Copy or download the .meta file again.`,
  );
