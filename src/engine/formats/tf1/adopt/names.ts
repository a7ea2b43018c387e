// Names as TensorFlow has them: a variable stands in the scope of its layer.
import type { Layer, Model, Ref, Variable } from "../../../graph/model";

/** "0_W" of the layer "0" becomes "0/W"; what is named otherwise keeps its name. */
export function scopedNames(model: Model): Model {
  const names = new Map(
    model.layers.flatMap((layer) =>
      layer.variables.map((name): [string, string] => [name, scoped(layer, name)]),
    ),
  );
  const now = (name: string): string => names.get(name) ?? name;
  const renamed = (ref: Ref): Ref => ("variable" in ref ? { variable: now(ref.variable) } : ref);
  const variables = [...model.variables.values()].map((variable): Variable => ({
    ...variable,
    name: now(variable.name),
  }));
  const nodes = [...model.nodes.values()].map((node) => ({
    ...node,
    inputs: node.inputs.map(renamed),
  }));
  return {
    ...model,
    variables: new Map(variables.map((each) => [each.name, each])),
    nodes: new Map(nodes.map((node) => [node.name, node])),
    layers: model.layers.map((layer) => ({ ...layer, variables: layer.variables.map(now) })),
  };
}

const scoped = ({ name: layer }: Layer, name: string): string =>
  name.startsWith(`${layer}_`) ? `${layer}/${name.slice(layer.length + 1)}` : name;
