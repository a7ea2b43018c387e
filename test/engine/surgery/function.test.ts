// What edits of units do to the function that a network computes, on networks made at random.
import fc from "fast-check";
import { beforeAll, expect, test } from "vitest";
import type { Model } from "../../../src/engine/graph/model";
import { trainableMask } from "../../../src/engine/graph/regions";
import { unitLayers } from "../../../src/engine/surgery/unitLayers";
import { executorOn } from "../executor";
import { built, CLASSES, designs } from "./networks";
import { edited, largestDifference, logits, numbersOf } from "./run";

const RUNS = 120;

beforeAll(async () => {
  await executorOn("cpu");
});

/** A random network, one of its layers with units of its own, and a number. */
const cases = fc
  .record({ design: designs, which: fc.nat(), units: fc.integer({ min: 1, max: 5 }) })
  .map(({ design, which, units }) => {
    const model = built(design);
    const layers = unitLayers(model);
    return { model, layer: layers[which % Math.max(1, layers.length)], units };
  })
  .filter(({ layer }) => layer !== undefined);

const property = (check: (each: { model: Model; layer: string; units: number }) => Promise<void>) =>
  fc.assert(
    fc.asyncProperty(cases, async (each) => check(each)),
    { numRuns: RUNS, seed: 1 },
  );

/** What does not fit these networks: units that are added to the network's input, or to those of several layers. */
const refused = ({ problems }: ReturnType<typeof edited>): boolean => {
  for (const problem of problems)
    expect(problem.message).toMatch(
      /run through (x which is fed|(join|flatten|depthwise)\d+ \(\w+\) in several parts)|are an output of the graph|classes of the output/,
    );
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

test("every trained number is still there, in its order, beside random units", async () => {
  await property(async ({ model, layer, units }) => {
    const widened = edited(model, { addUnits: { layer, units, train: "new" } });
    if (refused(widened)) return;
    await logits(model, widened.model);
    const [before, after] = [await numbersOf(model, model), await numbersOf(model, widened.model)];
    for (const [name, numbers] of before) {
      const variable = widened.model.variables.get(name)!;
      const now = after.get(name)!;
      if (variable.role !== "weight" || now.length === numbers.length) continue;
      // What is not new is the old numbers, in their order.
      const mask = trainableMask(variable)!;
      expect([...now.filter((_, index) => mask[index] === 0)]).toEqual([...numbers]);
    }
  });
});

test("units that are added and removed again leave the model as it was", async () => {
  await property(async ({ model, layer, units }) => {
    const widened = edited(model, { addUnits: { layer, units } });
    if (refused(widened)) return;
    const had = model.variables.get(model.layers.find(({ name }) => name === layer)!.variables[0])!;
    const count = had.shape.at(-1)!;
    const back = edited(
      model,
      { addUnits: { layer, units } },
      { removeUnits: { layer, units: `${count}-${count + units - 1}` } },
    );
    expect(back.problems).toEqual([]);
    expect(back.model).toEqual(model);
  });
});

test("removing units is leaving their share out of what reads them", async () => {
  await property(async ({ model, layer }) => {
    // A zero unit adds nothing to what reads it, so a network without its last units is one whose last units are fresh zeros.
    const had = model.variables.get(model.layers.find(({ name }) => name === layer)!.variables[0])!;
    const count = had.shape.at(-1)!;
    if (count < 2) return;
    const remove = { removeUnits: { layer, units: String(count - 1) } };
    const smaller = edited(model, remove);
    if (refused(smaller)) return;
    const replaced = edited(model, remove, { addUnits: { layer, units: 1, init: "zero" } });
    expect(replaced.problems).toEqual([]);
    const [without, zeroed] = [
      await logits(model, smaller.model),
      await logits(model, replaced.model),
    ];
    expect(largestDifference(without, zeroed)).toBeLessThan(1e-6);
    expect([...replaced.model.variables].map(([name, { shape }]) => [name, shape])).toEqual(
      [...model.variables].map(([name, { shape }]) => [name, shape]),
    );
  });
});

test("replaced units make a network of the new size that runs", async () => {
  await property(async ({ model, layer, units }) => {
    const replaced = edited(model, { replaceUnits: { layer, units } });
    if (refused(replaced)) return;
    const made = replaced.model.variables.get(
      model.layers.find(({ name }) => name === layer)!.variables[0],
    )!;
    expect(made.shape.at(-1)).toBe(units);
    expect(await logits(model, replaced.model)).toHaveLength(4 * CLASSES);
  });
});

test("more classes leave the old logits bit for bit, and nothing but their numbers trains", async () => {
  await property(async ({ model, units }) => {
    const more = edited(model, { addClasses: { classes: units } });
    expect(more.problems).toEqual([]);
    const [before, after] = [await logits(model, model), await logits(model, more.model)];
    const old = after.filter((_, index) => index % (CLASSES + units) < CLASSES);
    expect([...old]).toEqual([...before]);
    for (const variable of more.model.variables.values()) {
      const mask = trainableMask(variable);
      const last = variable.shape.at(-1)!;
      mask?.forEach((trains, index) => {
        const isNew = last === CLASSES + units && index % last >= CLASSES;
        if (trains === 1 && !isNew) throw new Error(`${variable.name} trains at ${index}`);
      });
    }
  });
});
