// How units couple variables, on graphs that no fixture happens to contain.
import { describe, expect, test } from "vitest";
import type { Layer, Model, Node, Shape } from "../../../src/engine/graph/model";
import { applyRecipe } from "../../../src/engine/recipe/apply";
import { RecipeSchema } from "../../../src/engine/recipe/schema";
import { handmade, node, PRODUCT } from "../handmade";

const layer = (name: string, nodes: readonly string[], variables: readonly string[]): Layer => ({
  name,
  kind: "dense",
  nodes,
  variables,
  output: nodes.at(-1)!,
});

/** x → hidden (4 units) → `between` → out (3 classes) → `after`, whose last node is the output, and a loss. */
function network(
  between: readonly Node[],
  weights: Readonly<Record<string, Shape>> = {},
  after: readonly Node[] = [],
): Model {
  const last = between.at(-1)?.name ?? "hidden/MatMul";
  const output = after.at(-1)?.name ?? "out/MatMul";
  return handmade({
    fed: { x: [-1, 5], y: [-1, 3] },
    weights: { "hidden/w": [5, 4], "out/w": [4, 3], ...weights },
    nodes: [
      node("hidden/MatMul", "MatMul", ["x", "[hidden/w]"], PRODUCT),
      ...between,
      node("out/MatMul", "MatMul", [last, "[out/w]"], PRODUCT),
      ...after,
      node("each", "SoftmaxCrossEntropy", [output, "y"], {}),
      node("loss", "Mean", ["each"], { axes: [0], keepDims: false }),
    ],
    layers: [
      layer("hidden", ["hidden/MatMul"], ["hidden/w"]),
      layer("out", ["out/MatMul", ...after.map((each) => each.name)], ["out/w"]),
    ],
    roles: { output, labels: "y", loss: "loss" },
  });
}

const edited = (model: Model, edit: object) =>
  applyRecipe(model, RecipeSchema.parse({ checkpoint: "m", edits: [edit] }));
const add = { addUnits: { layer: "hidden", units: 2 } };
/** [begin, end] of each axis. */
const cut = (...axes: (readonly [number | null, number | null])[]) => ({
  begin: axes.map(([begin]) => begin),
  end: axes.map(([, end]) => end),
  strides: axes.map(() => 1),
});
const replace = { replaceOutput: { classes: 6 } };
const shapes = ({ variables }: Model) =>
  Object.fromEntries([...variables.values()].map((each) => [each.name, each.shape]));

describe("numbers that are multiplied into or added to units", () => {
  test("a vector of one per unit grows with them", () => {
    const model = network([node("shifted", "Sub", ["hidden/MatMul", "[v]"], {})], { v: [4] });
    expect(shapes(edited(model, add).model)).toEqual({
      "hidden/w": [5, 6],
      "out/w": [6, 3],
      v: [6],
    });
  });

  test("one number for all units stays one number", () => {
    for (const shape of [[1], []]) {
      const hidden = network([node("s", "Mul", ["hidden/MatMul", "[v]"], {})], { v: shape });
      const widened = edited(hidden, add);
      expect(widened.problems).toEqual([]);
      expect(shapes(widened.model)).toMatchObject({ "hidden/w": [5, 6], v: shape });
      const output = network([], { v: shape }, [node("s", "Mul", ["out/MatMul", "[v]"], {})]);
      const replaced = edited(output, replace);
      expect(replaced.problems).toEqual([]);
      expect(shapes(replaced.model)).toMatchObject({ "out/w": [4, 6], v: shape });
      expect(replaced.model.variables.get("v")!.value).toEqual({ from: "stored", name: "v" });
    }
  });

  test("a fresh factor starts from one: zeros would make every new output zero for good", () => {
    const output = network([], { v: [3] }, [node("s", "Mul", ["out/MatMul", "[v]"], {})]);
    const { variables } = edited(output, replace).model;
    expect(variables.get("v")).toMatchObject({ shape: [6], value: { initializer: "ones" } });
  });
});

describe("what is tied to the units is resized with them", () => {
  test.each<[string, Model, Readonly<Record<string, Shape>>]>([
    [
      "units that are added to those of another layer",
      network(
        [
          node("other", "MatMul", ["x", "[o]"], PRODUCT),
          node("sum", "Add", ["hidden/MatMul", "other"], {}),
        ],
        { o: [5, 4] },
      ),
      { "hidden/w": [5, 6], o: [5, 6], "out/w": [6, 3] },
    ],
    [
      "units that are joined with others",
      network([node("both", "Concat", ["hidden/MatMul", "x"], { axis: 1 })], { "out/w": [9, 3] }),
      { "hidden/w": [5, 6], "out/w": [11, 3] },
    ],
    [
      "units that are joined with themselves",
      network([node("both", "Concat", ["hidden/MatMul", "hidden/MatMul"], { axis: 1 })], {
        "out/w": [8, 3],
      }),
      { "hidden/w": [5, 6], "out/w": [12, 3] },
    ],
    [
      "units that are repeated",
      network([node("twice", "Tile", ["hidden/MatMul"], { multiples: [1, 2] })], {
        "out/w": [8, 3],
      }),
      { "hidden/w": [5, 6], "out/w": [12, 3] },
    ],
    [
      "units of some samples",
      network([node("some", "Slice", ["hidden/MatMul"], cut([1, null], [null, null]))]),
      { "hidden/w": [5, 6], "out/w": [6, 3] },
    ],
    [
      "units that are put into another shape",
      network([node("flat", "Reshape", ["hidden/MatMul"], { shape: [-1, 4] })]),
      { "hidden/w": [5, 6], "out/w": [6, 3] },
    ],
    [
      "a kernel that another layer uses too",
      network([
        node("again", "MatMul", ["x", "[hidden/w]"], PRODUCT),
        node("act", "Relu", ["again"], {}),
      ]),
      { "hidden/w": [5, 6], "out/w": [6, 3] },
    ],
    [
      "one bias, added twice",
      network(
        [
          node("once", "Add", ["hidden/MatMul", "[b]"], {}),
          node("twice", "Add", ["once", "[b]"], {}),
        ],
        { b: [4] },
      ),
      { "hidden/w": [5, 6], b: [6], "out/w": [6, 3] },
    ],
  ])("%s", (_, model, expected) => {
    const { model: after, problems } = edited(model, add);
    expect(problems).toEqual([]);
    expect(shapes(after)).toEqual(expected);
  });
});

describe("is refused, and says why", () => {
  test("units of which only some are taken", () => {
    const some = node("some", "Slice", ["hidden/MatMul"], cut([null, null], [0, 2]));
    const { problems } = edited(network([some], { "out/w": [2, 3] }), add);
    expect(problems).toMatchObject([{ code: "invalid-edit" }]);
    expect(problems[0].message).toMatch(/units of hidden run through some \(Slice\)/);
  });

  test("units that are added to what is fed", () => {
    const model = network([node("sum", "Add", ["hidden/MatMul", "x"], {})], {
      "hidden/w": [5, 5],
      "out/w": [5, 3],
    });
    const { problems } = edited(model, add);
    expect(problems).toMatchObject([{ code: "invalid-edit" }]);
    expect(problems[0].message).toMatch(/units of hidden run through x which is fed/);
  });

  test.each(["zero", "net2wider"])(
    "%s where a softmax makes units depend on each other",
    (init) => {
      const model = network([node("gate", "Softmax", ["hidden/MatMul"], {})]);
      const { problems } = edited(model, { addUnits: { layer: "hidden", units: 2, init } });
      expect(problems).toMatchObject([{ code: "invalid-edit" }]);
      expect(problems[0].message).toMatch(/because gate makes each unit depend/);
      expect(edited(model, add).problems).toEqual([]);
    },
  );
});

test("a kernel that is used transposed grows along its first axis", () => {
  const model = handmade({
    fed: { x: [-1, 5], y: [-1, 3] },
    weights: { "hidden/w": [4, 5], "out/w": [3, 4] },
    nodes: [
      node("hidden/MatMul", "MatMul", ["x", "[hidden/w]"], { transposeA: false, transposeB: true }),
      node("out/MatMul", "MatMul", ["hidden/MatMul", "[out/w]"], {
        transposeA: false,
        transposeB: true,
      }),
      node("each", "SoftmaxCrossEntropy", ["out/MatMul", "y"], {}),
      node("loss", "Mean", ["each"], { axes: [0], keepDims: false }),
    ],
    layers: [
      layer("hidden", ["hidden/MatMul"], ["hidden/w"]),
      layer("out", ["out/MatMul"], ["out/w"]),
    ],
    roles: { output: "out/MatMul", labels: "y", loss: "loss" },
  });
  expect(shapes(edited(model, add).model)).toEqual({ "hidden/w": [6, 5], "out/w": [3, 6] });
});

test("sizes that happen to be the number of classes stay: a one-hot input and a reshape below the output", () => {
  const model = handmade({
    fed: { x: [-1], y: [-1] },
    weights: { "hidden/w": [3, 3], "out/w": [3, 3] },
    nodes: [
      node("category", "OneHot", ["x"], { depth: 3, on: 1, off: 0 }),
      node("hidden/MatMul", "MatMul", ["category", "[hidden/w]"], PRODUCT),
      node("flat", "Reshape", ["hidden/MatMul"], { shape: [-1, 3] }),
      node("out/MatMul", "MatMul", ["flat", "[out/w]"], PRODUCT),
      node("logits", "Reshape", ["out/MatMul"], { shape: [-1, 3] }),
      node("target", "OneHot", ["y"], { depth: 3, on: 1, off: 0 }),
      node("labels", "Reshape", ["target"], { shape: [-1, 3] }),
      node("each", "SoftmaxCrossEntropy", ["logits", "labels"], {}),
      node("loss", "Mean", ["each"], { axes: [0], keepDims: false }),
    ],
    layers: [
      layer("hidden", ["hidden/MatMul"], ["hidden/w"]),
      layer("out", ["out/MatMul"], ["out/w"]),
    ],
    roles: { output: "out/MatMul", labels: "y", loss: "loss" },
  });
  const { model: replaced, problems } = edited(model, replace);
  expect(problems).toEqual([]);
  const last = (name: string) => replaced.shapes.get(name)!.at(-1);
  expect(["category", "flat", "logits", "target", "labels"].map(last)).toEqual([3, 3, 6, 6, 6]);
});
