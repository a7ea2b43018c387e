// Sizes that nodes mention themselves: the target of a reshape, the depth of a one-hot, the shape of a placeholder.
import { GraftError } from "../../protocol/errors";
import type { Model, Node } from "../graph/model";

export interface NewSize {
  readonly node: string;
  readonly axis: number;
  readonly size: number;
}

/** Writes new sizes of nodes' outputs where the nodes mention the old ones; all others follow from their inputs. */
export function withSizes(model: Model, sizes: readonly NewSize[]): Model {
  const nodes = new Map(model.nodes);
  const shapes = new Map(model.shapes);
  for (const { node: name, axis, size } of sizes) {
    const node = nodes.get(name)!;
    if (node.op === "Placeholder") shapes.set(name, shapes.get(name)!.with(axis, size));
    else nodes.set(name, withSize(node, axis, size));
  }
  return { ...model, nodes, shapes };
}

function withSize(node: Node, axis: number, size: number): Node {
  switch (node.op) {
    case "Reshape": {
      const { shape } = node.attributes;
      return shape[axis] < 0 ? node : { ...node, attributes: { shape: shape.with(axis, size) } };
    }
    case "OneHot":
      return { ...node, attributes: { ...node.attributes, depth: size } };
    case "Const":
      throw new GraftError(
        "invalid-edit",
        `${node.name} is a constant of the old size, so its layer cannot be resized.`,
      );
    default:
      return node;
  }
}
