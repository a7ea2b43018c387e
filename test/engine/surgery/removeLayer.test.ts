// Layers that go: what read them reads their input, or goes with them.
import { beforeAll, describe, expect, test } from "vitest";
import type { Model, Node } from "../../../src/engine/graph/model";
import { reinfer } from "../../../src/engine/graph/reinfer";
import { executorOn } from "../executor";
import { expectClose } from "../fixture";
import { handmade, node, PRODUCT } from "../handmade";
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

const remove = (layer: string, connections?: "keep" | "remove") => ({
  removeLayer: { layer, ...(connections && { connections }) },
});
const names = (model: Model) => model.layers.map(({ name }) => name);
const reads = (model: Model, name: string) => model.nodes.get(name)!.inputs;

/** relu(x·w + b) of one row-major product, written out. */
function reluProduct(x: ArrayLike<number>, w: ArrayLike<number>, b: ArrayLike<number>): number[] {
  const inputs = w.length / b.length;
  const out: number[] = [];
  for (let row = 0; row * inputs < x.length; row++)
    for (let unit = 0; unit < b.length; unit++) {
      let sum = b[unit];
      for (let i = 0; i < inputs; i++) sum += x[row * inputs + i] * w[i * b.length + unit];
      out.push(Math.max(0, sum));
    }
  return out;
}

/** hidden1 → hidden2 → out, each x·w + b as TensorFlow 1 programs spell it. */
const addedBiases = (): Model =>
  handmade({
    fed: { x: [-1, 5], y: [-1, 3] },
    weights: {
      ...{ "hidden1/w": [5, 4], "hidden1/b": [4], "hidden2/w": [4, 6], "hidden2/b": [6] },
      ...{ "out/w": [6, 3], "out/b": [3] },
    },
    nodes: [
      ...["hidden1", "hidden2", "out"].flatMap((name, index) => [
        node(`${name}/mul`, "MatMul", [["x", "hidden1", "hidden2"][index], `[${name}/w]`], PRODUCT),
        node(`${name}/add`, "Add", [`${name}/mul`, `[${name}/b]`], {}),
        ...(name === "out" ? [] : [node(name, "Relu", [`${name}/add`], {})]),
      ]),
      node("each", "SoftmaxCrossEntropy", ["out/add", "y"], {}),
      node("loss", "Mean", ["each"], { axes: [0], keepDims: false }),
    ],
    layers: ["hidden1", "hidden2", "out"].map((name) => ({
      name,
      kind: "dense",
      nodes: [`${name}/mul`, `${name}/add`, ...(name === "out" ? [] : [name])],
      variables: [`${name}/w`, `${name}/b`],
      output: name === "out" ? "out/add" : name,
    })),
    roles: { output: "out/add", labels: "y", loss: "loss" },
  });

test("a bias that is added is no reason for a sum to stay when what it was added to goes", () => {
  const after = edited(addedBiases(), remove("hidden2", "remove"));
  expect(names(after)).toEqual(["hidden1"]);
  expect(after.roles.output).toBe("hidden1");
  expect([...after.variables.keys()]).toEqual(["hidden1/w", "hidden1/b"]);
});

describe("with its connections kept", () => {
  test("what reads another number of units starts afresh; the rest stays", async () => {
    const source = perceptron();
    const after = edited(source, remove("hidden2"));
    expect(names(after)).toEqual(["hidden1", "out"]);
    expect([...after.variables.keys()]).toEqual(["hidden1/w", "hidden1/b", "out/w", "out/b"]);
    expect(after.variables.get("out/w")).toMatchObject({
      shape: [4, 3],
      value: { from: "initializer" },
      trainable: [{ start: [0, 0], size: [4, 3] }],
    });
    expect(after.variables.get("hidden1/w")).toEqual(source.variables.get("hidden1/w"));
    expect(reads(after, "out/MatMul")[0]).toEqual({ node: "hidden1/Relu" });

    const read = storedIn(source);
    const hidden = reluProduct(
      numbersFor("x", SAMPLES * 5),
      numbersFor("hidden1/w", 20),
      numbersFor("hidden1/b", 4),
    );
    const [w, b] = [await valueOf(after, read, "out/w"), await valueOf(after, read, "out/b")];
    const rows = Array.from({ length: SAMPLES }, (_, row) => hidden.slice(row * 4, row * 4 + 4));
    const expected = rows.flatMap((row) =>
      b.map((bias, unit) => row.reduce((sum, value, i) => sum + value * w[i * 3 + unit], bias)),
    );
    expectClose(await logits(after, read), expected, 1e-6);
  });

  test("a penalty on its kernel leaves the loss", () => {
    const after = edited(perceptron(), remove("hidden2"));
    expect(after.nodes.get("loss")).toMatchObject({ op: "Identity", inputs: [{ node: "mean" }] });
    expect(after.nodes.has("penalty") || after.nodes.has("square")).toBe(false);
    expect(after.shapes.get("loss")).toEqual([]);
  });

  test("one of as many units as it reads: every kernel stays", () => {
    const source = residual();
    const after = edited(source, remove("conv2"));
    expect(reads(after, "sum")).toEqual([{ node: "conv1/Relu" }, { node: "conv1/Relu" }]);
    for (const variable of after.variables.values())
      expect(variable).toEqual(source.variables.get(variable.name));
  });

  test("a batch norm", () => {
    const after = edited(convolutional(), remove("norm"));
    expect(names(after)).toEqual(["conv1", "conv2", "out"]);
    expect([...after.variables.keys()].some((name) => name.startsWith("norm/"))).toBe(false);
    expect(reads(after, "pool")).toEqual([{ node: "conv1/BiasAdd" }]);
  });

  test("a layer of channels before a flattening, rows of every pixel", () => {
    const source = convolutional();
    const wide = edited(
      source,
      { insertLayer: { after: "conv2", layer: { conv2d: { units: 7 } } } },
      { removeLayer: { layer: "conv2d" } },
    );
    expect(wide.variables.get("out/w")!.shape).toEqual([36, 3]);
    expect(wide.shapes).toEqual(source.shapes);
  });

  test("the output: the layer before becomes the output, and labels follow", () => {
    const { model, edits } = apply(perceptron(), remove("out"));
    expect(model.roles.output).toBe("hidden2/Relu");
    expect(model.shapes.get("y")).toEqual([-1, 6]);
    expect(reads(model, "each")[0]).toEqual({ node: "hidden2/Relu" });
    expect(edits[0].sentence).toContain("hidden2/Relu is the output");
  });

  test("logits in front of a softmax that the layer has, too", () => {
    const source = perceptron();
    const nodes = new Map(source.nodes);
    nodes.set("out/Softmax", node("out/Softmax", "Softmax", ["out/BiasAdd"], {}));
    const layers = source.layers.map((layer) =>
      layer.name === "out"
        ? { ...layer, nodes: [...layer.nodes, "out/Softmax"], output: "out/Softmax" }
        : layer,
    );
    const model = { ...source, nodes, layers };
    const after = edited(model, remove("out"));
    expect(names(after)).toEqual(["hidden1", "hidden2"]);
    expect(after.roles.output).toBe("hidden2/Relu");
    expect(reads(after, "out/Softmax")).toEqual([{ node: "hidden2/Relu" }]);
    const behind = { insertLayer: { after: "out", layer: { dense: { activation: "none" } } } };
    const longer = edited(model, behind);
    expect(longer.roles.output).toBe("dense/BiasAdd");
    expect(reads(longer, "out/Softmax")).toEqual([{ node: "dense/BiasAdd" }]);
  });

  test("of two dropouts in a row, one goes with the layer between them", () => {
    const dropout = (after: string, name: string) => ({
      insertLayer: { after, name, layer: { dropout: { rate: 0.5 } } },
    });
    const both = edited(perceptron(), dropout("hidden1", "d1"), dropout("hidden2", "d2"));
    const after = edited(both, remove("hidden2"));
    expect(names(after)).toEqual(["hidden1", "d1", "out"]);
    expect(reads(after, "out/MatMul")[0]).toEqual({ node: "d1/Dropout" });
  });
});

describe("with what depends on it", () => {
  test("everything behind it goes, and its input becomes the output", () => {
    const { model, edits } = apply(perceptron(), remove("hidden2", "remove"));
    expect(names(model)).toEqual(["hidden1"]);
    expect(model.roles.output).toBe("hidden1/Relu");
    expect([...model.variables.keys()]).toEqual(["hidden1/w", "hidden1/b"]);
    expect([...model.nodes.keys()].some((name) => name.startsWith("out/"))).toBe(false);
    expect(model.shapes.get("y")).toEqual([-1, 4]);
    expect(edits[0].sentence).toMatch(/^hidden2 and out are removed; hidden1\/Relu is the output/);
  });

  test("a join goes on with its other inputs, without the rows of those that went", async () => {
    const source = joined();
    const after = edited(source, remove("b", "remove"));
    expect(names(after)).toEqual(["a", "out"]);
    expect(after.variables.get("out/w")!.shape).toEqual([4, 3]);
    // The first four of six rows are those of the units of a.
    expect(await valueOf(after, storedIn(source), "out/w")).toEqual([
      ...numbersFor("out/w", 18).slice(0, 12),
    ]);
    expect(after.nodes.get("both")).toMatchObject({ op: "Identity", inputs: [{ node: "a/Relu" }] });
    const first = edited(source, remove("a", "remove"));
    expect(await valueOf(first, storedIn(source), "out/w")).toEqual([
      ...numbersFor("out/w", 18).slice(12),
    ]);
    expect((await logits(first, storedIn(source))).length).toBe(3 * SAMPLES);
  });

  test("a sum goes on with its other input", async () => {
    const source = residual();
    const after = edited(source, remove("conv2", "remove"));
    expect(names(after)).toEqual(["conv1", "out"]);
    expect(after.nodes.get("sum")).toMatchObject({
      op: "Identity",
      inputs: [{ node: "conv1/Relu" }],
    });
    for (const variable of after.variables.values())
      expect(variable).toEqual(source.variables.get(variable.name));
  });
});

describe("is refused, and says what fits", () => {
  test("a layer whose units are added to others of another number than it reads", () => {
    expect(refusal(residual(), remove("conv1"))).toMatch(
      /The units of conv1 are those of conv2\/w, too, and its input has 2 of them instead of 4/,
    );
  });

  test("a layer that makes images smaller before a flattening", () => {
    const model = convolutional();
    const conv = model.nodes.get("conv2/Conv2D") as Node<"Conv2D">;
    const strided = reinfer({
      ...model,
      nodes: new Map(model.nodes)
        .set(conv.name, { ...conv, attributes: { ...conv.attributes, strides: [3, 3] } })
        .set("flat", node("flat", "Reshape", ["conv2/Relu"], { shape: [-1, 4] })),
      variables: new Map(model.variables).set("out/w", {
        ...model.variables.get("out/w")!,
        shape: [4, 3],
      }),
    });
    expect(refusal(strided, remove("conv2"))).toMatch(
      /Without conv2, the network does not fit together: flat would put 36 numbers a sample into rows of 4/,
    );
  });

  test("where nothing would be left", () => {
    expect(refusal(perceptron(), remove("hidden1", "remove"))).toMatch(
      /Without hidden1 nothing would be left/,
    );
  });

  test("where an image would be the output", () => {
    expect(refusal(convolutional(), remove("conv2", "remove"))).toMatch(
      /Everything behind conv2 would go.*its shape is \[\?, 3, 3, 4\]\. Remove a layer behind the flattening/,
    );
  });

  test("a kernel that something else uses stays", () => {
    const model = handmade({
      fed: { x: [-1, 3], y: [-1, 3] },
      weights: { w: [3, 3] },
      nodes: [
        node("first", "MatMul", ["x", "[w]"], PRODUCT),
        node("second", "MatMul", ["first", "[w]"], PRODUCT),
        node("each", "SoftmaxCrossEntropy", ["second", "y"], {}),
        node("loss", "Mean", ["each"], { axes: [0], keepDims: false }),
      ],
      layers: ["first", "second"].map((name) => ({
        ...{ name, kind: "dense", nodes: [name], variables: ["w"], output: name },
      })),
      roles: { output: "second", labels: "y", loss: "loss" },
    });
    const after = edited(model, remove("first"));
    expect(reads(after, "second")).toEqual([{ node: "x" }, { variable: "w" }]);
    expect(after.variables.get("w")).toEqual(model.variables.get("w"));
    expect(names(after)).toEqual(["second"]);
  });
});
