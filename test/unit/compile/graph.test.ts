// Recording: no node twice, constants by content, nodes after what they need.
import { describe, expect, test } from "vitest";
import { Graph, nodesOf } from "../../../src/engine/compile/graph";
import { float } from "./graphs";

describe("a node", () => {
  test("that was emitted before is not emitted again", () => {
    const graph = new Graph();
    const [a, b] = [graph.input("a", float(2)), graph.input("b", float(2))];
    const sum = graph.emit("Add", [a, b], a);
    expect(graph.emit("Add", [a, b], a)).toBe(sum);
    expect(graph.emit("Mul", [sum, graph.scalar(2)], a)).toBe(
      graph.emit("Mul", [sum, graph.scalar(2)], a),
    );
  });

  test.each<[string, (graph: Graph) => unknown[]]>([
    [
      "of other inputs",
      (graph) => {
        const [a, b] = [graph.input("a", float(2)), graph.input("b", float(2))];
        return [graph.emit("Sub", [a, b], a), graph.emit("Sub", [b, a], a)];
      },
    ],
    [
      "of another operator",
      (graph) => {
        const a = graph.input("a", float(2));
        return [graph.emit("Exp", [a], a), graph.emit("Log", [a], a)];
      },
    ],
    [
      "of other attributes",
      (graph) => {
        const a = graph.input("a", float(2));
        const softmax = (axis: number) => graph.emit("Softmax", [a], a, { axis });
        return [softmax(0), softmax(1)];
      },
    ],
    [
      "of more outputs",
      (graph) => {
        const a = graph.input("a", float(1, 1, 4, 4));
        const one = float(1, 1, 2, 2);
        const pool = graph.emitAll("MaxPool", [a], [one]);
        return [pool[0], graph.emitAll("MaxPool", [a], [one, { ...one, dtype: "int64" }])[0]];
      },
    ],
  ])("%s is another one", (_, build) => {
    const [one, other] = build(new Graph());
    expect(one).not.toBe(other);
  });
});

describe("constants", () => {
  const floats = (...values: number[]) => Float32Array.from(values);

  test("are one by their content, whichever array they lie in", () => {
    const graph = new Graph();
    const one = graph.constant(floats(1, 2), "float32", [2]);
    expect(graph.constant(floats(1, 2), "float32", [2])).toBe(one);
    expect(graph.integers([3, -1])).toBe(graph.integers([3, -1]));
    expect(graph.scalar(0.1)).toBe(graph.scalar(Math.fround(0.1)));
  });

  test.each<[string, (graph: Graph) => unknown[]]>([
    ["content", (graph) => [graph.scalar(1), graph.scalar(2)]],
    ["type", (graph) => [graph.scalar(1), graph.scalar(1, "int32")]],
    [
      "shape",
      (graph) =>
        [[4], [2, 2], [1, 4]].map((shape) => graph.constant(floats(1, 2, 3, 4), "float32", shape)),
    ],
    // 1/x tells them apart.
    ["sign of zero", (graph) => [graph.scalar(0), graph.scalar(-0)]],
    ["the last bit", (graph) => [graph.scalar(1), graph.scalar(Math.fround(1 + 2 ** -23))]],
  ])("of another %s are others", (_, build) => {
    const all = build(new Graph());
    expect(new Set(all).size).toBe(all.length);
  });

  test("that are large are one by the array that they lie in", () => {
    const graph = new Graph();
    const large = new Float32Array(1000).fill(1);
    const one = graph.constant(large, "float32", [1000]);
    expect(graph.constant(large, "float32", [1000])).toBe(one);
    expect(graph.constant(large, "float32", [10, 100])).not.toBe(one);
    expect(graph.constant(new Float32Array(1000), "float32", [1000])).not.toBe(one);
  });
});

describe("the nodes that outputs need", () => {
  test("come after what they read, each once, and no others", () => {
    const graph = new Graph();
    const a = graph.input("a", float(2));
    const exp = graph.emit("Exp", [a], a);
    const log = graph.emit("Log", [exp], a);
    const sum = graph.emit("Add", [log, exp], a);
    graph.emit("Neg", [sum], a);
    const both = graph.emit("Mul", [sum, exp], a);
    expect(nodesOf([both, sum]).map(({ op }) => op)).toEqual(["Exp", "Log", "Add", "Mul"]);
  });

  test("may be a chain of a hundred thousand", () => {
    const graph = new Graph();
    let value = graph.input("a", float());
    for (let index = 0; index < 100_000; index++) value = graph.emit("Neg", [value], value);
    expect(nodesOf([value])).toHaveLength(100_000);
  });
});
