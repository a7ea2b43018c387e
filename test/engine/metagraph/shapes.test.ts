// New shapes: variables, their initial values, slices of partitioned ones.
import { clone } from "@bufbuild/protobuf";
import { describe, expect, test } from "vitest";
import { patchMetaGraph } from "../../../src/engine/formats/tf1/metagraph";
import {
  MetaGraphDefSchema,
  type MetaGraphDef,
} from "../../../src/engine/formats/tf1/proto/tensorflow_pb";
import { integers, tensorShape } from "../../../src/engine/formats/tf1/patch/tensors";
import type { Shape } from "../../../src/engine/graph/model";
import { strings } from "./consistent";
import { collection, loadMeta, modelOf, nodeNamed, nodeNames, resize, shapeOf } from "./models";

const OUTPUT = { "outputs/weights": [5, 3], "outputs/biases": [3] };

const patched = (meta: MetaGraphDef, shapes: Readonly<Record<string, Shape>>, loss = "loss") => {
  const before = modelOf(meta, { loss });
  return patchMetaGraph(meta, before, resize(before, shapes));
};

const constant = (meta: MetaGraphDef, name: string) => {
  const value = nodeNamed(meta, name).attr["value"]?.value;
  if (value?.case !== "tensor") throw new Error(`${name} is no Const`);
  return value.value;
};

describe.each(["b1_mini_v2", "b1_mini_resource"])("%s", (name) => {
  const { meta, notes } = patched(loadMeta(name), OUTPUT);

  test("the variable and the constants of its initializer have the new shape", () => {
    expect(shapeOf(nodeNamed(meta, "outputs/weights"))).toEqual([5, 3]);
    expect(integers(constant(meta, "outputs/weights/Initializer/random_uniform/shape"))).toEqual([
      5, 3,
    ]);
    expect(tensorShape(constant(meta, "outputs/biases/Initializer/zeros"))).toEqual([3]);
    expect(shapeOf(nodeNamed(meta, "hidden3/weights"))).toEqual([10, 5]);
    expect(notes).toHaveLength(1);
  });

  test("shapes that Python noted are forgotten everywhere", () => {
    expect(meta.graphDef!.node.filter((node) => "_output_shapes" in node.attr)).toEqual([]);
  });
});

test("tf.truncated_normal and tf.constant outside the variable's scope", () => {
  const { meta } = patched(
    loadMeta("b2_cnn_digits"),
    { Variable_6: [64, 3], Variable_7: [3] },
    "Mean",
  );
  expect(integers(constant(meta, "truncated_normal_3/shape"))).toEqual([64, 3]);
  const bias = constant(meta, "Const_3");
  expect(tensorShape(bias)).toEqual([3]);
  expect(bias.floatVal.map(Math.fround)).toEqual([Math.fround(0.1)]);
});

test("a literal initial value keeps its numbers in their places", () => {
  const source = loadMeta("b8_add_one_unit");
  const { meta } = patched(source, { "outputs/weights": [11, 2] });
  const floats = (from: MetaGraphDef) => {
    const { tensorContent: bytes } = constant(from, "outputs/weights/initial_value");
    return [...new Float32Array(bytes.slice().buffer)];
  };
  const expected = floats(source).flatMap((number) => [number, 0]);
  expect(floats(meta)).toEqual([...expected, 0, 0]);
});

test("moving averages follow their variables' initial values", () => {
  const { meta, notes } = patched(loadMeta("b1_mini_ema"), OUTPUT);
  expect(shapeOf(nodeNamed(meta, "outputs/weights/ExponentialMovingAverage"))).toEqual([5, 3]);
  expect(
    nodeNames(meta).filter((name) => /Initializer\/zeros_?\d*$/.test(name) && /Average/.test(name)),
  ).toEqual([]);
  expect(notes.join()).not.toContain("Start at zero");
});

test("a variable that copies a resized one, and is not resized, starts at zero; not the one it copies", () => {
  const source = loadMeta("b1_mini_ema");
  const before = modelOf(source, { loss: "loss" });
  const average = "outputs/weights/ExponentialMovingAverage";
  const resized = resize(before, OUTPUT);
  const variables = new Map([...resized.variables, [average, before.variables.get(average)!]]);
  const { meta, notes } = patchMetaGraph(source, before, { ...resized, variables });
  expect(integers(constant(meta, "outputs/weights/Initializer/random_uniform/shape"))).toEqual([
    5, 3,
  ]);
  const zeros = nodeNamed(meta, `${average}/Assign`).input[1]!;
  expect(tensorShape(constant(meta, zeros))).toEqual([5, 5]);
  expect(notes.at(-1)).toContain(`: ${average}.`);
});

describe("an initializer that is not understood", () => {
  const source = clone(MetaGraphDefSchema, loadMeta("b1_mini_v2"));
  nodeNamed(source, "outputs/weights/Initializer/random_uniform/RandomUniform").op = "Qr";
  const { meta, notes } = patched(source, OUTPUT);
  const zeros = "outputs/weights/Initializer/zeros";

  test("gives way to zeros", () => {
    expect(nodeNamed(meta, "outputs/weights/Assign").input).toEqual(["outputs/weights", zeros]);
    expect(tensorShape(constant(meta, zeros))).toEqual([5, 3]);
    const def = collection(meta, "variables").find(
      (found) => found.variableName === "outputs/weights:0",
    );
    expect(def?.initialValueName).toBe(`${zeros}:0`);
  });

  test("and the user is told", () => {
    expect(notes.at(-1)).toMatch(/^Start at zero in the graph's own init op.*: outputs\/weights\./);
  });
});

test("a constant that the forward graph reads too keeps its value", () => {
  const source = clone(MetaGraphDefSchema, loadMeta("b1_mini_v2"));
  nodeNamed(source, "outputs/BiasAdd").input[1] = "outputs/biases/Initializer/zeros";
  const { meta } = patched(source, { "outputs/biases": [3] });
  expect(tensorShape(constant(meta, "outputs/biases/Initializer/zeros"))).toEqual([5]);
  expect(nodeNamed(meta, "outputs/biases/Assign").input[1]).toBe(
    "outputs/biases/Initializer/zeros_1",
  );
  expect(tensorShape(constant(meta, "outputs/biases/Initializer/zeros_1"))).toEqual([3]);
});

describe.each([
  ["b1_mini_partitioned", "save/SaveV2"],
  ["b1_mini_partitioned_v1", "save/save"],
])("%s", (name, save) => {
  const { meta } = patched(loadMeta(name), { "outputs/weights": [7, 3], "outputs/biases": [4] });
  const parts = ["part_0", "part_1", "part_2"];

  test("as many parts as before, cut anew", () => {
    const shapes = (variable: string) =>
      parts.map((part) => shapeOf(nodeNamed(meta, `${variable}/${part}`)));
    expect(shapes("outputs/weights")).toEqual([
      [3, 3],
      [2, 3],
      [2, 3],
    ]);
    expect(shapes("outputs/biases")).toEqual([[2], [1], [1]]);
    const slices = collection(meta, "variables")
      .filter((def) => def.variableName.startsWith("outputs/biases"))
      .map((def) =>
        [def.saveSliceInfoDef!.fullShape, def.saveSliceInfoDef!.varOffset].flat().map(Number),
      );
    expect(slices).toEqual([
      [4, 0],
      [4, 2],
      [4, 3],
    ]);
  });

  test("the saver reads and writes the new slices", () => {
    const slices = (node: string) =>
      strings(nodeNamed(meta, nodeNamed(meta, node).input[2]!)).slice(-6);
    const expected = ["4 0,2", "4 2,1", "4 3,1", "7 3 0,3:0,3", "7 3 3,2:0,3", "7 3 5,2:0,3"];
    expect(slices(save)).toEqual(expected);
    expect(slices("save/RestoreV2")).toEqual(expected);
  });

  test("too few rows for the parts are refused", () => {
    expect(() => patched(loadMeta(name), { "outputs/biases": [2] })).toThrow(
      /outputs\/biases is stored in 3 parts, which cannot be cut from 2 rows/,
    );
  });
});
