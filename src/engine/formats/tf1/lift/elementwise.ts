// Ops that work element by element.
import type { OpName } from "../../../graph/catalogue";
import { elements } from "../../../graph/model";
import * as attributes from "./attributes";
import { scalar, sizes, multiply } from "./known";
import {
  inputOf,
  inputsOf,
  isUnknownRank,
  make,
  shapeOf,
  type Lifter,
  type Lifting,
  type Made,
  type Meaning,
} from "./lifting";
import type { SourceNode } from "./source";

/** Ops of the catalogue without attributes. */
type Plain = Exclude<
  OpName,
  | "Placeholder"
  | "Const"
  | "MatMul"
  | "BiasAdd"
  | "Conv2D"
  | "DepthwiseConv2D"
  | "Conv2DTranspose"
  | "MaxPool"
  | "AvgPool"
  | "BatchNorm"
  | "Dropout"
  | "LeakyRelu"
  | "Cast"
  | "Reshape"
  | "Transpose"
  | "Concat"
  | "Slice"
  | "Tile"
  | "Squeeze"
  | "ExpandDims"
  | "Pad"
  | "Gather"
  | "OneHot"
  | "Mean"
  | "Sum"
  | "Max"
  | "Min"
  | "ArgMax"
  | "Select"
  | "InTopK"
  | "Opaque"
>;

export const plainOp =
  (op: Plain): Lifter =>
  (lifting, node) =>
    make(lifting, node, op, {}, inputsOf(lifting, node));

/** A variable with one number per channel is a bias, whichever op adds it. */
export const add: Lifter = (lifting, node) => {
  const [a, b] = [inputOf(lifting, node, 0), inputOf(lifting, node, 1)];
  for (const [x, bias] of [
    [a, b],
    [b, a],
  ] as const)
    if (isBias(x, bias)) return make(lifting, node, "BiasAdd", { dataFormat: "NHWC" }, [x, bias]);
  return make(lifting, node, "Add", {}, [a, b]);
};

function isBias(x: Meaning, bias: Meaning): boolean {
  const shape = shapeOf(x);
  return (
    x.kind === "node" &&
    bias.kind === "variable" &&
    shapeOf(bias).length === 1 &&
    shape.length > 1 &&
    !isUnknownRank(x) &&
    shape.at(-1) === shapeOf(bias)[0]
  );
}

/** A sum of several, as a chain: the catalogue's Add takes two. */
export const addN: Lifter = (lifting, node) => {
  const [first, ...rest] = inputsOf(lifting, node);
  let sum: Meaning | undefined = first;
  for (const [index, next] of rest.entries()) {
    const name = index === rest.length - 1 ? node.name : `${node.name}:sum${index + 1}`;
    sum = sum && make(lifting, node, "Add", {}, [sum, next], { name });
  }
  return sum;
};

/** A sum over everything, divided by how many there are, is a mean. */
export const divide: Lifter = (lifting, node) => {
  const [a, b] = [inputOf(lifting, node, 0), inputOf(lifting, node, 1)];
  if (b.kind === "static" && b.value.values.length === 1) {
    const [divisor] = b.value.values;
    if (typeof divisor === "object" && divisor !== null)
      return meanOfSum(lifting, node, a, divisor.batch);
  }
  // DivNoNan differs from a division only at zero, which a count of samples never is.
  if (node.op === "DivNoNan" && b.kind !== "static") return undefined;
  return make(lifting, node, "Div", {}, [a, b]);
};

/** Sum(x) / (k · batch), where x has m · batch elements, is Mean(x) · m / k. */
function meanOfSum(
  lifting: Lifting,
  node: SourceNode,
  sum: Meaning,
  perSample: number,
): Made | undefined {
  if (sum.kind !== "node" || sum.node.op !== "Sum" || elements(sum.shape) !== 1) return undefined;
  const [input] = sum.node.inputs;
  const x = "node" in input ? lifting.made.get(input.node) : undefined;
  if (x === undefined || x.vague) return undefined;
  const count = sizes(x.shape, x.batch).reduce(multiply, 1);
  if (typeof count !== "object" || count === null) return undefined;
  const factor = count.batch / perSample;
  const origin = [...sum.node.origin, node.name];
  const name = factor === 1 ? node.name : `${node.name}:mean`;
  const mean = make(lifting, node, "Mean", sum.node.attributes, [x], { name, origin });
  if (mean === undefined || factor === 1) return mean;
  const scale = {
    kind: "static",
    value: scalar("float32", factor),
    name: `${node.name}:scale`,
  } as const;
  return make(lifting, node, "Mul", {}, [mean, scale]);
}

export const leakyRelu: Lifter = (lifting, node) =>
  make(
    lifting,
    node,
    "LeakyRelu",
    { alpha: attributes.float(node, "alpha") ?? 0.2 },
    inputsOf(lifting, node),
  );

export const cast: Lifter = (lifting, node) => {
  const to = attributes.type(node, "DstT");
  return to && make(lifting, node, "Cast", { to }, inputsOf(lifting, node));
};

/** clip_by_value(x, low, high) */
export const clip: Lifter = (lifting, node) => {
  const [x, low, high] = [0, 1, 2].map((index) => inputOf(lifting, node, index));
  const below = make(lifting, node, "Minimum", {}, [x, high], { name: `${node.name}:minimum` });
  return below && make(lifting, node, "Maximum", {}, [below, low]);
};
