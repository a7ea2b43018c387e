// Every fusion: where it is taken, where it must not be, and that the numbers stay.
import { describe, expect, test } from "vitest";
import { fuse } from "../../../src/engine/compile/fuse";
import { Graph, nodesOf, type Value } from "../../../src/engine/compile/graph";
import { expectClose } from "../../engine/fixture";
import { bool, compute, float, integer, opsOf } from "./graphs";

type Build = (graph: Graph) => Value[];
/** What is built, how, and the operators that are left. */
type Case = readonly [what: string, build: Build, ops: readonly string[]];

const factor = (graph: Graph, number: number, ...shape: number[]) =>
  graph.constant(Float32Array.of(number), "float32", shape);

/** [3, 4] · [4, 2], with attributes as a rule gives them. */
function product(graph: Graph, transposed = { transA: 0, transB: 0 }): Value {
  const a = graph.input("a", transposed.transA ? float(4, 3) : float(3, 4));
  const b = graph.input("b", transposed.transB ? float(2, 4) : float(4, 2));
  return graph.emit("Gemm", [a, b], float(3, 2), transposed);
}

const binary = (graph: Graph, op: string, a: Value, b: Value, shape = a.shape): Value =>
  graph.emit(op, [a, b], { dtype: a.dtype, shape });

function columnSums(graph: Graph, rows: Value, keepdims = 0): Value {
  const shape = keepdims === 1 ? [1, rows.shape[1]] : [rows.shape[1]];
  return graph.emit("ReduceSum", [rows, graph.integers([0])], float(...shape), { keepdims });
}

/** As TensorFlow.js composes it. */
function logSoftmax(graph: Graph, x: Value, axis: number): Value[] {
  const kept = x.shape.map((length, place) => (place === axis ? 1 : length));
  const along = (op: string, of: Value) =>
    graph.emit(op, [of, graph.integers([axis])], float(...kept), { keepdims: 1 });
  const shifted = binary(graph, "Sub", x, along("ReduceMax", x));
  const sum = along("ReduceSum", graph.emit("Exp", [shifted], shifted));
  return [binary(graph, "Sub", shifted, graph.emit("Log", [sum], sum))];
}

/** dy · (x > zero), the comparison as numbers of dy's type. */
function rectified(graph: Graph, dy: Value, x: Value, zero?: Value): Value {
  const compared = [x, zero ?? graph.scalar(0, x.dtype as "float32")];
  const positive = graph.emit("Greater", compared, bool(...x.shape));
  const step = cast(graph, positive, dy.dtype as "float32");
  return binary(graph, "Mul", dy, step);
}

function cast(graph: Graph, value: Value, dtype: "float32" | "int32"): Value {
  const to = dtype === "float32" ? 1 : 6;
  return graph.emit("Cast", [value], { dtype, shape: value.shape }, { to });
}

/** Rows of labels that came as integers, taken as integers, as numbers. */
function oneHot(graph: Graph, on: number): Value {
  const labels = graph.input("labels", integer(5));
  const values = graph.constant(Float32Array.of(0, on), "float32", [2]);
  const inputs = [labels, graph.scalar(3, "int32"), values];
  const hot = graph.emit("OneHot", inputs, float(5, 3));
  return cast(graph, cast(graph, hot, "int32"), "float32");
}

/** A matrix that is large enough to be added by a node of its own. */
const LARGE = float(400, 300);

const largeProduct = (graph: Graph): Value =>
  graph.emit("Gemm", [graph.input("a", float(400, 2)), graph.input("b", float(2, 300))], LARGE, {
    transA: 0,
    transB: 0,
  });

/**
 * A rectified image of [2, 2, 4, 6], the largest of its windows, and numbers spread to where these lie. In some windows
 * two are equal, in others none is above zero.
 */
function unpooled(graph: Graph): { image: Value; largest: Value; spread: Value } {
  const type = float(2, 2, 4, 6);
  const x = graph.input("x", type);
  const coarse = graph.emit("Round", [binary(graph, "Mul", x, factor(graph, 1.5))], type);
  const image = graph.emit("Relu", [coarse], type);
  const attributes = { kernel_shape: [2, 2], strides: [2, 2], pads: [0, 0, 0, 0] };
  const small = float(2, 2, 2, 3);
  const types = [small, { dtype: "int64", shape: small.shape } as const];
  const [largest, places] = graph.emitAll("MaxPool", [image], types, attributes);
  const inputs = [graph.input("dy", small), places, graph.integers(type.shape)];
  return { image, largest, spread: graph.emit("MaxUnpool", inputs, type, attributes) };
}

const sumOver = (graph: Graph, x: Value, axes: readonly number[]): Value => {
  const left = x.shape.filter((_, axis) => !axes.includes(axis));
  return graph.emit("ReduceSum", [x, graph.integers(axes)], float(...left), { keepdims: 0 });
};

const TAKEN: readonly Case[] = [
  [
    "products of multiples, whose numbers are one",
    (graph) => {
      const halves = binary(graph, "Mul", graph.input("a", float(3, 4)), factor(graph, 0.5));
      const thirds = binary(graph, "Mul", graph.input("b", float(3, 2)), factor(graph, 3));
      const attributes = { transA: 1, transB: 0 };
      return [graph.emit("Gemm", [halves, thirds], float(4, 2), attributes)];
    },
    ["Gemm"],
  ],
  [
    "the update of a bias by column sums of a multiple",
    (graph) => {
      const rows = binary(graph, "Mul", graph.input("dy", float(5, 3)), factor(graph, 0.2));
      const change = binary(graph, "Mul", columnSums(graph, rows), factor(graph, 0.1));
      return [binary(graph, "Sub", graph.input("bias", float(3)), change)];
    },
    ["Gemm", "Reshape"],
  ],
  [
    "a large momentum: what it was, times a number, plus a gradient",
    (graph) => {
      const before = binary(graph, "Mul", graph.input("m", LARGE), factor(graph, 0.9));
      return [binary(graph, "Add", before, largeProduct(graph))];
    },
    ["Gemm"],
  ],
  [
    "a rectifier before a pool: the mask comes first, of the largest",
    (graph) => {
      const { image, largest, spread } = unpooled(graph);
      return [largest, rectified(graph, spread, image)];
    },
    ["Mul", "Round", "Relu", "MaxPool", "Greater", "Cast", "Mul", "MaxUnpool"],
  ],
  [
    "the sum over an image to which numbers were spread",
    (graph) => {
      const { largest, spread } = unpooled(graph);
      return [largest, sumOver(graph, spread, [0, 2, 3])];
    },
    ["Mul", "Round", "Relu", "MaxPool", "ReduceSum"],
  ],
  [
    "a product times a number",
    (graph) => [binary(graph, "Mul", product(graph), factor(graph, 0.5))],
    ["Gemm"],
  ],
  [
    "a number times a product",
    (graph) => [binary(graph, "Mul", factor(graph, -3), product(graph), [3, 2])],
    ["Gemm"],
  ],
  [
    "a transposed product, twice scaled",
    (graph) => {
      const once = binary(graph, "Mul", product(graph, { transA: 1, transB: 1 }), factor(graph, 2));
      return [binary(graph, "Mul", once, factor(graph, 0.25, 1))];
    },
    ["Gemm"],
  ],
  ...([[2], [1, 2], [3, 1], [3, 2], []] as const).map((shape): Case => [
    `a product plus a bias of [${shape.join(", ")}]`,
    (graph) => [binary(graph, "Add", product(graph), graph.input("c", float(...shape)))],
    ["Gemm"],
  ]),
  [
    "a bias plus a product",
    (graph) => [binary(graph, "Add", graph.input("c", float(2)), product(graph), [3, 2])],
    ["Gemm"],
  ],
  [
    "a variable minus a scaled gradient",
    (graph) => [
      binary(
        graph,
        "Sub",
        graph.input("w", float(3, 2)),
        binary(graph, "Mul", product(graph, { transA: 1, transB: 0 }), factor(graph, 0.01)),
      ),
    ],
    ["Gemm"],
  ],
  [
    "a momentum: what it was, times a number, plus a gradient",
    (graph) => [
      binary(
        graph,
        "Add",
        binary(graph, "Mul", graph.input("m", float(3, 2)), factor(graph, 0.9)),
        product(graph),
      ),
    ],
    ["Gemm"],
  ],
  [
    "the update of a bias",
    (graph) => {
      const change = binary(
        graph,
        "Mul",
        columnSums(graph, graph.input("dy", float(5, 3))),
        factor(graph, 0.1),
      );
      return [binary(graph, "Sub", graph.input("bias", float(3)), change)];
    },
    ["Gemm", "Reshape"],
  ],
  ["whole numbers that became integers", (graph) => [oneHot(graph, 1)], ["OneHot"]],
  [
    "a logarithm of a softmax over the last axis",
    (graph) => logSoftmax(graph, graph.input("x", float(3, 4)), 1),
    ["LogSoftmax"],
  ],
  [
    "an operand that is repeated to the shape of the other",
    (graph) => {
      const shape = graph.integers([3, 4]);
      const wide = graph.emit("Expand", [graph.input("a", float(1, 4)), shape], float(3, 4));
      return [binary(graph, "Mul", graph.input("b", float(3, 4)), wide)];
    },
    ["Mul"],
  ],
];

const NOT_TAKEN: readonly Case[] = [
  [
    "a large variable minus a scaled gradient: but for the number",
    (graph) => {
      const change = binary(graph, "Mul", largeProduct(graph), factor(graph, 0.01));
      return [binary(graph, "Sub", graph.input("w", LARGE), change)];
    },
    ["Gemm", "Sub"],
  ],
  [
    "a product of what is multiplied by more than a number",
    (graph) => {
      const scaled = binary(
        graph,
        "Mul",
        graph.input("a", float(3, 4)),
        graph.input("k", float(4)),
      );
      const inputs = [scaled, graph.input("b", float(4, 2))];
      return [graph.emit("Gemm", inputs, float(3, 2), { transA: 0, transB: 0 })];
    },
    ["Mul", "Gemm"],
  ],
  [
    "a mask of another image than the one that was pooled",
    (graph) => {
      const { largest, spread } = unpooled(graph);
      return [largest, rectified(graph, spread, graph.input("other", float(2, 2, 4, 6)))];
    },
    ["Mul", "Round", "Relu", "MaxPool", "MaxUnpool", "Greater", "Cast", "Mul"],
  ],
  [
    "the sum over some axes of an image to which numbers were spread",
    (graph) => {
      const { largest, spread } = unpooled(graph);
      return [largest, sumOver(graph, spread, [0, 2])];
    },
    ["Mul", "Round", "Relu", "MaxPool", "MaxUnpool", "ReduceSum"],
  ],
  [
    "a product that is scaled and used again",
    (graph) => {
      const value = product(graph);
      return [binary(graph, "Mul", value, factor(graph, 2)), graph.emit("Neg", [value], value)];
    },
    ["Gemm", "Mul", "Neg"],
  ],
  [
    "a product that is itself an output",
    (graph) => {
      const value = product(graph);
      return [value, binary(graph, "Add", value, graph.input("c", float(2)))];
    },
    ["Gemm", "Add"],
  ],
  [
    "a product times what it is not known before",
    (graph) => [binary(graph, "Mul", product(graph), graph.input("k", float()))],
    ["Gemm", "Mul"],
  ],
  [
    "a product plus itself",
    (graph) => {
      const value = product(graph);
      return [binary(graph, "Add", value, value)];
    },
    ["Gemm", "Add"],
  ],
  [
    "a product that is repeated by what is added",
    (graph) => [binary(graph, "Add", product(graph), graph.input("c", float(5, 3, 2)), [5, 3, 2])],
    ["Gemm", "Add"],
  ],
  [
    "one row of a product that is repeated by what is added",
    (graph) => {
      const row = graph.emit(
        "Gemm",
        [graph.input("a", float(1, 4)), graph.input("b", float(4, 2))],
        float(1, 2),
        { transA: 0, transB: 0 },
      );
      return [binary(graph, "Add", row, graph.input("c", float(3, 2)), [3, 2])];
    },
    ["Gemm", "Add"],
  ],
  [
    "a product times a number of three axes",
    (graph) => [binary(graph, "Mul", product(graph), factor(graph, 2, 1, 1, 1), [1, 3, 2])],
    ["Gemm", "Mul"],
  ],
  [
    "a product minus a bias: of what is taken away it is not the update",
    (graph) => [binary(graph, "Sub", product(graph), graph.input("c", float(2)))],
    ["Gemm", "Sub"],
  ],
  [
    "a second thing added to a product",
    (graph) => {
      const once = binary(graph, "Add", product(graph), graph.input("c", float(2)));
      return [binary(graph, "Add", once, graph.input("d", float(3, 2)))];
    },
    ["Gemm", "Add"],
  ],
  [
    "a bias minus column sums that keep their axis",
    (graph) => {
      const change = binary(
        graph,
        "Mul",
        columnSums(graph, graph.input("dy", float(5, 3)), 1),
        factor(graph, 0.1),
      );
      return [binary(graph, "Sub", graph.input("bias", float(3)), change, [1, 3])];
    },
    ["ReduceSum", "Mul", "Sub"],
  ],
  [
    "one number minus column sums",
    (graph) => {
      const change = binary(
        graph,
        "Mul",
        columnSums(graph, graph.input("dy", float(5, 3))),
        factor(graph, 0.1),
      );
      return [binary(graph, "Sub", graph.input("bias", float(1)), change, [3])];
    },
    ["ReduceSum", "Mul", "Sub"],
  ],
  [
    "a comparison with zero of what no rectifier is given",
    (graph) => [rectified(graph, graph.input("dy", float(3, 4)), graph.input("x", float(3, 4)))],
    ["Greater", "Cast", "Mul"],
  ],
  [
    "a comparison that is a factor of integers",
    (graph) => [rectified(graph, graph.input("dy", integer(3)), graph.input("x", integer(3)))],
    ["Greater", "Cast", "Mul"],
  ],
  [
    "a comparison with another number",
    (graph) => {
      const [dy, x] = [graph.input("dy", float(3, 4)), graph.input("x", float(3, 4))];
      return [rectified(graph, dy, x, graph.scalar(0.5))];
    },
    ["Greater", "Cast", "Mul"],
  ],
  [
    "a comparison that is used again",
    (graph) => {
      const x = graph.input("x", float(3, 4));
      const positive = graph.emit("Greater", [x, graph.scalar(0)], bool(3, 4));
      return [cast(graph, positive, "float32"), graph.emit("Not", [positive], positive)];
    },
    ["Greater", "Cast", "Not"],
  ],
  [
    "a comparison with a zero of more axes",
    (graph) => {
      const zero = factor(graph, 0, 1, 1);
      const positive = graph.emit("Greater", [graph.input("x", float(4)), zero], bool(1, 4));
      return [cast(graph, positive, "float32")];
    },
    ["Greater", "Cast"],
  ],
  ["parts that integers lose", (graph) => [oneHot(graph, 1.5)], ["OneHot", "Cast", "Cast"]],
  [
    "a logarithm of a softmax over the first axis",
    (graph) => logSoftmax(graph, graph.input("x", float(3, 4)), 0),
    ["ReduceMax", "Sub", "Exp", "ReduceSum", "Log", "Sub"],
  ],
  [
    "two operands that are both repeated to the result",
    (graph) => {
      const wide = (name: string, ...shape: number[]) =>
        graph.emit(
          "Expand",
          [graph.input(name, float(...shape)), graph.integers([3, 4])],
          float(3, 4),
        );
      // Of two, one can go.
      return [binary(graph, "Add", wide("a", 1, 4), wide("b", 1, 1))];
    },
    ["Expand", "Add"],
  ],
];

async function check(build: Build, ops: readonly string[]) {
  const graph = new Graph();
  const before = build(graph);
  const after = fuse(before);
  expect(opsOf(after)).toEqual(ops);
  const [expected, actual] = [await compute(graph, before), await compute(graph, after)];
  actual.forEach(({ shape, data }, index) => {
    expect(shape).toEqual(expected[index].shape);
    expectClose(data, expected[index].data, 1e-6);
  });
}

describe("is fused", () => {
  test.each(TAKEN)("%s", (_, build, ops) => check(build, ops));
});

describe("is left as it is", () => {
  test.each(NOT_TAKEN)("%s", (_, build, ops) => check(build, ops));
});

test("equal nodes stay one, inputs keep their names, and nothing that is not needed comes along", () => {
  const graph = new Graph();
  const x = graph.input("x", float(2));
  const exp = graph.emit("Exp", [x], x);
  graph.emit("Neg", [exp], x);
  const [sum] = fuse([binary(graph, "Add", exp, exp)]);
  const nodes = nodesOf([sum]);
  expect(nodes.map(({ op }) => op)).toEqual(["Exp", "Add"]);
  expect(nodes[0].inputs).toEqual([x]);
});

test("the gradient of a rectifier compares what it gave: what it was given is then read by it alone", () => {
  const graph = new Graph();
  const x = graph.input("x", float(3, 4));
  const y = graph.emit("Relu", [x], x);
  const outputs = fuse([y, rectified(graph, graph.input("dy", float(3, 4)), x)]);
  const greater = nodesOf(outputs).find(({ op }) => op === "Greater")!;
  expect(greater.inputs[0].node?.op).toBe("Relu");
});
