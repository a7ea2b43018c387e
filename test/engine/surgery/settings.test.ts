// Settings, fresh numbers, other names: edits that leave the shapes as they are.
import { beforeAll, describe, expect, test } from "vitest";
import type { Model, Variable } from "../../../src/engine/graph/model";
import { tf } from "../../../src/engine/ops/tf";
import { setLayer } from "../../../src/engine/surgery/setLayer";
import { executorOn } from "../executor";
import { expectClose } from "../fixture";
import {
  apply,
  convolutional,
  edited,
  logits,
  numbersFor,
  perceptron,
  refusal,
  SAMPLES,
  storedIn,
  valueOf,
} from "./small";

beforeAll(async () => void (await executorOn("cpu")));

const set = (spec: object) => ({ setLayer: spec });
const trains = (model: Model) =>
  [...model.variables.values()].filter(({ trainable }) => trainable.length > 0).map((v) => v.name);

/** What the perceptron computes, by TensorFlow.js' own layers of ops, with `f` behind hidden1. */
const byHand = (f: (x: ReturnType<typeof tf.relu>) => ReturnType<typeof tf.relu>): number[] =>
  tf.tidy(() => {
    const tensor = (name: string, shape: number[]) =>
      tf.tensor(
        numbersFor(
          name,
          shape.reduce((a, b) => a * b, 1),
        ),
        shape,
      );
    const x = tensor("x", [SAMPLES, 5]);
    const hidden1 = f(tf.add(tf.matMul(x, tensor("hidden1/w", [5, 4])), tensor("hidden1/b", [4])));
    const hidden2 = tf.relu(
      tf.add(tf.matMul(hidden1, tensor("hidden2/w", [4, 6])), tensor("hidden2/b", [6])),
    );
    const out = tf.add(tf.matMul(hidden2, tensor("out/w", [6, 3])), tensor("out/b", [3]));
    return [...out.dataSync()];
  });

describe("setLayer", () => {
  test.each([
    ["tanh", (x: ReturnType<typeof tf.relu>) => tf.tanh(x)],
    ["leakyRelu", (x: ReturnType<typeof tf.relu>) => tf.maximum(x, tf.mul(x, 0.2))],
    ["none", (x: ReturnType<typeof tf.relu>) => x],
  ] as const)("activation %s under the same name", async (activation, f) => {
    const source = perceptron();
    const after = edited(source, set({ layer: "hidden1", activation }));
    expect([...after.nodes.keys()]).toEqual([...source.nodes.keys()]);
    expectClose(await logits(after, storedIn(source)), byHand(f), 1e-6);
  });

  test("an activation function for a layer that has none, behind which all readers read it", () => {
    const after = edited(convolutional(), set({ layer: "conv1", activation: "relu6" }));
    expect(after.nodes.get("norm/BatchNorm")!.inputs[0]).toEqual({ node: "conv1/Relu6" });
    expect(after.layers[0]).toMatchObject({ output: "conv1/Relu6" });
  });

  test("a dropout's rate, also of one behind pooling", () => {
    const inserted = edited(convolutional(), {
      insertLayer: { before: "conv2", name: "drop", layer: { dropout: { rate: 0.5 } } },
    });
    for (const layer of ["drop", "norm"])
      expect(
        edited(inserted, set({ layer, dropout: 0.2 })).nodes.get("drop/Dropout"),
      ).toMatchObject({ attributes: { rate: 0.2 } });
  });

  test("batch norm is held in inference mode, and trains again", () => {
    const held = edited(convolutional(), set({ layer: "norm", batchNorm: "inference" }));
    expect(trains(held)).toEqual(["conv1/w", "conv1/b", "conv2/w", "conv2/b", "out/w", "out/b"]);
    const trained = edited(held, set({ layer: "norm", batchNorm: "train" }));
    expect(trains(trained)).toEqual(trains(convolutional()));
  });

  test("learning rate of all weights, L2 of kernels, by pattern; later settings add to earlier ones", () => {
    const after = edited(
      perceptron(),
      set({ layer: "hidden.*", learningRate: 0.01 }),
      set({ layer: "hidden2", l2: 0.001 }),
      set({ layer: "out/b", l2: 0.1 }),
    );
    const hyper = [...after.variables.values()].map((each) => [each.name, each.hyper]);
    expect(Object.fromEntries(hyper)).toEqual({
      "hidden1/w": { learningRate: 0.01 },
      "hidden1/b": { learningRate: 0.01 },
      "hidden2/w": { learningRate: 0.01, l2: 0.001 },
      "hidden2/b": { learningRate: 0.01 },
      "out/w": undefined,
      "out/b": { l2: 0.1 },
    });
  });

  test("activation and dropout are undone exactly", () => {
    const source = edited(perceptron(), {
      insertLayer: { after: "hidden1", layer: { dropout: { rate: 0.5 } } },
    });
    const spec = { layer: "hidden1", activation: "tanh" as const, dropout: 0.2 };
    const after = edited(source, set(spec));
    expect(after).not.toEqual(source);
    expect(edited(after, setLayer.inverse!(source, spec)!)).toEqual(source);
  });

  test.each<[string, object, RegExp]>([
    ["an activation of the output", { layer: "out", activation: "relu" }, /Use replaceOutput/],
    [
      "a dropout that is not there",
      { layer: "out", dropout: 0.5 },
      /"insertLayer".*"after": "out"/,
    ],
    ["a batch norm that is not there", { layer: "conv1", batchNorm: "train" }, /with one: norm\./],
    [
      "an activation of a variable",
      { layer: "out/w", activation: "relu" },
      /Name the layer: out\./,
    ],
  ])("refuses %s", (_, spec, message) => {
    expect(refusal(convolutional(), set(spec))).toMatch(message);
  });
});

describe("reinitialize", () => {
  test("a layer's numbers, statistics and slots start afresh and train; others stay", async () => {
    const source = convolutional();
    const slot: Variable = {
      ...source.variables.get("conv1/w")!,
      ...{ name: "conv1/w/Momentum", role: "slot", of: "conv1/w", trainable: [] },
      value: { from: "stored", name: "conv1/w" },
    };
    const withSlot = { ...source, variables: new Map(source.variables).set(slot.name, slot) };
    const after = edited(
      withSlot,
      { freeze: ".*" },
      { reinitialize: { layers: ["conv1", "norm"], init: "heNormal" } },
    );
    const read = storedIn(withSlot);
    expect(trains(after)).toEqual(["conv1/w", "conv1/b", "norm/gamma", "norm/beta"]);
    const of = async (name: string) => [...new Set(await valueOf(after, read, name))];
    expect(await of("conv1/b")).toEqual([0]);
    expect(await of("norm/gamma")).toEqual([1]);
    expect(await of("norm/mean")).toEqual([0]);
    expect(await of("norm/variance")).toEqual([1]);
    expect(await of("conv1/w/Momentum")).toEqual([0]);
    const kernel = await of("conv1/w");
    expect(kernel).toHaveLength(72);
    // He: √(2 / 18 inputs), cut at two of its deviations.
    expect(Math.max(...kernel.map(Math.abs))).toBeLessThan((2 * Math.sqrt(2 / 18)) / 0.8796);
    expect(await valueOf(after, read, "conv2/w")).toEqual([...numbersFor("conv2/w", 144)]);
  });
});

describe("rename", () => {
  test("takes variables, ops, roles, shapes and aliases along, and keeps where they come from", () => {
    const source = { ...perceptron(), aliases: new Map([["out/logits", "out/BiasAdd"]]) };
    const after = edited(source, { rename: { from: "out", to: "head/digits" } });
    expect(after.variables.get("head/digits/w")).toMatchObject({
      origin: "out/w",
      value: { from: "stored", name: "out/w" },
    });
    expect(after.roles.output).toBe("head/digits/BiasAdd");
    expect(after.shapes.get("head/digits/BiasAdd")).toEqual([-1, 3]);
    expect(after.nodes.get("each")!.inputs[0]).toEqual({ node: "head/digits/BiasAdd" });
    expect(after.nodes.get("head/digits/MatMul")!.inputs[1]).toEqual({ variable: "head/digits/w" });
    expect(Object.fromEntries(after.aliases)).toEqual({
      "head/digits/logits": "head/digits/BiasAdd",
    });
    expect(after.layers.at(-1)!.name).toBe("head/digits");
  });

  test("fresh numbers stay what they are", async () => {
    const fresh = edited(perceptron(), { replaceOutput: { classes: 4 } });
    const renamed = edited(fresh, { rename: { from: "out", to: "digits" } });
    const read = storedIn(perceptron());
    expect(await valueOf(renamed, read, "digits/w")).toEqual(await valueOf(fresh, read, "out/w"));
  });

  test("a variable alone, and a placeholder that a dropout reads its rate from", () => {
    const source = perceptron();
    const nodes = new Map(source.nodes);
    const rate = { rateFrom: "modes/rate" };
    const read = { inputs: [{ node: "hidden1/Relu" }], origin: [] };
    nodes.set("drop", { name: "drop", op: "Dropout", attributes: rate, ...read });
    const after = edited(
      { ...source, nodes, aliases: new Map([["modes/rate", "modes/rate"]]) },
      { rename: { from: "hidden1/w", to: "hidden1/kernel" } },
      { rename: { from: "modes", to: "fed" } },
    );
    expect([...after.variables.keys()].slice(0, 2)).toEqual(["hidden1/kernel", "hidden1/b"]);
    expect(after.layers[0]).toMatchObject({ variables: ["hidden1/kernel", "hidden1/b"] });
    expect(after.nodes.get("drop")!.attributes).toEqual({ rateFrom: "fed/rate" });
  });

  test("a variable alone is not said to take itself along", () => {
    const { edits } = apply(perceptron(), { rename: { from: "out/w", to: "out/kernel" } });
    expect(edits[0].sentence).toBe(
      "out/w is called out/kernel; programs that fetch the old names find nothing.",
    );
  });

  test.each<[string, object, RegExp]>([
    ["a name that is taken", { from: "hidden1", to: "hidden2" }, /has hidden2 already/],
    ["what is not there", { from: "hidden9", to: "a" }, /There is no layer, variable or scope/],
    ["its own name", { from: "out", to: "out" }, /has this name already/],
    ["no name", { from: "out", to: "a//b" }, /is no name for a layer/],
  ])("refuses %s", (_, spec, message) => {
    expect(refusal(perceptron(), { rename: spec })).toMatch(message);
  });
});

test("each edit says what it did, and where", () => {
  const { edits } = apply(
    perceptron(),
    { insertLayer: { after: "hidden1", name: "more", layer: { dense: { units: 7 } } } },
    { removeLayer: { layer: "hidden2" } },
    set({ layer: "hidden1", activation: "tanh", learningRate: 0.1 }),
    { reinitialize: { layers: "hidden1" } },
    { rename: { from: "out", to: "digits" } },
  );
  expect(edits.map(({ sentence }) => sentence)).toEqual([
    "more (dense relu 4 → 7) is inserted behind hidden1; hidden2 4 → 6 becomes 7 → 6, with fresh numbers for the new layer's units; what lies behind it reads other numbers than it was trained on; 128 numbers will train in all.",
    "hidden2 is removed; out 6 → 3 becomes 7 → 3, with fresh numbers; 83 numbers will train in all.",
    "hidden1: its activation function is tanh, and what follows reads other numbers; its learning rate is 0.1; 83 numbers will train in all.",
    "hidden1 starts from fresh numbers and trains; 83 numbers will train in all.",
    "out is called digits, with out/w and out/b; programs that fetch the old names find nothing.",
  ]);
  expect(edits.map(({ layers }) => layers)).toEqual([
    ["more"],
    ["out"],
    ["hidden1"],
    ["hidden1"],
    ["digits"],
  ]);
});
