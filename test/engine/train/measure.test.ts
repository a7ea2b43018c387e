// The measured costs of a plan: what they are of. How long anything takes is asserted nowhere.
import * as path from "node:path";
import { afterAll, beforeAll, expect, test } from "vitest";
import { parseRecipe } from "../../../src/engine/recipe/parse";
import { measure } from "../../../src/engine/train/measure";
import { digits, recipe, type Workplace } from "./world";

let place: Workplace;
beforeAll(() => {
  place = digits();
});
afterAll(() => place.dispose());

const open = (what: object) =>
  parseRecipe(path.join(place.folder, "test.graft.json"), JSON.stringify(what));

test("prefix and step are measured, and the speed-up follows from them", async () => {
  const what = recipe({
    train: [{ epochs: 7, batch: 20, optimizer: { adam: { learningRate: 1 } } }],
  });
  const { prefixSeconds, stepSeconds, batch, speedUp, backend } = (await measure(
    open(what),
    "compiled",
  ))!;
  expect([batch, backend]).toEqual([20, "compiled"]);
  expect(Math.min(prefixSeconds, stepSeconds)).toBeGreaterThan(0);
  const step = stepSeconds / 20;
  expect(speedUp).toBeCloseTo((7 * (prefixSeconds + step)) / (prefixSeconds + 7 * step), 10);
});

test("neither values nor data are read", async () => {
  const what = recipe({ data: { inputs: { X: "no.npy" }, labels: "no.npy" } });
  expect(await measure(open(what), "compiled")).toBeDefined();
});

test.each([
  ["nothing is frozen", recipe({ edits: [{ replaceOutput: { classes: 5 } }] }), "compiled"],
  ["the backend is slow", recipe(), "cpu"],
] as const)("nothing is measured where %s", async (_, what, backend) => {
  expect(await measure(open(what), backend)).toBeUndefined();
});
