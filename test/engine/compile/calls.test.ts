// How a run is cut into calls, stopped and resumed changes no bit of it: convolutions, a batch norm, dropout and Adam,
// and a last batch that is smaller.
import * as fs from "node:fs";
import * as path from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { FIXTURES } from "../fixture";
import { digits, recipe, train, type Trained, type Workplace } from "../train/world";
import { bitsOf } from "./network";

let place: Workplace;
beforeAll(() => {
  place = digits();
  for (const name of fs.readdirSync(path.join(FIXTURES, "b2_cnn_digits_batchnorm")))
    if (name.startsWith("model.ckpt"))
      fs.copyFileSync(
        path.join(FIXTURES, "b2_cnn_digits_batchnorm", name),
        path.join(place.folder, name),
      );
});
afterAll(() => place.dispose());

const EPOCHS = 3;
/** 557 of 696 samples train: 11 batches of 50, and one of 7. */
const STEPS = 12;

const convolutions = (cache: boolean) =>
  recipe({
    checkpoint: "model.ckpt",
    graph: { feeds: { keep_prob: 0.5 } },
    edits: [{ freeze: ["conv1", "bn1"] }],
    data: {
      inputs: { x: "digits_5_to_9_X.npy" },
      labels: "digits_5_to_9_y.npy",
      validation: 0.2,
    },
    train: [{ epochs: EPOCHS, batch: 50, optimizer: { adam: { learningRate: 0.001 } }, cache }],
  });

const outcome = (run: Trained) => {
  const { values, slots, position } = run.states.at(-1)!;
  const epochs = run
    .of("epoch")
    .map(({ epoch, loss, accuracy, validationLoss }) => [epoch, loss, accuracy, validationLoss]);
  return {
    values: Object.fromEntries([...values].map(([name, numbers]) => [name, bitsOf(numbers)])),
    slots: Object.fromEntries([...slots].map(([name, all]) => [name, all.map(bitsOf)])),
    position,
    lastEpoch: epochs.at(-1),
  };
};

describe.each([
  ["cached", true],
  ["uncached", false],
])("%s", (_, cache) => {
  const what = convolutions(cache);
  let whole: Trained;
  beforeAll(async () => {
    whole = await train(place, what, { turnMs: 1e9 });
  });

  test("it trains dropout and batch norm, in long calls", () => {
    const { values, slots } = outcome(whole);
    expect(Object.keys(values)).toContain("bn2/moving_variance");
    expect(Object.keys(values)).not.toContain("bn1/moving_variance");
    expect(Object.values(slots).every(({ length }) => length === 2)).toBe(true);
    expect(whole.turns).toBeLessThan(EPOCHS * STEPS);
    expect(whole.of("phase")[0].cached).toBe(cache);
    const losses = whole.of("epoch").map(({ loss }) => loss);
    expect(losses.at(-1)).toBeLessThan(losses[0]);
  });

  test("a call for each step yields the same bits", async () => {
    const steps = await train(place, what, { turnMs: 0 });
    expect(steps.turns).toBeGreaterThanOrEqual(EPOCHS * STEPS);
    expect(steps.turns).toBeGreaterThan(whole.turns);
    expect(outcome(steps)).toEqual(outcome(whole));
  });

  // Turns before the first step, too, where bottlenecks are read.
  test.each([1, 4, STEPS - 1, STEPS, STEPS + 1, 2 * STEPS + 5])(
    "stopped after %i turns and resumed in long calls, it yields the same bits",
    async (stopAfter) => {
      const stopped = await train(place, what, { stopAfter });
      const state = stopped.states.at(-1)!;
      expect(stopped.of("ended")[0].state).toBe("stopped");
      const resumed = await train(place, what, { resume: state, turnMs: 1e9 });
      expect(resumed.of("ended")[0].state).toBe("finished");
      expect(outcome(resumed)).toEqual(outcome(whole));
    },
  );
});
