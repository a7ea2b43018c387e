// Which nodes get another name because what they stand for in the model did.
import type { Model } from "../../../graph/model";
import type { Differences } from "./differences";
import { nodeOf, parseInput, type PatchedGraph } from "./graph";
import type { Values } from "./values";
import type { GraphVariable } from "./variables";
import { invalidName, isOpName } from "./write";

/** Writes the names that nodes are to have into `graph.wanted`. Throws `invalid-edit` where TensorFlow takes none such. */
export function wantNames(
  graph: PatchedGraph,
  variables: ReadonlyMap<string, GraphVariable>,
  before: Model,
  { renamed, pairs }: Differences,
  values: Values,
): void {
  const ofModel = new Set([...before.nodes.values()].flatMap((node) => node.origin));
  for (const variable of variables.values()) {
    const now = renamed.get(variable.model);
    if (now === undefined) continue;
    if (!isOpName(now)) throw invalidName(now);
    // Slots and averages are below the variable that they belong to.
    const others = [...variables.values()].filter(
      ({ model }) => model !== variable.model && isWithin(model, variable.model),
    );
    for (const name of within(graph.nodes.keys(), variable.model))
      if (!ofModel.has(name) && !others.some(({ node }) => isWithin(name, node.name)))
        graph.wanted.set(name, moved(name, variable.model, now));
  }
  for (const node of before.nodes.values()) {
    const now = pairs.nodes.get(node.name);
    const tensor = values.tensorOf(node);
    if (now === undefined || now.name === node.name || tensor === undefined) continue;
    const wanted = parseInput(now.name);
    // One of several outputs keeps its number.
    if (!isOpName(wanted.node) || wanted.output !== parseInput(tensor).output)
      throw invalidName(now.name);
    const [from, to] = scopes(nodeOf(tensor), wanted.node);
    for (const name of within(node.origin, from)) graph.wanted.set(name, moved(name, from, to));
  }
  for (const name of graph.nodes.keys()) wantGradientName(graph, name);
}

/** Gradients are named after the ops that they belong to, and found by that. */
function wantGradientName(graph: PatchedGraph, name: string): void {
  const [, scope, op, rest] =
    /^((?:.*?\/)??gradients(?:_\d+)?\/)(.+?)(_grad(?:\/.*)?)$/.exec(name) ?? [];
  const now = op === undefined ? undefined : graph.wanted.get(op);
  if (now !== undefined && graph.nodes.has(op!)) graph.wanted.set(name, `${scope}${now}${rest}`);
}

const isWithin = (name: string, scope: string): boolean =>
  name === scope || name.startsWith(`${scope}/`);

const within = (names: Iterable<string>, scope: string): string[] =>
  [...names].filter((name) => isWithin(name, scope));

const moved = (name: string, from: string, to: string): string => to + name.slice(from.length);

/** What differs of two names: "a/x" and "b/x" are the scopes "a" and "b". */
function scopes(old: string, now: string): [string, string] {
  const from = old.split("/");
  const to = now.split("/");
  while (from.length > 1 && to.length > 1 && from.at(-1) === to.at(-1)) {
    from.pop();
    to.pop();
  }
  return [from.join("/"), to.join("/")];
}
