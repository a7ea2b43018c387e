// Multiply-adds, counted by hand, and VGG16's as published.
import { describe, expect, test } from "vitest";
import { costOf, speedUp } from "../../../src/engine/graph/cost";
import type { OpAttributes } from "../../../src/engine/graph/catalogue";
import type { Model, Node, Shape } from "../../../src/engine/graph/model";
import { handmade, node, PRODUCT } from "../../engine/handmade";

const CONV = {
  strides: [1, 1],
  dilations: [1, 1],
  padding: "SAME",
  dataFormat: "NHWC",
} satisfies OpAttributes["Conv2D"];
const POOL = {
  window: [2, 2],
  strides: [2, 2],
  padding: "VALID",
  dataFormat: "NHWC",
} satisfies OpAttributes["MaxPool"];
const MEAN = { axes: [0], keepDims: false };

/** A network from x to its last node, with a loss; `frozen` variables do not train. */
function network(
  x: Shape,
  weights: Record<string, Shape>,
  nodes: readonly Node[],
  frozen: readonly string[] = [],
): Model {
  const output = nodes.at(-1)!.name;
  const model = handmade({
    fed: { x, y: [-1] },
    weights,
    nodes: [
      ...nodes,
      node("each", "SparseSoftmaxCrossEntropy", [output, "y"], {}),
      node("loss", "Mean", ["each"], MEAN),
    ],
    roles: { inputs: ["x"], labels: "y", output, loss: "loss" },
  });
  const variables = [...model.variables].map(
    ([name, variable]) =>
      [name, frozen.includes(name) ? { ...variable, trainable: [] } : variable] as const,
  );
  return { ...model, variables: new Map(variables) };
}

const DENSE = { w1: [64, 300], w2: [300, 100], w3: [100, 50], w4: [50, 5] };
const dense = (frozen: readonly string[]) =>
  network(
    [-1, 64],
    DENSE,
    [
      node("a", "MatMul", ["x", "[w1]"], PRODUCT),
      node("b", "MatMul", ["a", "[w2]"], PRODUCT),
      node("c", "Relu", ["b"], {}),
      node("d", "MatMul", ["c", "[w3]"], PRODUCT),
      node("e", "MatMul", ["d", "[w4]"], PRODUCT),
    ],
    frozen,
  );

describe("a dense network", () => {
  test("with its lower half frozen: the first product above the cut needs no gradient of its input", () => {
    expect(costOf(dense(["w1", "w2"]))).toEqual({
      prefix: 64 * 300 + 300 * 100,
      tail: 100 * 50 + 50 * 5,
      training: 2 * 100 * 50 + 3 * 50 * 5,
    });
  });

  test("with nothing frozen has nothing below the cut", () => {
    const [a, b, c, d] = [64 * 300, 300 * 100, 100 * 50, 50 * 5];
    const tail = a + b + c + d;
    expect(costOf(dense([]))).toEqual({ prefix: 0, tail, training: 2 * a + 3 * (b + c + d) });
  });

  test("that is frozen above what trains: no gradient of the frozen kernel", () => {
    expect(costOf(dense(["w1", "w2", "w4"]))?.training).toBe(2 * 100 * 50 + 2 * 50 * 5);
  });
});

test.each<[string, Shape, Shape, Node, number]>([
  [
    "same convolution",
    [-1, 8, 8, 3],
    [5, 5, 3, 16],
    node("c", "Conv2D", ["x", "[w]"], CONV),
    8 * 8 * 16 * 5 * 5 * 3,
  ],
  [
    "valid convolution with strides that leave a remainder",
    [-1, 10, 9, 3],
    [3, 3, 3, 4],
    node("c", "Conv2D", ["x", "[w]"], { ...CONV, padding: "VALID", strides: [2, 2] }),
    4 * 4 * 4 * 3 * 3 * 3,
  ],
  [
    "channels first",
    [-1, 3, 8, 8],
    [3, 3, 3, 4],
    node("c", "Conv2D", ["x", "[w]"], { ...CONV, dataFormat: "NCHW" }),
    8 * 8 * 4 * 3 * 3 * 3,
  ],
  [
    "depthwise convolution",
    [-1, 8, 8, 3],
    [3, 3, 3, 2],
    node("c", "DepthwiseConv2D", ["x", "[w]"], { ...CONV, strides: [2, 2] }),
    4 * 4 * 6 * 3 * 3,
  ],
  [
    "transposed convolution",
    [-1, 4, 4, 3],
    [5, 5, 2, 3],
    node("c", "Conv2DTranspose", ["x", "[w]"], {
      strides: [2, 2],
      padding: "SAME",
      dataFormat: "NHWC",
      outputSize: [8, 8],
    }),
    4 * 4 * 3 * 5 * 5 * 2,
  ],
  [
    "kernel that is stored transposed",
    [-1, 64],
    [10, 64],
    node("c", "MatMul", ["x", "[w]"], { transposeA: false, transposeB: true }),
    64 * 10,
  ],
  ["batch of fixed size", [50, 64], [64, 10], node("c", "MatMul", ["x", "[w]"], PRODUCT), 64 * 10],
])("a sample of a %s", (_, x, w, op, expected) => {
  const flat = node("flat", "Mean", ["c"], { axes: [1, 2], keepDims: false });
  const model = network(x, { w }, op.op === "MatMul" ? [op] : [op, flat]);
  expect(costOf(model)).toEqual({ prefix: 0, tail: expected, training: 2 * expected });
});

test("a size that is not known before it runs leaves the cost unknown", () => {
  const model = network([-1, -1, -1, 3], { w: [3, 3, 3, 4] }, [
    node("c", "Conv2D", ["x", "[w]"], CONV),
    node("flat", "Mean", ["c"], { axes: [1, 2], keepDims: false }),
  ]);
  expect(costOf(model)).toBeUndefined();
});

test("a product of variables alone is made once, not for each sample", () => {
  const model = network([-1, 4], { a: [4, 100], b: [100, 3] }, [
    node("ab", "MatMul", ["[a]", "[b]"], PRODUCT),
    node("out", "MatMul", ["x", "ab"], PRODUCT),
  ]);
  // Its gradient goes on to the variables: one product more.
  expect(costOf(model)).toEqual({ prefix: 0, tail: 12, training: 24 });
});

/** Simonyan and Zisserman, configuration D, at 224 × 224. */
function vgg16(frozen: readonly string[]): Model {
  const weights: Record<string, Shape> = {};
  const nodes: Node[] = [];
  let at = "x";
  let channels = 3;
  const add = (made: Node) => {
    nodes.push(made);
    at = made.name;
  };
  for (const [block, [width, layers]] of [
    [64, 2],
    [128, 2],
    [256, 3],
    [512, 3],
    [512, 3],
  ].entries()) {
    for (let layer = 1; layer <= layers; layer++) {
      const name = `block${block + 1}_conv${layer}`;
      weights[`${name}/kernel`] = [3, 3, channels, width];
      add(node(name, "Conv2D", [at, `[${name}/kernel]`], CONV));
      channels = width;
    }
    add(node(`block${block + 1}_pool`, "MaxPool", [at], POOL));
  }
  add(node("flatten", "Reshape", [at], { shape: [-1, 7 * 7 * 512] }));
  for (const [name, [rows, columns]] of Object.entries({
    fc1: [25088, 4096],
    fc2: [4096, 4096],
    predictions: [4096, 1000],
  })) {
    weights[`${name}/kernel`] = [rows, columns];
    add(node(name, "MatMul", [at, `[${name}/kernel]`], PRODUCT));
  }
  const all = Object.keys(weights).filter((name) =>
    frozen.some((prefix) => name.startsWith(prefix)),
  );
  return network([-1, 224, 224, 3], weights, nodes, all);
}

test("VGG16 takes 15.47 G multiply-adds, as torchvision publishes", () => {
  const { prefix, tail } = costOf(vgg16([]))!;
  expect(prefix).toBe(0);
  expect(tail).toBe(15_470_264_320);
  const frozen = costOf(vgg16(["block"]))!;
  expect([frozen.prefix, frozen.tail]).toEqual([15_346_630_656, 123_633_664]);
});

describe("the speed-up of bottlenecks", () => {
  test("counts computing them in the first epoch", () => {
    // Ten epochs of 9 + 1 against 9 and ten epochs of 1.
    expect(speedUp(9, 1, 10)).toBeCloseTo(100 / 19);
  });

  test("is none for one epoch", () => {
    expect(speedUp(9, 1, 1)).toBe(1);
  });
});
