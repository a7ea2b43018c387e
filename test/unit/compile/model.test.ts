// Models as they are written: what is in them, and what is left out.
import { fromBinary } from "@bufbuild/protobuf";
import { expect, test } from "vitest";
import { Graph, type Value } from "../../../src/engine/compile/graph";
import { forwardModel, loopModel } from "../../../src/engine/compile/model";
import { ModelProtoSchema, type GraphProto } from "../../../src/engine/compile/onnx/onnx_pb";
import { Session, type Fed } from "../../../src/engine/compile/session";
import { float } from "./graphs";

const graphOf = (model: Uint8Array): GraphProto => fromBinary(ModelProtoSchema, model).graph!;

const forward = (graph: Graph, outputs: Readonly<Record<string, Value>>): GraphProto =>
  graphOf(forwardModel(graph.inputs, new Map(Object.entries(outputs))));

const POOL = { kernel_shape: [2, 2], strides: [2, 2] };

function pool(graph: Graph) {
  const x = graph.input("x", float(1, 1, 4, 4));
  const type = float(1, 1, 2, 2);
  return graph.emitAll("MaxPool", [x], [type, { ...type, dtype: "int64" }], POOL);
}

test("an output that nobody reads is left out", () => {
  const graph = new Graph();
  const [largest] = pool(graph);
  const { node } = forward(graph, { y: graph.emit("Neg", [largest], largest) });
  expect(node.find(({ opType }) => opType === "MaxPool")!.output).toEqual([largest.name]);
});

test("of two outputs of which the second is read, the first has no name", () => {
  const graph = new Graph();
  const [, places] = pool(graph);
  const { node } = forward(graph, { y: places });
  expect(node.find(({ opType }) => opType === "MaxPool")!.output).toEqual(["", "y"]);
});

test("nodes and constants that no output needs are left out", () => {
  const graph = new Graph();
  const x = graph.input("x", float(2));
  graph.emit("Mul", [x, graph.scalar(3)], x);
  const two = graph.scalar(2);
  const { node, initializer } = forward(graph, { y: graph.emit("Mul", [x, two], x) });
  expect(node.map(({ opType }) => opType)).toEqual(["Mul"]);
  expect(initializer.map(({ name }) => name)).toEqual([two.name]);
});

test("a constant, an input, and one value twice can be outputs", async () => {
  const graph = new Graph();
  const x = graph.input("x", float(2));
  const exp = graph.emit("Exp", [x], x);
  const all = { three: graph.scalar(3), same: x, exp, again: exp };
  const session = await Session.create(forwardModel(graph.inputs, new Map(Object.entries(all))), {
    threads: 1,
  });
  const fed = { data: Float32Array.of(0, 1), shape: [2], dtype: "float32" } as const;
  const results = await session.run(new Map([["x", fed]]));
  await session.release();
  const e = Math.fround(Math.E);
  expect(Object.fromEntries([...results].map(([name, data]) => [name, [...data]]))).toEqual({
    three: [3],
    same: [0, 1],
    exp: [1, e],
    again: [1, e],
  });
});

test("a constant that is part of a larger array is written alone", () => {
  const graph = new Graph();
  const part = Float32Array.of(1, 2, 3, 4).subarray(1, 3);
  const { initializer } = forward(graph, { y: graph.constant(part, "float32", [2]) });
  expect(initializer[0].dims).toEqual([2n]);
  const { rawData } = initializer[0];
  expect([...new Float32Array(Uint8Array.from(rawData).buffer)]).toEqual([2, 3]);
});

test("a loop hands values on, sees what surrounds it, and collects what each iteration yields", async () => {
  const graph = new Graph();
  const iteration = graph.input("iteration", { dtype: "int64", shape: [] });
  const sum = graph.input("sum", float(2));
  const outside: Value = { name: "by", ...float(2) };
  const after = graph.emit("Add", [sum, outside], sum);
  const model = loopModel([{ name: "by", ...float(2) }], {
    iteration,
    carried: [
      { name: "sum", before: sum, after },
      { name: "unmoved", before: graph.input("unmoved", float()), after: graph.scalar(7) },
    ],
    yielded: new Map([
      ["was", sum],
      ["at", graph.emit("Cast", [iteration], { dtype: "float32", shape: [] }, { to: 1 })],
    ]),
  });
  const session = await Session.create(model, { threads: 1 });
  const fed = (...data: number[]) =>
    ({ data: Float32Array.from(data), shape: [data.length], dtype: "float32" }) as const;
  const run = (iterations: number) =>
    session.run(
      new Map<string, Fed>([
        ["by", fed(1, 10)],
        ["in:sum", fed(5, 6)],
        ["in:unmoved", { ...fed(1), shape: [] }],
        ["iterations", { data: BigInt64Array.of(BigInt(iterations)), shape: [], dtype: "int64" }],
      ]),
    );
  const results = await run(3);
  expect(Object.fromEntries([...results].map(([name, data]) => [name, [...data]]))).toEqual({
    "out:sum": [8, 36],
    "out:unmoved": [7],
    "all:was": [5, 6, 6, 16, 7, 26],
    "all:at": [0, 1, 2],
  });
  expect([...(await run(0)).get("out:sum")!]).toEqual([5, 6]);
  await session.release();
});
