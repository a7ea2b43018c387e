// Nodes that came, went, compute or read something else: the graph follows, with all that reads them.
import type { Model, Node } from "../../../graph/model";
import type { AddedVariable } from "./added";
import type { Differences } from "./differences";
import { nodeOf, type PatchedGraph } from "./graph";
import { isReadApart, loopsOf, type Loop } from "./loops";
import { isFed } from "./ops";
import { edgesOf, type Edge } from "./rewire";
import { isGradient } from "./training";
import type { Values } from "./values";
import { writerOf, type Writer } from "./write";

export interface Structure {
  /** Ops that yield what the edited model's roles, layers and new nodes are. */
  readonly roots: readonly string[];
  /** Ops of nodes that the model has no longer, or that were written anew. */
  readonly lost: readonly string[];
  /** Ops of nodes that are still what they were. */
  readonly kept: ReadonlySet<string>;
  /** Ops that are to run with training. */
  readonly updates: readonly string[];
  /** WhileContextDefs of new loops. */
  readonly whileContexts: readonly Uint8Array[];
  /** The placeholder by which new ops know that the program trains. */
  readonly mode: string | undefined;
}

export interface Edited {
  readonly graph: PatchedGraph;
  readonly before: Model;
  readonly after: Model;
  readonly found: Differences;
  readonly values: Values;
  readonly added: readonly AddedVariable[];
}

export function patchStructure(edited: Edited): Structure {
  const { graph, before, after, found, values, added } = edited;
  const loops = loopsOf(graph, before);
  const { edges, rewritten } = planRewiring(edited, loops);
  const { pairs } = found;
  const isKept = ({ name }: Node): boolean => pairs.nodes.has(name) && !rewritten.has(name);
  const gone = [...before.nodes.values()].filter((node) => !isKept(node));
  const kept = new Set([...before.nodes.values()].filter(isKept).flatMap((node) => node.origin));
  const lost = gone
    .filter(({ op }) => op === "BatchNorm")
    .flatMap((norm) => followers(norm, values));

  const writer = writerOf({ graph, before, after, pairs, values, added, rewritten });
  /** The old names of nodes that stay what they were, by their new ones. */
  const standing = new Map(
    [...pairs.nodes].flatMap(([name, now]): [string, string][] =>
      rewritten.has(name) ? [] : [[now.name, name]],
    ),
  );
  for (const { name } of after.nodes.values())
    if (!standing.has(name)) writer.tensorOf({ node: name });
  for (const { node, index, to, handle } of edges) {
    const tensor =
      handle && "variable" in to ? writer.variableOp(to.variable) : writer.tensorOf(to);
    graph.setInputs(node, node.input.with(index, tensor));
  }

  const goneOps = new Set(gone.flatMap((node) => node.origin).filter((name) => !kept.has(name)));
  // The ops of a loop are no one's alone: they go from where values come in.
  for (const loop of loops)
    if (loop.inside.every((name) => !pairs.nodes.has(name) || rewritten.has(name)))
      lost.push(...loop.enters);
  for (const node of gone) {
    const tensor = values.tensorOf(node);
    if (tensor === undefined) continue;
    const now = pairs.nodes.get(node.name);
    if (now !== undefined)
      graph.redirect(tensor, writer.tensorOf({ node: now.name }), graph.users(nodeOf(tensor)));
    else redirectBeside(graph, tensor, replacement(found, node, writer), goneOps);
    const op = nodeOf(tensor);
    const stays = node.op === "Const" || isFed(graph.nodes.get(op));
    if (!kept.has(op) && (now !== undefined || !stays)) lost.push(op);
    // A loop needs the op although the node is written anew, under the same name.
    else if (kept.has(op) && now?.name === op) graph.wanted.set(op, `${op}/kept`);
  }
  const roots = [...rootsOf(before, after, standing), ...[...writer.written.values()].map(nodeOf)];
  const { updates, whileContexts } = writer;
  return { roots, lost, kept, updates, whileContexts, mode: writer.mode() };
}

/** The inputs to change, and the nodes (old names) that are written anew: those for which that does not do, too. */
function planRewiring({ graph, before, found, values }: Edited, loops: readonly Loop[]) {
  const rewritten = new Set(found.rewritten.map((each) => each.before.name));
  const edges = new Map<string, readonly Edge[]>();
  const yields = new Map<string, Node[]>();
  for (const node of before.nodes.values()) {
    const op = nodeOf(values.tensorOf(node) ?? "");
    yields.set(op, [...(yields.get(op) ?? []), node]);
  }
  for (const each of found.rewired) {
    if (rewritten.has(each.before.name)) continue;
    const own = edgesOf({ graph, values, rewired: found.rewired, yields }, each);
    if (own === undefined) rewritten.add(each.before.name);
    else edges.set(each.before.name, own);
  }
  for (const loop of loops) {
    const isBroken = (name: string): boolean => !found.pairs.nodes.has(name) || rewritten.has(name);
    if (loop.inside.some(isBroken) || isReadApart(loop, before, found.rewired))
      for (const name of loop.nodes) rewritten.add(name);
  }
  const stay = [...edges].filter(([name]) => !rewritten.has(name));
  return { edges: stay.flatMap(([, own]) => own), rewritten };
}

/** Ops of what the roles and layers name. */
const rootsOf = (before: Model, after: Model, kept: ReadonlyMap<string, string>): string[] => {
  const { inputs, output, labels, loss } = after.roles;
  const names = [inputs, output ?? [], labels ?? [], loss ?? []].flat();
  return [...names, ...after.layers.flatMap((layer) => layer.output ?? [])].flatMap((name) => {
    const source = before.nodes.get(kept.get(name) ?? "");
    if (source !== undefined) return source.origin.length > 0 ? source.origin : [source.name];
    return after.nodes.has(name) ? [] : [name];
  });
};

/** What the readers of a node that has gone read now, if that is one tensor. */
function replacement(found: Differences, gone: Node, writer: Writer): string | undefined {
  const tensors = new Set(
    found.rewired.flatMap(({ inputs }) =>
      inputs
        .filter(({ from }) => "node" in from && from.node === gone.name)
        .map(({ to }) => writer.tensorOf(to)),
    ),
  );
  return tensors.size === 1 ? [...tensors][0] : undefined;
}

/** Readers that the model does not show, identities and what asks for a shape, follow those that it does. */
function redirectBeside(
  graph: PatchedGraph,
  from: string,
  to: string | undefined,
  gone: ReadonlySet<string>,
): void {
  if (to === undefined) return;
  const above = graph.sources([nodeOf(to)]);
  const beside = graph
    .users(nodeOf(from))
    .filter(
      ({ name, op }) =>
        !gone.has(name) && !above.has(name) && !isGradient(name) && !WATCHER.test(op),
    );
  graph.redirect(from, to, beside);
}

/** Ops that move the statistics of a batch norm. */
const followers = ({ inputs }: Node, values: Values): string[] =>
  inputs.slice(3).flatMap((input) => ("variable" in input ? values.updatesOf(input.variable) : []));

/** What a summary showed is gone. */
const WATCHER = /^(Assert|.*Summary(V2)?|Print(V2)?)$/;
