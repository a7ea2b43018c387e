// How small and how large a node's output can be, as far as ops alone tell.
import type { Model, Node } from "./model";
import { ancestors } from "./order";

export interface Bounds {
  readonly least: number;
  readonly most: number;
}

const UNKNOWN: Bounds = { least: -Infinity, most: Infinity };
const SHARES: Bounds = { least: 0, most: 1 };
const POSITIVE: Bounds = { least: 0, most: Infinity };

/** Bounds of the output of `name` in inference. */
export function bounds(model: Model, name: string): Bounds {
  const needed = ancestors(model, [name]);
  const known = new Map<string, Bounds>();
  for (const node of model.nodes.values())
    if (needed.has(node.name)) known.set(node.name, boundsOf(node, known));
  return known.get(name) ?? UNKNOWN;
}

function boundsOf(node: Node, known: ReadonlyMap<string, Bounds>): Bounds {
  const inputs = node.inputs.map((ref) => ("node" in ref ? known.get(ref.node)! : UNKNOWN));
  switch (node.op) {
    case "Sigmoid":
    case "Softmax":
      return SHARES;
    case "Relu":
    case "Softplus":
    case "Exp":
    case "Abs":
    case "Square":
    case "Sqrt":
      return POSITIVE;
    case "Relu6":
      return { least: 0, most: 6 };
    case "MaxPool":
    case "AvgPool":
    case "Max":
    case "Min":
    case "Mean":
    case "Dropout":
    case "Reshape":
    case "Transpose":
    case "Squeeze":
    case "ExpandDims":
    case "Slice":
    case "Tile":
    case "Identity":
    case "StopGradient":
      return inputs[0];
    case "Pad":
      return around([inputs[0], { least: 0, most: 0 }]);
    case "Concat":
      return around(inputs);
    case "Add":
      return {
        least: inputs[0].least + inputs[1].least,
        most: inputs[0].most + inputs[1].most,
      };
    default:
      return UNKNOWN;
  }
}

const around = (all: readonly Bounds[]): Bounds => ({
  least: Math.min(...all.map(({ least }) => least)),
  most: Math.max(...all.map(({ most }) => most)),
});
