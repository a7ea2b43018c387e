// Every recipe of docs/dl4j.md, on real zips: it is a recipe, its edits fit, and what is saved computes what was meant.
import { mkdtemp, readFile, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { openCheckpoint, formatOf } from "../../../../src/engine/formats/table";
import { isFrozen, type Model } from "../../../../src/engine/graph/model";
import { evaluate } from "../../../../src/engine/graph/value";
import { applyRecipe } from "../../../../src/engine/recipe/apply";
import { parseRecipe } from "../../../../src/engine/recipe/parse";
import { executorOn } from "../../executor";
import { expectClose } from "../../fixture";
import { fixture } from "../tf1/fixtures";
import { numbers, outputsOf, SEED } from "./running";

/** The zips that the document speaks of, and the shape of what they are fed. */
const ZIPS: Readonly<Record<string, { readonly zip: string; readonly shape: readonly number[] }>> =
  {
    "vgg16.zip": { zip: "dl4j_vgg/vgg16.zip", shape: [2, 3, 8, 8] },
    "graves_lstm.zip": { zip: "b5_dl4j_graves_lstm/model.zip", shape: [3, 8, 5] },
  };

const text = await readFile(join(import.meta.dirname, "../../../../docs/dl4j.md"), "utf8");
const recipes = [...text.matchAll(/```json\n(.*?)```/gs)].map(([, recipe]) => recipe);

let folder: string;
beforeAll(async () => {
  await executorOn("cpu");
  folder = await mkdtemp(join(tmpdir(), "graft-dl4j-"));
});
afterAll(() => rm(folder, { recursive: true, force: true }));

test("the document has recipes", () => expect(recipes.length).toBeGreaterThan(9));

describe.each(recipes.map((recipe, index) => [index, recipe] as const))(
  "recipe %i",
  (_, written) => {
    test("fits, and is saved as the network that it makes", async () => {
      const { recipe } = parseRecipe("r.graft.json", written);
      const { zip, shape } = ZIPS[recipe.checkpoint];
      const source = await openCheckpoint(fixture(zip));
      const before = await source.model();
      const applied = applyRecipe(before, recipe);
      expect(applied.problems).toEqual([]);
      expect(applied.model).not.toEqual(before);
      const as = join(folder, "new.zip");
      const read = (variable: Parameters<typeof evaluate>[0]) =>
        evaluate(variable, source.read, SEED);
      await formatOf(source).save(source, applied.model, as, read);

      const saved = await openCheckpoint(as);
      const again = await saved.model();
      const inputs = { [before.roles.inputs[0]]: numbers(shape) };
      const [here] = await outputsOf(applied.model, source.read, inputs, [
        applied.model.roles.output!,
      ]);
      const [there] = await outputsOf(again, saved.read, inputs, [again.roles.output!]);
      expect(there.shape).toEqual(here.shape);
      expectClose(there.values, Float32Array.from(here.values), 1e-6);
      expect(frozenLayers(again)).toEqual(frozenLayers(applied.model));
      await Promise.all([source.close(), saved.close()]);
    });
  },
);

/** A layer of Deeplearning4j is frozen whole, or not at all. */
const frozenLayers = ({ layers, variables }: Model): string[] =>
  layers
    .filter((layer) => layer.variables.length > 0)
    .filter((layer) => layer.variables.every((name) => isFrozen(variables.get(name)!)))
    .map(({ name }) => name);
