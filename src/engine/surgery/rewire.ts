// Changing the graph itself: nodes that come, go, and read something else. All pure; order is restored at the end.
import { GraftError } from "../../protocol/errors";
import type { Layer, Model, Node, Ref, Variable } from "../graph/model";
import { ancestors, consumers, dependencyOrder } from "../graph/order";

export interface GraphChange {
  /** New nodes, and kept ones as they are now. */
  readonly nodes?: readonly Node[];
  readonly variables?: readonly Variable[];
  readonly removed?: ReadonlySet<string>;
}

/** The model with the change, its nodes in order again. Shapes of new nodes come with `reinfer`. */
export function changed(model: Model, { nodes = [], variables = [], removed }: GraphChange): Model {
  const all = new Map(model.nodes);
  for (const node of nodes) all.set(node.name, node);
  for (const name of removed ?? []) all.delete(name);
  const order = dependencyOrder(all.keys(), (name) =>
    all.get(name)!.inputs.flatMap((input) => ("node" in input ? [input.node] : [])),
  );
  const values = new Map(model.variables);
  for (const variable of variables) values.set(variable.name, variable);
  return {
    ...model,
    nodes: new Map(order.map((name) => [name, all.get(name)!])),
    variables: values,
  };
}

/** `node` with every input that is the node `from` replaced by `to`. */
export const reading = (node: Node, from: string, to: Ref): Node => ({
  ...node,
  inputs: node.inputs.map((input) => ("node" in input && input.node === from ? to : input)),
});

/** The nodes that read `name`, in order. */
export const readersOf = (model: Model, name: string): readonly Node[] =>
  (consumers(model).get(name) ?? []).map((reader) => model.nodes.get(reader)!);

/**
 * `nodes` between `from` and those of its readers that `takes` chooses (all, unless told otherwise): they read the last of
 * `nodes` then.
 */
export function spliced(
  model: Model,
  from: string,
  block: Block,
  takes: (reader: Node) => boolean = () => true,
): Model {
  const last = block.nodes.at(-1)!.name;
  const readers = readersOf(model, from)
    .filter(takes)
    .map((reader) => reading(reader, from, { node: last }));
  return changed(model, { ...block, nodes: [...block.nodes, ...readers] });
}

/** Nodes and variables of a new layer; its output is that of the last node. */
export interface Block {
  readonly nodes: readonly Node[];
  readonly variables: readonly Variable[];
}

/** `layer` in the list of layers, behind `after`, or first. */
export const withLayer = (model: Model, layer: Layer, after: string | undefined): Model => ({
  ...model,
  layers: model.layers.toSpliced(
    model.layers.findIndex(({ name }) => name === after) + 1,
    0,
    layer,
  ),
});

/**
 * The model without nodes that neither its roles, nor `kept`, nor any kept node needs any more, and without the variables
 * that only they used. `from`: the nodes whose readers have gone; only what they depended on is looked at.
 */
export function pruned(model: Model, from: Iterable<string>, kept: readonly string[] = []): Model {
  const candidates = ancestors(model, from);
  const { inputs, output, labels, loss } = model.roles;
  const fixed = new Set([...inputs, output, labels, loss, ...kept]);
  const uses = new Map([...consumers(model)].map(([name, readers]) => [name, readers.length]));
  const removed = new Set<string>();
  for (const node of [...model.nodes.values()].reverse()) {
    if (!candidates.has(node.name) || fixed.has(node.name) || node.op === "Placeholder") continue;
    if (uses.get(node.name)! > 0) continue;
    removed.add(node.name);
    for (const input of new Set(node.inputs.flatMap((each) => ("node" in each ? [each.node] : []))))
      uses.set(input, uses.get(input)! - 1);
  }
  return withoutNodes(model, removed);
}

/** The model without some nodes, which no other reads, and without the variables that only they used. */
export function withoutNodes(model: Model, removed: ReadonlySet<string>): Model {
  const nodes = new Map([...model.nodes].filter(([name]) => !removed.has(name)));
  const used = (of: Iterable<Node>): Set<string> =>
    new Set(
      [...of].flatMap(({ inputs }) =>
        inputs.flatMap((input) => ("variable" in input ? [input.variable] : [])),
      ),
    );
  const still = used(nodes.values());
  const gone = [...used([...removed].map((name) => model.nodes.get(name)!))];
  return withoutVariables({ ...model, nodes }, new Set(gone.filter((name) => !still.has(name))));
}

/** Without `gone`, their slots and averages; layers that have nothing left go too, and names of nodes that went. */
function withoutVariables(model: Model, gone: ReadonlySet<string>): Model {
  const variables = new Map(
    [...model.variables].filter(
      ([name, { of }]) => !gone.has(name) && !(of !== undefined && gone.has(of)),
    ),
  );
  const aliases = new Map([...model.aliases].filter(([, node]) => model.nodes.has(node)));
  const layers = model.layers.flatMap((layer) => {
    const nodes = layer.nodes.filter((name) => model.nodes.has(name));
    const kept = layer.variables.filter((name) => variables.has(name));
    const isGone =
      (layer.nodes.length > 0 && nodes.length === 0) ||
      (layer.variables.length > 0 && kept.length === 0);
    if (isGone || nodes.length + kept.length === 0) return [];
    if (nodes.length === layer.nodes.length && kept.length === layer.variables.length)
      return [layer];
    const { output, ...rest } = layer;
    const still = output !== undefined && model.nodes.has(output) ? output : nodes.at(-1);
    return [{ ...rest, nodes, variables: kept, ...(still !== undefined && { output: still }) }];
  });
  return { ...model, variables, layers, aliases };
}

/** What has the name `name` already, or a name within it. */
function takenBy(model: Model, name: string): string | undefined {
  const all = [
    ...model.layers.map((layer) => layer.name),
    ...model.nodes.keys(),
    ...model.variables.keys(),
    ...model.aliases.keys(),
  ];
  return all.find((each) => each === name || each.startsWith(`${name}/`));
}

/** What TensorFlow takes as a name; other formats are not as strict. */
const LEGAL = /^[A-Za-z0-9.][A-Za-z0-9_.-]*(\/[A-Za-z0-9_.-]+)*$/;

/** Refuses what is no name for a layer or variable. */
export function refuseIllegal(name: string): void {
  if (!LEGAL.test(name))
    throw new GraftError(
      "invalid-edit",
      `${name} is no name for a layer or variable: it has letters, digits, "_", "-" and ".", with "/" between scopes, and begins with a letter, a digit or ".".`,
    );
}

/** Refuses a name for a new layer that is none, or that something in the model has already. */
export function refuseTaken(model: Model, name: string): void {
  refuseIllegal(name);
  const taken = takenBy(model, name);
  if (taken !== undefined)
    throw new GraftError(
      "invalid-edit",
      `The name ${name} is taken: the network has ${taken} already. Choose another name.`,
    );
}

/** `name`, or with the first number behind it that is free: "dense", "dense_1". */
export function freeName(model: Model, name: string): string {
  for (let n = 0; ; n++) {
    const candidate = n === 0 ? name : `${name}_${n}`;
    if (takenBy(model, candidate) === undefined) return candidate;
  }
}
