// Cross entropies. TensorFlow's fused ones yield the loss first; their second output is for the gradient alone.
import type { Ref } from "../../../graph/model";
import { add } from "./elementwise";
import {
  consumed,
  inputOf,
  inputsOf,
  make,
  numbersOf,
  sameValue,
  type Lifter,
  type Lifting,
  type Made,
  type Meaning,
} from "./lifting";
import { inputNode, type SourceNode } from "./source";

export const sparseSoftmax: Lifter = (lifting, node) => {
  const loss = make(lifting, node, "SparseSoftmaxCrossEntropy", {}, inputsOf(lifting, node), {
    vague: false,
  });
  return loss && [loss];
};

export const softmax: Lifter = (lifting, node) => {
  const loss = make(lifting, node, "SoftmaxCrossEntropy", {}, inputsOf(lifting, node), {
    vague: false,
  });
  return loss && [loss];
};

/** An addition that may be the end of sigmoid_cross_entropy_with_logits; else what it says. */
export const addOrLogistic: Lifter = (lifting, node) =>
  logistic(lifting, node) ?? add(lifting, node);

/**
 * sigmoid_cross_entropy_with_logits(x, z) = max(x, 0) − x·z + log1p(exp(−|x|)), which TensorFlow spells
 * Add(Sub(Select(x ≥ 0, x, 0), Mul(x, z)), Log1p(Exp(Select(x ≥ 0, −x, x)))).
 */
function logistic(lifting: Lifting, node: SourceNode): Meaning | undefined {
  const sub = inputNode(lifting.graph, node, 0);
  const log1p = inputNode(lifting.graph, node, 1);
  if (sub?.op !== "Sub" || log1p?.op !== "Log1p") return undefined;
  const exp = inputNode(lifting.graph, log1p, 0);
  const positive = inputNode(lifting.graph, sub, 0);
  const product = inputNode(lifting.graph, sub, 1);
  if (exp?.op !== "Exp" || product?.op !== "Mul" || positive === undefined) return undefined;
  const exponent = inputNode(lifting.graph, exp, 0);
  const [x, z] = [inputOf(lifting, product, 0), inputOf(lifting, product, 1)];
  if (exponent === undefined || !isMaxWithZero(lifting, positive, x)) return undefined;
  if (!isMinusAbs(lifting, exponent, x)) return undefined;
  const origin = consumed(lifting, node, [x, z]);
  return make(lifting, node, "SigmoidCrossEntropy", {}, [x, z], { origin });
}

function isMaxWithZero(lifting: Lifting, node: SourceNode, x: Meaning): boolean {
  if (node.op === "Relu") return sameValue(inputOf(lifting, node, 0), x);
  return /^Select(V2)?$/.test(node.op) && sameValue(inputOf(lifting, node, 1), x);
}

function isMinusAbs(lifting: Lifting, node: SourceNode, x: Meaning): boolean {
  const inner = inputNode(lifting.graph, node, node.op === "Neg" ? 0 : 1);
  if (inner === undefined) return false;
  if (node.op === "Neg") return inner.op === "Abs" && sameValue(inputOf(lifting, inner, 0), x);
  return (
    /^Select(V2)?$/.test(node.op) &&
    inner.op === "Neg" &&
    sameValue(inputOf(lifting, inner, 0), x) &&
    sameValue(inputOf(lifting, node, 2), x)
  );
}

/**
 * A cross-entropy of each step, which TensorFlow computes of the rows of all steps:
 * reshape(cross_entropy(reshape(logits, [−1, classes]), reshape(labels, …)), sizes of all axes but the classes).
 */
export const reshapeOrPerStep =
  (otherwise: Lifter): Lifter =>
  (lifting, node) => {
    const losses = inputOf(lifting, node, 0);
    const op = losses.kind === "node" ? losses.node.op : undefined;
    const isLoss = op === "SparseSoftmaxCrossEntropy" || op === "SoftmaxCrossEntropy";
    if (losses.kind !== "node" || !isLoss) return otherwise(lifting, node);
    const [logits, labels] = losses.node.inputs.map((input) => rowsOf(lifting, input));
    const target = inputNode(lifting.graph, node, 1);
    if (!logits || logits.shape.length < 3 || !labels || !target) return otherwise(lifting, node);
    if (!isOuter(lifting, target, logits, labels)) return otherwise(lifting, node);
    const origin = consumed(lifting, node, [logits, labels]);
    return make(lifting, node, op, {}, [logits, labels], { origin, batch: logits.batch });
  };

/** slice(shape(logits), 0, rank − 1), or the shape of labels that are indices. */
function isOuter(lifting: Lifting, target: SourceNode, logits: Made, labels: Made): boolean {
  const rank = logits.shape.length;
  if (target.op === "Shape")
    return labels.shape.length === rank - 1 && sameValue(inputOf(lifting, target, 0), labels);
  const shape = target.op === "Slice" ? inputNode(lifting.graph, target, 0) : undefined;
  return (
    shape?.op === "Shape" &&
    sameValue(inputOf(lifting, shape, 0), logits) &&
    numbersOf(lifting, target, 1)?.join() === "0" &&
    numbersOf(lifting, target, 2)?.join() === `${rank - 1}`
  );
}

/** x of reshape(x, [−1, …]). */
function rowsOf(lifting: Lifting, input: Ref): Made | undefined {
  const rows = "node" in input ? lifting.made.get(input.node) : undefined;
  const [x] = rows?.node.op === "Reshape" ? rows.node.inputs : [];
  return x && "node" in x && rows?.shape[0] === -1 ? lifting.made.get(x.node) : undefined;
}
