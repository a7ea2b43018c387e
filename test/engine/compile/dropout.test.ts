// Dropout draws a mask for each step: what comes out of it is zero where it dropped.
import { beforeAll, expect, test } from "vitest";
import type { Executor, StepOutcome } from "../../../src/engine/train/executor";
import { executorOn } from "../executor";
import { handmade, node } from "../handmade";
import { beginning, train, type Lesson, type Standing } from "./network";

const UNITS = 40;
const SAMPLES = 44;
const BATCH = 10;
const EPOCHS = 3;
const RATE = 0.3;

const model = handmade({
  fed: { x: [-1, UNITS], y: [-1, UNITS] },
  weights: { w: [UNITS] },
  nodes: [
    node("scaled", "Mul", ["x", "[w]"], {}),
    node("dropped", "Dropout", ["scaled"], { rate: RATE }),
    node("squares", "SquaredDifference", ["dropped", "y"], {}),
    node("loss", "Mean", ["squares"], { axes: [0, 1], keepDims: false }),
  ],
  roles: { output: "dropped", labels: "y", loss: "loss" },
});

const lesson: Lesson = {
  model,
  arrays: ["x", "y"].map((name) => ({
    node: name,
    shape: [UNITS],
    data: new Float32Array(SAMPLES * UNITS).fill(1),
  })),
  samples: SAMPLES,
  optimizer: { sgd: { learningRate: 0.01 } },
  epochs: EPOCHS,
  batch: BATCH,
};

/** Which units each step dropped, in text, 1 for one that was kept. */
async function masks(
  executor: Executor,
  standing: Standing = beginning(lesson),
  stopRequested = () => false,
): Promise<string[]> {
  const outcomes: StepOutcome[] = [];
  const watched: Executor = {
    ...executor,
    training: (request) => {
      const training = executor.training(request);
      return {
        run: async (...steps) => {
          const some = await training.run(...steps);
          outcomes.push(...some);
          return some;
        },
        release: () => training.release(),
      };
    },
  };
  await train(watched, lesson, standing, stopRequested);
  return outcomes.map(({ logits }) => Array.from(logits, (each) => Number(each !== 0)).join(""));
}

let compiled: Executor;
let cpu: Executor;
let drawn: string[];
beforeAll(async () => {
  cpu = await executorOn("cpu");
  compiled = await executorOn("compiled");
  drawn = await masks(compiled);
});

test("every step of every epoch has its own, the smaller last one too", () => {
  const lengths = [10, 10, 10, 10, 4].map((rows) => rows * UNITS);
  expect(drawn.map(({ length }) => length)).toEqual([...lengths, ...lengths, ...lengths]);
  // Two masks that happen to share a row of 40 would be one in a billion.
  const rows = drawn.flatMap((mask) => mask.match(new RegExp(`.{${UNITS}}`, "g"))!);
  expect(rows).toHaveLength(EPOCHS * SAMPLES);
  expect(new Set(rows).size).toBe(rows.length);
});

test("units are dropped at the rate, in every step and over all", () => {
  const share = (mask: string) => (mask.split("0").length - 1) / mask.length;
  // Five standard deviations.
  const allowed = (count: number) => 5 * Math.sqrt((RATE * (1 - RATE)) / count);
  for (const mask of drawn) expect(Math.abs(share(mask) - RATE)).toBeLessThan(allowed(mask.length));
  const all = drawn.join("");
  expect(Math.abs(share(all) - RATE)).toBeLessThan(allowed(all.length));
});

test("eager training draws the same", async () => {
  expect(await masks(cpu)).toEqual(drawn);
});

test.each([1, 4, 5, 7])("after a stop at step %i the same are drawn", async (stopAfter) => {
  const standing = beginning(lesson);
  const stepwise = await executorOn("compiled", { turnMs: 0 });
  let steps = 0;
  const before = await masks(stepwise, standing, () => ++steps === stopAfter);
  expect(before).toHaveLength(stopAfter);
  const after = await masks(compiled, standing);
  expect([...before, ...after]).toEqual(drawn);
});
