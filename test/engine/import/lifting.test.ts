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
      integers("k", [1], true),
      op("top", "TopKV2", ["x", "k"]),
      op("sum", "AddV2", ["top", "top:1"]),
    ]);
    expect(show(model, "sum")).toBe("Add(top, top:1) : [-1]");
    expect(show(model, "top:1")).toBe("Opaque(x) : [-1]");
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

describe("parts of tensors", () => {
  const cube = placeholder("x", [-1, 4, 6]);
  const axis = (value: number) => integers("axis", [value], true);
  const whole = { begin: null, end: null };
  const parts = (...axes: readonly { begin: number | null; end: number | null }[]) => ({
    begin: axes.map(({ begin }) => begin),
    end: axes.map(({ end }) => end),
    strides: axes.map(() => 1),
  });
  const read = (name: string) => op("out", "Neg", [name]);

  test("an output of Split is a slice of its own", () => {
    const split = op("split", "Split", ["axis", "x"], { num_split: as.integer(3) });
    const model = lifted([cube, axis(-1), split, read("split:2")]);
    expect(show(model, "out")).toBe("Neg(split:2) : [-1, 4, 2]");
    expect(attributes(model, "split:2")).toEqual(parts(whole, whole, { begin: 4, end: 6 }));
    expect(model.nodes.has("split:1")).toBe(false);
  });

  test.each([
    ["", [1, 2, 3], { begin: 1, end: 3 }],
    [", one of them the rest", [1, -1, 2], { begin: 1, end: 4 }],
  ])("sizes of SplitV%s", (_, sizes, expected) => {
    const split = op("split", "SplitV", ["x", "sizes", "axis"], { num_split: as.integer(3) });
    const model = lifted([cube, integers("sizes", sizes), axis(2), split, read("split:1")]);
    expect(attributes(model, "split:1")).toEqual(parts(whole, whole, expected));
  });

  test.each([
    ["sizes that do not add up", [1, 2, 9]],
    ["fewer sizes", [6]],
  ])("%s: the output is opaque", (_, sizes) => {
    const split = op("split", "SplitV", ["x", "sizes", "axis"], { num_split: as.integer(3) });
    const model = lifted([cube, integers("sizes", sizes), axis(2), split, read("split:1")]);
    expect(show(model, "split:1")).toMatch(/^Opaque/);
  });

  test("an output of Unpack has an axis less", () => {
    const unpack = op("steps", "Unpack", ["x"], { num: as.integer(4), axis: as.integer(1) });
    const model = lifted([cube, unpack, read("steps:3")]);
    expect(show(model, "steps:3")).toBe("Squeeze(steps:3:part1) : [-1, 6]");
    expect(attributes(model, "steps:3:part1")).toEqual(parts(whole, { begin: 3, end: 4 }, whole));
  });

  test.each([
    ["an axis that is not there", { num: as.integer(4), axis: as.integer(5) }],
    ["another number than there are", { num: as.integer(9), axis: as.integer(1) }],
  ])("Unpack of %s is opaque", (_, attr) => {
    const model = lifted([cube, op("steps", "Unpack", ["x"], attr), read("steps:8")]);
    expect(show(model, "steps:8")).toMatch(/^Opaque/);
  });

  test("Pack is a Concat along a new axis", () => {
    const pack = op("pack", "Pack", ["x", "x"], { axis: as.integer(-1) });
    const model = lifted([cube, pack, read("pack")]);
    expect(show(model, "pack")).toBe("Concat(pack:part1, pack:part2) : [-1, 4, 6, 2]");
  });

  test("the whole of an axis is taken as such, however it is written", () => {
    const ends = [integers("begin", [0, 1, 0]), integers("size", [-1, 2, 6])];
    const model = lifted([cube, ends, op("cut", "Slice", ["x", "begin", "size"]), read("cut")]);
    expect(attributes(model, "cut")).toEqual(parts(whole, { begin: 1, end: 3 }, whole));
  });

  test("x[:, -1, tf.newaxis] takes, drops and adds an axis; x[...] is x", () => {
    const [begin, end, strides] = ["begin", "end", "strides"].map((name, index) =>
      integers(
        name,
        [
          [0, -1, 0],
          [0, 0, 0],
          [1, 1, 1],
        ][index]!,
      ),
    );
    const masks = {
      begin_mask: as.integer(1),
      end_mask: as.integer(1),
      shrink_axis_mask: as.integer(2),
      new_axis_mask: as.integer(4),
    };
    const inputs = ["x", "begin", "end", "strides"];
    const model = lifted([
      ...[cube, begin!, end!, strides!],
      op("last", "StridedSlice", inputs, masks),
      op("all", "StridedSlice", inputs, {
        ellipsis_mask: as.integer(1),
        new_axis_mask: as.integer(6),
      }),
      read("last"),
    ]);
    expect(show(model, "last")).toBe("ExpandDims(last:part2) : [-1, 1, 6]");
    expect(attributes(model, "last:part1")).toEqual(parts(whole, { begin: -1, end: null }, whole));
    expect(attributes(model, "last:part2")).toEqual({ axes: [1] });
    expect(show(model, "all")).toBe("ExpandDims(all:part1) : [-1, 4, 6, 1, 1]");
  });

  test("a part of the batch counts samples that only a run knows", () => {
    const ends = [integers("begin", [1, 0, 0]), integers("size", [-1, -1, -1])];
    const model = lifted([
      ...[cube, ends, op("some", "Slice", ["x", "begin", "size"])].flat(),
      op("shape", "Shape", ["some"]),
      integers("axes", [0]),
      op("count", "Prod", ["shape", "axes"]),
      op("cast", "Cast", ["count"], { DstT: as.type(1) }),
      op("mean", "RealDiv", ["some", "cast"]),
    ]);
    expect(show(model, "some")).toBe("Slice(x) : [-1, 4, 6]");
    expect(show(model, "mean")).toMatch(/^Opaque/);
  });

  test("a transposed convolution of a size that only a run knows is opaque", () => {
    const model = lifted([
      placeholder("x", [-1, 4, 4, 2]),
      placeholder("size", [4], 3),
      variable("w", [3, 3, 5, 2]),
      op("up", "Conv2DBackpropInput", ["size", "w/read", "x"], {
        strides: as.integers([1, 2, 2, 1]),
        padding: as.text("SAME"),
      }),
      read("up"),
    ]);
    expect(show(model, "up")).toMatch(/^Opaque/);
  });
});
