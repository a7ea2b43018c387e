// Sizes that the forward graph mentions itself, as the model's nodes tell them.
import { create } from "@bufbuild/protobuf";
import { describe, expect, test } from "vitest";
import { patchMetaGraph } from "../../../src/engine/formats/tf1/metagraph";
import {
  MetaGraphDefSchema,
  type AttrValue,
  type MetaGraphDef,
} from "../../../src/engine/formats/tf1/proto/tensorflow_pb";
import { integers } from "../../../src/engine/formats/tf1/patch/tensors";
import type { Model, Node, Shape } from "../../../src/engine/graph/model";
import { nodeNamed, shapeOf } from "./models";

const INT32 = 3;

const integerConst = (name: string, values: number[], scalar = false) => ({
  name,
  op: "Const",
  attr: {
    value: {
      value: {
        case: "tensor" as const,
        value: {
          dtype: INT32,
          tensorShape: { dim: scalar ? [] : [{ size: BigInt(values.length) }] },
          intVal: values,
        },
      },
    },
  },
});

const META: MetaGraphDef = create(MetaGraphDefSchema, {
  graphDef: {
    node: [
      {
        name: "t",
        op: "Placeholder",
        attr: {
          shape: {
            value: { case: "shape", value: { dim: [{ size: -1n }, { size: 8n }] } },
          } as AttrValue,
        },
      },
      integerConst("target", [-1, 8]),
      { name: "reshape", op: "Reshape", input: ["t", "target"] },
      { name: "other", op: "Reshape", input: ["t", "target"] },
      { name: "size", op: "Shape", input: ["t"] },
      integerConst("eight", [8], true),
      { name: "pack", op: "Pack", input: ["batch", "eight"] },
      { name: "batch", op: "StridedSlice", input: ["size"] },
      { name: "packed", op: "Reshape", input: ["t", "pack"] },
      { name: "like", op: "Reshape", input: ["t", "size"] },
      { name: "fed", op: "Reshape", input: ["t", "t"] },
      integerConst("fixed", [4, 8]),
      { name: "batches", op: "Reshape", input: ["t", "fixed"] },
      integerConst("depth", [8], true),
      { name: "onehot", op: "OneHot", input: ["t", "depth"] },
      integerConst("images", [4, 6, 6, 8]),
      { name: "up", op: "Conv2DBackpropInput", input: ["images", "t", "t"] },
    ],
  },
});

const model = (nodes: readonly Node[], shapes: Record<string, Shape> = {}): Model => ({
  nodes: new Map(nodes.map((node) => [node.name, node])),
  variables: new Map(),
  layers: [],
  roles: { inputs: [] },
  shapes: new Map(Object.entries(shapes)),
  aliases: new Map(),
});

const reshape = (name: string, size: number): Node => ({
  name: `model/${name}`,
  op: "Reshape",
  attributes: { shape: [-1, size] },
  inputs: [],
  origin: ["something", name],
});

const reshaped = (name: string) =>
  patchMetaGraph(META, model([reshape(name, 8)]), model([reshape(name, 11)])).meta;

const values = (meta: MetaGraphDef, name: string) => {
  const value = nodeNamed(meta, name).attr["value"]?.value;
  return value?.case === "tensor" ? integers(value.value) : undefined;
};

describe("a reshape's target", () => {
  test("is copied when another node reads it too", () => {
    const meta = reshaped("reshape");
    expect(values(meta, "target")).toEqual([-1, 8]);
    expect(nodeNamed(meta, "reshape").input).toEqual(["t", "target_1"]);
    expect(values(meta, "target_1")).toEqual([-1, 11]);
  });

  test("keeps the sizes that did not change", () => {
    expect(values(reshaped("batches"), "fixed")).toEqual([4, 11]);
  });

  test("changes where it is put together from sizes", () => {
    expect(values(reshaped("packed"), "eight")).toEqual([11]);
  });

  test("that follows another tensor's shape stays", () => {
    expect(reshaped("like").graphDef).toEqual(META.graphDef);
  });

  test("that is no constant is refused", () => {
    expect(() => reshaped("fed")).toThrow(/\[-1, 11\] of model\/fed cannot be written/);
  });
});

test("the channels of a transposed convolution", () => {
  const up: Node = {
    name: "up",
    op: "Conv2DTranspose",
    attributes: { strides: [1, 1], padding: "SAME", dataFormat: "NHWC", outputSize: [6, 6] },
    inputs: [],
    origin: ["up"],
  };
  const sized = (channels: number) => model([up], { up: [-1, 6, 6, channels] });
  const { meta } = patchMetaGraph(META, sized(8), sized(11));
  expect(values(meta, "images")).toEqual([4, 6, 6, 11]);
});

test("the depth of one-hot labels", () => {
  const onehot = (depth: number): Node => ({
    name: "onehot",
    op: "OneHot",
    attributes: { depth, on: 1, off: 0 },
    inputs: [],
    origin: ["onehot"],
  });
  const { meta } = patchMetaGraph(META, model([onehot(8)]), model([onehot(3)]));
  expect(values(meta, "depth")).toEqual([3]);
});

test("the shape of a placeholder for one-hot labels", () => {
  const labels: Node = {
    name: "t",
    op: "Placeholder",
    attributes: { dtype: "float32" },
    inputs: [],
    origin: ["t"],
  };
  const { meta } = patchMetaGraph(
    META,
    model([labels], { t: [-1, 8] }),
    model([labels], { t: [-1, 3] }),
  );
  expect(shapeOf(nodeNamed(meta, "t"))).toEqual([-1, 3]);
});
