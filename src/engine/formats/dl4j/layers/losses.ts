// Loss functions: what an output layer minimizes, per sample, and summed up as DL4J does: over the outputs and the steps
// of a sample, and as a mean over samples.
import type { Ref, Shape } from "../../../graph/model";
import { isArray, JsonNumber } from "../json";
import { classOfShort } from "../names";
import { real, text, typedField, type Typed } from "../typed";
import { add, constant, opaque, shapeAt, type Place } from "./lifting";

/** What an output layer compares. */
export interface Comparison {
  /** Before the activation function. */
  readonly logits: string;
  /** Behind it. */
  readonly output: string;
  readonly activation: string;
  readonly labels: string;
}

/** What is fed as labels: a number for each output, or an index for all of them. */
export const takesIndices = (loss: Typed): boolean => loss.type === "LossSparseMCXENT";

/** The loss function of an output layer; an enumeration's name in versions before 0.6. */
export function lossOf(layer: Typed): Typed | undefined {
  const found = typedField("loss", layer, "lossFn");
  if (found !== undefined) return found;
  const name = text(layer, "lossFunction");
  if (name === undefined) return undefined;
  const type = classOfShort("loss", name);
  return { type, fields: new Map(), path: [...layer.path, "lossFunction"] };
}

/**
 * The loss of each sample, or of each step of each sample, and which of logits and output it compares with labels. The
 * labels are those of the sum of a sample's outputs.
 */
export function compared(
  place: Place,
  loss: Typed,
  comparison: Comparison,
): { readonly each: string; readonly output: string } {
  const rule = Object.hasOwn(LOSSES, loss.type) ? LOSSES[loss.type] : undefined;
  const each = rule?.(place, comparison, loss);
  const isOfLogits = each !== undefined && ofLogits(loss, comparison);
  const { logits, output, labels } = comparison;
  return {
    each: each ?? opaque(place, loss.type, [output, labels]),
    output: isOfLogits ? logits : output,
  };
}

const CROSS_ENTROPIES = ["LossMCXENT", "LossNegativeLogLikelihood", "LossSparseMCXENT"];

/** Whether the loss and the activation function before it are one op. */
const ofLogits = ({ type }: Typed, { activation }: Comparison): boolean =>
  (activation === "ActivationSoftmax" && [...CROSS_ENTROPIES, "LossBinaryXENT"].includes(type)) ||
  (activation === "ActivationSigmoid" && type === "LossBinaryXENT");

/** Undefined where the combination is not known. */
type Rule = (place: Place, comparison: Comparison, loss: Typed) => string | undefined;

const last = (place: Place, op: "Sum" | "Mean", x: string): string =>
  add(place, op, [x], { axes: [shapeAt(place, x).length - 1], keepDims: false });

/** −Σ labels · log softmax(logits); with a weight for each class by hand, because its labels add up to 1 no more. */
const crossEntropy: Rule = (place, { logits, output, activation, labels }, loss) => {
  const weighted = withWeights(place, labels, loss);
  if (activation === "ActivationSoftmax" && weighted === labels)
    return add(place, "SoftmaxCrossEntropy", [logits, labels], {});
  const logs =
    activation === "ActivationSoftmax"
      ? add(place, "LogSoftmax", [logits], {})
      : add(place, "Log", [output], {});
  return add(place, "Neg", [last(place, "Sum", add(place, "Mul", [weighted, logs], {}))], {});
};

const binary: Rule = (place, comparison, loss) => {
  const { logits, activation, labels } = comparison;
  if (activation === "ActivationSoftmax") return crossEntropy(place, comparison, loss);
  if (activation !== "ActivationSigmoid") return undefined;
  const each = add(place, "SigmoidCrossEntropy", [logits, labels], {});
  return last(place, "Sum", withWeights(place, each, loss));
};

/** A function of output and label, with its weights, summed or averaged over the outputs. */
const elementwise =
  (how: "Sum" | "Mean", each: (place: Place, output: string, labels: string) => string): Rule =>
  (place, { output, labels }, loss) =>
    last(place, how, withWeights(place, each(place, output, labels), loss));

const difference = (place: Place, output: string, labels: string): string =>
  add(place, "Sub", [output, labels], {});
const squared = (place: Place, output: string, labels: string): string =>
  add(place, "SquaredDifference", [output, labels], {});
const absolute = (place: Place, output: string, labels: string): string =>
  add(place, "Abs", [difference(place, output, labels)], {});
/** max(0, 1 − labels · output), labels being ± 1. */
const margin = (place: Place, output: string, labels: string): string => {
  const product = add(place, "Mul", [output, labels], {});
  return add(place, "Relu", [add(place, "Sub", [constant(place, 1), product], {})], {});
};

/** Between ND4J's threshold and 1. */
const probable = (place: Place, x: string): string =>
  add(
    place,
    "Minimum",
    [add(place, "Maximum", [x, constant(place, 1e-5)], {}), constant(place, 1)],
    {},
  );

const LOSSES: Readonly<Record<string, Rule>> = {
  LossMCXENT: crossEntropy,
  LossNegativeLogLikelihood: crossEntropy,
  LossSparseMCXENT: (place, { logits, activation, labels }) =>
    activation === "ActivationSoftmax"
      ? add(place, "SparseSoftmaxCrossEntropy", [logits, labels], {})
      : undefined,
  LossBinaryXENT: binary,
  LossMSE: elementwise("Mean", squared),
  LossL2: elementwise("Sum", squared),
  LossMAE: elementwise("Mean", absolute),
  LossL1: elementwise("Sum", absolute),
  LossHinge: elementwise("Sum", margin),
  LossSquaredHinge: elementwise("Sum", (place, output, labels) =>
    add(place, "Square", [margin(place, output, labels)], {}),
  ),
  LossKLD: elementwise("Sum", (place, output, labels) => {
    const [p, q] = [probable(place, labels), probable(place, output)];
    const logs = [p, q].map((each) => add(place, "Log", [each], {}));
    return add(place, "Mul", [p, add(place, "Sub", logs, {})], {});
  }),
  LossPoisson: elementwise("Sum", (place, output, labels) => {
    const logs = add(place, "Mul", [labels, add(place, "Log", [output], {})], {});
    return add(place, "Sub", [output, logs], {});
  }),
  LossMSLE: elementwise("Mean", (place, output, labels) =>
    squared(place, add(place, "Log1p", [output], {}), add(place, "Log1p", [labels], {})),
  ),
};

/** `x` times the weight of each output, where the loss has weights. */
function withWeights(place: Place, x: string, loss: Typed): string {
  const weights = loss.fields.get("weights");
  if (!isArray(weights)) return x;
  const values = weights.flatMap((each) => (each instanceof JsonNumber ? [each.value] : []));
  const shape = [values.length];
  return add(place, "Mul", [x, add(place, "Const", [], { dtype: "float32", shape, values })], {});
}

/**
 * The scalar that is minimized: `each` summed over the steps that are there, and averaged over the samples, unless the
 * network says that it minimizes the sum of them.
 */
export function reduced(
  place: Place,
  each: string,
  masks: readonly string[],
  isMean: boolean,
): string {
  const counted = masks.reduce((sum, mask) => add(place, "Mul", [sum, mask], {}), each);
  const isPerStep = shapeAt(place, each).length > 1;
  const perSample = isPerStep
    ? add(place, "Sum", [counted], { axes: [1], keepDims: false })
    : counted;
  return add(place, isMean ? "Mean" : "Sum", [perSample], { axes: [0], keepDims: false });
}

/** λ/2 · |x − c|² of each sample: `x` is what a `CenterLossOutputLayer` reads, c the center of the sample's class. */
export function distanceToCenters(
  place: Place,
  layer: Typed,
  x: string,
  labels: string,
  centers: Ref,
): string {
  const own = add(place, "MatMul", [labels, centers], { transposeA: false, transposeB: false });
  const squares = add(place, "Square", [difference(place, x, own)], {});
  const half = constant(place, real(layer, "lambda", 2e-4) / 2);
  return add(place, "Mul", [last(place, "Sum", squares), half], {});
}

/** The shape of the labels that are compared with an output of `shape`. */
export const labelShape = (shape: Shape, loss: Typed): Shape =>
  takesIndices(loss) ? shape.slice(0, -1) : shape;
