import { expect, test } from "vitest";
import { namedClasses } from "../../../src/engine/recipe/classes";
import { RecipeSchema } from "../../../src/engine/recipe/schema";

const named = (...edits: object[]) => namedClasses(RecipeSchema.parse({ checkpoint: "m", edits }));

test("added classes come behind those of the replaced output, where both are named", () => {
  expect(named({ replaceOutput: { classes: ["a", "b"] } })).toEqual(["a", "b"]);
  expect(
    named({ replaceOutput: { classes: ["a", "b"] } }, { addClasses: { classes: ["c"] } }),
  ).toEqual(["a", "b", "c"]);
  expect(
    named({ replaceOutput: { classes: ["a"] } }, { addClasses: { classes: 2 } }),
  ).toBeUndefined();
  expect(named({ addClasses: { classes: ["c"] } })).toBeUndefined();
  expect(
    named({ addClasses: { classes: ["c"] } }, { replaceOutput: { classes: ["x", "y"] } }),
  ).toEqual(["x", "y"]);
});
