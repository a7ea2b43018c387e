// What a network costs to run: multiply-adds of one sample. Only products with a kernel count, as in published figures;
// all other ops together are small beside them.
import { cut, type Cut } from "./cut";
import type { OpName } from "./catalogue";
import { elements, isFrozen, type Model, type Node, type Shape } from "./model";
import { ancestors } from "./order";
import { gruUnits, lstmUnits, portOf } from "./recurrent";

/** Multiply-adds for each number of the output; of a transposed convolution, for each of its input. */
type Rule<Op extends OpName> = (inputs: readonly Shape[], node: Node<Op>) => number;

const window = ([, kernel]: readonly Shape[]): number => kernel[0] * kernel[1];

const RULES: { readonly [Op in OpName]?: Rule<Op> } = {
  // The inner size stands in both; a vague input does not know it.
  MatMul: ([a, b], { attributes }) =>
    Math.max(
      (attributes.transposeA ? a.at(-2) : a.at(-1)) ?? -1,
      (attributes.transposeB ? b.at(-1) : b.at(-2)) ?? -1,
    ),
  Conv2D: (inputs) => window(inputs) * inputs[1][2],
  DepthwiseConv2D: window,
  Conv2DTranspose: (inputs) => window(inputs) * inputs[1][2],
  // Each number of each kernel once per step, shared among the numbers that a step gives out.
  LSTM: (inputs, { attributes }) => {
    const projection = portOf<"LSTM">(attributes.takes, "projection");
    const width = projection === undefined ? lstmUnits(attributes, inputs) : inputs[projection][1];
    return kernelNumbers(inputs) / width;
  },
  GRU: (inputs, { attributes }) => kernelNumbers(inputs) / gruUnits(attributes, inputs),
};

const kernelNumbers = ([, ...parts]: readonly Shape[]): number =>
  parts
    .filter((shape) => shape.length === 2 && shape.every((size) => size >= 0))
    .reduce((sum, shape) => sum + elements(shape), 0);

export interface Cost {
  /** Forward, through what lies below the cut. */
  readonly prefix: number;
  /** Forward, above it. */
  readonly tail: number;
  /** Forward and backward above it, as in a training step. */
  readonly training: number;
}

/** Multiply-adds of one sample, of a model with a loss; undefined where a size is not known before it runs. */
export function costOf(model: Model, { tail: above }: Cut = lossCut(model)): Cost | undefined {
  const moves = movingNodes(model);
  const cost = { prefix: 0, tail: 0, training: 0 };
  for (const node of perSample(model)) {
    const forward = multiplyAdds(model, node);
    if (forward === undefined) return undefined;
    if (!above.has(node.name)) cost.prefix += forward;
    else {
      cost.tail += forward;
      // Backward, a product for each operand that the gradient goes to.
      const operands = node.inputs.filter((input) =>
        "node" in input ? moves.has(input.node) : !isFrozen(model.variables.get(input.variable)!),
      );
      cost.training += forward * (1 + operands.length);
    }
  }
  return cost;
}

/**
 * How many times as fast `epochs` of training are with bottlenecks as without them, computing them included. `prefix`
 * and `training` are costs of one sample in the same unit, whatever it is.
 */
export const speedUp = (prefix: number, training: number, epochs: number): number =>
  (epochs * (prefix + training)) / (prefix + epochs * training);

const lossCut = (model: Model): Cut => cut(model, [model.roles.loss!, model.roles.output!]);

/** What loss and output need and depends on an input: the rest is computed once for a batch, or not at all. */
function perSample(model: Model): Node[] {
  const needed = ancestors(model, [model.roles.loss!, model.roles.output!]);
  const fed = new Set(model.roles.inputs);
  const nodes: Node[] = [];
  for (const node of model.nodes.values()) {
    if (!needed.has(node.name)) continue;
    if (!node.inputs.some((input) => "node" in input && fed.has(input.node))) continue;
    fed.add(node.name);
    nodes.push(node);
  }
  return nodes;
}

/** Nodes that the gradient of a trainable variable goes through. */
function movingNodes(model: Model): Set<string> {
  const moves = new Set<string>();
  for (const node of model.nodes.values()) {
    if (node.op === "StopGradient") continue;
    const isMoved = node.inputs.some((input) =>
      "node" in input ? moves.has(input.node) : !isFrozen(model.variables.get(input.variable)!),
    );
    if (isMoved) moves.add(node.name);
  }
  return moves;
}

function multiplyAdds(model: Model, node: Node): number | undefined {
  // The table's type guarantees that the rule belongs to the op; TypeScript cannot see it through the union.
  const rule = RULES[node.op] as Rule<OpName> | undefined;
  if (rule === undefined) return 0;
  const shapes = node.inputs.map((input) =>
    "node" in input ? model.shapes.get(input.node) : model.variables.get(input.variable)!.shape,
  );
  const counted = node.op === "Conv2DTranspose" ? shapes[0] : model.shapes.get(node.name);
  const numbers = sampleElements(counted);
  if (numbers === undefined || !shapes.every((shape) => shape !== undefined)) return undefined;
  const each = rule(shapes, node);
  return each < 0 ? undefined : numbers * each;
}

/** Numbers of one sample: the axis of unknown size is the batch, else the first. */
function sampleElements(shape: Shape | undefined): number | undefined {
  if (shape === undefined) return undefined;
  const known = shape.filter((size) => size >= 0);
  if (known.length === shape.length) return elements(shape.slice(1));
  return known.length === shape.length - 1 ? elements(known) : undefined;
}
