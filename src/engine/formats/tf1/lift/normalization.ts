// Batch norm: TensorFlow's fused op, and the sums and products of tf.nn.batch_normalization.
import * as attributes from "./attributes";
import { uniform } from "./known";
import { addOrLogistic } from "./loss";
import {
  consumed,
  inputOf,
  make,
  meaningOf,
  shapeOf,
  type Lifter,
  type Lifting,
  type Meaning,
} from "./lifting";
import { inputNode, nodeAt, type SourceGraph, type SourceNode, type Tensor } from "./source";
import { scalarInTraining, variableBehind } from "./variables";

/** Keras' default, where the graph does not update the statistics. */
const MOMENTUM = 0.99;

export const fusedBatchNorm: Lifter = (lifting, node) => {
  const dataFormat = attributes.dataFormat(node);
  if (dataFormat === undefined) return undefined;
  const [x, gamma, beta] = [0, 1, 2].map((index) => inputOf(lifting, node, index));
  const mean = statistic(lifting, node, 1);
  const variance = statistic(lifting, node, 2);
  if (mean === undefined || variance === undefined) return undefined;
  // An op that moves the statistics itself says how far.
  const factor = attributes.float(node, "exponential_avg_factor") ?? 1;
  const momentum = factor < 1 ? 1 - factor : momentumOf(lifting, mean);
  const epsilon = attributes.float(node, "epsilon") ?? 1e-4;
  const all = { epsilon, momentum: attributes.shortest(momentum), unbiased: true, dataFormat };
  const normalized = make(lifting, node, "BatchNorm", all, [x, gamma, beta, mean, variance]);
  return normalized && [normalized];
};

/** The moving mean (1) or variance (2) of a fused op: its input, or the variable that its output updates. */
function statistic(lifting: Lifting, node: SourceNode, output: 1 | 2): Meaning | undefined {
  const input = inputOf(lifting, node, output + 2);
  if (input.kind === "variable" || !trains(node)) return input;
  for (const reader of lifting.graph.readers.get(node.name)!) {
    if (
      reader.op !== "Sub" ||
      !reader.inputs.some((each) => each.node === node.name && each.output === output)
    )
      continue;
    const other = reader.inputs.find((each) => each.node !== node.name);
    const op = variableBehind(lifting.graph, nodeAt(lifting.graph, other));
    const variable = op === undefined ? undefined : lifting.variables.get(op);
    if (variable !== undefined) return { kind: "variable", variable };
  }
  return undefined;
}

const trains = (node: SourceNode): boolean =>
  node.attr["is_training"] === undefined || attributes.flag(node, "is_training");

/**
 * tf.nn.batch_normalization(x, mean, variance, beta, gamma, ε) = x · m + (beta − mean · m), where
 * m = rsqrt(variance + ε) · gamma. An addition that is none is what it says.
 */
export const addOrBatchNorm: Lifter = (lifting, node) =>
  unfused(lifting, node) ?? addOrLogistic(lifting, node);

function unfused(lifting: Lifting, node: SourceNode): Meaning | undefined {
  const { graph } = lifting;
  const scaled = inputNode(graph, node, 0);
  const shift = shiftOf(graph, inputNode(graph, node, 1));
  if (scaled?.op !== "Mul" || shift === undefined || scaled.inputs.length < 2) return undefined;
  const [x, multiplier] = scaled.inputs;
  const factor =
    multiplier.node === shift.multiplier.node ? factorOf(lifting, multiplier) : undefined;
  const mean = meaningOf(lifting, shift.mean);
  // Without stored statistics (moments alone) inference has nothing to use: the ops stay what they are.
  if (factor?.variance.kind !== "variable" || mean.kind !== "variable") return undefined;
  const fill = (value: number, name: string): Meaning => ({
    kind: "static",
    value: uniform("float32", shapeOf(mean), 1, value),
    name: `${node.name}:${name}`,
  });
  const beta = shift.beta === undefined ? fill(0, "beta") : meaningOf(lifting, shift.beta);
  const inputs = [
    meaningOf(lifting, x),
    factor.gamma ?? fill(1, "gamma"),
    beta,
    mean,
    factor.variance,
  ];
  const origin = consumed(lifting, node, inputs);
  const momentum = attributes.shortest(momentumOf(lifting, mean));
  const epsilon = attributes.shortest(factor.epsilon);
  const all = { epsilon, momentum, unbiased: false, dataFormat: "NHWC" } as const;
  return make(lifting, node, "BatchNorm", all, inputs, { origin });
}

interface Shift {
  readonly beta?: Tensor;
  readonly mean: Tensor;
  readonly multiplier: Tensor;
}

/** beta − mean · m, or without beta (−mean) · m */
function shiftOf(graph: SourceGraph, shift: SourceNode | undefined): Shift | undefined {
  const product = shift?.op === "Sub" ? inputNode(graph, shift, 1) : shift;
  if (shift === undefined || product?.op !== "Mul" || product.inputs.length < 2) return undefined;
  const [center, multiplier] = product.inputs;
  if (shift !== product) return { beta: shift.inputs[0], mean: center, multiplier };
  const negative = nodeAt(graph, center);
  const [mean] = negative?.op === "Neg" ? negative.inputs : [];
  return mean && { mean, multiplier };
}

interface Factor {
  readonly variance: Meaning;
  readonly epsilon: number;
  readonly gamma?: Meaning;
}

/** m: rsqrt(variance + ε), times gamma or not. */
function factorOf(lifting: Lifting, tensor: Tensor | undefined): Factor | undefined {
  const node = nodeAt(lifting.graph, tensor);
  if (node?.op === "Rsqrt") return parseRsqrt(lifting, node);
  if (node?.op !== "Mul") return undefined;
  for (const index of [0, 1]) {
    const root = inputNode(lifting.graph, node, index);
    const factor = root?.op === "Rsqrt" ? parseRsqrt(lifting, root) : undefined;
    if (factor !== undefined) return { ...factor, gamma: inputOf(lifting, node, 1 - index) };
  }
  return undefined;
}

function parseRsqrt(lifting: Lifting, root: SourceNode): Factor | undefined {
  const sum = inputNode(lifting.graph, root, 0);
  if (sum === undefined || !/^Add(V2)?$/.test(sum.op)) return undefined;
  const epsilon = inputOf(lifting, sum, 1);
  if (epsilon.kind !== "static" || typeof epsilon.value.values[0] !== "number") return undefined;
  return { variance: inputOf(lifting, sum, 0), epsilon: epsilon.value.values[0] };
}

/** How much of a moving statistic stays at each step, read off the op that updates it. */
function momentumOf(lifting: Lifting, statistic: Meaning): number {
  if (statistic.kind !== "variable") return MOMENTUM;
  const { graph } = lifting;
  const isStatistic = (node: SourceNode | undefined): boolean => {
    const op = variableBehind(graph, node);
    return op !== undefined && lifting.variables.get(op)?.name === statistic.variable.name;
  };
  for (const node of updatesOf(graph)) {
    if (!isStatistic(inputNode(graph, node, 0))) continue;
    const momentum = /^AssignSub/.test(node.op)
      ? stepFactor(graph, inputNode(graph, node, 1))
      : keptFactor(graph, inputNode(graph, node, 1), isStatistic);
    if (momentum !== undefined && momentum > 0 && momentum < 1) return momentum;
  }
  return MOMENTUM;
}

/** Assign…(statistic, value) ops; looked for once per graph. */
const UPDATES = new WeakMap<SourceGraph, readonly SourceNode[]>();
function updatesOf(graph: SourceGraph): readonly SourceNode[] {
  const found =
    UPDATES.get(graph) ??
    [...graph.nodes.values()].filter((node) => /^Assign(Sub)?(VariableOp)?$/.test(node.op));
  UPDATES.set(graph, found);
  return found;
}

/** statistic −= (statistic − now) · (1 − momentum) */
function stepFactor(graph: SourceGraph, product: SourceNode | undefined): number | undefined {
  if (product?.op !== "Mul") return undefined;
  for (const index of [1, 0]) {
    const step = scalarInTraining(graph, inputNode(graph, product, index));
    if (step !== undefined) return 1 - step;
  }
  return undefined;
}

/** statistic = statistic · momentum + now · (1 − momentum) */
function keptFactor(
  graph: SourceGraph,
  sum: SourceNode | undefined,
  isStatistic: (node: SourceNode | undefined) => boolean,
): number | undefined {
  if (sum === undefined || !/^Add(V2)?$/.test(sum.op)) return undefined;
  for (const index of [0, 1]) {
    const product = inputNode(graph, sum, index);
    if (product?.op !== "Mul") continue;
    for (const side of [0, 1])
      if (isStatistic(inputNode(graph, product, side)))
        return scalarInTraining(graph, inputNode(graph, product, 1 - side));
  }
  return undefined;
}
