// The units of a layer: which op makes them, and what moves with them.
import { GraftError } from "../../protocol/errors";
import type { LSTMInput } from "./catalogue";
import { groupFrom, type Seed, type UnitGroup } from "./coupling/group";
import type { Layer, Model, Node, Ref, Shape } from "./model";
import { ancestors } from "./order";
import { LSTM_BLOCKS, portOf } from "./recurrent";
import { fromStart } from "./shapes";

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

/** A kernel may be stored in another order than the op takes it in. */
function productOf({ nodes }: Pick<Model, "nodes">, node: Node): Product | undefined {
  const { port, axis, blocks } = unitsOf(node);
  const kernel = port === undefined ? undefined : node.inputs[port];
  if (kernel === undefined) return undefined;
  if ("variable" in kernel) return { kernel: kernel.variable, axis, blocks };
  const turned = nodes.get(kernel.node);
  const [stored] = turned?.inputs ?? [];
  if (turned?.op !== "Transpose" || stored === undefined || !("variable" in stored))
    return undefined;
  return { kernel: stored.variable, axis: turned.attributes.permutation[axis], blocks };
}

/** The node of a layer that makes its units. */
export function unitProducer(model: Model, nodes: readonly string[]): Node | undefined {
  return nodes
    .map((name) => model.nodes.get(name))
    .find((node): node is Node => node !== undefined && productOf(model, node) !== undefined);
}

/** The kernel of a node that makes units. */
export const kernelOf = (model: Pick<Model, "nodes">, node: Node): string | undefined =>
  productOf(model, node)?.kernel;

export interface UnitSizes {
  /** Numbers that each unit reads: features, or channels. */
  readonly inputs: number;
  readonly units: number;
  /** Height and width of a convolution's window. */
  readonly window?: readonly [number, number];
}

/** The sizes of the op that makes units; -1 where one is not known. */
export function unitSizes(model: Model, producer: Node): UnitSizes {
  const units = unitCount(model, producer);
  const [x, kernel] = producer.inputs.map((ref) => shapeOf(model, ref));
  const sizes = (inputs: number | undefined) => ({ inputs: inputs ?? -1, units });
  switch (producer.op) {
    case "MatMul":
      return sizes(kernel?.[producer.attributes.transposeB ? 1 : 0]);
    case "Conv2D":
      return { ...sizes(kernel?.[2]), window: [kernel?.[0] ?? -1, kernel?.[1] ?? -1] };
    case "Conv2DTranspose":
      return { ...sizes(kernel?.[3]), window: [kernel?.[0] ?? -1, kernel?.[1] ?? -1] };
    default:
      return sizes(x?.at(-1));
  }
}

const shapeOf = (model: Model, ref: Ref): Shape | undefined =>
  "node" in ref ? model.shapes.get(ref.node) : model.variables.get(ref.variable)?.shape;

/** How many units `producer` makes; -1 where that is not known. */
export function unitCount(model: Model, producer: Node): number {
  const product = productOf(model, producer);
  const size = product && model.variables.get(product.kernel)!.shape[product.axis];
  return size === undefined ? -1 : size / product!.blocks;
}

/**
 * What the units of `layer`, which `producer` makes, couple. Where the layer joins cells that run both ways, a unit is one
 * of each of them. Throws `invalid-edit` as `groupFrom` does.
 */
export function layerGroup(model: Model, { name, nodes }: Layer, producer: Node): UnitGroup {
  const ways = joinedWays(model, nodes);
  return ways === undefined ? unitGroup(model, producer, name) : groupFrom(model, ways, name);
}

/** Where a layer joins its cells along the units: the units of one behind those of the other. */
export function joinedWays(model: Model, nodes: readonly string[]): Seed | undefined {
  const isCell = (name: string): boolean => ["LSTM", "GRU"].includes(model.nodes.get(name)!.op);
  const cellsBefore = (ref: Ref): string[] =>
    "node" in ref
      ? [...ancestors(model, [ref.node])].filter((name) => nodes.includes(name) && isCell(name))
      : [];
  for (const name of nodes) {
    const node = model.nodes.get(name)!;
    if (node.op !== "Concat") continue;
    const axis = fromStart(node.attributes.axis, model.shapes.get(name)!.length);
    const cells = node.inputs.map(cellsBefore);
    const sizes = node.inputs.map((input) => shapeOf(model, input)?.[axis]);
    const isOfUnits = axis === model.shapes.get(name)!.length - 1;
    const isEven = new Set(sizes).size === 1;
    if (isOfUnits && isEven && cells.length > 1 && cells.every((each) => each.length === 1))
      return { node: name, axis, blocks: cells.length };
  }
  return undefined;
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
