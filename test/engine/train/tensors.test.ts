// Every tensor that training makes is released: after a step, a phase and a run there are as many as before.
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { tf } from "../../../src/engine/ops/tf";
import { digits, recipe, train, type Workplace } from "./world";

let place: Workplace;
beforeAll(async () => {
  place = digits();
  // The first run makes what the backend keeps for good.
  await train(place, recipe({ train: [{ epochs: 1 }] }));
});
afterAll(() => place.dispose());

const momentum = { momentum: { learningRate: 0.01 } };
const two = [
  { epochs: 2, optimizer: momentum },
  { unfreeze: "hidden2", epochs: 2, optimizer: momentum, continue: true },
];
const added = [
  { freeze: ".*" },
  { replaceOutput: { classes: 5 } },
  { addUnits: { layer: "hidden3", units: 8, train: "new" } },
];

describe("nothing is left", () => {
  test.each<[string, object, number | undefined]>([
    ["of a cached run", { train: two }, undefined],
    ["of an uncached run", { train: [{ epochs: 2, cache: false }] }, undefined],
    ["of a run with masks", { edits: added, train: two }, undefined],
    ["of a run that was stopped", { train: two }, 30],
  ])("%s", async (_, more, stopAfter) => {
    const before = tf.memory().numTensors;
    const during: number[] = [];
    const watch = (event: { event: string; phase?: number }) => {
      if (event.event === "epoch" && event.phase === 0) during.push(tf.memory().numTensors);
    };
    const options = stopAfter === undefined ? { watch } : { watch, stopAfter };
    const stopped = await train(place, recipe(more), options);
    expect(tf.memory().numTensors).toBe(before);
    expect(new Set(during).size).toBe(1);
    if (stopAfter === undefined) return;
    await train(place, recipe(more), { resume: stopped.states.at(-1)! });
    expect(tf.memory().numTensors).toBe(before);
  });
});
