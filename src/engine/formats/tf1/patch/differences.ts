// What surgery changed, as far as a TensorFlow graph has to know. Old names throughout: new ones are settled last.
import {
  isFrozen,
  type Model,
  type Node,
  type Ref,
  type Shape,
  type Variable,
} from "../../../graph/model";
import { sameShape } from "./tensors";

export interface Differences {
  /** New shapes, by name. */
  readonly shapes: ReadonlyMap<string, Shape>;
  /** Variables that `after` has no longer. */
  readonly dropped: ReadonlySet<string>;
  /** Variables that became trainable (true) or frozen (false). */
  readonly trainable: ReadonlyMap<string, boolean>;
  /** Variables that `before` does not have. */
  readonly added: readonly Variable[];
  /** Names that variables have got, by their old ones. */
  readonly renamed: ReadonlyMap<string, string>;
  readonly pairs: Pairs;
  /** Nodes that are in both, with another attribute that is changed in place, or another static shape. */
  readonly nodes: readonly NodeDifference[];
  /** Nodes that are in both and compute something else: written anew. */
  readonly rewritten: readonly NodeDifference[];
  /** Nodes that are in both and read something else. */
  readonly rewired: readonly Rewired[];
  /** Whether nodes came or went. */
  readonly otherNodes: boolean;
}

export interface NodeDifference {
  readonly before: Node;
  readonly after: Node;
  readonly shape?: Shape;
}

export interface Rewired {
  readonly before: Node;
  readonly after: Node;
  /** In terms of `before` and of `after`. */
  readonly inputs: readonly { readonly from: Ref; readonly to: Ref }[];
}

/** What became of the source's nodes and variables: their counterparts in `after`, by their names in `before`. */
export interface Pairs {
  readonly nodes: ReadonlyMap<string, Node>;
  readonly variables: ReadonlyMap<string, Variable>;
}

export function differences(before: Model, after: Model): Differences {
  const pairs = { nodes: pairNodes(before, after), variables: pairVariables(before, after) };
  const shapes = new Map<string, Shape>();
  const trainable = new Map<string, boolean>();
  const renamed = new Map<string, string>();
  for (const [name, now] of pairs.variables) {
    const old = before.variables.get(name)!;
    if (!sameShape(old.shape, now.shape)) shapes.set(name, now.shape);
    if (isFrozen(old) !== isFrozen(now)) trainable.set(name, !isFrozen(now));
    if (name !== now.name) renamed.set(name, now.name);
  }
  const known = new Set([...pairs.variables.values()].map((variable) => variable.name));
  return {
    shapes,
    trainable,
    renamed,
    pairs,
    dropped: new Set([...before.variables.keys()].filter((name) => !pairs.variables.has(name))),
    added: [...after.variables.values()].filter((variable) => !known.has(variable.name)),
    otherNodes: pairs.nodes.size < before.nodes.size || pairs.nodes.size < after.nodes.size,
    ...nodeDifferences(before, after, pairs),
  };
}

export const isUnchanged = (found: Differences): boolean =>
  found.renamed.size + found.trainable.size + found.nodes.length === 0 &&
  [...found.pairs.nodes].every(([name, now]) => name === now.name) &&
  !changesForward(found) &&
  !changesTraining(found);

/** Whether the graph computes something else, or with other variables. */
export const changesForward = (found: Differences): boolean =>
  found.otherNodes || found.rewritten.length + found.rewired.length + found.added.length > 0;

/** Optimizer state and gradients no longer fit: what is trained, its size, or the loss is another. */
export const changesTraining = (found: Differences): boolean =>
  found.shapes.size + found.dropped.size + found.trainable.size > 0 || changesForward(found);

/** By name, else by origin: a node that got another name keeps the names of its source nodes. */
function pairNodes(before: Model, after: Model): Map<string, Node> {
  const pairs = new Map<string, Node>();
  const isSame = (a: Node, b: Node): boolean => a.origin.join("\n") === b.origin.join("\n");
  // Several nodes, the outputs of an op or the parts of a sum, may have one origin: in order.
  const moved = new Map<string, Node[]>();
  for (const node of after.nodes.values()) {
    const old = before.nodes.get(node.name);
    const key = node.origin.join("\n");
    if (old !== undefined && isSame(old, node)) pairs.set(old.name, node);
    else if (node.origin.length > 0) moved.set(key, [...(moved.get(key) ?? []), node]);
  }
  for (const old of before.nodes.values()) {
    if (pairs.has(old.name)) continue;
    const node = moved.get(old.origin.join("\n"))?.shift();
    if (node !== undefined) pairs.set(old.name, node);
  }
  return pairs;
}

function pairVariables(before: Model, after: Model): Map<string, Variable> {
  const all = [...after.variables.values()];
  const moved = new Set(all.flatMap(({ origin }) => origin ?? []));
  return new Map(
    all.flatMap((variable): [string, Variable][] => {
      const name = variable.origin ?? variable.name;
      const isNew = variable.origin === undefined && moved.has(name);
      return before.variables.has(name) && !isNew ? [[name, variable]] : [];
    }),
  );
}

function nodeDifferences(
  before: Model,
  after: Model,
  pairs: Pairs,
): Pick<Differences, "nodes" | "rewritten" | "rewired"> {
  const nodes: NodeDifference[] = [];
  const rewritten: NodeDifference[] = [];
  const rewired: Rewired[] = [];
  for (const [name, now] of pairs.nodes) {
    const old = before.nodes.get(name)!;
    const shape = after.shapes.get(now.name);
    const moved = shape !== undefined && !sameShape(before.shapes.get(name), shape);
    const difference = { before: old, after: now, ...(moved ? { shape } : {}) };
    const inputs = old.inputs
      .map((from, index) => ({ from, to: now.inputs[index]! }))
      .filter(({ from, to }) => to !== undefined && !isSameInput(from, to, pairs));
    if (isRewritten(old, now, pairs)) rewritten.push(difference);
    else if (moved || !sameAttributes(old, now)) nodes.push(difference);
    if (inputs.length > 0) rewired.push({ before: old, after: now, inputs });
  }
  return { nodes, rewritten, rewired };
}

function isSameInput(from: Ref, to: Ref, { nodes, variables }: Pairs): boolean {
  if ("node" in from) return "node" in to && nodes.get(from.node)?.name === to.node;
  return "variable" in to && variables.get(from.variable)?.name === to.variable;
}

const sameAttributes = (a: Node, b: Node): boolean =>
  JSON.stringify(a.attributes) === JSON.stringify(b.attributes);

/** Whether a node differs in more than `patchForward` changes in place. */
function isRewritten(old: Node, now: Node, pairs: Pairs): boolean {
  if (old.op !== now.op || old.inputs.length !== now.inputs.length) return true;
  if (sameAttributes(old, now)) return false;
  if (old.op === "Reshape") return false;
  if (old.op === "OneHot" && now.op === "OneHot")
    return old.attributes.on !== now.attributes.on || old.attributes.off !== now.attributes.off;
  if (old.op === "Dropout" && now.op === "Dropout")
    return JSON.stringify(rateNow(old, pairs)) !== JSON.stringify(now.attributes);
  return true;
}

/** A dropout's rate, with the name that its placeholder has now. */
function rateNow({ attributes }: Node<"Dropout">, { nodes }: Pairs): object {
  const nameNow = (name: string): string => nodes.get(name)?.name ?? name;
  if ("rateFrom" in attributes) return { rateFrom: nameNow(attributes.rateFrom) };
  return "keepProbabilityFrom" in attributes
    ? { keepProbabilityFrom: nameNow(attributes.keepProbabilityFrom) }
    : attributes;
}
