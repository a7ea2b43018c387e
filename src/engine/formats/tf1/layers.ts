// stand-in
import type { Layer, Node, Shape, Variable } from "../../graph/model";
const scope = (n: string) => n.includes("/") ? n.slice(0, n.lastIndexOf("/")) : n;
export function groupVariables(variables: ReadonlyMap<string, Variable>): Layer[] {
  const by = new Map<string, string[]>();
  for (const v of variables.values()) if (v.role === "weight" || v.role === "statistic" || v.role === "unused") by.set(scope(v.name), [...(by.get(scope(v.name)) ?? []), v.name]);
  return [...by].map(([name, vs]) => ({ name, kind: "variables", variables: vs, nodes: [] }));
}
export function groupLayers({ nodes, variables }: { nodes: ReadonlyMap<string, Node>; variables: ReadonlyMap<string, Variable>; shapes: ReadonlyMap<string, Shape> }): Layer[] {
  const layers: { name: string; kind: string; variables: string[]; nodes: string[]; output?: string }[] = [];
  const uses = new Map<string, string[]>();
  for (const n of nodes.values()) for (const i of n.inputs) if ("node" in i) uses.set(i.node, [...(uses.get(i.node) ?? []), n.name]);
  const taken = new Set<string>();
  for (const n of nodes.values()) {
    const k = n.inputs[1];
    if ((n.op !== "MatMul" && n.op !== "Conv2D" && n.op !== "BatchNorm") || !k || !("variable" in k) || taken.has(n.name)) continue;
    const layer = { name: scope(k.variable), kind: n.op === "MatMul" ? "dense" : n.op === "Conv2D" ? "conv2d" : "batchNorm", variables: [] as string[], nodes: [] as string[], output: n.name };
    const add = (x: Node) => { layer.nodes.push(x.name); taken.add(x.name); layer.output = x.name; for (const i of x.inputs) if ("variable" in i && !layer.variables.includes(i.variable)) layer.variables.push(i.variable); };
    add(n);
    for (let at = n.name; (uses.get(at) ?? []).length >= 1; ) {
      const next = nodes.get(uses.get(at)![0])!;
      if (["BiasAdd", "Add"].includes(next.op) && next.inputs.some((i) => "variable" in i)) add(next);
      else if (["Relu", "Tanh", "Sigmoid"].includes(next.op) && uses.get(at)!.length === 1) add(next);
      else break;
      at = next.name;
    }
    layers.push(layer);
  }
  void variables;
  return layers;
}
