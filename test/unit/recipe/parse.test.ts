import { describe, expect, test } from "vitest";
import { checkRecipe, parseRecipe } from "../../../src/engine/recipe/parse";

const minimal = `{ "checkpoint": "model.ckpt" }`;

test("a recipe needs its checkpoint only; everything else has a default", () => {
  const { recipe } = parseRecipe("/w/a.graft.json", minimal);
  expect(recipe).toMatchObject({ checkpoint: "model.ckpt", seed: 42, edits: [] });
  expect(recipe.train).toHaveLength(1);
});

test("comments and trailing commas are fine", () => {
  const text = `{ // the network\n "checkpoint": "m.ckpt", "edits": [ { "freeze": "a" }, ], }`;
  expect(parseRecipe("a.graft.json", text).recipe.edits).toEqual([{ freeze: "a" }]);
});

describe("text that is not JSON is refused with its place", () => {
  test.each([
    ["", "a.graft.json:1:1"],
    ["{", "a.graft.json:1:2"],
    [`{\n  "checkpoint": "m"\n  "edits": []\n}`, "a.graft.json:3:3"],
  ])("%j", (text, place) => {
    expect(() => parseRecipe("/w/a.graft.json", text)).toThrow(place);
    expect(() => parseRecipe("/w/a.graft.json", text)).toThrow(
      expect.objectContaining({ code: "recipe-syntax" }),
    );
  });
});

describe("what does not fit the schema is told at its place", () => {
  const withEdit = (edit: string) => `{ "checkpoint": "m", "edits": [ ${edit} ] }`;
  test.each([
    [`{}`, "/checkpoint", /checkpoint/],
    [`{ "checkpoint": "m", "epochs": 3 }`, "", /unknown key epochs/],
    [withEdit(`{ "freez": "a" }`), "/edits/0", /unknown key freez; did you mean freeze\?/],
    [
      withEdit(`{ "grow": "a" }`),
      "/edits/0",
      /expected one of freeze, unfreeze, replaceOutput, .*addUnits/,
    ],
    [
      `{ "checkpoint": "m", "train": [ { "epochs": 1, "optimizer": { "sgd": { "learning_rate": 1 } } } ] }`,
      "/train/0/optimizer/sgd",
      /unknown key learning_rate; did you mean learningRate\?/,
    ],
    [
      `{ "checkpoint": "m", "train": [ { "epoch": 1 } ] }`,
      "/train/0",
      /unknown key epoch; did you mean epochs\?/,
    ],
    [
      `{ "checkpoint": "m", "train": [ { "epochs": 1, "optimizer": { "momentun": { "learningRate": 1 } } } ] }`,
      "/train/0/optimizer",
      /did you mean momentum\?/,
    ],
    [withEdit(`{ "addUnits": { "layer": "a", "units": 0 } }`), "/edits/0/addUnits/units", />=1/],
    [withEdit(`{ "addUnits": { "layer": "a" } }`), "/edits/0/addUnits/units", /expected number/],
    [
      withEdit(`{ "addUnits": { "layer": "a", "units": 3, "init": "ones" } }`),
      "/edits/0/addUnits/init",
      /random/,
    ],
    [withEdit(`{ "freeze": { "upto": "a" } }`), "/edits/0/freeze", /upto/],
    [`{ "checkpoint": "m", "train": [] }`, "/train", />=1/],
    [
      `{ "checkpoint": "m", "train": [ { "epochs": 1, "optimizer": { "sgd": { "learningRate": -1 } } } ] }`,
      "/train/0/optimizer/sgd/learningRate",
      />0/,
    ],
  ])("%s", (text, pointer, message) => {
    const { recipe, problems } = checkRecipe("a.graft.json", text);
    expect(recipe).toBeUndefined();
    expect(problems.map((problem) => problem.pointer)).toContain(pointer);
    expect(problems.map((problem) => problem.message).join("\n")).toMatch(message);
  });
});

test.each([
  [`{ "checkpoint": "m", "data": { "inputs": "x.npy" } }`, "/data/labels: is missing."],
  [
    `{ "checkpoint": "m", "train": [ { "epochs": 1, "optimizer": "momentum" } ] }`,
    `/train/0/optimizer: expected { "sgd": { "learningRate": 0.01 } }`,
  ],
])("%s is told with what is expected", (text, message) => {
  expect(checkRecipe("a.graft.json", text).problems[0].message).toContain(message);
});

test("classes that are numbers are names all the same", () => {
  const { recipe } = parseRecipe(
    "a.graft.json",
    `{ "checkpoint": "m", "edits": [ { "replaceOutput": { "classes": [5, "six", 7.5] } } ],
       "data": { "inputs": "x.npy", "labels": "y.npy", "classes": [5, "six", 7.5] } }`,
  );
  expect(recipe.edits).toEqual([{ replaceOutput: { classes: ["5", "six", "7.5"] } }]);
  expect(recipe.data?.classes).toEqual(["5", "six", "7.5"]);
});

test("an optimizer that there is not is told with those that there are", () => {
  const text = `{ "checkpoint": "m", "train": [ { "epochs": 1, "optimizer": { "lbfgs": {} } } ] }`;
  expect(checkRecipe("a.graft.json", text).problems[0].message).toMatch(
    /unknown key lbfgs; expected one of sgd, momentum/,
  );
});
