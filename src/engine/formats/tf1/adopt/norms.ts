// Batch norms keep their variance in TensorFlow, whatever else the source keeps in its place.
import type { Model, Node } from "../../../graph/model";

/** Every logarithm of a deviation as the variance: σ² = 100 ^ log₁₀ σ. */
export function withVariances(model: Model): Model {
  const variables = new Map(model.variables);
  const names = new Map<string, string>();
  const nodes = [...model.nodes.values()].map((node): Node => {
    if (node.op !== "BatchNorm" || node.attributes.keeps === undefined) return node;
    const { keeps: _, ...attributes } = node.attributes;
    const kept = node.inputs.at(-1)!;
    const variable = "variable" in kept ? model.variables.get(kept.variable) : undefined;
    if (variable === undefined) return node;
    const name = variable.name.replace(/log10stdev$/, "var");
    const { shape, value: part } = variable;
    variables.delete(variable.name);
    variables.set(name, { ...variable, name, value: { from: "power", base: 100, part, shape } });
    names.set(variable.name, name);
    return { ...node, attributes, inputs: node.inputs.with(-1, { variable: name }) };
  });
  const layers = model.layers.map((layer) => ({
    ...layer,
    variables: layer.variables.map((name) => names.get(name) ?? name),
  }));
  return { ...model, variables, layers, nodes: new Map(nodes.map((node) => [node.name, node])) };
}
