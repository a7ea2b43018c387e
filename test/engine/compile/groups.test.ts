// What parameter groups make of a program: nothing, where a variable is not split.
import { fromBinary } from "@bufbuild/protobuf";
import { afterEach, expect, test, vi } from "vitest";
import { ModelProtoSchema } from "../../../src/engine/compile/onnx/onnx_pb";
import { Session } from "../../../src/engine/compile/session";
import { uniforms } from "../../../src/engine/graph/random";
import type { Moving } from "../../../src/engine/recipe/groups";
import { executorOn } from "../executor";
import { handmade, node, PRODUCT } from "../handmade";
import { beginning, train } from "./network";

afterEach(() => void vi.restoreAllMocks());

const MODEL = handmade({
  fed: { x: [-1, 4], y: [-1, 2] },
  weights: { w1: [4, 3], b1: [3], w2: [3, 2], b2: [2] },
  nodes: [
    node("product1", "MatMul", ["x", "[w1]"], PRODUCT),
    node("sum1", "BiasAdd", ["product1", "[b1]"], { dataFormat: "NHWC" }),
    node("hidden", "Relu", ["sum1"], {}),
    node("product2", "MatMul", ["hidden", "[w2]"], PRODUCT),
    node("out", "BiasAdd", ["product2", "[b2]"], { dataFormat: "NHWC" }),
    node("squares", "SquaredDifference", ["out", "y"], {}),
    node("loss", "Mean", ["squares"], { axes: [0, 1], keepDims: false }),
  ],
  roles: { output: "out", labels: "y", loss: "loss" },
});

/** The program of a training step. */
async function program(moving: Moving): Promise<Uint8Array> {
  const create = vi.spyOn(Session, "create");
  const lesson = {
    model: MODEL,
    arrays: [
      { node: "x", shape: [4], data: uniforms(1, ["x"], 24) },
      { node: "y", shape: [2], data: uniforms(1, ["y"], 12) },
    ],
    samples: 6,
    batch: 6,
    ...moving,
  };
  await train(await executorOn("compiled"), lesson, beginning(lesson));
  const [[model]] = create.mock.calls;
  create.mockRestore();
  return model;
}

/** Operators of the loop's body. */
function operators(model: Uint8Array): string[] {
  const loop = fromBinary(ModelProtoSchema, model).graph!.node.find(
    ({ opType }) => opType === "Loop",
  );
  return loop!.attribute.flatMap(({ g }) => g?.node.map(({ opType }) => opType) ?? []).sort();
}

const momentum = { momentum: { learningRate: 0.1 } };

test("groups that say what the phase says make no other program", async () => {
  const groups: Moving["groups"] = [{ layers: "w1" }, { numbers: "old", learningRate: 0.1 }];
  const plain = await program({ optimizer: momentum });
  expect(await program({ optimizer: momentum, groups })).toEqual(plain);
});

test.each([momentum, { sgd: { learningRate: 0.1 } }])(
  "other learning rates take no other operators: %j",
  async (optimizer) => {
    const plain = await program({ optimizer });
    const groups = [
      { layers: "w1", learningRate: 0.01 },
      { layers: ["b1", "w2"], learningRate: 0.3 },
    ];
    const grouped = await program({ optimizer, groups });
    expect(operators(grouped)).toEqual(operators(plain));
    expect(operators(plain)).toContain("Gemm");
    expect(grouped).not.toEqual(plain);
  },
);
