// New layers between others: identities change nothing, other sizes start what reads them afresh.
import { beforeAll, describe, expect, test } from "vitest";
import type { Model } from "../../../src/engine/graph/model";
import { executorOn } from "../executor";
import { expectClose } from "../fixture";
import {
  apply,
  convolutional,
  edited,
  joined,
  logits,
  numbersFor,
  perceptron,
  refusal,
  residual,
  SAMPLES,
  storedIn,
  valueOf,
} from "./small";

beforeAll(async () => void (await executorOn("cpu")));

const insert = (spec: object) => ({ insertLayer: spec });
const identity = (kind: "dense" | "conv2d", more: object = {}) => ({
  [kind]: { init: "identity", ...more },
});

/** x·w + b of row-major numbers, then max(0, ·) where asked. */
function product(x: number[], w: number[], b: number[], relu: boolean): number[] {
  const [units, inputs] = [b.length, w.length / b.length];
  return Array.from({ length: (x.length / inputs) * units }, (_, at) => {
    const [row, unit] = [Math.floor(at / units), at % units];
    let sum = b[unit];
    for (let i = 0; i < inputs; i++) sum += x[row * inputs + i] * w[i * units + unit];
    return relu ? Math.max(0, sum) : sum;
  });
}

describe("what changes nothing", () => {
  test.each<[string, () => Model, object]>([
    ["dense behind relu", perceptron, { after: "hidden1", layer: identity("dense") }],
    ["dense before the output", perceptron, { before: "out", layer: identity("dense") }],
    [
      "linear dense behind tanh",
      () => perceptron("Tanh"),
      { after: "hidden1", layer: identity("dense", { activation: "none" }) },
    ],
    [
      "dense behind the output",
      perceptron,
      { after: "out", layer: identity("dense", { activation: "none" }) },
    ],
    [
      "conv behind batch norm and relu",
      convolutional,
      { after: "norm", layer: identity("conv2d") },
    ],
    ["conv behind pooling", convolutional, { before: "conv2", layer: identity("conv2d") }],
    [
      "linear conv before batch norm, with an even window",
      convolutional,
      { after: "conv1", layer: identity("conv2d", { activation: "none", window: [2, 5] }) },
    ],
    ["conv in front of a branch", residual, { after: "conv1", layer: identity("conv2d") }],
    ["conv within a branch", residual, { before: "conv2", layer: identity("conv2d") }],
    [
      "dense behind a join",
      joined,
      {
        before: "out",
        layer: identity("dense", { activation: "none" }),
      },
    ],
    ["dense in one branch of a join", joined, { after: "a", layer: identity("dense") }],
    ["batch norm of rows", perceptron, { after: "hidden1", layer: { batchNorm: {} } }],
    ["batch norm of images", convolutional, { before: "conv2", layer: { batchNorm: {} } }],
    ["dropout", perceptron, { after: "hidden2", layer: { dropout: { rate: 0.5 } } }],
    ["relu behind relu", perceptron, { after: "hidden2", layer: { activation: "relu" } }],
  ])("%s", async (_, network, spec) => {
    const source = network();
    const after = edited(source, insert(spec));
    expect(after.layers).toHaveLength(source.layers.length + 1);
    const read = storedIn(source);
    const [was, is] = [await logits(source, read), await logits(after, read)];
    expect(Math.max(...was.map((number, at) => Math.abs(number - is[at])))).toBeLessThan(1e-6);
    expect(apply(source, insert(spec)).edits[0].sentence).toContain("computes what it did before");
  });

  test("numbers stay where they are: only the new layer has fresh ones", () => {
    const source = perceptron();
    const after = edited(source, insert({ after: "hidden1", layer: identity("dense") }));
    for (const variable of source.variables.values())
      expect(after.variables.get(variable.name)).toEqual(variable);
    expect(after.variables.get("dense/kernel")).toMatchObject({
      shape: [4, 4],
      value: { initializer: "identity" },
      trainable: [{ start: [0, 0], size: [4, 4] }],
    });
  });
});

describe("another number of units", () => {
  test("starts what reads it afresh, and computes as layers do", async () => {
    const source = perceptron();
    const after = edited(
      source,
      insert({ after: "hidden1", layer: { dense: { units: 7, init: "heNormal" } }, name: "wide" }),
    );
    const read = storedIn(source);
    const of = (name: string) => valueOf(after, read, name);
    expect(after.variables.get("hidden2/w")).toMatchObject({ shape: [7, 6] });
    expect(await of("out/w")).toEqual([...numbersFor("out/w", 18)]);
    expect(new Set(await of("hidden2/w")).size).toBe(42);
    let at = [...numbersFor("x", SAMPLES * 5)];
    at = product(at, await of("hidden1/w"), await of("hidden1/b"), true);
    at = product(at, await of("wide/kernel"), await of("wide/bias"), true);
    at = product(at, await of("hidden2/w"), await of("hidden2/b"), true);
    at = product(at, await of("out/w"), await of("out/b"), false);
    expectClose(await logits(after, read), at, 1e-6);
  });

  test("behind a flattening, every pixel's rows", () => {
    const after = edited(
      convolutional(),
      insert({ after: "conv2", layer: { conv2d: { units: 5, window: 1 } } }),
    );
    expect(after.variables.get("out/w")!.shape).toEqual([45, 3]);
    expect(after.variables.get("conv2/w")!.value).toEqual({ from: "stored", name: "conv2/w" });
  });

  test("in one branch of a join, only the rows of that branch", async () => {
    const source = joined();
    const after = edited(source, insert({ after: "a", layer: { dense: { units: 9 } } }));
    expect(after.variables.get("out/w")!.shape).toEqual([11, 3]);
    const rows = (await valueOf(after, storedIn(source), "out/w")).slice(27);
    expect(rows).toEqual([...numbersFor("out/w", 18)].slice(12));
  });

  test("behind the output, it makes the classes", () => {
    const after = edited(
      perceptron(),
      insert({ after: "out", layer: { dense: { units: 8, activation: "none" } } }),
    );
    expect(after.roles.output).toBe("dense/BiasAdd");
    expect(after.shapes.get("dense/BiasAdd")).toEqual([-1, 8]);
    expect(after.shapes.get("y")).toEqual([-1, 8]);
  });

  test("strides make images smaller where what follows allows it", () => {
    const strided = insert({ before: "conv2", layer: { conv2d: { strides: 2 } } });
    expect(refusal(convolutional(), strided)).toMatch(/cannot be inserted here.*flat/);
    // Nine images of four numbers would become one row.
    const first = insert({ before: "conv1", layer: { conv2d: { strides: 2 } } });
    expect(refusal(convolutional(), first)).toMatch(
      /cannot be inserted here: flat would put 4 numbers a sample into rows of 36/,
    );
    const after = edited(residual(), insert({ after: "conv1", layer: { conv2d: { strides: 2 } } }));
    expect(after.shapes.get("sum")).toEqual([-1, 3, 3, 4]);
  });
});

test("all readers read a layer behind another, and one reads a layer before it", () => {
  const behind = edited(residual(), insert({ after: "conv1", layer: { batchNorm: {} } }));
  const before = edited(residual(), insert({ before: "conv2", layer: { batchNorm: {} } }));
  const reads = (model: Model, name: string) => model.nodes.get(name)!.inputs[0];
  const norm = { node: "batch_normalization/BatchNorm" };
  expect(reads(behind, "conv2/Conv2D")).toEqual(norm);
  expect(reads(behind, "sum")).toEqual(norm);
  expect(reads(before, "conv2/Conv2D")).toEqual(norm);
  expect(reads(before, "sum")).toEqual({ node: "conv1/Relu" });
  const order = [...behind.nodes.keys()];
  expect(order.indexOf(norm.node)).toBeLessThan(order.indexOf("sum"));
  expect(behind.layers.map(({ name }) => name)).toEqual([
    "conv1",
    "batch_normalization",
    "conv2",
    "out",
  ]);
});

describe("is refused, and says what fits", () => {
  test.each<[string, () => Model, object, RegExp]>([
    [
      "an identity with tanh",
      perceptron,
      { after: "hidden1", layer: identity("dense", { activation: "tanh" }) },
      /tanh changes what hidden1\/Relu hands on: use "activation": "none" or "relu"/,
    ],
    [
      "an identity with relu behind tanh",
      () => perceptron("Tanh"),
      { after: "hidden1", layer: identity("dense") },
      /relu changes what hidden1\/Tanh hands on: use "activation": "none"\.$/,
    ],
    [
      "an identity of other units",
      perceptron,
      { after: "hidden1", layer: identity("dense", { units: 9 }) },
      /reads 4 units and would have 9: leave "units" out/,
    ],
    [
      "an identity with strides",
      residual,
      { after: "conv1", layer: identity("conv2d", { strides: 2 }) },
      /strides leave numbers out/,
    ],
    [
      "a dense layer of images",
      convolutional,
      { after: "conv2", layer: { dense: {} } },
      /takes rows of units, and conv2\/Relu has the shape \[\?, 3, 3, 4\]. Insert it behind the flattening/,
    ],
    [
      "a convolution of rows",
      perceptron,
      { after: "hidden1", layer: { conv2d: {} } },
      /takes images.*or insert a dense layer here/,
    ],
    [
      "other units that are added to others",
      residual,
      { after: "conv2", layer: { conv2d: { units: 9 } } },
      /The units of conv2d are those of conv1\/w, too, so there must be 4/,
    ],
    [
      "a name that is taken",
      perceptron,
      { after: "hidden1", layer: { batchNorm: {} }, name: "hidden2" },
      /hidden2 is taken/,
    ],
    [
      "a name that is none",
      perceptron,
      { after: "hidden1", layer: { batchNorm: {} }, name: "my layer" },
      /my layer is no name/,
    ],
    ["no layer", perceptron, { after: "hidden9", layer: { batchNorm: {} } }, /hidden1, hidden2/],
  ])("%s", (_, network, spec, message) => {
    expect(refusal(network(), insert(spec))).toMatch(message);
  });
});
