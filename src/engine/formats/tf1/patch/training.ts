// Which nodes are the training graph: gradients, updates, optimizer state, and whatever depends on them.
// Only finds them; the rest of the graph must work without them, so nothing that the forward pass computes with is among them.
import { GraftError } from "../../../../protocol/errors";
import type { Model } from "../../../graph/model";
import type { NodeDef } from "../proto/tensorflow_pb";
import { nodeOf, type PatchedGraph } from "./graph";
import { isAssign, isFed, isSave, isUpdate, isVariable } from "./ops";
import { shapeAttribute } from "./tensors";
import type { GraphVariable } from "./variables";

export interface TrainingGraph {
  /** Nodes to remove. */
  readonly nodes: ReadonlySet<string>;
  /** Variables among them: slots and an optimizer's powers. */
  readonly variables: readonly GraphVariable[];
  /** Names of the optimizers, which their train ops have. */
  readonly optimizers: readonly string[];
  /** Nodes among them that are neither gradients nor an optimizer's own: summaries, averages' updates. */
  readonly dependants: readonly string[];
}

type Variables = ReadonlyMap<string, GraphVariable>;

/** What goes in any case, and what stays. */
export interface Kept {
  /** Variables that go. */
  readonly dropped: ReadonlySet<string>;
  /** Ops that the forward pass yields: they stay, with all that they are computed from. */
  readonly roots: readonly string[];
  /** Forward ops that go, with what depends on them or is computed for them alone. */
  readonly lost: readonly string[];
  /** Forward ops that stay even where nothing reads them any more. */
  readonly kept: ReadonlySet<string>;
}

/** `model` is that of the source. */
export function trainingGraph(
  graph: PatchedGraph,
  variables: Variables,
  model: Model,
  { dropped, roots, lost, kept }: Kept,
): TrainingGraph {
  const needed = graph.sources(roots);
  const goes = new Set(lost);
  const updates = [...graph.nodes.values()].filter(isUpdate);
  const seeds = [...graph.nodes.values()].filter(
    (node) => isUpdate(node) || isGradient(node.name) || goes.has(node.name),
  );
  const training = dependants(graph, seeds, needed, () => true);
  const state = [...variables.values()].filter(
    (variable) =>
      dropped.has(variable.model) ||
      (!needed.has(variable.node.name) && isState(graph, variables, variable, model, training)),
  );
  // Control edges are not followed here: `init` waits for a slot's initializer, and must stay.
  const reading = dependants(
    graph,
    state.map((variable) => variable.node),
    needed,
    (input) => !input.startsWith("^"),
  );
  const nodes = new Set([...training, ...reading]);
  const scopes = updates.flatMap(({ name }) => /^(.+?\/)update_/.exec(name)?.[1] ?? []);
  const initial = graph.sources(
    state.flatMap(({ initializer: init }) => init?.input[1] ?? []).map(nodeOf),
  );
  const named = new Set([...variables.values()].flatMap((variable) => variable.named));
  const forLost = graph.sources(lost.filter((name) => nodes.has(name)));
  removeUnused(graph, nodes, (name) => {
    const node = graph.nodes.get(name);
    if (needed.has(name) || kept.has(name) || isVariable(node)) return false;
    if (forLost.has(name) && !named.has(name) && !isFed(node)) return true;
    return initial.has(name) || scopes.some((scope) => name.startsWith(scope));
  });
  const ofModel = new Set([...model.nodes.values()].flatMap((node) => node.origin));
  const stuck = state.find((variable) => !nodes.has(variable.node.name));
  if (stuck !== undefined)
    throw new GraftError(
      "unsupported-op",
      `${stuck.model} cannot be left out: the graph computes with it. Keep the layer, or freeze it.`,
    );
  return {
    nodes,
    variables: state,
    optimizers: [...new Set(scopes)].map((scope) => scope.slice(0, -1)),
    dependants: [...training].filter((name) => {
      const own = ofModel.has(name) || scopes.some((scope) => `${name}/`.startsWith(scope));
      return !own && !isGradient(name) && graph.users(name).every(isSave);
    }),
  };
}

/** `tf.gradients` works in a scope of this name, wherever it is called. */
export const isGradient = (name: string): boolean =>
  name
    .split("/")
    .slice(0, -1)
    .some((scope) => /^gradients(_\d+)?$/.test(scope));

/** Everything that follows from `seeds` by edges that `follow` takes; savers stay and are patched instead. */
function dependants(
  graph: PatchedGraph,
  seeds: readonly NodeDef[],
  needed: ReadonlySet<string>,
  follow: (input: string) => boolean,
): Set<string> {
  const found = new Set<string>();
  const open = seeds.filter((seed) => !needed.has(seed.name)).map((seed) => seed.name);
  for (let name = open.pop(); name !== undefined; name = open.pop()) {
    if (found.has(name)) continue;
    found.add(name);
    for (const user of graph.users(name)) {
      if (needed.has(user.name) || isSave(user)) continue;
      if (user.input.some((input) => nodeOf(input) === name && follow(input))) open.push(user.name);
    }
  }
  return found;
}

/**
 * Slots, and powers such as Adam's beta1_power. A step counter (an integer) is the program's own, and so are
 * averages, which are values to keep.
 */
function isState(
  graph: PatchedGraph,
  variables: Variables,
  variable: GraphVariable,
  model: Model,
  training: ReadonlySet<string>,
): boolean {
  const { name } = variable.node;
  const role = model.variables.get(variable.model)?.role;
  if (role === "slot") return true;
  if (variable.trainable) return false;
  return graph.users(name).some((user) => {
    if (!training.has(user.name)) return false;
    const place = user.input.map(nodeOf).indexOf(name);
    if (isUpdate(user)) return place > 0;
    if (place !== 0 || !isAssign(user) || !isFloat(variable.node)) return false;
    // Adam on an embedding assigns its slots without an Apply op.
    const owned = variables.has(name.slice(0, name.lastIndexOf("/")));
    return (owned || isScalar(variable.node)) && role !== "average" && role !== "statistic";
  });
}

const isScalar = (node: NodeDef): boolean => shapeAttribute(node)?.length === 0;

const isFloat = (node: NodeDef): boolean => {
  const type = node.attr["dtype"]?.value;
  return type?.case === "type" && FLOATS.includes(type.value);
};

/** float32, float64, bfloat16, float16 */
const FLOATS: readonly number[] = [1, 2, 14, 19];

/** Adds nodes that only removed nodes use, as far as `mayGo`. */
function removeUnused(
  graph: PatchedGraph,
  removed: Set<string>,
  mayGo: (name: string) => boolean,
): void {
  const open = [...removed];
  for (let name = open.pop(); name !== undefined; name = open.pop())
    for (const input of graph.nodes.get(name)?.input ?? []) {
      const source = nodeOf(input);
      if (removed.has(source) || !mayGo(source)) continue;
      if (!graph.users(source).every((user) => removed.has(user.name))) continue;
      removed.add(source);
      open.push(source);
    }
}
