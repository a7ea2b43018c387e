// From a TensorFlow 1 MetaGraphDef to the model: the network without its training, with its layers and roles.
import type { Layer, Model, Node, Roles } from "../../graph/model";
import { findRoles } from "../../graph/roles";
import type { StoredTensor } from "../format";
import { groupLayers, groupVariables } from "./layers";
import { markDead } from "./lift/control";
import { findForward, type Forward } from "./lift/forward";
import { findLoops, loopNode } from "./lift/loops";
import { lastStep } from "./lift/rnn/sequence";
import { fold, foldShape } from "./lift/statics";
import {
  isUnknownRank,
  make,
  opaque,
  shapeOf,
  type Lifting,
  type Made,
  type Meaning,
} from "./lift/lifting";
import { readGraph, tensorName, type SourceGraph, type SourceNode } from "./lift/source";
import { lifterOf } from "./lift/table";
import { variablesOf } from "./lift/variableroles";
import { readVariables } from "./lift/variables";
import type { MetaGraphDef } from "./proto/tensorflow_pb";

/**
 * The model of a checkpoint. Without a graph: its variables, grouped by scope. Throws `corrupt-file` where the graph
 * contradicts itself or the checkpoint.
 */
export function importGraph(
  meta: MetaGraphDef | null,
  tensors: ReadonlyMap<string, StoredTensor>,
): Model {
  if (meta === null || (meta.graphDef?.node.length ?? 0) === 0) return withoutGraph(tensors);
  const graph = readGraph(meta.graphDef!);
  const declared = readVariables(meta, graph, tensors);
  const forward = findForward(graph);
  const lifting = lift(graph, declared, forward);
  const losses = forward.losses.flatMap((name) => lossNode(lifting, name));
  const nodes = keep(lifting, [...forward.results.map((node) => node.name), ...losses]);
  const variables = variablesOf({ graph, declared, tensors, nodes: [...nodes.values()] });
  const shapes = new Map([...nodes.keys()].map((name) => [name, lifting.made.get(name)!.shape]));
  const roles = findRoles({ nodes, shapes }, { losses });
  const layers = groupLayers({ nodes, variables });
  return { nodes, variables, layers, roles, shapes, aliases: aliasesOf(lifting, nodes) };
}

function withoutGraph(tensors: ReadonlyMap<string, StoredTensor>): Model {
  const variables = variablesOf({ tensors, nodes: [] });
  const layers: readonly Layer[] = groupVariables(variables);
  const roles: Roles = { inputs: [] };
  return { nodes: new Map(), variables, layers, roles, shapes: new Map(), aliases: new Map() };
}

function lift(graph: SourceGraph, variables: Lifting["variables"], forward: Forward): Lifting {
  const lifting: Lifting & { readonly dead: Set<string> } = {
    graph,
    loops: findLoops(graph),
    variables,
    meanings: new Map<string, Meaning>(),
    made: new Map<string, Made>(),
    replaced: new Map<string, string>(),
    dead: new Set<string>(),
    lift: (node: SourceNode) => foldedOrLifted(lifting, node),
  };
  for (const node of forward.nodes) {
    if (lifting.loops.inside.has(node.name)) {
      const result = lastStep(lifting, node) ?? loopNode(lifting, node);
      if (result !== undefined) lifting.meanings.set(node.name, result);
      continue;
    }
    markDead(lifting, node);
    const meaning = foldedOrLifted(lifting, node);
    const outputs = Array.isArray(meaning) ? (meaning as (Meaning | undefined)[]) : [meaning];
    outputs.forEach((output, index) => {
      const name = tensorName({ node: node.name, output: index });
      if (output !== undefined) lifting.meanings.set(name, output as Meaning);
    });
    if (!lifting.meanings.has(node.name)) opaque(lifting, node, node.name);
  }
  return lifting;
}

function foldedOrLifted(
  lifting: Lifting,
  node: SourceNode,
): ReturnType<NonNullable<ReturnType<typeof lifterOf>>> {
  const inputs = node.inputs.map((input) => lifting.meanings.get(tensorName(input)));
  const [first] = inputs;
  const values = inputs.flatMap((input) => (input?.kind === "static" ? [input.value] : []));
  const value =
    values.length > 0 && values.length === inputs.length
      ? fold(node, values)
      : first !== undefined && !isUnknownRank(first)
        ? foldShape(node, shapeOf(first), first.kind === "node" ? first.batch : 1)
        : undefined;
  const known = value ?? shapeOfStatic(node, first);
  if (known !== undefined) return { kind: "static", value: known, name: node.name };
  return lifterOf(node.op)?.(lifting, node);
}

const shapeOfStatic = (node: SourceNode, input: Meaning | undefined) =>
  input?.kind === "static" ? foldShape(node, input.value.shape, input.value.batch ?? 1) : undefined;

/** The scalar that training minimizes: TensorFlow minimizes the sum of a loss that is none. */
function lossNode(lifting: Lifting, name: string): string[] {
  const meaning = lifting.meanings.get(name);
  if (meaning?.kind !== "node") return [];
  const { node, shape } = meaning;
  if (shape.length === 0 || meaning.vague) return [node.name];
  const source = lifting.graph.nodes.get(name.split(":")[0])!;
  const axes = shape.map((_, axis) => axis);
  const details = { name: `${node.name}:sum`, origin: node.origin };
  const sum = make(lifting, source, "Sum", { axes, keepDims: false }, [meaning], details);
  return sum === undefined ? [] : [sum.node.name];
}

/** The nodes that `names` stand for and all that they depend on, in the order they were made. */
function keep(lifting: Lifting, names: readonly string[]): Map<string, Node> {
  const kept = new Set<string>();
  const open = names.flatMap((name) => {
    const meaning = lifting.meanings.get(name) ?? lifting.made.get(name);
    return meaning?.kind === "node" && meaning.node.op !== "Placeholder" ? [meaning.node.name] : [];
  });
  for (let name = open.pop(); name !== undefined; name = open.pop()) {
    const made = lifting.made.get(name);
    if (made === undefined || kept.has(name)) continue;
    kept.add(name);
    for (const input of made.node.inputs) if ("node" in input) open.push(input.node);
    open.push(...fedBy(made.node));
  }
  return new Map(
    [...lifting.made].flatMap(([name, { node }]) => (kept.has(name) ? [[name, node]] : [])),
  );
}

/** The placeholder that a dropout's rate comes from. */
function fedBy(node: Node): string[] {
  if (node.op !== "Dropout") return [];
  if ("rateFrom" in node.attributes) return [node.attributes.rateFrom];
  return "keepProbabilityFrom" in node.attributes ? [node.attributes.keepProbabilityFrom] : [];
}

function aliasesOf(lifting: Lifting, nodes: ReadonlyMap<string, Node>): Map<string, string> {
  const aliases = new Map<string, string>();
  for (const [name, meaning] of lifting.meanings) {
    if (meaning.kind !== "node") continue;
    const target = lifting.replaced.get(meaning.node.name) ?? meaning.node.name;
    if (target !== name && nodes.has(target) && !nodes.has(name)) aliases.set(name, target);
  }
  return aliases;
}
