// Order and reach in a graph. Iterative throughout: a chain of a hundred thousand nodes must not overflow the stack.
import { GraftError } from "../../protocol/errors";
import { isFrozen, type Model, type Node, type Variable } from "./model";

/** `names` and every node that they depend on. */
export function ancestors(model: Pick<Model, "nodes">, names: Iterable<string>): Set<string> {
  const reached = new Set<string>();
  const open = [...names];
  for (let name = open.pop(); name !== undefined; name = open.pop()) {
    const node = model.nodes.get(name);
    if (node === undefined || reached.has(name)) continue;
    reached.add(name);
    for (const input of inputNames(node)) open.push(input);
  }
  return reached;
}

/** `names` and every node that depends on them. */
export function descendants(model: Pick<Model, "nodes">, names: Iterable<string>): Set<string> {
  const reached = new Set<string>(names);
  for (const node of model.nodes.values())
    if (inputNames(node).some((input) => reached.has(input))) reached.add(node.name);
  return reached;
}

/** The nodes that read each node's output, in the model's order. A node that reads it twice is listed once. */
export function consumers(model: Pick<Model, "nodes">): Map<string, string[]> {
  const uses = new Map<string, string[]>([...model.nodes.keys()].map((name) => [name, []]));
  for (const node of model.nodes.values())
    for (const input of new Set(inputNames(node))) uses.get(input)?.push(node.name);
  return uses;
}

/** Variables that the graph's nodes read, or those of its nodes that are named. */
export function usedVariables(
  model: Model,
  nodes: Iterable<string> = model.nodes.keys(),
): Variable[] {
  const names = new Set<string>();
  for (const node of nodes)
    for (const input of model.nodes.get(node)!.inputs)
      if ("variable" in input) names.add(input.variable);
  return [...names].map((name) => model.variables.get(name)!);
}

/** Variables that training moves: not frozen, and the loss depends on them. */
export function trainedVariables(model: Model): Variable[] {
  return usedVariables(model, ancestors(model, [model.roles.loss!])).filter(
    (each) => !isFrozen(each),
  );
}

/** `keys` and what they depend on, dependencies first. Throws `corrupt-file` naming a node of a cycle. */
export function dependencyOrder(
  keys: Iterable<string>,
  dependencies: (key: string) => readonly string[],
): string[] {
  const sorted: string[] = [];
  const state = new Map<string, "open" | "done">();
  for (const root of keys) {
    if (state.has(root)) continue;
    state.set(root, "open");
    const path = [{ key: root, rest: dependencies(root).values() }];
    for (let top = path.at(-1); top !== undefined; top = path.at(-1)) {
      const next = top.rest.next();
      if (next.done === true) {
        state.set(top.key, "done");
        sorted.push(top.key);
        path.pop();
        continue;
      }
      const key = next.value;
      if (state.get(key) === "open")
        throw cycle(
          path.map((each) => each.key),
          key,
        );
      if (state.has(key)) continue;
      state.set(key, "open");
      path.push({ key, rest: dependencies(key).values() });
    }
  }
  return sorted;
}

const inputNames = (node: Node | undefined): string[] =>
  (node?.inputs ?? []).flatMap((input) => ("node" in input ? [input.node] : []));

function cycle(path: readonly string[], again: string): GraftError {
  const around = path.slice(path.indexOf(again)).toReversed();
  const shown = around.length > 6 ? [...around.slice(0, 5), "…"] : around;
  return new GraftError(
    "corrupt-file",
    `The graph is damaged: "${again}" depends on itself (${[again, ...shown.filter((name) => name !== again), again].join(" → ")}).`,
  );
}
