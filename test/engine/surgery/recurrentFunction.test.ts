// What edits do to the function that a recurrent network computes, on networks made at random.
import fc from "fast-check";
import { beforeAll, expect, test } from "vitest";
import type { Model } from "../../../src/engine/graph/model";
import { unitCount, unitProducer } from "../../../src/engine/graph/units";
import { unitLayers } from "../../../src/engine/surgery/unitLayers";
import { executorOn } from "../executor";
import { builtSequence, sequenceDesigns } from "./recurrentNetworks";
import { edited, largestDifference, logits } from "./run";

const RUNS = 60;

beforeAll(async () => {
  await executorOn("cpu");
});

interface Case {
  readonly model: Model;
  readonly layer: string;
  readonly units: number;
}

/** A random network, one of its layers with units of its own, and a number. */
const cases = fc
  .record({ design: sequenceDesigns, which: fc.nat(), units: fc.integer({ min: 1, max: 4 }) })
  .map(({ design, which, units }): Case => {
    const model = builtSequence(design);
    const layers = unitLayers(model);
    return { model, layer: layers[which % Math.max(1, layers.length)], units };
  })
  .filter(({ layer }) => layer !== undefined);

const property = (check: (each: Case) => Promise<void>) =>
  fc.assert(
    fc.asyncProperty(cases, (each) => check(each)),
    { numRuns: RUNS, seed: 1 },
  );

/** A sum with the input has as many units as that; one with two layers in a row, as many as both. */
const refused = ({ problems }: ReturnType<typeof edited>): boolean => {
  for (const { message } of problems)
    expect(message).toMatch(/run through (x which is fed|both\d+ \(Concat\) in several parts)/);
  return problems.length > 0;
};

test.each(["zero", "net2wider"])("%s units change no output by more than 1e-6", async (init) => {
  let done = 0;
  await property(async ({ model, layer, units }) => {
    const widened = edited(model, { addUnits: { layer, units, init } });
    if (refused(widened)) return;
    const [before, after] = [await logits(model, model), await logits(model, widened.model)];
    expect(largestDifference(before, after)).toBeLessThan(1e-6);
    done++;
  });
  expect(done).toBeGreaterThan(RUNS / 2);
});

test("units that are added and removed again leave the model as it was", async () => {
  await property(async ({ model, layer, units }) => {
    const add = { addUnits: { layer, units } };
    if (refused(edited(model, add))) return;
    const producer = unitProducer(model, model.layers.find(({ name }) => name === layer)!.nodes)!;
    const had = unitCount(model, producer);
    const back = edited(model, add, {
      removeUnits: { layer, units: `${had}-${had + units - 1}` },
    });
    expect(back.problems).toEqual([]);
    expect(back.model).toEqual(model);
    await Promise.resolve();
  });
});

test.each(["lstm", "gru", "dense"])(
  "a new %s that is removed again leaves what it was",
  async (kind) => {
    await property(async ({ model, layer }) => {
      const into = edited(model, {
        insertLayer: { before: layer, layer: { [kind]: {} }, name: "new" },
      });
      expect(into.problems).toEqual([]);
      await logits(model, into.model);
      const back = edited(
        model,
        { insertLayer: { before: layer, layer: { [kind]: {} }, name: "new" } },
        { removeLayer: { layer: "new" } },
      );
      expect(back.problems).toEqual([]);
      expect(back.model).toEqual(model);
    });
  },
);
