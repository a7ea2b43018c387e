// Parameter groups: who takes which numbers, whose settings win, and what is said of a group that takes nothing.
import { describe, expect, test } from "vitest";
import type { Model, Value, Variable } from "../../../src/engine/graph/model";
import { shares, sizeOf, type Moving } from "../../../src/engine/recipe/groups";
import { RecipeSchema } from "../../../src/engine/recipe/schema";
import { validate } from "../../../src/engine/recipe/validate";
import { addUnits } from "../../../src/engine/surgery/addUnits";
import { freezeWeights } from "../../../src/engine/surgery/freeze";
import { handmade, node, PRODUCT } from "../../engine/handmade";

const dense = (name: string, input: string) => ({
  nodes: [
    node(`${name}/product`, "MatMul", [input, `[${name}/w]`], PRODUCT),
    node(`${name}/sum`, "BiasAdd", [`${name}/product`, `[${name}/b]`], { dataFormat: "NHWC" }),
  ],
  layer: {
    name,
    kind: "dense",
    variables: [`${name}/w`, `${name}/b`],
    output: `${name}/sum`,
    nodes: [`${name}/product`, `${name}/sum`],
  },
});
const [first, last] = [dense("first", "x"), dense("last", "first/sum")];

/** x 2 → first 3 → last 2, and a loss of squares. */
const SOURCE = handmade({
  fed: { x: [-1, 2], y: [-1, 2] },
  weights: { "first/w": [2, 3], "first/b": [3], "last/w": [3, 2], "last/b": [2] },
  nodes: [
    ...first.nodes,
    ...last.nodes,
    node("squares", "SquaredDifference", ["last/sum", "y"], {}),
    node("loss", "Mean", ["squares"], { axes: [0, 1], keepDims: false }),
  ],
  layers: [first.layer, last.layer],
  roles: { output: "last/sum", labels: "y", loss: "loss" },
});
/** With two more units in `first`. */
const WIDER = addUnits.apply(
  SOURCE,
  { layer: "first", units: 2, init: "random", train: "all", keepOldBranch: false },
  "edit 0",
  new Map(),
);

const moving = (phase: object): Moving =>
  RecipeSchema.parse({ checkpoint: "m", train: [{ epochs: 1, ...phase }] }).train[0];

/** Of each variable how many numbers move how, in the order of the groups. */
const movesOf = (model: Model, phase: object) =>
  Object.fromEntries(
    shares(model, moving(phase)).map((all) => [
      all[0].variable.name,
      all.map((share) => [sizeOf(share), share.optimizer, share.l2]),
    ]),
  );

const sgd = (learningRate: number) => ({ sgd: { learningRate } });
const ADAM = { learningRate: 0.001, beta1: 0.9, beta2: 0.999, formula: "tf1" };

test("without groups everything moves by the phase's optimizer", () => {
  const own = [sgd(0.5), 0];
  expect(movesOf(SOURCE, { optimizer: sgd(0.5) })).toEqual({
    "first/w": [[6, ...own]],
    "first/b": [[3, ...own]],
    "last/w": [[6, ...own]],
    "last/b": [[2, ...own]],
  });
});

test("new numbers are those of the edits, and the first group that takes a number moves it", () => {
  const groups = [
    { numbers: "new", optimizer: { adam: {} } },
    { layers: ["first"], learningRate: 0.1 },
    { layers: "last/w", numbers: "old", l2: 0.25 },
    { layers: ".*", l2: 0.125 },
  ];
  expect(movesOf(WIDER, { optimizer: sgd(0.5), groups })).toEqual({
    "first/w": [
      [4, { adam: ADAM }, 0],
      [6, sgd(0.1), 0],
    ],
    "first/b": [
      [2, { adam: ADAM }, 0],
      [3, sgd(0.1), 0],
    ],
    "last/w": [
      [4, { adam: ADAM }, 0],
      [6, sgd(0.5), 0.25],
    ],
    "last/b": [[2, sgd(0.5), 0.125]],
  });
});

test("units of a layer", () => {
  const groups = [
    { layers: { layer: "first", units: "0,2" }, l2: 0.5 },
    { layers: ["first", "first/w"], l2: 0.25 },
  ];
  expect(movesOf(SOURCE, { optimizer: sgd(0.5), groups })).toMatchObject({
    "first/w": [
      [4, sgd(0.5), 0.5],
      [2, sgd(0.5), 0.25],
    ],
    "first/b": [
      [2, sgd(0.5), 0.5],
      [1, sgd(0.5), 0.25],
    ],
    "last/w": [[6, sgd(0.5), 0]],
  });
});

test("copies of units are new, however often they were copied", () => {
  const copied = [1, 2].reduce(
    (model, edit) =>
      addUnits.apply(
        model,
        { layer: "first", units: 3 * edit, init: "net2wider", train: "all", keepOldBranch: false },
        `edit ${edit}`,
        new Map(),
      ),
    SOURCE,
  );
  const groups = [{ numbers: "new", l2: 0.5 }];
  expect(movesOf(copied, { optimizer: sgd(0.5), groups })["first/b"]).toEqual([
    [9, sgd(0.5), 0.5],
    [3, sgd(0.5), 0],
  ]);
});

test("what is frozen is in no group", () => {
  const groups = [{ numbers: "new", l2: 1 }];
  const onlyNew = addUnits.apply(
    freezeWeights(SOURCE, "last"),
    { layer: "first", units: 1, init: "zero", train: "new", keepOldBranch: false },
    "edit 0",
    new Map(),
  );
  const all = [sgd(0.5), 1];
  expect(movesOf(onlyNew, { optimizer: sgd(0.5), groups })).toEqual({
    "first/w": [[2, ...all]],
    "first/b": [[1, ...all]],
    "last/w": [[2, ...all]],
  });
});

describe("a variable's own settings", () => {
  const own: Partial<Variable> = { hyper: { learningRate: 0.3, l2: 0.75 } };
  const model = {
    ...SOURCE,
    variables: new Map(SOURCE.variables).set("first/w", {
      ...SOURCE.variables.get("first/w")!,
      ...own,
    }),
  };
  test.each<[string, object, object, number]>([
    ["win over the phase", {}, sgd(0.3), 0.75],
    ["hold in a group that says other things", { numbers: "old" }, sgd(0.3), 0.75],
    ["lose to a group's learning rate", { learningRate: 0.1 }, sgd(0.1), 0.75],
    ["lose to a group's L2", { l2: 0 }, sgd(0.3), 0],
    ["lose to the learning rate of a group's optimizer", { optimizer: sgd(0.2) }, sgd(0.2), 0.75],
    [
      "lose to the learning rate that a group has beside its optimizer",
      { optimizer: sgd(0.2), learningRate: 0.1 },
      sgd(0.1),
      0.75,
    ],
  ])("%s", (_, group, optimizer, l2) => {
    const found = movesOf(model, { optimizer: sgd(0.5), groups: [group] });
    expect(found["first/w"]).toEqual([[6, optimizer, l2]]);
    expect(found["first/b"]).not.toEqual([[3, sgd(0.3), 0.75]]);
  });
});

describe("a group that takes nothing is refused", () => {
  const fresh: Value = {
    from: "initializer",
    initializer: "zeros",
    shape: [2],
    fanIn: 1,
    fanOut: 1,
    key: "k",
  };
  const withNewBias = {
    ...SOURCE,
    variables: new Map(SOURCE.variables).set("last/b", {
      ...SOURCE.variables.get("last/b")!,
      value: fresh,
    }),
  };
  test.each<[string, Model, object[], number, string, RegExp]>([
    [
      "a name that is not there",
      SOURCE,
      [{ l2: 1, layers: "first" }, { layers: "hidden*" }],
      1,
      "unknown-layer",
      /named hidden\*.*hidden\.\*.*first and last/,
    ],
    [
      "what is frozen",
      freezeWeights(SOURCE, "first"),
      [{ layers: "first", l2: 1 }],
      0,
      "nothing-to-train",
      /^Group 1 of phase 1 takes no number: what it names does not train.*last\/w and last\/b train/,
    ],
    [
      "new numbers where all are old",
      SOURCE,
      [{ numbers: "new" }],
      0,
      "nothing-to-train",
      /every number of first\/w, .* is out of the checkpoint.*addUnits/,
    ],
    [
      "old numbers where all are new",
      withNewBias,
      [{ layers: "last/b", numbers: "old" }],
      0,
      "nothing-to-train",
      /every number of last\/b that trains is new/,
    ],
    [
      "what groups before it took",
      SOURCE,
      [{ layers: "first" }, { numbers: "old" }, { layers: "first/w", learningRate: 1 }],
      2,
      "nothing-to-train",
      /^Group 3 .*groups before it take all/,
    ],
  ])("%s", (_, model, groups, place, code, message) => {
    const recipe = RecipeSchema.parse({ checkpoint: "m", train: [{ epochs: 1, groups }] });
    const { problems } = validate(model, recipe);
    const wrong = problems.filter(({ pointer }) => pointer.includes("/groups"));
    expect(wrong).toEqual([
      expect.objectContaining({ code, severity: "error", pointer: `/train/0/groups/${place}` }),
    ]);
    expect(wrong[0].message).toMatch(message);
  });
});
