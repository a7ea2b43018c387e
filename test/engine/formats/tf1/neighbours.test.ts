// A checkpoint without a graph, trained with the graph of another one in its folder.
import { copyFileSync, readdirSync, truncateSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { expect, test } from "vitest";
import { writeNpy } from "../../../../src/engine/data/npy";
import { formatOf, openCheckpoint } from "../../../../src/engine/formats/table";
import { planCheckpoint, planRecipe, recipeProblems } from "../../../../src/engine/recipe/plan";
import { fixture, temporaryFolder } from "./fixtures";
import { train } from "../../train/world";

/** Steps 300, 400 and 500, of which the last has a graph; before it, graphs that do not fit. */
function steps(graphs: readonly string[] = ["model.ckpt-500.meta"]): string {
  const folder = temporaryFolder();
  for (const name of readdirSync(fixture("b1_mini_multi_state")))
    if (!name.endsWith(".meta") || graphs.includes(name))
      copyFileSync(fixture("b1_mini_multi_state", name), join(folder, name));
  copyFileSync(fixture("b1_miniquark_full_v2", other), join(folder, "a.ckpt.meta"));
  copyFileSync(fixture("b1_mini_multi_state", "model.ckpt-500.meta"), join(folder, "b.ckpt.meta"));
  truncateSync(join(folder, "b.ckpt.meta"), 5000);
  return folder;
}
const other = readdirSync(fixture("b1_miniquark_full_v2")).find((name) => name.endsWith(".meta"))!;

const recipe = (meta: string | undefined) => ({
  checkpoint: "model.ckpt-300",
  ...(meta !== undefined && { graph: { meta } }),
  edits: [{ freeze: "hidden[123]" }],
  data: { inputs: "x.npy", labels: "y.npy", validation: 0 },
  train: [{ epochs: 1, batch: 4 }],
  save: { as: "new.ckpt" },
});

test("the graph that fits is found, and not one of other shapes or a damaged one", async () => {
  const folder = steps();
  const plan = await planCheckpoint(join(folder, "model.ckpt-300"));
  expect(plan.fittingGraph).toBe(join(folder, "model.ckpt-500.meta"));
  expect(plan.noGraph).toContain("model.ckpt-500.meta");
  const none = await planCheckpoint(join(steps([]), "model.ckpt-300"));
  expect(none.fittingGraph).toBeUndefined();
  expect(none.noGraph).toContain("no .meta file beside it");
});

test("a recipe that names it trains and saves, with the graph", async () => {
  const folder = steps();
  const samples = Float32Array.from({ length: 8 * 50 }, (_, i) => Math.sin(i));
  await writeNpy(join(folder, "x.npy"), { shape: [8, 50], dtype: "float32", data: samples });
  const labels = Int32Array.from({ length: 8 }, (_, i) => i % 5);
  await writeNpy(join(folder, "y.npy"), { shape: [8], dtype: "int32", data: labels });
  const place = { folder, store: join(folder, "store"), dispose: () => undefined };

  await expect(train(place, recipe(undefined))).rejects.toMatchObject({ code: "no-graph" });
  await train(place, recipe("model.ckpt-500.meta"));

  const result = await openCheckpoint(join(folder, "new.ckpt"));
  const source = await openCheckpoint(join(folder, "model.ckpt-300"));
  expect((await result.model()).roles.output).toMatch(/^outputs\//);
  expect(await result.read("hidden1/weights")).toEqual(await source.read("hidden1/weights"));
  expect(await result.read("outputs/weights")).not.toEqual(await source.read("outputs/weights"));
  await result.close();
  await source.close();
});

test("its file is not written over", async () => {
  const folder = steps();
  const meta = join(folder, "model.ckpt-500.meta");
  const source = await openCheckpoint(join(folder, "model.ckpt-300"), meta);
  const saving = formatOf(source).save(
    source,
    await source.model(),
    join(folder, "model.ckpt-500"),
    ({ name }) => source.read(name),
  );
  await expect(saving).rejects.toMatchObject({ code: "write-failed" });
  await source.close();
});

test("a name of no file is told where it stands", async () => {
  const file = join(steps(), "a.graft.json");
  const text = JSON.stringify(recipe("model.ckpt-600.meta"));
  writeFileSync(file, text);
  await expect(planRecipe(file, text)).rejects.toMatchObject({ code: "file-not-found" });
  expect(await recipeProblems(file, text)).toMatchObject([
    { code: "file-not-found", pointer: "/graph/meta" },
  ]);
});
