// The units of a layer: which op makes them, and what moves with them.
import { GraftError } from "../../protocol/errors";
import type { LSTMInput } from "./catalogue";
import { groupFrom, type UnitGroup } from "./coupling/group";
import type { Model, Node } from "./model";
import { LSTM_BLOCKS, portOf } from "./recurrent";

/** A node with a kernel of its own; its units lie along that kernel's output axis. */
interface Product {
  readonly kernel: string;
  /** Axis of the kernel along which the units lie. */
  readonly axis: number;
  /** How often they lie there, one block after the other: once for each gate of an LSTM. */
  readonly blocks: number;
}

/** Where the units of an op lie: in which input, along which axis of it, how often. */
function unitsOf(node: Node): { port: number | undefined; axis: number; blocks: number } {
  switch (node.op) {
    case "MatMul":
      return { port: 1, axis: node.attributes.transposeB ? 0 : 1, blocks: 1 };
    case "Conv2D":
      return { port: 1, axis: 3, blocks: 1 };
    case "Conv2DTranspose":
      return { port: 1, axis: 2, blocks: 1 };
    case "LSTM": {
      const port = (input: LSTMInput) => portOf<"LSTM">(node.attributes.takes, input);
      return { port: port("kernel") ?? port("joinedKernel"), axis: 1, blocks: LSTM_BLOCKS };
    }
    case "GRU": {
      const { takes } = node.attributes;
      return { port: portOf<"GRU">(takes, "candidateKernel"), axis: 1, blocks: 1 };
    }
    default:
      return { port: undefined, axis: 0, blocks: 1 };
  }
}

function productOf({ nodes }: Model, node: Node): Product | undefined {
  const { port, axis, blocks } = unitsOf(node);
  const kernel = port === undefined ? undefined : node.inputs[port];
  if (kernel === undefined) return undefined;
  if ("variable" in kernel) return { kernel: kernel.variable, axis, blocks };
  // A kernel that is stored with its axes in another order.
  const read = nodes.get(kernel.node);
  const [stored] = read?.inputs ?? [];
  if (read?.op !== "Transpose" || !("variable" in stored)) return undefined;
  return { kernel: stored.variable, axis: read.attributes.permutation[axis], blocks };
}

/** The node of a layer that makes its units. */
export function unitProducer(model: Model, nodes: readonly string[]): Node | undefined {
  return nodes
    .map((name) => model.nodes.get(name))
    .find((node): node is Node => node !== undefined && productOf(model, node) !== undefined);
}

/** The kernel of a node that makes units. */
export const kernelOf = (model: Model, node: Node): string | undefined =>
  productOf(model, node)?.kernel;

/** How many units `producer` makes; -1 where that is not known. */
export function unitCount(model: Model, producer: Node): number {
  const product = productOf(model, producer);
  const size = product && model.variables.get(product.kernel)!.shape[product.axis];
  return size === undefined ? -1 : size / product!.blocks;
}

/** What the units that `producer` makes couple. Throws `invalid-edit` as `groupFrom` does. */
export function unitGroup(model: Model, producer: Node, name = producer.name): UnitGroup {
  const product = productOf(model, producer);
  if (product === undefined)
    throw new GraftError(
      "invalid-edit",
      `${producer.name} (${producer.op}) has no units of its own.`,
    );
  const { kernel, axis, blocks } = product;
  return groupFrom(model, { variable: kernel, axis, blocks }, name);
}
