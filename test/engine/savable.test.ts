// What cannot be written is refused by the plan, and before anything trains.
import { expect, test } from "vitest";
import { join } from "node:path";
import { parseRecipe } from "../../src/engine/recipe/parse";
import { planRecipe } from "../../src/engine/recipe/plan";
import { prepare } from "../../src/engine/train/prepare";
import { FIXTURES } from "./fixture";

/** Its version has no layer for the last step of a sequence. */
const OLD = join(FIXTURES, "dl4j_old/0.9.1/graves_lstm.zip");
const FILE = join(FIXTURES, "none.graft.json");
const REFUSAL = /versions before 1.0.0-beta have no layer for the last step/;

const recipeWith = (...edits: readonly object[]): string =>
  JSON.stringify({ checkpoint: OLD, edits: [{ freeze: "layer0" }, ...edits] });
const HEAD = [
  { setOutputs: { outputs: "layer0" } },
  { replaceOutput: { classes: 3, head: "lastStep" } },
];

test.each([
  ["the last edit", recipeWith(...HEAD), "/edits/2"],
  ["an edit before", recipeWith(...HEAD, { addUnits: { layer: "layer0", units: 1 } }), "/edits/2"],
])("%s", async (_, text, pointer) => {
  const { problems } = await planRecipe(FILE, text);
  const errors = problems.filter(({ severity }) => severity === "error");
  expect(errors).toEqual([
    { code: "invalid-edit", severity: "error", message: expect.stringMatching(REFUSAL), pointer },
  ]);
  await expect(prepare(parseRecipe(FILE, text))).rejects.toThrow(REFUSAL);
});

test("what can be written is not refused", async () => {
  const { problems } = await planRecipe(FILE, recipeWith({ replaceOutput: { classes: 3 } }));
  expect(problems.filter(({ severity }) => severity === "error")).toEqual([]);
});
