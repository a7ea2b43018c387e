// What the recipe's `graph` decides where the graph itself leaves a doubt.
import { join } from "node:path";
import { describe, expect, test } from "vitest";
import { applyRecipe } from "../../../src/engine/recipe/apply";
import { RecipeSchema } from "../../../src/engine/recipe/schema";
import { validate } from "../../../src/engine/recipe/validate";
import { FIXTURES } from "../fixture";
import { handmade, node, PRODUCT } from "../handmade";
import { constant, integers, lifted, op, placeholder, variable } from "./source";
import { importFile } from "./summary";

const source = (name: string) => importFile(join(FIXTURES, "graphs", `${name}.meta`));
const recipe = (graph: object, more: object = {}) =>
  RecipeSchema.parse({ checkpoint: "m", graph, ...more });
const roles = (name: string, graph: object) => applyRecipe(source(name), recipe(graph)).model.roles;

describe("several candidates", () => {
  test.each([
    ["two_losses", "loss", ["loss_a", "loss_b"]],
    ["two_heads", "output", ["parity/BiasAdd", "digit/BiasAdd"]],
  ])("%s: are listed, and the recipe has to choose", (name, role, candidates) => {
    const { problems } = validate(source(name), recipe({}));
    expect(problems[0]).toMatchObject({ code: "ambiguous-graph", pointer: "/graph" });
    expect(problems[0].message).toContain(candidates.join(", "));
    expect(problems[0].message).toContain(`"graph": { "${role}"`);
  });

  test("a chosen loss decides output and labels with it", () => {
    expect(roles("two_losses", { loss: "loss_b" })).toEqual({
      inputs: ["x"],
      output: "b/BiasAdd",
      labels: "y",
      loss: "loss_b",
    });
  });

  test("a chosen output decides its labels", () => {
    expect(roles("two_heads", { output: "digit/BiasAdd" })).toMatchObject({
      output: "digit/BiasAdd",
      labels: "y",
      loss: "loss",
    });
  });
});

test("a graph that only predicts is given a loss for its output", () => {
  const { problems, phases } = validate(source("inference"), recipe({}));
  expect(problems).toEqual([]);
  expect(phases[0].roles).toMatchObject({
    output: "out/BiasAdd",
    labels: "graft/labels",
    loss: "graft/loss",
  });
});

test("one unit without a loss is not trained as a single class", () => {
  const single = handmade({
    fed: { x: [-1, 4] },
    weights: { w: [4, 1] },
    nodes: [node("out", "MatMul", ["x", "[w]"], PRODUCT)],
    roles: { output: "out" },
  });
  expect(validate(single, recipe({})).problems).toMatchObject([
    { code: "ambiguous-graph", message: expect.stringMatching(/no loss.*one unit/) },
  ]);
});

test("what gradients start from stays known where the recipe says something else", () => {
  const mean = { axes: [0], keepDims: false };
  const model = handmade({
    fed: { x: [-1, 4], y: [-1] },
    weights: { v: [4, 3], w: [4, 3] },
    nodes: [
      node("v", "MatMul", ["x", "[v]"], PRODUCT),
      node("w", "MatMul", ["x", "[w]"], PRODUCT),
      node("each_v", "SparseSoftmaxCrossEntropy", ["v", "y"], {}),
      node("each_w", "SparseSoftmaxCrossEntropy", ["w", "y"], {}),
      node("a", "Mean", ["each_v"], mean),
      node("b", "Mean", ["each_w"], mean),
      node("shown", "Add", ["a", "b"], {}),
    ],
    roles: { ambiguous: { role: "loss", candidates: ["a", "b"] } },
  });
  const { roles: found } = applyRecipe(model, recipe({ feeds: { k: 1 } })).model;
  expect(found.ambiguous).toEqual({ role: "loss", candidates: ["a", "b"] });
});

test("an op that the graph does not have is told", () => {
  const { problems } = applyRecipe(source("inference"), recipe({ output: "nothing" }));
  expect(problems[0]).toMatchObject({ code: "unknown-node", pointer: "/graph" });
});

test("a dropout that trains needs its keep_prob from the recipe, and takes a default from the graph", () => {
  const edits = { edits: [{ freeze: "conv1" }] };
  const feed = { name: "keep_prob", kind: "keep" };
  const unfed = validate(source("double_bias"), recipe({}, edits));
  expect(unfed.problems).toMatchObject([
    { code: "ambiguous-graph", pointer: "/graph/feeds/keep_prob", feed },
  ]);
  expect(unfed.problems[0].message).toMatch(/keep_prob.*"feeds"/s);
  const wrong = validate(source("double_bias"), recipe({ feeds: { keep_prob: 0 } }, edits));
  expect(wrong.problems).toMatchObject([{ code: "recipe-schema", feed: { ...feed, value: 0 } }]);
  const fed = validate(source("double_bias"), recipe({ feeds: { keep_prob: 0.5 } }, edits));
  expect(fed.problems).toEqual([]);
  expect(fed.feeds).toEqual([{ ...feed, value: 0.5 }]);
});

test("a value for a placeholder that is not there is told, with the one that was meant", () => {
  const edits = { edits: [{ freeze: "conv1" }] };
  const fed = (feeds: object) =>
    validate(source("double_bias"), recipe({ feeds: { keep_prob: 0.5, ...feeds } }, edits))
      .problems;
  expect(fed({ keep_prb: 0.5 })).toMatchObject([
    { severity: "warning", code: "unknown-node", pointer: "/graph/feeds/keep_prb" },
  ]);
  expect(fed({ keep_prb: 0.5 })[0].message).toMatch(/Did you mean keep_prob\?/);
  expect(fed({ other: 1 })[0].message).toMatch(/There are these: keep_prob/);
  // A mode that Graft reads as inference is no node of the model.
  expect(fed({ is_training: false })).toEqual([]);
});

test("a scalar that the loss is weighted by is asked for as a number", () => {
  const model = handmade({
    fed: { x: [-1, 2], y: [-1, 2], weight: [] },
    weights: { w: [2, 2] },
    nodes: [
      node("out", "MatMul", ["x", "[w]"], PRODUCT),
      node("error", "SquaredDifference", ["out", "y"], {}),
      node("mean", "Mean", ["error"], { axes: [0, 1], keepDims: false }),
      node("loss", "Mul", ["mean", "weight"], {}),
    ],
    roles: { inputs: ["x"], labels: "y", output: "out", loss: "loss" },
  });
  const missing = validate(model, recipe({ inputs: ["x"] })).problems;
  expect(missing).toMatchObject([{ feed: { name: "weight", kind: "number" } }]);
  expect(validate(model, recipe({ feeds: { weight: 3 } })).problems).toEqual([]);
});

test("an opaque op on the way to the loss is told before anything runs", () => {
  const model = handmade({
    fed: { x: [-1, 3], y: [-1] },
    weights: { w: [3, 2] },
    nodes: [
      node("strange", "Opaque", ["x"], { type: "Strange" }),
      node("out", "MatMul", ["strange", "[w]"], PRODUCT),
      node("each", "SparseSoftmaxCrossEntropy", ["out", "y"], {}),
      node("loss", "Mean", ["each"], { axes: [0], keepDims: false }),
    ],
    roles: { inputs: ["x"], labels: "y", output: "out", loss: "loss" },
  });
  expect(validate(model, recipe({})).problems[0]).toMatchObject({ code: "unsupported-op" });
});

test("replacing the output follows the classes into one-hot labels and the loss' reshapes", () => {
  const edits = [{ replaceOutput: { classes: 7 } }];
  for (const name of ["double_bias", "losses_regularized", "manual_cross_entropy"]) {
    const { model, problems } = applyRecipe(
      source(name),
      recipe({ feeds: { keep_prob: 1 } }, { edits }),
    );
    expect(problems).toEqual([]);
    expect(model.shapes.get(model.roles.output!)).toEqual([-1, 7]);
    expect(model.shapes.get(model.roles.loss!)).toEqual([]);
  }
});

describe("data for inputs that the graph does not have", () => {
  const data = (inputs: unknown) => ({ data: { inputs, labels: "y.npy" } });
  const problems = (inputs: unknown) =>
    validate(source("inference"), recipe({}, data(inputs))).problems;

  test.each([
    ["by another name", { "a/X": "x.npy" }, { code: "unknown-node", pointer: "/data/inputs/a~1X" }],
    [
      "besides its own",
      { x: "x.npy", z: "z.npy" },
      { code: "unknown-node", pointer: "/data/inputs/z" },
    ],
    ["in place of its own", {}, { code: "data-missing", pointer: "/data/inputs" }],
  ])("%s are told before anything runs", (_, inputs, problem) => {
    expect(problems(inputs)).toMatchObject([problem]);
  });

  test.each([["x.npy"], [{ x: "x.npy" }], [{ "x:0": "x.npy" }]])("%j fits", (inputs) => {
    expect(problems(inputs)).toEqual([]);
  });
});

describe("without gradients, beside a loss", () => {
  const compared = [
    placeholder("x", [-1, 4]),
    placeholder("y", [-1, 2]),
    variable("w", [4, 2]),
    op("out", "MatMul", ["x", "w/read"]),
    op("off", "Sub", ["out", "y"]),
    op("distances", "Abs", ["off"]),
    op("squares", "Square", ["off"]),
    integers("axes", [0, 1]),
  ].flat();
  const mae = op("mae", "Mean", ["distances", "axes"]);
  const mse = op("mse", "Mean", ["squares", "axes"]);

  test("an absolute difference is a metric", () => {
    expect(lifted([...compared, mae, mse]).roles).toMatchObject({ loss: "mse", output: "out" });
  });

  test("and alone it is the loss", () => {
    const found = { loss: "mae", output: "out", labels: "y", inputs: ["x"] };
    expect(lifted([...compared, mae]).roles).toEqual(found);
  });
});

test("a hinge as Keras spells it", () => {
  const { roles: found } = lifted([
    placeholder("x", [-1, 4]),
    placeholder("y", [-1, 1]),
    ...variable("w", [4, 1]),
    op("out", "MatMul", ["x", "w/read"]),
    op("product", "Mul", ["y", "out"]),
    constant("one", 1),
    constant("zero", 0),
    op("margin", "Sub", ["one", "product"]),
    op("hinge", "Maximum", ["margin", "zero"]),
    integers("axes", [0, 1]),
    op("loss", "Mean", ["hinge", "axes"]),
  ]);
  expect(found).toEqual({ loss: "loss", output: "out", labels: "y", inputs: ["x"] });
});
