import { describe, expect, test } from "vitest";
import type { OpAttributes, OpName } from "../../../src/engine/graph/catalogue";
import type { Node, Shape } from "../../../src/engine/graph/model";
import { broadcast, inferShape } from "../../../src/engine/graph/shapes";

const infer = <Op extends OpName>(
  op: Op,
  attributes: OpAttributes[Op],
  ...shapes: Shape[]
): Shape => {
  const inputs = shapes.map((_, index) => ({ node: `in${index}` }));
  return inferShape({ name: "n", op, attributes, inputs, origin: [] } as unknown as Node, shapes);
};

const conv = (more: Partial<OpAttributes["Conv2D"]> = {}) => ({
  strides: [1, 1] as const,
  padding: "SAME" as const,
  dataFormat: "NHWC" as const,
  dilations: [1, 1] as const,
  ...more,
});
const up = (outputSize: readonly [number, number]) => ({
  strides: [2, 2] as const,
  padding: "SAME" as const,
  dataFormat: "NHWC" as const,
  outputSize,
});
/** [begin, end, stride] of each axis. */
const cut = (
  ...axes: (readonly [number | null, number | null, number?])[]
): OpAttributes["Slice"] => ({
  begin: axes.map(([begin]) => begin),
  end: axes.map(([, end]) => end),
  strides: axes.map(([, , stride = 1]) => stride),
});
const plain = { transposeA: false, transposeB: false };

describe("what comes out", () => {
  test.each<[string, Shape, Shape]>([
    ["MatMul", infer("MatMul", plain, [-1, 4], [4, 3]), [-1, 3]],
    [
      "MatMul transposed",
      infer("MatMul", { transposeA: true, transposeB: true }, [4, 2], [3, 4]),
      [2, 3],
    ],
    ["MatMul of anything", infer("MatMul", plain, [-1], [4, 3]), [-1, 3]],
    [
      "Conv2D SAME",
      infer("Conv2D", conv({ strides: [2, 2] }), [-1, 7, 8, 3], [3, 3, 3, 5]),
      [-1, 4, 4, 5],
    ],
    [
      "Conv2D VALID",
      infer("Conv2D", conv({ padding: "VALID", strides: [2, 3] }), [-1, 7, 8, 3], [3, 3, 3, 5]),
      [-1, 3, 2, 5],
    ],
    [
      "Conv2D dilated",
      infer("Conv2D", conv({ padding: "VALID", dilations: [2, 2] }), [-1, 9, 9, 3], [3, 3, 3, 5]),
      [-1, 5, 5, 5],
    ],
    [
      "Conv2D NCHW",
      infer("Conv2D", conv({ dataFormat: "NCHW" }), [2, 3, 7, 8], [1, 1, 3, 5]),
      [2, 5, 7, 8],
    ],
    [
      "Conv2D of an unknown size",
      infer("Conv2D", conv(), [-1, -1, -1, 3], [3, 3, 3, 5]),
      [-1, -1, -1, 5],
    ],
    [
      "Conv2DTranspose",
      infer("Conv2DTranspose", up([7, 8]), [-1, 4, 4, 5], [3, 3, 3, 5]),
      [-1, 7, 8, 3],
    ],
    [
      "Conv2DTranspose NCHW",
      infer("Conv2DTranspose", { ...up([8, 8]), dataFormat: "NCHW" }, [2, 5, 4, 4], [3, 3, 3, 5]),
      [2, 3, 8, 8],
    ],
    ["Slice", infer("Slice", cut([1, -1], [null, null]), [5, 3]), [3, 3]],
    ["Slice of every other", infer("Slice", cut([null, null, 2], [4, 0, -3]), [5, 7]), [3, 2]],
    ["Slice past the end", infer("Slice", cut([2, 9], [7, null]), [5, 3]), [3, 0]],
    ["Slice of a batch", infer("Slice", cut([null, null], [1, 2]), [-1, 3]), [-1, 1]],
    ["Tile", infer("Tile", { multiples: [2, 3] }, [-1, 4]), [-1, 12]],
    [
      "DepthwiseConv2D",
      infer("DepthwiseConv2D", conv(), [-1, 7, 8, 3], [3, 3, 3, 2]),
      [-1, 7, 8, 6],
    ],
    [
      "MaxPool",
      infer(
        "MaxPool",
        { ...conv({ padding: "VALID", strides: [2, 2] }), window: [3, 3] },
        [-1, 6, 7, 4],
      ),
      [-1, 2, 3, 4],
    ],
    ["Add", infer("Add", {}, [-1, 1, 4], [5, 1]), [-1, 5, 4]],
    ["Reshape with a batch", infer("Reshape", { shape: [-1, 48] }, [-1, 4, 4, 3]), [-1, 48]],
    ["Reshape folds the batch", infer("Reshape", { shape: [-1, 6] }, [-1, 5, 6]), [-1, 6]],
    ["Reshape to a known rest", infer("Reshape", { shape: [2, -1] }, [4, 3]), [2, 6]],
    ["Reshape of batch and rest", infer("Reshape", { shape: [-1, -1] }, [-1, 4, 3]), [-1, 12]],
    ["Transpose", infer("Transpose", { permutation: [0, 2, 1] }, [-1, 4, 3]), [-1, 3, 4]],
    ["Concat", infer("Concat", { axis: -1 }, [-1, 4], [-1, 3]), [-1, 7]],
    ["Concat of batches", infer("Concat", { axis: 0 }, [-1, 4], [2, 4]), [-1, 4]],
    ["Squeeze", infer("Squeeze", { axes: [1, 2] }, [-1, 1, 1, 3]), [-1, 3]],
    ["ExpandDims", infer("ExpandDims", { axis: -1 }, [-1, 3]), [-1, 3, 1]],
    ["Pad", infer("Pad", { paddings: [0, 0, 1, 2] }, [-1, 3]), [-1, 6]],
    ["Gather", infer("Gather", { axis: 0 }, [20, 6], [-1, 4]), [-1, 4, 6]],
    ["OneHot", infer("OneHot", { depth: 5, on: 1, off: 0 }, [-1]), [-1, 5]],
    ["Mean", infer("Mean", { axes: [1, -1], keepDims: false }, [-1, 4, 5, 6]), [-1, 5]],
    [
      "Mean, axes kept",
      infer("Mean", { axes: [1, 2], keepDims: true }, [-1, 4, 5, 6]),
      [-1, 1, 1, 6],
    ],
    ["ArgMax", infer("ArgMax", { axis: 1 }, [-1, 6]), [-1]],
    ["Select by rows", infer("Select", { rows: true }, [-1], [-1, 4], [-1, 4]), [-1, 4]],
    ["SparseSoftmaxCrossEntropy", infer("SparseSoftmaxCrossEntropy", {}, [-1, 6], [-1]), [-1]],
    ["L2Loss", infer("L2Loss", {}, [4, 3]), []],
  ])("%s", (_, actual, expected) => expect(actual).toEqual(expected));
});

describe("what does not fit", () => {
  test.each<[string, () => Shape]>([
    ["columns and rows", () => infer("MatMul", plain, [-1, 4], [5, 3])],
    ["a vector as a matrix", () => infer("MatMul", plain, [4], [4, 3])],
    ["channels of a convolution", () => infer("Conv2D", conv(), [-1, 7, 8, 3], [3, 3, 4, 5])],
    [
      "a kernel larger than the image",
      () => infer("Conv2D", conv({ padding: "VALID" }), [-1, 2, 2, 3], [3, 3, 3, 5]),
    ],
    ["a bias of another width", () => infer("BiasAdd", { dataFormat: "NHWC" }, [-1, 4], [5])],
    [
      "statistics of another width",
      () =>
        infer(
          "BatchNorm",
          { epsilon: 1, momentum: 1, unbiased: true, dataFormat: "NHWC" },
          [-1, 4],
          [4],
          [4],
          [4],
          [5],
        ),
    ],
    ["sizes that do not broadcast", () => infer("Add", {}, [-1, 4], [-1, 5])],
    ["a reshape to another count", () => infer("Reshape", { shape: [5] }, [2, 2])],
    ["a reshape that cannot come out even", () => infer("Reshape", { shape: [-1, 64] }, [-1, 80])],
    ["a concatenation of other widths", () => infer("Concat", { axis: 1 }, [-1, 4], [3, 4, 5])],
    ["an order that is none", () => infer("Transpose", { permutation: [0, 0] }, [-1, 3])],
    ["classes of labels and logits", () => infer("SoftmaxCrossEntropy", {}, [-1, 4], [-1, 5])],
    [
      "labels with an axis too many",
      () => infer("SparseSoftmaxCrossEntropy", {}, [-1, 4], [-1, 4]),
    ],
    ["an input that is missing", () => infer("MatMul", plain, [-1, 4])],
  ])("%s", (_, run) =>
    expect(run).toThrow(expect.objectContaining({ code: "shape-mismatch" }) as Error),
  );

  test("the message names both sides", () =>
    expect(() => infer("MatMul", plain, [-1, 4], [5, 3])).toThrow(
      'MatMul "n" does not fit its inputs: in0 has shape [?, 4], in1 has shape [5, 3]; 4 columns meet 5 rows.',
    ));
});

test.each<[Shape, Shape, Shape | undefined]>([
  [[], [2, 3], [2, 3]],
  [[3], [2, 1], [2, 3]],
  [
    [-1, 4],
    [1, 4],
    [-1, 4],
  ],
  [
    [-1, 4],
    [8, 4],
    [8, 4],
  ],
  [[-1], [5, 4], [5, 4]],
  [[2], [3], undefined],
])("%j and %j broadcast to %j", (a, b, expected) => {
  expect(broadcast(a, b)).toEqual(expected);
  expect(broadcast(b, a)).toEqual(expected);
});
