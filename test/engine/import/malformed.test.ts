// Graphs that contradict themselves: each is refused by name or read around; none hangs, overflows or crashes.
import { readdirSync } from "node:fs";
import { join } from "node:path";
import { clone, fromBinary } from "@bufbuild/protobuf";
import { describe, expect, test } from "vitest";
import { importGraph } from "../../../src/engine/formats/tf1/import";
import { MetaGraphDefSchema } from "../../../src/engine/formats/tf1/proto/tensorflow_pb";
import { GraftError } from "../../../src/protocol/errors";
import { FIXTURES } from "../fixture";
import { as, constant, integers, lifted, op, placeholder, variable } from "./source";
import { declaredTensors, importFile, readMeta } from "./summary";

const malformed = (name: string) => join(FIXTURES, "b7_malformed", name, "m.ckpt.meta");

const thrown = (run: () => unknown): GraftError => {
  try {
    run();
  } catch (error) {
    if (error instanceof GraftError) return error;
    throw error;
  }
  throw new Error("nothing was thrown");
};

test.each([
  ["meta_cycle", /"a" depends on itself \(a → c → b → a\)/],
  ["meta_self_cycle", /"a" depends on itself/],
  ["meta_dangling_input", /"a" reads "nowhere", which does not exist/],
  ["meta_duplicate_names", /two nodes are named "x"/],
])("%s is refused by name", (name, says) => {
  const error = thrown(() => importFile(malformed(name)));
  expect(error.code).toBe("corrupt-file");
  expect(error.message).toMatch(says);
});

test("an empty file is a checkpoint without a graph", () => {
  const tensors = new Map([["w", { name: "w", dtype: "float32", shape: [2], bytes: 8 } as const]]);
  const model = importGraph(fromBinary(MetaGraphDefSchema, new Uint8Array()), tensors);
  expect([...model.variables.keys()]).toEqual(["w"]);
  expect(model.nodes.size).toBe(0);
});

test("an op that nobody knows does not keep the rest from being read", () => {
  const model = importFile(malformed("meta_unknown_op"));
  expect(model.roles).toMatchObject({ inputs: ["X"], output: "outputs/BiasAdd", loss: "loss" });
});

describe("by hand", () => {
  test("a control edge can close a cycle too", () => {
    const nodes = [op("a", "NoOp", ["^b"]), op("b", "NoOp", ["^a"])];
    expect(thrown(() => lifted(nodes)).message).toMatch(/depends on itself/);
  });

  test("the back edge of a loop closes none", () => {
    const model = lifted([
      placeholder("x", [-1, 4]),
      op("loop/Enter", "Enter", ["x"], { frame_name: as.text("loop") }),
      op("loop/Merge", "Merge", ["loop/Enter", "loop/Next"]),
      op("loop/Switch", "Switch", ["loop/Merge", "loop/Cond"]),
      op("loop/Less", "Less", ["loop/Merge", "loop/Merge"]),
      op("loop/Cond", "LoopCond", ["loop/Less"]),
      op("loop/Relu", "Relu", ["loop/Switch:1"]),
      op("loop/Next", "NextIteration", ["loop/Relu"]),
      op("loop/Exit", "Exit", ["loop/Switch"]),
      op("out", "Relu", ["loop/Exit"]),
    ]);
    expect(model.nodes.get("loop/Exit")).toMatchObject({
      op: "Opaque",
      attributes: { type: "While" },
      inputs: [{ node: "x" }],
    });
    expect([...model.nodes.keys()]).toEqual(["x", "loop/Exit", "out"]);
  });

  test("a chain of 30,000 ops", () => {
    const nodes = [placeholder("n0", [-1, 4])];
    for (let index = 1; index <= 30_000; index++)
      nodes.push(op(`n${index}`, "Relu", [`n${index - 1}`]));
    const model = lifted(nodes.toReversed());
    expect(model.nodes.size).toBe(30_001);
    expect([...model.nodes.keys()].at(-1)).toBe("n30000");
  });

  test("one op with 130,000 readers, and one with 130,000 inputs", () => {
    const nodes = [placeholder("x", [-1, 4])];
    for (let index = 0; index < 130_000; index++) nodes.push(op(`r${index}`, "Relu", ["x"]));
    nodes.push(op("all", "ConcatV2", [...nodes.slice(1).map((node) => node.name), "axis"]));
    nodes.push(integers("axis", [1], true));
    expect(lifted(nodes).shapes.get("all")).toEqual([-1, 520_000]);
  });

  test("nested scalings and differences are followed without recursion", () => {
    const nodes = [
      placeholder("x", [-1, 4]),
      placeholder("keep", []),
      constant("one", 1),
      op("d0", "Sub", ["one", "keep"]),
      op("shape", "Shape", ["x"]),
      op("m0", "RandomUniform", ["shape"]),
    ];
    for (let index = 1; index < 20_000; index++) {
      nodes.push(op(`d${index}`, "Sub", ["one", `d${index - 1}`]));
      nodes.push(op(`m${index}`, "Mul", [`m${index - 1}`, "one"]));
    }
    nodes.push(op("kept", "GreaterEqual", ["m19999", "d19999"]));
    nodes.push(op("other", "GreaterEqual", ["m0", "d19999"]));
    nodes.push(constant("zero", 0));
    nodes.push(op("scaled", "RealDiv", ["x", "one"]));
    nodes.push(op("a", "Select", ["kept", "scaled", "zero"]));
    nodes.push(op("b", "Select", ["other", "scaled", "zero"]));
    const model = lifted(nodes);
    expect(model.nodes.get("b")!.op).toBe("Dropout");
  });

  test("a constant of a few bytes does not fill the memory", () => {
    const huge = constant("c", 1, [1 << 20, 1 << 20]);
    const model = lifted([
      placeholder("x", [-1, 4]),
      huge,
      op("sum", "Sum", ["c", "axes"]),
      integers("axes", [0, 1]),
      op("out", "MatMul", ["x", "c"]),
    ]);
    expect(model.nodes.get("c")).toMatchObject({ op: "Opaque", attributes: { type: "Const" } });
  });

  test("names that JavaScript's objects know are ops like any other", () => {
    const model = lifted([
      placeholder("__proto__", [-1, 4]),
      op("constructor", "constructor", ["__proto__"]),
      op("toString", "__proto__", ["constructor"]),
      variable("valueOf", [4, 3]),
    ]);
    expect([...model.nodes.values()].map((node) => node.op)).toEqual([
      "Placeholder",
      "Opaque",
      "Opaque",
    ]);
  });

  test("ops with fewer inputs than they need", () => {
    const types = ["Add", "MatMul", "Conv2D", "Select", "Reshape", "Mean", "FusedBatchNormV3"];
    for (const type of [...types, "StridedSlice", "ClipByValue", "Merge", "Switch", "ConcatV2"])
      for (const inputs of [[], ["x"], ["c"]]) {
        const nodes = [placeholder("x", [-1, 4]), constant("c", 1), op("odd", type, inputs)];
        expectRefusedOrRead(() => lifted([...nodes, op("out", "Mul", ["x", "odd"])]));
      }
  });
});

function expectRefusedOrRead(run: () => unknown): void {
  try {
    run();
  } catch (error) {
    if (!(error instanceof GraftError)) throw error;
  }
}

/** A small generator, so that a failure can be had again. */
function numbers(seed: number): (below: number) => number {
  let state = seed;
  return (below) => {
    state = (Math.imul(state, 1664525) + 1013904223) >>> 0;
    return Math.floor((state / 2 ** 32) * below);
  };
}

describe("damaged at random", () => {
  const graphs = readdirSync(join(FIXTURES, "graphs")).filter((name) => name.endsWith(".meta"));
  test.each(graphs)("%s is refused or read", (name) => {
    const source = readMeta(join(FIXTURES, "graphs", name));
    const tensors = declaredTensors(source);
    const random = numbers(name.length);
    for (let round = 0; round < 10; round++) {
      const meta = clone(MetaGraphDefSchema, source);
      const nodes = meta.graphDef!.node;
      for (let damage = 0; damage < 3; damage++) {
        const node = nodes[random(nodes.length)];
        const other = nodes[random(nodes.length)];
        const change = random(6);
        if (change === 0) node.input.splice(random(node.input.length + 1), 1);
        if (change === 1 && node.input.length > 0)
          node.input[random(node.input.length)] = `${other.name}:${random(3)}`;
        if (change === 2) node.op = other.op;
        if (change === 3) node.attr = {};
        if (change === 4) node.input.push(other.name);
        if (change === 5) node.attr = other.attr;
      }
      expectRefusedOrRead(() => importGraph(meta, tensors));
    }
  });
});
