// Products, convolutions, their biases, pooling and lookups.
import type { DataFormat, OpAttributes } from "../../../graph/catalogue";
import * as attributes from "./attributes";
import { inputOf, inputsOf, make, numbersOf, shapeOf, type Lifter, type Lifting } from "./lifting";
import { integersOf } from "./shape";
import type { SourceNode } from "./source";

export const matMul: Lifter = (lifting, node) =>
  make(
    lifting,
    node,
    "MatMul",
    {
      transposeA: attributes.flag(node, "transpose_a"),
      transposeB: attributes.flag(node, "transpose_b"),
    },
    inputsOf(lifting, node),
  );

export const isTransposed = (product: SourceNode): boolean =>
  attributes.flag(product, "transpose_a") || attributes.flag(product, "transpose_b");

/** A product of each step with the same matrix; of several matrices it is none of the catalogue's. */
export const batchMatMul: Lifter = (lifting, node) => {
  const [x, kernel] = [inputOf(lifting, node, 0), inputOf(lifting, node, 1)];
  const isPerStep = shapeOf(x).length > 2 && shapeOf(kernel).length === 2;
  if (!isPerStep || attributes.flag(node, "adj_x")) return undefined;
  const all = { transposeA: false, transposeB: attributes.flag(node, "adj_y") };
  return make(lifting, node, "MatMul", all, [x, kernel]);
};

export const biasAdd: Lifter = (lifting, node) => {
  const dataFormat = attributes.dataFormat(node);
  return dataFormat === undefined
    ? undefined
    : make(lifting, node, "BiasAdd", { dataFormat }, inputsOf(lifting, node));
};

function convolution(node: SourceNode): OpAttributes["Conv2D"] | undefined {
  const padding = attributes.padding(node);
  const dataFormat = attributes.dataFormat(node);
  if (padding === undefined || dataFormat === undefined) return undefined;
  const strides = attributes.perPixel(attributes.integers(node, "strides"), dataFormat);
  const dilations = attributes.perPixel(attributes.integers(node, "dilations"), dataFormat);
  return strides && dilations && { strides, padding, dataFormat, dilations };
}

export const conv2D: Lifter = (lifting, node) => {
  const attributes = convolution(node);
  return attributes && make(lifting, node, "Conv2D", attributes, inputsOf(lifting, node));
};

export const depthwiseConv2D: Lifter = (lifting, node) => {
  const attributes = convolution(node);
  return attributes && make(lifting, node, "DepthwiseConv2D", attributes, inputsOf(lifting, node));
};

/** Conv2DBackpropInput(output shape, kernel, x): the gradient of a convolution, used to make images larger. */
export const conv2DTranspose: Lifter = (lifting, node) => {
  const found = convolution(node);
  const shape = integersOf(lifting, node, 0);
  // TensorFlow computes no dilated one.
  if (found === undefined || shape?.length !== 4 || found.dilations.some((rate) => rate !== 1))
    return undefined;
  const { strides, padding, dataFormat } = found;
  const [height, width] = dataFormat === "NCHW" ? shape.slice(2) : shape.slice(1, 3);
  if (typeof height !== "number" || typeof width !== "number") return undefined;
  const all = { strides, padding, dataFormat, outputSize: [height, width] as const };
  const [kernel, x] = [inputOf(lifting, node, 1), inputOf(lifting, node, 2)];
  return make(lifting, node, "Conv2DTranspose", all, [x, kernel]);
};

export const pooling =
  (op: "MaxPool" | "AvgPool"): Lifter =>
  (lifting, node) => {
    const padding = attributes.padding(node);
    const dataFormat = attributes.dataFormat(node);
    if (padding === undefined || dataFormat === undefined) return undefined;
    const window = windowOf(lifting, node, "ksize", 1, dataFormat);
    const strides = windowOf(lifting, node, "strides", 2, dataFormat);
    if (window === undefined || strides === undefined) return undefined;
    const all = { window, strides, padding, dataFormat };
    return make(lifting, node, op, all, [inputOf(lifting, node, 0)]);
  };

/** The second version of an op takes as inputs what the first has as attributes. */
function windowOf(
  lifting: Lifting,
  node: SourceNode,
  name: string,
  index: number,
  format: DataFormat,
): readonly [number, number] | undefined {
  const list =
    node.inputs.length > index ? numbersOf(lifting, node, index) : attributes.integers(node, name);
  return list && attributes.perPixel(list, format);
}

/** Gather(table, indices), with the axis as a third input in its second version. */
export const gather: Lifter = (lifting, node) => {
  const [axis = 0] = node.inputs.length > 2 ? (numbersOf(lifting, node, 2) ?? [undefined]) : [0];
  const table = inputOf(lifting, node, 0);
  if (attributes.integer(node, "batch_dims") || axis < 0 || axis > shapeOf(table).length)
    return undefined;
  return make(lifting, node, "Gather", { axis }, [table, inputOf(lifting, node, 1)]);
};
