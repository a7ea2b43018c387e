// Whether the graph trains or predicts: a scalar placeholder that is false unless the program feeds true.
import { numberOf } from "../dtypes";
import { numbers, shapeAttribute } from "../patch/tensors";
import { constantOf, type PatchedGraph } from "../patch/graph";
import type { NodeDef } from "../proto/tensorflow_pb";
import * as attribute from "./attributes";

/** The graph's own one, or a new one. `isOfModel`: what the model shows is a switch and no mode. */
export function modeOf(graph: PatchedGraph, isOfModel: (name: string) => boolean): string {
  const own = [...graph.nodes.values()].find(
    (node) => isMode(graph, node) && !isOfModel(node.name),
  );
  if (own !== undefined) return own.name;
  const fallback = graph.addConstant("training/input", numbers("bool", [], [0]));
  return graph.add({
    name: "training",
    op: "PlaceholderWithDefault",
    inputs: [fallback],
    attributes: { dtype: attribute.ofType("bool"), shape: attribute.shape([]) },
  });
}

function isMode(graph: PatchedGraph, node: NodeDef): boolean {
  if (node.op !== "PlaceholderWithDefault" || shapeAttribute(node)?.length !== 0) return false;
  const source = graph.inputNode(node, 0);
  const value = source === undefined ? undefined : constantOf(source);
  if (value?.dtype !== numberOf("bool")) return false;
  return !value.boolVal.some(Boolean) && !value.tensorContent.some((byte) => byte !== 0);
}
