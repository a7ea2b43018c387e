// The units of a layer: which op makes them, and what moves with them.
import { GraftError } from "../../protocol/errors";
import { groupFrom, type UnitGroup } from "./coupling/group";
import type { Model, Node } from "./model";
import { channelAxis } from "./shapes";

/** A node with a kernel of its own; its units lie along that kernel's output axis. */
interface Product {
  readonly kernel: string;
  /** Axis of the kernel along which the units lie. */
  readonly axis: number;
}

function productOf(node: Node): Product | undefined {
  const kernel = node.inputs[1];
  if (kernel === undefined || !("variable" in kernel)) return undefined;
  switch (node.op) {
    case "MatMul":
      return { kernel: kernel.variable, axis: node.attributes.transposeB ? 0 : 1 };
    case "Conv2D":
      return { kernel: kernel.variable, axis: 3 };
    case "Conv2DTranspose":
      return { kernel: kernel.variable, axis: 2 };
    default:
      return undefined;
  }
}

/** The node of a layer that makes its units. */
export function unitProducer(model: Model, nodes: readonly string[]): Node | undefined {
  return nodes
    .map((name) => model.nodes.get(name))
    .find((node): node is Node => node !== undefined && productOf(node) !== undefined);
}

/** The kernel of a node that makes units. */
export const kernelOf = (node: Node): string | undefined => productOf(node)?.kernel;

/** The axis of a node's output along which its units lie. */
export function unitAxis(model: Model, node: Node): number {
  const shape = model.shapes.get(node.name) ?? [];
  return node.op === "Conv2D" || node.op === "Conv2DTranspose"
    ? channelAxis(shape, node.attributes.dataFormat)
    : Math.max(0, shape.length - 1);
}

/** What the units that `producer` makes couple. Throws `invalid-edit` as `groupFrom` does. */
export function unitGroup(model: Model, producer: Node, name = producer.name): UnitGroup {
  const product = productOf(producer);
  if (product === undefined)
    throw new GraftError(
      "invalid-edit",
      `${producer.name} (${producer.op}) has no units of its own.`,
    );
  return groupFrom(model, { variable: product.kernel, axis: product.axis }, name);
}
