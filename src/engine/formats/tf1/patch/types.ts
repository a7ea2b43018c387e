// The element type of a tensor of the graph, as the attributes of the op that makes it say.
import { numberOf } from "../dtypes";
import type { NodeDef } from "../proto/tensorflow_pb";
import { parseInput, type PatchedGraph } from "./graph";

/** TensorFlow's number of the type; float32 where the op does not say. */
export function tensorType(graph: PatchedGraph, tensor: string): number {
  const { node: name, output } = parseInput(tensor);
  const node = graph.nodes.get(name);
  if (node === undefined) return numberOf("float32");
  if (/^(Equal|NotEqual|Greater|GreaterEqual|Less|LessEqual|Logical.*|InTopK(V2)?)$/.test(node.op))
    return numberOf("bool");
  // A flow is a number of no meaning, whatever the array holds.
  if (/^TensorArray(Scatter|Write)V3$/.test(node.op)) return numberOf("float32");
  if (node.op === "TensorArrayV3") return output === 0 ? RESOURCE : numberOf("float32");
  for (const attribute of NAMES[node.op] ?? ["T", "dtype"]) {
    const value = node.attr[attribute]?.value;
    // Types from 100 on are those of references to variables.
    if (value?.case === "type") return value.value % 100;
    if (value?.case === "list" && output < value.value.type.length)
      return value.value.type[output]! % 100;
  }
  return numberOf(DEFAULTS[node.op] ?? "float32");
}

/** A handle. */
const RESOURCE = 20;

/** Attributes that name the type, where it is neither T nor dtype. */
const NAMES: Readonly<Record<NodeDef["op"], readonly string[]>> = {
  ArgMax: ["output_type"],
  Cast: ["DstT"],
  Gather: ["Tparams"],
  GatherV2: ["Tparams"],
  IteratorGetNext: ["output_types"],
  QueueDequeueV2: ["component_types"],
  QueueDequeueManyV2: ["component_types"],
  QueueDequeueUpToV2: ["component_types"],
  Shape: ["out_type"],
};

/** What a file leaves out. */
const DEFAULTS: Readonly<Record<string, "int32" | "int64">> = { ArgMax: "int64", Shape: "int32" };
