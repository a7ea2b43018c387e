// Names as TensorFlow has them: a variable stands in the scope of its layer, and of other characters there are a few only.
import type { Model, Node, Ref } from "../../../graph/model";

/** "0_W" of the layer "hidden" becomes "hidden/W"; what has a scope already keeps it. */
export function scopedNames(model: Model): Model {
  const scopes = new Map(
    model.layers.flatMap(({ name: layer, variables }) =>
      variables.map((name): [string, string] => [name, layer]),
    ),
  );
  const variableNames = named(model.variables.keys(), (name) => {
    const layer = scopes.get(name);
    return layer === undefined || name.includes("/") || !name.includes("_")
      ? name
      : `${layer}/${name.slice(name.lastIndexOf("_") + 1)}`;
  });
  const nodeNames = named(model.nodes.keys(), (name) => name);
  const variable = (name: string): string => variableNames.get(name)!;
  const node = (name: string): string => nodeNames.get(name)!;
  const renamed = (ref: Ref): Ref =>
    "variable" in ref ? { variable: variable(ref.variable) } : { node: node(ref.node) };
  const nodes = [...model.nodes.values()].map(
    (each) => ({ ...each, name: node(each.name), inputs: each.inputs.map(renamed) }) as Node,
  );
  const variables = [...model.variables.values()].map((each) => ({
    ...each,
    name: variable(each.name),
  }));
  const { inputs, output, labels, loss } = model.roles;
  return {
    ...model,
    variables: new Map(variables.map((each) => [each.name, each])),
    nodes: new Map(nodes.map((each) => [each.name, each])),
    shapes: new Map([...model.shapes].map(([name, shape]) => [node(name), shape])),
    layers: model.layers.map((layer) => ({
      ...layer,
      variables: layer.variables.map(variable),
      nodes: layer.nodes.map(node),
      ...(layer.output !== undefined && { output: node(layer.output) }),
    })),
    roles: {
      inputs: inputs.map(node),
      ...(output !== undefined && { output: node(output) }),
      ...(labels !== undefined && { labels: node(labels) }),
      ...(loss !== undefined && { loss: node(loss) }),
    },
  };
}

/** A name for each, with characters that TensorFlow takes, none twice. */
function named(
  names: Iterable<string>,
  wanted: (name: string) => string,
): ReadonlyMap<string, string> {
  const given = new Map<string, string>();
  const taken = new Set<string>();
  for (const name of names) {
    const plain = wanted(name)
      .replaceAll(/[^A-Za-z0-9_.\\/-]/g, "_")
      .replace(/^[^A-Za-z0-9.]/, "layer$&");
    let free = plain;
    for (let count = 1; taken.has(free); count++) free = `${plain}_${count}`;
    taken.add(free);
    given.set(name, free);
  }
  return given;
}
