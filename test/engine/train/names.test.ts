// Names that a result must have, so that the graph's own Restore op and the owner's program find them.
import * as fs from "node:fs";
import * as os from "node:os";
import * as path from "node:path";
import { afterAll, beforeAll, expect, test } from "vitest";
import { openCheckpoint } from "../../../src/engine/formats/table";
import { applyRecipe } from "../../../src/engine/recipe/apply";
import { RecipeSchema } from "../../../src/engine/recipe/schema";
import { saveResult } from "../../../src/engine/train/result";
import { FIXTURES } from "../fixture";

let folder: string;
beforeAll(() => {
  folder = fs.mkdtempSync(path.join(os.tmpdir(), "graft-names-"));
});
afterAll(() => fs.rmSync(folder, { recursive: true, force: true }));

async function saved(source: string, edits: unknown[]) {
  const checkpoint = await openCheckpoint(path.join(FIXTURES, source));
  const { model, problems } = applyRecipe(
    await checkpoint.model(),
    RecipeSchema.parse({ checkpoint: "m", edits }),
  );
  expect(problems).toEqual([]);
  const as = path.join(folder, `${path.dirname(source)}.ckpt`);
  const { notes } = await saveResult(
    { ...checkpoint, others: new Map(), paths: [] },
    model,
    as,
    1,
    () => undefined,
  );
  const result = await openCheckpoint(as);
  const shapes = Object.fromEntries(
    [...result.tensors.values()].map((tensor) => [tensor.name, tensor.shape]),
  );
  await checkpoint.close();
  await result.close();
  return { shapes, notes: notes.join("\n") };
}

test("a saver's own names are kept", async () => {
  const { shapes } = await saved("renamed/renamed.ckpt", [
    { freeze: "hidden" },
    { replaceOutput: { classes: 5 } },
  ]);
  expect(shapes).toEqual({
    "old/hidden/bias": [6],
    "old/hidden/kernel": [4, 6],
    "old/outputs/bias": [5],
    "old/outputs/kernel": [6, 5],
  });
});

test("moving averages of resized variables go, the others stay", async () => {
  const { shapes } = await saved("b1_mini_ema/my_model_final.ckpt", [
    { replaceOutput: { classes: 3 } },
  ]);
  expect(shapes).toHaveProperty("hidden1/weights/ExponentialMovingAverage");
  expect(shapes["outputs/weights"]).toEqual([5, 3]);
  expect(shapes).not.toHaveProperty("outputs/weights/ExponentialMovingAverage");
});
