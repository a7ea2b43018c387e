// How the units of a layer couple variables: what must be resized together when units come or go.
// See "dependency groups" in Fang et al., "DepGraph: Towards any structural pruning", CVPR 2023.
import { GraftError } from "../../protocol/errors";
import type { OpName } from "./catalogue";
import { elements, type Model, type Node } from "./model";
import { consumers } from "./order";

export interface UnitAxis {
  readonly variable: string;
  readonly axis: number;
}

/** The variables that a layer's units run through. */
export interface UnitGroup {
  readonly units: number;
  /** Variables with one slice per unit: the kernel's output axis, the bias, a batch norm's four. */
  readonly own: readonly UnitAxis[];
  /** Variables of the layers that read the units: one slice per unit along their input axis. */
  readonly readers: readonly UnitAxis[];
  /** Whether the units are the classes of the graph's output. */
  readonly reachesOutput: boolean;
  /** Nodes behind the output that name the number of classes. */
  readonly behindOutput: readonly string[];
}

/** The variable axis along which an op makes its units; undefined for ops that own none. */
function producedAxis(node: Node): UnitAxis | undefined {
  const kernel = node.inputs[1];
  if (kernel === undefined || !("variable" in kernel)) return undefined;
  if (node.op === "MatMul")
    return { variable: kernel.variable, axis: node.attributes.transposeB ? 0 : 1 };
  if (node.op === "Conv2D") return { variable: kernel.variable, axis: 3 };
  return undefined;
}

/** Ops through which units pass one to one. */
const UNITWISE: ReadonlySet<OpName> = new Set<OpName>([
  ...(["Relu", "Relu6", "Elu", "Selu", "LeakyRelu", "Sigmoid", "Tanh", "Softplus"] as const),
  ...(["Exp", "Log", "Log1p", "Neg", "Abs", "Square", "Sqrt", "Rsqrt", "Floor"] as const),
  ...(["Identity", "StopGradient", "Cast", "Dropout", "MaxPool", "AvgPool"] as const),
]);

/** Ops that measure a variable without tying its axes to an activation. */
const INDIFFERENT: ReadonlySet<OpName> = new Set<OpName>([
  "L2Loss",
  "Abs",
  "Square",
  "Sum",
  "Mean",
]);

/** The node of a layer that makes its units. */
export function unitProducer(model: Model, nodes: readonly string[]): Node | undefined {
  return nodes
    .map((name) => model.nodes.get(name))
    .find((node): node is Node => node !== undefined && producedAxis(node) !== undefined);
}

/**
 * What the units of `producer` couple. Throws `invalid-edit` where they run through an op that ties them to
 * something that cannot be resized with them.
 */
export function unitGroup(model: Model, producer: Node): UnitGroup {
  const made = producedAxis(producer);
  if (made === undefined)
    throw new GraftError(
      "invalid-edit",
      `${producer.name} (${producer.op}) has no units of its own.`,
    );
  const units = model.variables.get(made.variable)!.shape[made.axis];
  const uses = consumers(model);
  const own = new Map<string, UnitAxis>([[made.variable, made]]);
  const readers = new Map<string, UnitAxis>();
  const visited = new Set<string>([producer.name]);
  const behindOutput: string[] = [];
  let reachesOutput = false;

  const open = [producer.name];
  for (let name = open.pop(); name !== undefined; name = open.pop()) {
    if (name === model.roles.output) {
      reachesOutput = true;
      behindOutput.push(...classSizedReshapes(model, uses, name));
      continue;
    }
    for (const consumer of uses.get(name) ?? []) {
      const node = model.nodes.get(consumer)!;
      visited.add(consumer);
      const reads = readAxis(node, name);
      const owned = ownedAxes(node, name, model, units);
      if (reads !== undefined) readers.set(reads.variable, reads);
      else if (owned !== undefined) {
        for (const axis of owned) own.set(axis.variable, axis);
        open.push(consumer);
      } else if (UNITWISE.has(node.op)) open.push(consumer);
      else
        throw new GraftError(
          "invalid-edit",
          `The units of ${producer.name} run through ${consumer} (${node.op}), which Graft cannot resize with them.`,
        );
    }
  }
  refuseOtherUses(model, producer, [...own.values(), ...readers.values()], visited);
  return {
    units,
    own: [...own.values()],
    readers: [...readers.values()],
    reachesOutput,
    behindOutput,
  };
}

/** The variable axis along which `node` reads the units that come from `from`. */
function readAxis(node: Node, from: string): UnitAxis | undefined {
  const [input, kernel] = node.inputs;
  if (!("node" in input) || input.node !== from || kernel === undefined || !("variable" in kernel))
    return undefined;
  if (node.op === "MatMul" && !node.attributes.transposeA)
    return { variable: kernel.variable, axis: node.attributes.transposeB ? 1 : 0 };
  if (node.op === "Conv2D") return { variable: kernel.variable, axis: 2 };
  return undefined;
}

/** The per-unit variables that `node` adds to the units it passes on: a bias, a batch norm's four. */
function ownedAxes(node: Node, from: string, model: Model, units: number): UnitAxis[] | undefined {
  if (!["BiasAdd", "BatchNorm", "Add", "Mul", "Sub"].includes(node.op)) return undefined;
  const others = node.inputs.filter((input) => !("node" in input && input.node === from));
  const axes: UnitAxis[] = [];
  for (const input of others) {
    if (!("variable" in input)) return undefined;
    const { shape } = model.variables.get(input.variable)!;
    // One number for all units stays what it is.
    if (units !== 1 && elements(shape) === 1) continue;
    if (shape.length !== 1) return undefined;
    axes.push({ variable: input.variable, axis: 0 });
  }
  return axes;
}

/** Reshapes behind the logits that spell out the number of classes, as TensorFlow's losses do. */
function classSizedReshapes(
  model: Model,
  uses: ReadonlyMap<string, readonly string[]>,
  output: string,
): string[] {
  const classes = model.shapes.get(output)?.at(-1);
  return (uses.get(output) ?? []).filter((name) => {
    const node = model.nodes.get(name)!;
    return node.op === "Reshape" && node.attributes.shape.at(-1) === classes;
  });
}

/** A variable that is also used elsewhere (tied weights) cannot be resized here alone. */
function refuseOtherUses(
  model: Model,
  producer: Node,
  axes: readonly UnitAxis[],
  visited: ReadonlySet<string>,
): void {
  const resized = new Set(axes.map((axis) => axis.variable));
  for (const node of model.nodes.values()) {
    if (visited.has(node.name) || INDIFFERENT.has(node.op)) continue;
    for (const input of node.inputs)
      if ("variable" in input && resized.has(input.variable))
        throw new GraftError(
          "invalid-edit",
          `${input.variable} is used by ${producer.name} and by ${node.name}; a variable with several uses cannot be resized yet.`,
        );
  }
}
