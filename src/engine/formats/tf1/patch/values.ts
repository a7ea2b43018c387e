// Which tensors of a graph are a value of the model that was lifted from it: a node's output and what hands it on, a
// variable's op and the ops that read it.
import { GraftError } from "../../../../protocol/errors";
import type { Model, Node } from "../../../graph/model";
import * as attribute from "../emit/attributes";
import type { NodeDef } from "../proto/tensorflow_pb";
import { inputText, nodeOf, parseInput, tensorText, type PatchedGraph } from "./graph";
import { isRestore } from "./ops";
import { tensorType } from "./types";
import type { GraphVariable } from "./variables";

export interface Values {
  /** The output of a node of the source model; undefined where no op of the graph has just that. */
  tensorOf(node: Node): string | undefined;
  /** All tensors with the value of a node. */
  ofNode(name: string): ReadonlySet<string>;
  ofVariable(name: string): ReadonlySet<string>;
  /** A tensor to read a variable by; of a partitioned one, the joined parts. Adds a read op where there is none. */
  read(variable: string): string;
  /** Ops that change a variable, but for those that initialize or restore it. */
  updatesOf(variable: string): readonly string[];
}

export function sourceValues(
  graph: PatchedGraph,
  model: Model,
  variables: Iterable<GraphVariable>,
): Values {
  const nodes = new Map<string, Set<string>>();
  const add = (name: string, tensor: string): void => {
    nodes.set(name, (nodes.get(name) ?? new Set()).add(tensor));
  };
  const tensorOf = (node: Node): string | undefined => {
    const { node: op, output } = parseInput(node.name);
    if (graph.nodes.has(op)) return Number.isInteger(output) ? node.name : undefined;
    // A sum of several, say, is a chain of nodes in the model, of which only the last is an op.
    if (Number.isNaN(output)) return undefined;
    const last = node.origin.at(-1);
    return last !== undefined && graph.nodes.has(last) ? last : undefined;
  };
  for (const node of model.nodes.values()) {
    const tensor = tensorOf(node);
    if (tensor !== undefined) add(node.name, tensor);
  }
  for (const [alias, name] of model.aliases) add(name, alias);

  const parts = new Map<string, GraphVariable[]>();
  for (const variable of variables)
    parts.set(variable.model, [...(parts.get(variable.model) ?? []), variable]);
  const ofVariable = (name: string): Set<string> => readings(graph, parts.get(name) ?? []);
  return {
    tensorOf,
    ofNode: (name) => nodes.get(name) ?? new Set(),
    ofVariable,
    read: (name) => readOf(graph, name, parts.get(name) ?? [], ofVariable(name)),
    updatesOf: (name) => (parts.get(name) ?? []).flatMap((part) => updatesOf(graph, part)),
  };
}

const UPDATES = /^Assign(Add|Sub)?(VariableOp)?$/;

function updatesOf(graph: PatchedGraph, part: GraphVariable): string[] {
  const isUpdate = (user: NodeDef, tensor: string): boolean => {
    if (!UPDATES.test(user.op) || tensorText(user.input[0]!) !== tensor) return false;
    const value = graph.inputNode(user, 1);
    const source = value?.op === "Identity" ? graph.inputNode(value, 0) : value;
    return user !== part.initializer && !isRestore(source);
  };
  const updates = [...readings(graph, [part])].flatMap((tensor) =>
    graph.users(nodeOf(tensor)).filter((user) => isUpdate(user, tensor)),
  );
  return updates.map((node) => node.name);
}

/** Ops that hand the value of their first input on. */
const HANDS_ON =
  /^(Identity|RefIdentity|ReadVariableOp|Switch|RefSwitch|Enter|RefEnter|Assign(Add|Sub)?)$/;

function readings(graph: PatchedGraph, parts: readonly GraphVariable[]): Set<string> {
  const perPart = parts.map(({ node }) => {
    const found = new Set([node.name]);
    const open = [node.name];
    for (let name = open.pop(); name !== undefined; name = open.pop())
      for (const user of graph.users(name)) {
        if (!HANDS_ON.test(user.op) || nodeOf(user.input[0]!) !== name) continue;
        if (found.has(user.name)) continue;
        for (const output of /Switch$/.test(user.op) ? [0, 1] : [0])
          found.add(inputText(user.name, output));
        open.push(user.name);
      }
    return found;
  });
  const [first = new Set<string>()] = perPart;
  return parts.length > 1 ? new Set(joins(graph, perPart)) : first;
}

/** The concatenations of all parts in order. */
const joins = (graph: PatchedGraph, parts: readonly ReadonlySet<string>[]): string[] =>
  [...parts[0]!].flatMap((tensor) =>
    graph
      .users(nodeOf(tensor))
      .filter(({ op, input }) => {
        const joined = op === "ConcatV2" ? input : op === "Concat" ? input.slice(1) : [];
        return parts.every((part, index) => part.has(tensorText(joined[index] ?? "^") ?? ""));
      })
      .map((node) => node.name),
  );

function readOf(
  graph: PatchedGraph,
  name: string,
  parts: readonly GraphVariable[],
  readings: ReadonlySet<string>,
): string {
  if (parts.length > 1) {
    const [joined] = readings;
    if (joined !== undefined) return joined;
    throw new GraftError(
      "unsupported-op",
      `The graph joins the ${parts.length} parts of ${name} nowhere, so no new op can read it. Save the network without a partitioner first.`,
    );
  }
  const { node } = parts[0]!;
  const found = [...readings]
    .map((tensor) => graph.nodes.get(nodeOf(tensor))!)
    .find((read) => isRead(read) && graph.inputNode(read, 0) === node);
  return found?.name ?? addRead(graph, node);
}

const isRead = ({ op }: NodeDef): boolean => op === "Identity" || op === "ReadVariableOp";

/** An op that reads a variable. */
export function addRead(graph: PatchedGraph, variable: NodeDef): string {
  const isResource = variable.op === "VarHandleOp";
  const type = attribute.type(tensorType(graph, variable.name));
  return graph.add({
    name: isResource ? `${variable.name}/Read/ReadVariableOp` : `${variable.name}/read`,
    op: isResource ? "ReadVariableOp" : "Identity",
    inputs: [variable.name],
    attributes: isResource ? { dtype: type } : { T: type, _class: attribute.beside(variable.name) },
    device: variable.device,
  });
}
