// Labels in the form that the graph takes them, and what is counted as right.
import "@tensorflow/tfjs-backend-cpu";
import { beforeAll, describe, expect, test } from "vitest";
import type { DType } from "../../../src/protocol/checkpoint";
import type { Node, Shape } from "../../../src/engine/graph/model";
import { pathTo } from "../../../src/engine/ops/run";
import { SigmoidCrossEntropy } from "../../../src/engine/ops/loss";
import { INFERENCE } from "../../../src/engine/ops/kernel";
import { tf } from "../../../src/engine/ops/tf";
import { LiveVariables } from "../../../src/engine/train/live";
import { inMemory } from "../../../src/engine/train/source";
import { evaluate, predictedClasses } from "../../../src/engine/train/metrics";
import { classifies, labelTarget } from "../../../src/engine/graph/target";
import { labelArray } from "../../../src/engine/train/prepare";
import { expectClose } from "../fixture";
import { executorOn } from "../executor";
import { handmade, LSTM_CELL, node, PRODUCT } from "../handmade";

beforeAll(() => tf.setBackend("cpu"));

const MEAN = { axes: [0], keepDims: false };
const classifier = (dtype: DType, shape: Shape, between: readonly Node[]) =>
  handmade({
    fed: { x: [-1, 4], y: shape },
    weights: { w: [4, 3] },
    nodes: [
      node("y", "Placeholder", [], { dtype }),
      node("logits", "MatMul", ["x", "[w]"], PRODUCT),
      ...between,
      node("loss", "Mean", ["each"], MEAN),
    ],
    roles: { output: "logits", labels: "y", loss: "loss" },
  });
const dense = (labels: string) => node("each", "SoftmaxCrossEntropy", ["logits", labels], {});
const sparse = (labels: string) =>
  node("each", "SparseSoftmaxCrossEntropy", ["logits", labels], {});
const oneHot = node("hot", "OneHot", ["y"], { depth: 3, on: 1, off: 0 });

describe("class labels are fed as the graph takes them", () => {
  const HOT = [
    [0, 0, 1],
    [1, 0, 0],
  ];
  test.each<[string, DType, Shape, Node[], unknown]>([
    ["float rows", "float32", [-1, 3], [dense("y")], HOT],
    ["float rows of a size that is not told", "float32", [-1, -1], [dense("y")], HOT],
    ["float rows of a shape that is not told", "float32", [-1], [dense("y")], HOT],
    [
      "integer rows",
      "int32",
      [-1, 3],
      [node("f", "Cast", ["y"], { to: "float32" }), dense("f")],
      HOT,
    ],
    ["indices", "int64", [-1], [sparse("y")], [2, 0]],
    ["indices that are made one-hot", "int32", [-1], [oneHot, dense("hot")], [2, 0]],
    [
      "a column of float indices",
      "float32",
      [-1, 1],
      [
        node("s", "Squeeze", ["y"], { axes: [1] }),
        node("i", "Cast", ["s"], { to: "int32" }),
        sparse("i"),
      ],
      [[2], [0]],
    ],
  ])("%s", (_, dtype, shape, between, expected) => {
    const model = classifier(dtype, shape, between);
    const target = labelTarget(model);
    const array = labelArray(model, { labels: Int32Array.of(2, 0), samples: 2 }, target);
    expect(tf.tensor(array.data, [2, ...array.shape]).arraySync()).toEqual(expected);
  });

  test("one-hot rows beside words that the graph itself makes one-hot", () => {
    const model = handmade({
      fed: { x: [-1, -1], y: [-1, 3] },
      weights: { kernel: [9, 16], bias: [16], w: [4, 3] },
      nodes: [
        node("x", "Placeholder", [], { dtype: "int32" }),
        node("words", "OneHot", ["x"], { depth: 5, on: 1, off: 0 }),
        node("lstm", "LSTM", ["words", "[kernel]", "[bias]"], {
          ...LSTM_CELL,
          takes: ["joinedKernel", "bias"],
        }),
        node("last", "LastStep", ["lstm"], { timeMajor: false }),
        node("logits", "MatMul", ["last", "[w]"], PRODUCT),
        dense("y"),
        node("loss", "Mean", ["each"], MEAN),
      ],
      roles: { inputs: ["x"], output: "logits", labels: "y", loss: "loss" },
    });
    expect(labelTarget(model)).toEqual({ kind: "classes", classes: 3 });
  });

  test("a cross-entropy by hand over the logarithm of a softmax compares classes too", () => {
    const model = classifier(
      "float32",
      [-1, 3],
      [
        node("log", "LogSoftmax", ["logits"], {}),
        node("product", "Mul", ["y", "log"], {}),
        node("each", "Neg", ["product"], {}),
      ],
    );
    expect(labelTarget(model)).toEqual({ kind: "classes", classes: 3 });
  });
});

test("one unit has an accuracy where the loss is a sigmoid's and the recipe names both classes", () => {
  const unit = (op: "SigmoidCrossEntropy" | "SquaredDifference") =>
    handmade({
      fed: { x: [-1, 4], y: [-1, 1] },
      weights: { w: [4, 1] },
      nodes: [
        node("logits", "MatMul", ["x", "[w]"], PRODUCT),
        node("each", op, ["logits", "y"], {}),
        node("loss", "Mean", ["each"], { axes: [0, 1], keepDims: false }),
      ],
      roles: { output: "logits", labels: "y", loss: "loss" },
    });
  expect(classifies(unit("SigmoidCrossEntropy"), ["no", "yes"])).toBe(true);
  expect(classifies(unit("SigmoidCrossEntropy"), [])).toBe(false);
  expect(classifies(unit("SquaredDifference"), ["no", "yes"])).toBe(false);
});

test("one logit tells two classes apart by its sign", () => {
  expect([...predictedClasses(Float32Array.of(0.5, -1, 2), 3)]).toEqual([1, 0, 1]);
  expect([...predictedClasses(Float32Array.of(0, 1, -1), 1)]).toEqual([1]);
});

test("validation feeds the recipe's scalars to the loss, as training does", async () => {
  const model = handmade({
    fed: { x: [-1, 2], weight: [] },
    nodes: [
      node("squares", "Square", ["x"], {}),
      node("mean", "Mean", ["squares"], { axes: [0, 1], keepDims: false }),
      node("loss", "Mul", ["mean", "weight"], {}),
    ],
  });
  const path = pathTo(model, ["loss", "squares"], new Set(["x"]));
  const scalars = new Map([["weight", 10]]);
  const executor = await executorOn("compiled");
  const forward = executor.forward({ path, live: new LiveVariables(), moving: new Set(), scalars });
  const { loss } = await evaluate(forward, {
    source: inMemory([{ node: "x", shape: [2], data: Float32Array.of(1, 2) }]),
    window: 1,
    batch: 1,
    indices: Int32Array.of(0),
    targets: { labels: Int32Array.of(0) },
    classes: [],
  });
  expect(loss).toBe(25);
});

test("the gradient of a sigmoid cross-entropy is TensorFlow's where logits are zero, as fresh ones may be", () => {
  const logits = tf.tensor([0, 0, 0, 3, -3]);
  const labels = tf.tensor([0, 1, 0.5, 1, 1]);
  const entropy = (x: tf.Tensor) =>
    tf.sum(SigmoidCrossEntropy([x, labels], {}, {} as never, INFERENCE)) as tf.Scalar;
  const expected = tf.sub(tf.sigmoid(logits), labels);
  expectClose(tf.grad(entropy)(logits).dataSync(), expected.dataSync(), 1e-6);
});
