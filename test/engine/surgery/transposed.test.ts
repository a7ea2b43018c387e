// Units of transposed convolutions, on the graph of test/fixtures/graphs/make.py: their kernels are [height, width, out, in].
import { join } from "node:path";
import { beforeAll, describe, expect, test } from "vitest";
import { layerSizes } from "../../../src/engine/graph/layers";
import { executorOn } from "../executor";
import { FIXTURES } from "../fixture";
import { importFile } from "../import/summary";
import { edited, largestDifference, logits } from "./run";

const model = importFile(join(FIXTURES, "graphs/upsampling.meta"));

beforeAll(async () => {
  await executorOn("cpu");
});

describe.each([
  ["down", { "down/kernel": [3, 3, 2, 6], "down/bias": [6], "up1/kernel": [3, 3, 3, 6] }],
  ["up1", { "up1/kernel": [3, 3, 5, 4], "up1/bias": [5], "up2/kernel": [3, 3, 2, 5] }],
  ["up2", { "up2/kernel": [3, 3, 4, 3], "up2/bias": [4], "up3/weights": [3, 3, 1, 4] }],
])("two more units in %s", (layer, expected) => {
  test.each(["random", "zero", "net2wider"])("%s", async (init) => {
    const { model: after, problems } = edited(model, { addUnits: { layer, units: 2, init } });
    expect(problems).toEqual([]);
    for (const [name, { shape }] of model.variables)
      expect([name, after.variables.get(name)!.shape]).toEqual([
        name,
        (expected as Record<string, number[]>)[name] ?? shape,
      ]);
    const difference = largestDifference(await logits(model, model), await logits(model, after));
    if (init === "random") expect(difference).toBeGreaterThan(1e-6);
    else expect(difference).toBeLessThan(1e-6);
  });
});

test("sizes are told from inputs to units", () => {
  const sizes = model.layers.map((layer) => [layer.name, layerSizes(model, layer)]);
  expect(Object.fromEntries(sizes)).toEqual({
    down: "3×3, 2 → 4",
    up1: "3×3, 4 → 3",
    up2: "3×3, 3 → 2",
    up3: "3×3, 2 → 1",
  });
});
