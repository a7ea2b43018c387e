// Every op of the catalogue, its value and its gradients: wasm must agree with cpu, or be refused for training.
import { beforeAll, describe, expect, test } from "vitest";
import type { OpAttributes, OpName } from "../../../src/engine/graph/catalogue";
import { INFERENCE, type Kernel } from "../../../src/engine/ops/kernel";
import { KERNELS } from "../../../src/engine/ops/table";
import { tf, type Tensor } from "../../../src/engine/ops/tf";
import { chooseExecutor } from "../../../src/engine/train/backend";
import { expectClose } from "../fixture";
import { handmade, node } from "../handmade";

type Case<Op extends OpName> = readonly [inputs: () => Tensor[], attributes: OpAttributes[Op]];
const numbers = (...shape: number[]): Tensor => {
  const count = shape.reduce((product, size) => product * size, 1);
  // Positive, for roots and logarithms, and no two alike, for the largest of several.
  return tf.tensor(
    Array.from({ length: count }, (_, index) => 1 + Math.sin(index * 1.7) * 0.8),
    shape,
  );
};
const indices = (...values: number[]) => tf.tensor1d(values, "int32");
const matrix = () => [numbers(3, 4)];
const matrices = () => [numbers(3, 4), tf.add(numbers(3, 4), 0.3)];
const image = () => numbers(2, 5, 5, 2);
const window = {
  strides: [2, 1],
  padding: "SAME",
  dataFormat: "NHWC",
  dilations: [1, 1],
  window: [2, 2],
} as const;
const unary = [matrix, {}] as const;
const binary = [matrices, {}] as const;
/** Two of four steps, and all four. */
const masks = () => tf.tensor2d([1, 1, 0, 0, 1, 1, 1, 1], [2, 4], "int32");
const recurrent = {
  activation: "tanh",
  gateActivation: "sigmoid",
  masked: "hold",
  timeMajor: false,
} as const;
const reduced = [matrix, { axes: [1], keepDims: false }] as const;

const CASES: { readonly [Op in Exclude<OpName, "Placeholder" | "Opaque">]: Case<Op> } = {
  Const: [() => [], { dtype: "float32", shape: [2], values: [1, 2] }],
  MatMul: [() => [numbers(3, 4), numbers(2, 4)], { transposeA: false, transposeB: true }],
  BiasAdd: [() => [numbers(3, 4), numbers(4)], { dataFormat: "NHWC" }],
  Conv2D: [() => [image(), numbers(3, 3, 2, 3)], window],
  DepthwiseConv2D: [() => [image(), numbers(3, 3, 2, 2)], { ...window, strides: [1, 1] }],
  Conv2DTranspose: [
    () => [numbers(2, 3, 5, 3), numbers(3, 3, 2, 3)],
    { ...window, outputSize: [5, 5] },
  ],
  MaxPool: [() => [image()], window],
  AvgPool: [() => [image()], window],
  BatchNorm: [
    () => [numbers(3, 4), numbers(4), numbers(4), numbers(4), numbers(4)],
    { epsilon: 0.01, momentum: 0.9, unbiased: true, dataFormat: "NHWC" },
  ],
  Dropout: [matrix, { rate: 0.5 }],
  LSTM: [
    () => [numbers(2, 4, 3), numbers(3, 8), numbers(2, 11), numbers(8), masks()],
    {
      takes: ["kernel", "recurrentKernel", "bias", "mask"],
      gates: ["c", "f", "o", "i"],
      peepholeColumns: ["f", "o", "i"],
      forgetBias: 1,
      cellClip: 2,
      projectionClip: null,
      ...recurrent,
    },
  ],
  GRU: [
    () => [numbers(2, 4, 3), numbers(5, 4), numbers(4), numbers(5, 2), numbers(2), masks()],
    {
      takes: ["gateKernel", "gateBias", "candidateKernel", "candidateBias", "mask"],
      gates: ["r", "u"],
      ...recurrent,
    },
  ],
  Reverse: [() => [numbers(2, 4, 3), indices(2, 4)], { axis: 1, batchAxis: 0 }],
  LastStep: [() => [numbers(2, 4, 3), masks()], { timeMajor: false }],
  SequenceMask: [() => [indices(2, 4), numbers(2, 4, 3)], { timeMajor: false }],
  Add: binary,
  Sub: binary,
  Mul: binary,
  Div: binary,
  Maximum: binary,
  Minimum: binary,
  Pow: binary,
  SquaredDifference: binary,
  Relu: unary,
  Relu6: unary,
  Elu: unary,
  Selu: unary,
  LeakyRelu: [matrix, { alpha: 0.2 }],
  Sigmoid: unary,
  Tanh: unary,
  Softplus: unary,
  Softmax: unary,
  LogSoftmax: unary,
  Exp: unary,
  Log: unary,
  Log1p: unary,
  Neg: unary,
  Abs: unary,
  Square: unary,
  Sqrt: unary,
  Rsqrt: unary,
  Floor: unary,
  Identity: unary,
  StopGradient: unary,
  Cast: [matrix, { to: "float32" }],
  Reshape: [matrix, { shape: [-1, 2] }],
  Transpose: [matrix, { permutation: [1, 0] }],
  Concat: [matrices, { axis: 1 }],
  Slice: [matrix, { begin: [null, 1], end: [null, -1], strides: [-1, 2] }],
  Tile: [matrix, { multiples: [2, 1] }],
  Squeeze: [() => [numbers(3, 1, 4)], { axes: [1] }],
  ExpandDims: [matrix, { axis: 1 }],
  Pad: [matrix, { paddings: [1, 1, 0, 2] }],
  Gather: [() => [numbers(3, 4), indices(0, 2, 2)], { axis: 0 }],
  OneHot: [() => [indices(0, 1)], { depth: 3, on: 2, off: -1 }],
  Mean: reduced,
  Sum: reduced,
  Max: reduced,
  Min: reduced,
  ArgMax: [matrix, { axis: -1 }],
  Equal: binary,
  Greater: binary,
  GreaterEqual: binary,
  Less: binary,
  Select: [() => [tf.greater(numbers(3, 4), 1), ...matrices()], { rows: false }],
  InTopK: [() => [numbers(3, 4), indices(0, 1, 2)], { k: 2 }],
  SparseSoftmaxCrossEntropy: [() => [numbers(3, 4), indices(0, 3, 2)], {}],
  SoftmaxCrossEntropy: binary,
  SigmoidCrossEntropy: binary,
  L2Loss: unary,
};

/** What has no gradient, in TensorFlow either. */
const FLAT = new Set<OpName>([
  "Const",
  "OneHot",
  "ArgMax",
  "Equal",
  "Greater",
  "GreaterEqual",
  "Less",
  "InTopK",
  "SequenceMask",
]);

/** The value, and the gradients of all inputs that are floats. */
function compute(op: keyof typeof CASES): { value: number[]; gradients: () => number[][] } {
  const [inputs, attributes] = CASES[op];
  const kernel = KERNELS[op] as Kernel<OpName>;
  const all = inputs();
  const names = all.map((_, index) => `input${index}`);
  const made = node(op, op, names, attributes as never);
  const context = {
    ...INFERENCE,
    random: (_: unknown, shape: readonly number[]) => tf.fill([...shape], 0.7),
  };
  const mode = { ...context, training: () => op === "Dropout" };
  const run = (values: readonly Tensor[]) =>
    kernel(values, attributes as never, made as never, mode);
  const floats = all.flatMap((each, index) => (each.dtype === "float32" ? [index] : []));
  const gradients = () =>
    tf
      .grads((...moved: Tensor[]) => {
        const values = [...all];
        floats.forEach((index, at) => (values[index] = moved[at]));
        const value = run(values);
        return tf.sum(tf.mul(value, tf.reshape(tf.range(1, value.size + 1), value.shape)));
      })(floats.map((index) => all[index]))
      .map((gradient) => [...gradient.dataSync()]);
  return { value: [...run(all).dataSync()], gradients };
}

const isRefused = (op: OpName): Promise<boolean> => {
  const model = handmade({ fed: { x: [-1] }, nodes: [node("op", "Opaque", ["x"], { type: "" })] });
  const nodes = new Map([["op", { ...model.nodes.get("op")!, op } as never]]);
  return chooseExecutor(
    "wasm",
    { ...model, nodes },
    { trained: new Set(["op"]), note: () => {} },
  ).then(
    () => false,
    () => true,
  );
};

beforeAll(async () => {
  const model = handmade({ nodes: [] });
  for (const backend of ["cpu", "wasm"] as const)
    await chooseExecutor(backend, model, { trained: new Set(), note: () => {} });
});

describe("wasm computes what cpu computes", () => {
  test.each(Object.keys(CASES) as (keyof typeof CASES)[])("%s", async (op) => {
    await tf.setBackend("cpu");
    const expected = compute(op);
    const slopes = FLAT.has(op) ? [] : expected.gradients();
    const refused = await isRefused(op);
    await tf.setBackend("wasm");
    const actual = compute(op);
    expectClose(actual.value, expected.value, 1e-5);
    // What is refused but for a wrong gradient is compared in test/engine/gradients.
    if (refused && op !== "MaxPool") expect(() => actual.gradients()).toThrow(/not registered/);
    else if (!FLAT.has(op) && !refused)
      actual.gradients().forEach((each, index) => expectClose(each, slopes[index], 1e-5));
  });
});
