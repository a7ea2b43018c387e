// The network as it was, beside the network as an edit makes it: frozen copies, and a switch between both outputs.
import {
  isFrozen,
  type Model,
  type Node,
  type Ref,
  type Value,
  type Variable,
} from "../graph/model";
import { ancestors } from "../graph/order";
import { newNode } from "./blocks";
import { outputOf } from "./output";
import { changed, freeName, reading, readersOf } from "./rewire";

/** The placeholder of the switch that `withOldBranch` adds. */
export const newSwitch = (before: Model): string => freeName(before, "graft/use_new");

/**
 * `after` with copies of what `before` computes its output by: every node that depends on a variable that trains or is in
 * `resized`, and all its variables. The output is the switch's, which is true unless it is fed.
 */
export function withOldBranch(before: Model, after: Model, resized: ReadonlySet<string>): Model {
  const output = outputOf(before);
  const prefix = freeName(before, "graft/old");
  const copied = nodesToCopy(before, output, resized);
  const variables = new Map<string, Variable>();
  const copyOf = (ref: Ref): Ref => {
    if ("node" in ref) return copied.has(ref.node) ? { node: `${prefix}/${ref.node}` } : ref;
    const copy = keptCopy(before.variables.get(ref.variable)!, prefix);
    variables.set(copy.name, copy);
    return { variable: copy.name };
  };
  const old = [...copied].map((name): Node => {
    const node = before.nodes.get(name)!;
    return { ...node, name: `${prefix}/${name}`, inputs: node.inputs.map(copyOf), origin: [] };
  });
  const chooses = newNode(newSwitch(before), "Placeholder", [], { dtype: "bool", value: 1 });
  const selected = newNode(
    freeName(before, "graft/output"),
    "Select",
    [{ node: chooses.name }, { node: output }, { node: `${prefix}/${output}` }],
    { rows: false },
  );
  const readers = readersOf(after, output).map((reader) =>
    reading(reader, output, { node: selected.name }),
  );
  const both = changed(after, {
    nodes: [...old, chooses, selected, ...readers],
    variables: [...variables.values()],
  });
  return {
    ...both,
    layers: [...both.layers, ...keptLayers(before, copied, prefix, variables)],
    shapes: new Map(both.shapes).set(chooses.name, []),
    roles: { ...both.roles, output: selected.name },
  };
}

function nodesToCopy(model: Model, output: string, resized: ReadonlySet<string>): Set<string> {
  const needed = ancestors(model, [output]);
  const copied = new Set<string>();
  for (const { name, inputs } of model.nodes.values()) {
    const differs = inputs.some((input) =>
      "node" in input
        ? copied.has(input.node)
        : resized.has(input.variable) || !isFrozen(model.variables.get(input.variable)!),
    );
    if (needed.has(name) && differs) copied.add(name);
  }
  return copied;
}

const keptCopy = ({ name, origin, dtype, shape, value }: Variable, prefix: string): Variable => ({
  name: `${prefix}/${name}`,
  dtype,
  shape,
  value: drawnFor(origin ?? name, value),
  role: "kept",
  trainable: [],
});

/** Fresh numbers are the same in a copy. */
function drawnFor(name: string, value: Value): Value {
  switch (value.from) {
    case "stored":
      return value;
    case "initializer":
      return { drawnFor: name, ...value };
    case "concat":
      return { ...value, parts: value.parts.map((part) => drawnFor(name, part)) };
    case "take":
    case "sum":
    case "scale":
    case "power":
    case "transpose":
      return { ...value, part: drawnFor(name, value.part) };
  }
}

/** The copies, layer by layer. */
function keptLayers(
  before: Model,
  copied: ReadonlySet<string>,
  prefix: string,
  variables: ReadonlyMap<string, Variable>,
): Model["layers"] {
  return before.layers.flatMap((layer) => {
    const nodes = layer.nodes.filter((name) => copied.has(name));
    if (nodes.length === 0) return [];
    const own = (name: string) => `${prefix}/${name}`;
    return [
      {
        name: own(layer.name),
        kind: layer.kind,
        nodes: nodes.map(own),
        variables: layer.variables.map(own).filter((name) => variables.has(name)),
        output: own(nodes.at(-1)!),
      },
    ];
  });
}
