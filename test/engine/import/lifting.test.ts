// Spellings that the TensorFlow which made the other graphs does not use, as tables of source ops and what they become.
import { describe, expect, test } from "vitest";
import type { NodeDef } from "../../../src/engine/formats/tf1/proto/tensorflow_pb";
import { refName, type Model } from "../../../src/engine/graph/model";
import { as, BOOL, constant, integers, lifted, op, placeholder, variable } from "./source";

/** "name = Op(inputs) : shape" of a node. */
function show(model: Model, name: string): string {
  const node = model.nodes.get(name);
  if (node === undefined) return `${name} is not there`;
  const inputs = node.inputs.map(refName).join(", ");
  return `${node.op}(${inputs}) : [${model.shapes.get(name)?.join(", ")}]`;
}
const attributes = (model: Model, name: string): object => model.nodes.get(name)!.attributes;

const X = placeholder("x", [-1, 4]);
const KEEP = placeholder("keep_prob", undefined);
const uniform = op("uniform", "RandomUniform", ["shape"]);
const SHAPE = op("shape", "Shape", ["x"]);
const ONE = constant("one", 1);

describe("dropout", () => {
  const spellings: [string, NodeDef[], object][] = [
    [
      "random_uniform with its bounds, before 1.13",
      [
        SHAPE,
        uniform,
        constant("min", 0),
        ONE,
        op("range", "Sub", ["one", "min"]),
        op("times", "Mul", ["uniform", "range"]),
        op("random", "Add", ["times", "min"]),
        KEEP,
        op("sum", "Add", ["keep_prob", "random"]),
        op("floor", "Floor", ["sum"]),
        op("div", "Div", ["x", "keep_prob"]),
        op("drop", "Mul", ["div", "floor"]),
      ],
      { keepProbabilityFrom: "keep_prob" },
    ],
    [
      "the mask first",
      [
        SHAPE,
        uniform,
        constant("rate", 0.5),
        op("kept", "GreaterEqual", ["uniform", "rate"]),
        op("mask", "Cast", ["kept"], { DstT: as.type(1) }),
        constant("scale", 2),
        op("scaled", "Mul", ["scale", "x"]),
        op("drop", "Mul", ["mask", "scaled"]),
      ],
      { rate: 0.5 },
    ],
    [
      "kept where the number is below keep_prob",
      [
        SHAPE,
        uniform,
        KEEP,
        op("kept", "Less", ["uniform", "keep_prob"]),
        constant("zero", 0),
        op("div", "RealDiv", ["x", "keep_prob"]),
        op("drop", "SelectV2", ["kept", "div", "zero"]),
      ],
      { keepProbabilityFrom: "keep_prob" },
    ],
    [
      "a keep_prob that was once a rate",
      [
        SHAPE,
        uniform,
        placeholder("rate", []),
        ONE,
        op("keep", "Sub", ["one", "rate"]),
        op("again", "Sub", ["one", "keep"]),
        op("kept", "GreaterEqual", ["uniform", "again"]),
        constant("zero", 0),
        op("div", "RealDiv", ["x", "keep"]),
        op("drop", "Select", ["kept", "div", "zero"]),
      ],
      { rateFrom: "rate" },
    ],
  ];
  test.each(spellings)("%s", (_, nodes, expected) => {
    const model = lifted([
      X,
      ...nodes,
      variable("w", [4, 3]),
      op("out", "MatMul", ["drop", "w/read"]),
    ]);
    expect(show(model, "drop")).toBe("Dropout(x) : [-1, 4]");
    expect(attributes(model, "drop")).toEqual(expected);
    expect(model.nodes.get("drop")!.origin.at(-1)).toBe("drop");
    expect(model.nodes.get("drop")!.origin).toContain("uniform");
    expect(model.roles.inputs).toEqual(["x"]);
  });

  test("noise that is added is none", () => {
    const noise = [SHAPE, uniform, op("drop", "Mul", ["x", "uniform"])];
    const model = lifted([X, ...noise]);
    expect(show(model, "drop")).toBe("Mul(x, uniform) : [-1, 4]");
    expect(show(model, "uniform")).toMatch(/^Opaque/);
  });
});

describe("conds", () => {
  const cond = (predicate: string) => [
    op("switch", "Switch", ["x", predicate]),
    op("pivot/t", "Identity", ["mode:1"]),
    op("pivot/f", "Identity", ["mode"]),
    op("mode", "Switch", [predicate, predicate]),
    op("two", "Const", ["^pivot/t"], constant("", 2).attr),
    op("three", "Const", ["^pivot/f"], constant("", 3).attr),
    op("yes", "Mul", ["switch:1", "two"]),
    op("no", "Mul", ["switch", "three"]),
  ];
  const mode = placeholder("training", [], BOOL);

  test.each([
    ["false first", ["no", "yes"]],
    ["true first", ["yes", "no"]],
  ])("inference takes the false branch: %s", (_, branches) => {
    const model = lifted([
      X,
      mode,
      cond("training"),
      op("merge", "Merge", branches),
      variable("w", [4, 3]),
      op("out", "MatMul", ["merge", "w/read"]),
    ]);
    expect(show(model, "no")).toBe("Mul(x, three) : [-1, 4]");
    expect(model.nodes.has("yes")).toBe(false);
    expect(model.aliases.get("merge")).toBe("no");
    expect(model.roles.inputs).toEqual(["x"]);
  });

  test("a negated mode takes the true branch", () => {
    const model = lifted([
      X,
      mode,
      op("not", "LogicalNot", ["training"]),
      cond("not"),
      op("merge", "Merge", ["no", "yes"]),
    ]);
    expect(model.aliases.get("merge")).toBe("yes");
  });

  test("constants on both sides are told apart by what they wait for", () => {
    const model = lifted([
      X,
      mode,
      cond("training"),
      op("factor", "Merge", ["three", "two"]),
      op("out", "Mul", ["x", "factor"]),
    ]);
    expect(show(model, "out")).toBe("Mul(x, three) : [-1, 4]");
  });

  test("a condition on the data stays opaque", () => {
    const model = lifted([
      X,
      op("mean", "Mean", ["x", "axes"]),
      integers("axes", [0, 1]),
      constant("zero", 0),
      op("positive", "Greater", ["mean", "zero"]),
      cond("positive"),
      op("merge", "Merge", ["no", "yes"]),
      op("out", "Relu", ["merge"]),
    ]);
    expect(show(model, "merge")).toBe("Opaque(no, yes) : [-1]");
  });
});

describe("shapes", () => {
  const flat = [
    op("shape", "Shape", ["x"]),
    integers("0", [0]),
    integers("1", [1]),
    op("batch", "StridedSlice", ["shape", "0", "1", "1"], { shrink_axis_mask: as.integer(1) }),
    integers("rest", [-1], true),
  ];
  const image = placeholder("x", [-1, 4, 4, 3]);

  test.each([
    ["batch, rest", [...flat, op("target", "Pack", ["batch", "rest"])]],
    [
      "a fed batch size",
      [placeholder("size", [], 3), flat, op("target", "Pack", ["size", "rest"])],
    ],
    [
      "the product of the other sizes",
      [
        flat,
        integers("others", [4, 4, 3]),
        op("product", "Prod", ["others", "0"]),
        op("target", "Pack", ["rest", "product"]),
      ],
    ],
  ])("flatten by %s", (_, nodes) => {
    const model = lifted([image, ...nodes, op("flat", "Reshape", ["x", "target"])]);
    expect(show(model, "flat")).toBe("Reshape(x) : [-1, 48]");
    expect(attributes(model, "flat")).toEqual({ shape: [-1, 48] });
  });

  test("a part of a shape is put together with other sizes", () => {
    const model = lifted([
      image,
      flat,
      integers("3", [3]),
      op("middle", "StridedSlice", ["shape", "1", "3", "1"]),
      integers("axis", [0], true),
      integers("last", [3]),
      integers("minus", [-1]),
      op("front", "ConcatV2", ["minus", "middle", "last", "axis"]),
      op("same", "Reshape", ["x", "front"]),
    ]);
    expect(attributes(model, "same")).toEqual({ shape: [-1, 4, 4, 3] });
  });

  test("a target that depends on the data is opaque", () => {
    const model = lifted([
      image,
      placeholder("target", [2], 3),
      op("flat", "Reshape", ["x", "target"]),
    ]);
    expect(show(model, "flat")).toBe("Opaque(x, target) : [-1]");
  });

  test("a placeholder of unknown shape gets the one that the first op implies", () => {
    const model = lifted([
      placeholder("x", undefined),
      variable("w", [5, 3]),
      op("product", "MatMul", ["x", "w/read"]),
    ]);
    expect(model.shapes.get("x")).toEqual([-1, 5]);
    expect(show(model, "product")).toBe("MatMul(x, w) : [-1, 3]");
  });

  test("what an opaque op yields fits anything", () => {
    const model = lifted([
      X,
      op("odd", "NoSuchOp", ["x"]),
      variable("w", [5, 3]),
      variable("b", [3]),
      op("product", "MatMul", ["odd", "w/read"]),
      op("sum", "BiasAdd", ["product", "b/read"]),
    ]);
    expect(show(model, "odd")).toBe("Opaque(x) : [-1]");
    expect(attributes(model, "odd")).toEqual({ type: "NoSuchOp" });
    expect(show(model, "sum")).toBe("BiasAdd(product, b) : [-1, 3]");
  });

  test("outputs beyond the first have names of their own", () => {
    const model = lifted([
      X,
      integers("axis", [1], true),
      op("split", "Split", ["axis", "x"]),
      op("sum", "AddV2", ["split", "split:1"]),
    ]);
    expect(show(model, "sum")).toBe("Add(split, split:1) : [-1]");
    expect(show(model, "split:1")).toBe("Opaque(x) : [-1]");
  });

  test("an op that does not fit its inputs is opaque, and the graph still opens", () => {
    const model = lifted([X, variable("w", [5, 3]), op("product", "MatMul", ["x", "w/read"])]);
    expect(show(model, "product")).toBe("Opaque(x, w) : [-1]");
  });
});

describe("ops of earlier versions", () => {
  const twice = [X, variable("w", [4, 4]), op("product", "MatMul", ["x", "w/read"])];
  test.each<[string, NodeDef[], string]>([
    [
      "Add of a bias, bias first",
      [...variable("b", [4]), op("out", "Add", ["b/read", "product"])],
      "BiasAdd(product, b)",
    ],
    [
      "BiasAddV1",
      [...variable("b", [4]), op("out", "BiasAddV1", ["product", "b/read"])],
      "BiasAdd(product, b)",
    ],
    ["Add of a matrix stays an addition", [op("out", "Add", ["product", "x"])], "Add(product, x)"],
    ["Div", [constant("c", 2), op("out", "Div", ["product", "c"])], "Div(product, c)"],
    [
      "Concat with the axis first",
      [
        integers("c", [1], true),
        op("sum", "Concat", ["c", "x", "product"]),
        op("out", "Identity", ["sum"]),
      ],
      "Concat(x, product)",
    ],
    [
      "AddN of one",
      [op("one", "AddN", ["product"]), op("out", "Identity", ["one"])],
      "MatMul(x, w)",
    ],
    [
      "clip_by_value",
      [constant("lo", 0), constant("hi", 1), op("out", "ClipByValue", ["product", "lo", "hi"])],
      "Maximum(out:minimum, lo)",
    ],
    ["CheckNumerics", [op("out", "CheckNumerics", ["product"])], "MatMul(x, w)"],
    [
      "leaky relu as a maximum",
      [
        constant("a", 0.1),
        op("m", "Mul", ["a", "product"]),
        op("out", "Maximum", ["m", "product"]),
      ],
      "Maximum(m, product)",
    ],
  ])("%s", (_, nodes, expected) => {
    const model = lifted([...twice, ...nodes]);
    const name = model.aliases.get("out") ?? "out";
    expect(show(model, name).replace(/ :.*/, "")).toBe(expected);
  });

  test("gradients that start from a Fill", () => {
    const model = lifted([
      ...twice,
      integers("axes", [0, 1]),
      op("loss", "Mean", ["product", "axes"]),
      op("gradients/Shape", "Shape", ["loss"]),
      constant("gradients/Const", 1),
      op("gradients/Fill", "Fill", ["gradients/Shape", "gradients/Const"]),
      op("gradients/loss_grad/Tile", "Tile", ["gradients/Fill", "axes"]),
      op("train", "ApplyGradientDescent", ["w", "gradients/Const", "gradients/loss_grad/Tile"]),
    ]);
    expect(model.roles.loss).toBe("loss");
    expect([...model.nodes.keys()].filter((name) => name.startsWith("gradients"))).toEqual([]);
  });

  test("a loss that is no scalar is minimized by its sum", () => {
    const model = lifted([
      ...twice,
      placeholder("y", [-1, 4]),
      op("loss", "SquaredDifference", ["product", "y"]),
      op("gradients/Shape", "Shape", ["loss"]),
      op("gradients/grad_ys_0", "Fill", ["gradients/Shape", "one"]),
      ONE,
    ]);
    expect(model.roles).toMatchObject({ loss: "loss:sum", output: "product", labels: "y" });
    expect(show(model, "loss:sum")).toBe("Sum(loss) : []");
  });
});

test("a transposed product", () => {
  const model = lifted([
    X,
    variable("w", [3, 4]),
    op("out", "MatMul", ["x", "w/read"], { transpose_b: as.flag(true) }),
  ]);
  expect(attributes(model, "out")).toEqual({ transposeA: false, transposeB: true });
  expect(model.shapes.get("out")).toEqual([-1, 3]);
});

test.each([
  ["Select", true],
  ["SelectV2", false],
])("%s: a vector of conditions %s chooses rows", (type, rows) => {
  const model = lifted([
    X,
    placeholder("condition", [-1]),
    op("negative", "Neg", ["x"]),
    op("chosen", type, ["condition", "x", "negative"]),
  ]);
  expect(attributes(model, "chosen")).toEqual({ rows });
});
