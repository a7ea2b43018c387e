// The state of one lift: what each source tensor turned out to mean, and the nodes made so far.
import { GraftError } from "../../../../protocol/errors";
import type { OpAttributes, OpName } from "../../../graph/catalogue";
import type { Node, Ref, Shape } from "../../../graph/model";
import { inferShape, isVague } from "../../../graph/shapes";
import { plain, type Static } from "./known";
import { tensorName, type SourceGraph, type SourceNode, type Tensor } from "./source";
import type { SourceVariable } from "./variables";

export interface Made {
  readonly kind: "node";
  readonly node: Node;
  readonly shape: Shape;
  /** Not even the rank is known. */
  readonly vague: boolean;
  /** How many samples the open size counts; null: not known. */
  readonly batch: number | null;
}

/** What a source tensor stands for. */
export type Meaning =
  | Made
  | { readonly kind: "variable"; readonly variable: SourceVariable }
  | { readonly kind: "static"; readonly value: Static; readonly name: string };

/** Which while loop each node is inside of, by the name of the outermost loop. */
export interface Loops {
  readonly inside: ReadonlyMap<string, string>;
  /** By loop: what comes in, and the nodes of the loop. */
  readonly members: ReadonlyMap<string, readonly SourceNode[]>;
}

export interface Lifting {
  readonly graph: SourceGraph;
  readonly loops: Loops;
  readonly variables: ReadonlyMap<string, SourceVariable>;
  /** By tensor name. */
  readonly meanings: Map<string, Meaning>;
  /** Nodes in the order they were made, which is topological. */
  readonly made: Map<string, Made>;
  /** Nodes that a larger pattern took the place of, and its name. */
  readonly replaced: Map<string, string>;
  /** Tensors that are not computed when the mode is inference. */
  readonly dead: ReadonlySet<string>;
  /** What a node is whose inputs' meanings are known. */
  readonly lift: (node: SourceNode) => ReturnType<Lifter>;
}

/** What a source node means: its first output, all its outputs, or (undefined) nothing that Graft knows. */
export type Lifter = (
  lifting: Lifting,
  node: SourceNode,
) => Meaning | readonly (Meaning | undefined)[] | undefined;

export function meaningOf(lifting: Lifting, tensor: Tensor): Meaning {
  const name = tensorName(tensor);
  return lifting.meanings.get(name) ?? opaque(lifting, lifting.graph.nodes.get(tensor.node)!, name);
}

/** Throws where the node has no such input: only for ops whose inputs TensorFlow guarantees. */
export function inputOf(lifting: Lifting, node: SourceNode, index: number): Meaning {
  const tensor = node.inputs[index];
  if (tensor === undefined)
    throw new GraftError(
      "corrupt-file",
      `The graph is damaged: ${node.op} "${node.name}" has ${node.inputs.length} inputs; number ${index} is missing.`,
    );
  return meaningOf(lifting, tensor);
}

export const inputsOf = (lifting: Lifting, node: SourceNode): Meaning[] =>
  node.inputs.map((input) => meaningOf(lifting, input));

/** The numbers of an input that is known when the graph is read. */
export function numbersOf(lifting: Lifting, node: SourceNode, index: number): number[] | undefined {
  const meaning = inputOf(lifting, node, index);
  return meaning.kind === "static" ? plain(meaning.value) : undefined;
}

export const shapeOf = (meaning: Meaning): Shape =>
  meaning.kind === "node"
    ? meaning.shape
    : meaning.kind === "variable"
      ? meaning.variable.shape
      : meaning.value.shape;

export const isUnknownRank = (meaning: Meaning): boolean =>
  meaning.kind === "node" && meaning.vague;

export const refOf = (meaning: Meaning): Ref | undefined =>
  meaning.kind === "node"
    ? { node: meaning.node.name }
    : meaning.kind === "variable"
      ? { variable: meaning.variable.name }
      : undefined;

export function sameValue(a: Meaning | undefined, b: Meaning | undefined): boolean {
  if (a === undefined || b === undefined) return false;
  if (a.kind === "node" && b.kind === "node") return a.node.name === b.node.name;
  if (a.kind === "variable" && b.kind === "variable") return a.variable.name === b.variable.name;
  return a === b;
}

interface Details {
  /** Of the node; else the source node's. */
  readonly name?: string;
  readonly origin?: readonly string[];
  /** Where it does not follow from the inputs. */
  readonly shape?: Shape;
  readonly batch?: number | null;
  readonly vague?: boolean;
}

/** A node of the model. Undefined where an input cannot be one, or the shapes do not fit. */
export function make<Op extends OpName>(
  lifting: Lifting,
  source: SourceNode,
  op: Op,
  attributes: OpAttributes[Op],
  inputs: readonly Meaning[],
  details: Details = {},
): Made | undefined {
  const operands: (Meaning | undefined)[] = inputs.map((input) =>
    input.kind === "static" ? constant(lifting, source, input, ELEMENTWISE.has(op)) : input,
  );
  if (!operands.every((operand) => operand !== undefined)) return undefined;
  const name = details.name ?? source.name;
  const node = {
    name,
    op,
    attributes,
    inputs: operands.map((operand) => refOf(operand)!),
    origin: details.origin ?? [source.name],
  } as unknown as Node;
  const shape = details.shape ?? shapeOrNone(node, operands.map(shapeOf));
  if (!shape?.every((size) => Number.isSafeInteger(size) && size >= -1)) return undefined;
  const parents = operands.filter((operand) => operand.kind === "node");
  const vague = details.vague ?? (isVague(shape) && parents.some((parent) => parent.vague));
  const counts = new Set(
    parents.filter(({ shape: each }) => each.some((size) => size < 0)).map((each) => each.batch),
  );
  const inherited = counts.size === 1 ? [...counts][0] : counts.size === 0 ? 1 : null;
  const batch = details.batch === undefined ? inherited : details.batch;
  const made: Made = { kind: "node", node, shape, vague, batch };
  lifting.made.set(name, made);
  return made;
}

/** A node that is known by its type only. */
export function opaque(lifting: Lifting, source: SourceNode, name: string): Made {
  // Of a node that was not reached yet (the back edge of a loop) nothing can be said.
  const inputs = source.inputs
    .filter((input) => lifting.meanings.has(input.node))
    .map((input) => meaningOf(lifting, input))
    .filter((meaning) => meaning.kind !== "static");
  const details = { name, shape: [-1], vague: true, batch: null };
  const made = make(lifting, source, "Opaque", { type: source.op }, inputs, details)!;
  lifting.meanings.set(name, made);
  return made;
}

/** Ops for which a tensor of equal elements may as well be a scalar. */
const ELEMENTWISE: ReadonlySet<OpName> = new Set<OpName>([
  ...(["Add", "Sub", "Mul", "Div", "Maximum", "Minimum", "Pow", "SquaredDifference"] as const),
  ...(["Equal", "Greater", "GreaterEqual", "Less", "Select"] as const),
]);

/** A Const node for numbers that a node needs as an input. */
function constant(
  lifting: Lifting,
  source: SourceNode,
  { value, name }: Extract<Meaning, { kind: "static" }>,
  mayBeScalar: boolean,
): Made | undefined {
  const before = lifting.made.get(name);
  if (before?.node.op === "Const") return before;
  const [only] = value.values;
  const shrunk = mayBeScalar && value.values.length === 1 && value.shape.some((size) => size < 0);
  const values = shrunk && typeof only === "number" ? [only] : plain(value);
  if (values === undefined) return undefined;
  const shape = shrunk ? [] : value.shape;
  const attributes = { dtype: value.dtype, shape, values };
  return make(lifting, source, "Const", attributes, [], { name, origin: [name] });
}

function shapeOrNone(node: Node, inputs: readonly Shape[]): Shape | undefined {
  try {
    return inferShape(node, inputs);
  } catch (error) {
    // TensorFlow accepted the graph; a rule of ours that does not is no reason to refuse the whole checkpoint.
    if (error instanceof GraftError && error.code === "shape-mismatch") return undefined;
    throw error;
  }
}

const ASKS_FOR_SHAPE = /^(Shape|ShapeN|Size|Rank|ZerosLike|OnesLike)$/;

/**
 * The source nodes that a pattern consumed: what `node` depends on, down to `stops`, to variables, to placeholders and
 * to what is only asked for its shape. `node` comes last.
 */
export function consumed(lifting: Lifting, node: SourceNode, stops: readonly Meaning[]): string[] {
  const found = new Set<string>();
  const isStop = (tensor: Tensor): boolean => {
    const meaning = lifting.meanings.get(tensorName(tensor));
    const op = lifting.graph.nodes.get(tensor.node)?.op ?? "";
    if (/^Placeholder/.test(op) || meaning?.kind === "variable") return true;
    return stops.some((stop) => sameValue(stop, meaning));
  };
  const open = [...node.inputs];
  for (let tensor = open.pop(); tensor !== undefined; tensor = open.pop()) {
    if (found.has(tensor.node) || isStop(tensor)) continue;
    found.add(tensor.node);
    const source = lifting.graph.nodes.get(tensor.node);
    if (source !== undefined && !ASKS_FOR_SHAPE.test(source.op)) open.push(...source.inputs);
  }
  return [...[...found].toReversed(), node.name];
}
