// Losses as graphs write them: what each step yields is the cpu's, and training makes the loss small.
import { beforeAll, describe, expect, test } from "vitest";
import type { Node } from "../../../src/engine/graph/model";
import { uniforms } from "../../../src/engine/graph/random";
import type { Executor } from "../../../src/engine/train/executor";
import type { SampleArray } from "../../../src/engine/train/samples";
import { executorOn } from "../executor";
import { expectClose } from "../fixture";
import { handmade, node, PRODUCT } from "../handmade";
import { beginning, numbersOf, train, type Lesson } from "./network";

const SAMPLES = 60;
const FEATURES = 4;
const CLASSES = 3;

const features = uniforms(1, ["x"], SAMPLES * FEATURES).map((each) => 2 * each - 1);
const row = (sample: number) => features.subarray(sample * FEATURES, (sample + 1) * FEATURES);
/** Something to learn: the largest of the first three features. */
const classOf = (sample: number) => {
  const scores = row(sample).subarray(0, CLASSES);
  return scores.indexOf(Math.max(...scores));
};
const signOf = (sample: number) => (row(sample)[0] > row(sample)[1] ? 1 : -1);

const labels = (width: number, at: (sample: number, unit: number) => number): Float32Array =>
  Float32Array.from({ length: SAMPLES * width }, (_, index) =>
    at(Math.floor(index / width), index % width),
  );

interface Loss {
  readonly units: number;
  /** Shape of a sample's label. */
  readonly labelShape: readonly number[];
  readonly labels: Float32Array | Int32Array;
  /** From `out` and `y` to `loss`. */
  readonly nodes: readonly Node[];
}

const mean = (of: string, ...axes: number[]) =>
  node("loss", "Mean", [of], { axes, keepDims: false });
const one = node("one", "Const", [], { dtype: "float32", shape: [], values: [1] });

const LOSSES: Readonly<Record<string, Loss>> = {
  "softmax, labels as classes": {
    units: CLASSES,
    labelShape: [],
    labels: Int32Array.from({ length: SAMPLES }, (_, sample) => classOf(sample)),
    nodes: [node("each", "SparseSoftmaxCrossEntropy", ["out", "y"], {}), mean("each", 0)],
  },
  "softmax, labels as shares": {
    units: CLASSES,
    labelShape: [CLASSES],
    labels: labels(CLASSES, (sample, unit) => (unit === classOf(sample) ? 0.9 : 0.05)),
    nodes: [node("each", "SoftmaxCrossEntropy", ["out", "y"], {}), mean("each", 0)],
  },
  "softmax by hand": {
    units: CLASSES,
    labelShape: [CLASSES],
    labels: labels(CLASSES, (sample, unit) => Number(unit === classOf(sample))),
    nodes: [
      node("shares", "Softmax", ["out"], {}),
      node("logs", "Log", ["shares"], {}),
      node("products", "Mul", ["y", "logs"], {}),
      node("sums", "Sum", ["products"], { axes: [1], keepDims: false }),
      node("each", "Neg", ["sums"], {}),
      mean("each", 0),
    ],
  },
  sigmoid: {
    units: 1,
    labelShape: [1],
    labels: labels(1, (sample) => Number(signOf(sample) > 0)),
    nodes: [node("each", "SigmoidCrossEntropy", ["out", "y"], {}), mean("each", 0, 1)],
  },
  "mean squared error": {
    units: 2,
    labelShape: [2],
    labels: labels(2, (sample, unit) => row(sample)[unit] - 2 * row(sample)[unit + 1]),
    nodes: [node("each", "SquaredDifference", ["out", "y"], {}), mean("each", 0, 1)],
  },
  hinge: {
    units: 1,
    labelShape: [1],
    labels: labels(1, signOf),
    nodes: [
      one,
      node("agreement", "Mul", ["out", "y"], {}),
      node("margin", "Sub", ["one", "agreement"], {}),
      node("each", "Relu", ["margin"], {}),
      mean("each", 0, 1),
    ],
  },
};

const X: SampleArray = { node: "x", shape: [FEATURES], data: features };

function lessonOf({ units, labelShape, labels: data, nodes }: Loss): Lesson {
  const model = handmade({
    fed: { x: [-1, FEATURES], y: [-1, ...labelShape] },
    weights: { "hidden/w": [FEATURES, 8], "hidden/b": [8], "out/w": [8, units], "out/b": [units] },
    nodes: [
      node("product", "MatMul", ["x", "[hidden/w]"], PRODUCT),
      node("sum", "BiasAdd", ["product", "[hidden/b]"], { dataFormat: "NHWC" }),
      node("hidden", "Tanh", ["sum"], {}),
      node("scores", "MatMul", ["hidden", "[out/w]"], PRODUCT),
      node("out", "BiasAdd", ["scores", "[out/b]"], { dataFormat: "NHWC" }),
      ...nodes,
    ],
    roles: { output: "out", labels: "y", loss: "loss" },
  });
  return {
    model,
    arrays: [X, { node: "y", shape: labelShape, data }],
    samples: SAMPLES,
    optimizer: { sgd: { learningRate: 1 } },
    batch: SAMPLES,
  };
}

let compiled: Executor;
let cpu: Executor;
beforeAll(async () => {
  cpu = await executorOn("cpu");
  compiled = await executorOn("compiled");
});

describe.each(Object.keys(LOSSES))("%s", (name) => {
  const lesson = lessonOf(LOSSES[name]);

  test("one step, of a learning rate of 1, moves by the cpu's gradient", async () => {
    const [start, actual, expected] = [beginning(lesson), beginning(lesson), beginning(lesson)];
    expectClose(await train(compiled, lesson, actual), await train(cpu, lesson, expected), 1e-6);
    for (const [variable, values] of Object.entries(numbersOf(expected))) {
      const before = numbersOf(start)[variable];
      const moved = (numbers: Float32Array) => numbers.map((each, index) => each - before[index]);
      expect(Math.max(...moved(values).map(Math.abs))).toBeGreaterThan(1e-4);
      expectClose(moved(numbersOf(actual)[variable]), moved(values), 1e-6, variable);
    }
  });

  test("it is learned, to the cpu's numbers", async () => {
    const long: Lesson = {
      ...lesson,
      optimizer: { momentum: { learningRate: 0.05, momentum: 0.9 } },
      epochs: 60,
      batch: 16,
    };
    const [actual, expected] = [beginning(long), beginning(long)];
    const losses = await train(compiled, long, actual);
    expectClose(losses, await train(cpu, long, expected), 1e-4);
    const average = (some: readonly number[]) =>
      some.reduce((sum, loss) => sum + loss, 0) / some.length;
    expect(average(losses.slice(-4))).toBeLessThan(average(losses.slice(0, 4)) / 2);
    for (const [variable, values] of Object.entries(numbersOf(expected)))
      expectClose(numbersOf(actual)[variable], values, 1e-4, variable);
  });
});
