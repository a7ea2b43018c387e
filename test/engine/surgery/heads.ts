// Small networks with the heads that real ones have, for edits of outputs and inputs.
import type { OpAttributes } from "../../../src/engine/graph/catalogue";
import type { Layer, Model, Node, Roles, Shape } from "../../../src/engine/graph/model";
import { handmade, node, PRODUCT } from "../handmade";

export const WINDOW: OpAttributes["Conv2D"] = {
  strides: [1, 1],
  padding: "SAME",
  dataFormat: "NHWC",
  dilations: [1, 1],
};
const bias = (name: string, from: string) =>
  node(`${name}/BiasAdd`, "BiasAdd", [from, `[${name}/b]`], { dataFormat: "NHWC" });

/** A convolution with bias and relu. */
export const conv = (name: string, from: string): Node[] => [
  node(`${name}/Conv2D`, "Conv2D", [from, `[${name}/w]`], WINDOW),
  bias(name, `${name}/Conv2D`),
  node(`${name}/Relu`, "Relu", [`${name}/BiasAdd`], {}),
];

/** A dense layer without activation. */
export const dense = (name: string, from: string): Node[] => [
  node(`${name}/MatMul`, "MatMul", [from, `[${name}/w]`], PRODUCT),
  bias(name, `${name}/MatMul`),
];

export const MEAN = { axes: [0], keepDims: false };

export const sparseLoss = (output: string): Node[] => [
  node("y", "Placeholder", [], { dtype: "int64" }),
  node("each", "SparseSoftmaxCrossEntropy", [output, "y"], {}),
  node("loss", "Mean", ["each"], MEAN),
];

/** One layer for each first part of the names of weights. */
export function network(
  nodes: readonly Node[],
  weights: Readonly<Record<string, Shape>>,
  roles: Partial<Roles>,
  fed: Readonly<Record<string, Shape>>,
): Model {
  const names = [...new Set(Object.keys(weights).map((name) => name.split("/")[0]))];
  const layers = names.map((name): Layer => {
    const own = nodes.filter((each) => each.name.startsWith(`${name}/`)).map((each) => each.name);
    const variables = Object.keys(weights).filter((each) => each.startsWith(`${name}/`));
    const kind = weights[`${name}/w`].length === 4 ? "conv2d" : "dense";
    return { name, kind, nodes: own, variables, output: own.at(-1)! };
  });
  return handmade({ fed, weights, nodes, layers, roles });
}

/** x [?, 4] → hidden (5, relu) → outputs (3) → softmax, with `nodes` for labels and loss. */
export const classifier = (
  nodes: readonly Node[],
  roles: Partial<Roles> = { output: "outputs/BiasAdd", labels: "y", loss: "loss" },
  fed: Readonly<Record<string, Shape>> = { y: [-1] },
): Model =>
  network(
    [
      ...dense("hidden", "x"),
      node("hidden/Relu", "Relu", ["hidden/BiasAdd"], {}),
      ...dense("outputs", "hidden/Relu"),
      node("prediction", "Softmax", ["outputs/BiasAdd"], {}),
      ...nodes,
    ],
    { "hidden/w": [4, 5], "hidden/b": [5], "outputs/w": [5, 3], "outputs/b": [3] },
    roles,
    { x: [-1, 4], ...fed },
  );

/** SqueezeNet's end: the last convolution makes the classes of every pixel, and their mean is the logits. */
export const squeezeNet = (): Model =>
  network(
    [
      ...conv("conv1", "x"),
      ...conv("conv10", "conv1/Relu"),
      node("pool10", "Mean", ["conv10/Relu"], { axes: [1, 2], keepDims: false }),
      node("prediction", "Softmax", ["pool10"], {}),
      ...sparseLoss("pool10"),
    ],
    { "conv1/w": [3, 3, 3, 4], "conv1/b": [4], "conv10/w": [1, 1, 4, 3], "conv10/b": [3] },
    { output: "pool10", labels: "y", loss: "loss" },
    { x: [-1, 5, 5, 3], y: [-1] },
  );

/** MobileNet's end: pooling, dropout, a 1×1 convolution, and its result squeezed and put into rows. */
export const mobileNet = (): Model =>
  network(
    [
      ...conv("conv1", "x"),
      node("pool", "Mean", ["conv1/Relu"], { axes: [1, 2], keepDims: true }),
      node("dropout", "Dropout", ["pool"], { rate: 0.1 }),
      node("Logits/Conv2D", "Conv2D", ["dropout", "[Logits/w]"], WINDOW),
      bias("Logits", "Logits/Conv2D"),
      node("squeezed", "Squeeze", ["Logits/BiasAdd"], { axes: [1, 2] }),
      node("rows", "Reshape", ["squeezed"], { shape: [-1, 3] }),
      node("prediction", "Softmax", ["rows"], {}),
      ...sparseLoss("rows"),
    ],
    { "conv1/w": [3, 3, 3, 4], "conv1/b": [4], "Logits/w": [1, 1, 4, 3], "Logits/b": [3] },
    { output: "rows", labels: "y", loss: "loss" },
    { x: [-1, 5, 5, 3], y: [-1] },
  );

/** A network that was cut off behind its last pool: it ends in a feature map of 4 channels, without a loss. */
export const headless = (channelsFirst = false): Model => {
  const format = { dataFormat: channelsFirst ? ("NCHW" as const) : ("NHWC" as const) };
  const nodes = conv("conv1", "x").map(
    (each) =>
      ("dataFormat" in each.attributes
        ? { ...each, attributes: { ...each.attributes, ...format } }
        : each) as Node,
  );
  const window = { window: [2, 2], strides: [2, 2], padding: "SAME", ...format } as const;
  return network(
    [...nodes, node("pool1", "MaxPool", ["conv1/Relu"], window)],
    { "conv1/w": [3, 3, 3, 4], "conv1/b": [4] },
    { output: "pool1" },
    { x: channelsFirst ? [-1, 3, 5, 5] : [-1, 5, 5, 3] },
  );
};

/** Two heads on one hidden layer, each with a loss; the sum of both and a penalty are minimized. */
export const twoHeads = (): Model =>
  network(
    [
      ...dense("hidden", "x"),
      node("hidden/Relu", "Relu", ["hidden/BiasAdd"], {}),
      ...dense("digit", "hidden/Relu"),
      ...dense("parity", "hidden/Relu"),
      ...["digit", "parity"].flatMap((head) => [
        node(`${head}_y`, "Placeholder", [], { dtype: "int64" as const }),
        node(`${head}_each`, "SparseSoftmaxCrossEntropy", [`${head}/BiasAdd`, `${head}_y`], {}),
        node(`${head}_loss`, "Mean", [`${head}_each`], MEAN),
      ]),
      node("both", "Add", ["digit_loss", "parity_loss"], {}),
      node("penalty", "L2Loss", ["[hidden/w]"], {}),
      node("loss", "Add", ["both", "penalty"], {}),
    ],
    {
      "hidden/w": [4, 5],
      "hidden/b": [5],
      "digit/w": [5, 3],
      "digit/b": [3],
      "parity/w": [5, 2],
      "parity/b": [2],
    },
    {
      loss: "loss",
      ambiguous: { role: "output", candidates: ["digit/BiasAdd", "parity/BiasAdd"] },
    },
    { x: [-1, 4], digit_y: [-1], parity_y: [-1] },
  );
