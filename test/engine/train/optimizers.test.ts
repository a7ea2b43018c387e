// Optimizers against real TensorFlow and Keras, step by step, as test/interop/tf_optimizers.py recorded them.
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { beforeAll, describe, expect, test } from "vitest";
import { OPTIMIZER_NAMES, OPTIMIZERS, optimizerLabel } from "../../../src/protocol/optimizers";
import { RecipeSchema, type Phase } from "../../../src/engine/recipe/schema";
import { tf } from "../../../src/engine/ops/tf";
import { chooseExecutor } from "../../../src/engine/train/backend";
import { updatesBefore } from "../../../src/engine/train/continued";
import { optimizerRule } from "../../../src/engine/train/optimizers/table";
import { expectClose, FIXTURES } from "../fixture";
import { handmade } from "../handmade";
import {
  compiledSteps,
  GRADIENTS,
  OPTIMIZER_CASES,
  ourSteps,
  START,
  type Steps,
} from "./optimizers";

const recorded = JSON.parse(
  readFileSync(join(FIXTURES, "optimizers/expected.json"), "utf8"),
) as Steps[];

const set = (backend: "cpu" | "wasm") =>
  chooseExecutor(backend, handmade({ nodes: [] }), { trained: new Set(), note: () => {} });
beforeAll(() => set("cpu"));

function expectSteps({ steps, slots }: Steps, expected: Steps): void {
  expect(steps).toHaveLength(expected.steps.length);
  steps.forEach((values, step) =>
    expectClose(values, expected.steps[step], 1e-6, `step ${step + 1}`),
  );
  expect(slots).toHaveLength(expected.slots.length);
  slots.forEach((slot, at) => expectClose(slot, expected.slots[at], 1e-6, `slot ${at}`));
}

const named = OPTIMIZER_CASES.map(
  (optimizer, index) => [JSON.stringify(optimizer), index] as const,
);

describe.each(["cpu", "wasm"] as const)("steps on %s", (backend) => {
  test.each(named)("%s", async (_, index) => {
    await set(backend);
    const before = tf.memory().numTensors;
    expectSteps(ourSteps(OPTIMIZER_CASES[index]), recorded[index]);
    expect(tf.memory().numTensors).toBe(before);
  });
});

describe("steps, compiled", () => {
  test.each(named)("%s", async (_, index) => {
    expectSteps(await compiledSteps(OPTIMIZER_CASES[index]), recorded[index]);
  });
});

test("every optimizer is compared", () => {
  const compared = OPTIMIZER_CASES.flatMap((optimizer) => Object.keys(optimizer));
  expect(new Set(compared)).toEqual(new Set(OPTIMIZER_NAMES));
});

test("the first step along a tiny gradient is TensorFlow's, whose epsilon weighs more than in the paper", () => {
  const tiny = Object.keys(GRADIENTS).indexOf("tiny");
  const { steps } = ourSteps({ adam: { learningRate: 0.01 } });
  expect(steps[0][tiny] - START[tiny]).toBeCloseTo(-0.0076, 4);
});

test("sgd and momentum are one multiplication and one addition each, in this order", () => {
  const f = Math.fround;
  const [rate, keep] = [f(0.05), f(0.9)];
  const of = (optimizer: (typeof OPTIMIZER_CASES)[number]) => ourSteps(optimizer).steps;
  const expected = (momentum: boolean) => {
    const values = START.map(f);
    const moved = values.map(() => 0);
    return Array.from({ length: 24 }, (_, step) =>
      Object.values(GRADIENTS).map((at, index) => {
        const gradient = f(at(step + 1));
        moved[index] = momentum ? f(f(moved[index] * keep) + gradient) : gradient;
        return (values[index] = f(values[index] - f(moved[index] * rate)));
      }),
    );
  };
  expect(of({ sgd: { learningRate: 0.05 } })).toEqual(expected(false));
  expect(of({ momentum: { learningRate: 0.05 } })).toEqual(expected(true));
});

test("the README lists every optimizer", () => {
  const readme = readFileSync(join(__dirname, "../../../README.md"), "utf8");
  const cells = readme.split("\n").map((line) => line.split("|").map((cell) => cell.trim()));
  for (const name of OPTIMIZER_NAMES) {
    const row = cells.find((each) => each[1] === `\`${name}\``);
    expect(row?.slice(2, 4), name).toEqual([optimizerLabel(name), OPTIMIZERS[name].formula]);
  }
});

describe("a phase that continues", () => {
  const phases = (...train: object[]): readonly Phase[] =>
    RecipeSchema.parse({ checkpoint: "m", train }).train;
  const adam = { adam: {} };
  // 10 samples: 4 steps of an epoch in batches of 3.
  const three = { batch: 3, optimizer: adam };

  test("counts the updates of the phases that it goes on from", () => {
    const all = phases(
      { ...three, epochs: 7 },
      { ...three, epochs: 2 },
      { ...three, epochs: 5, continue: true },
      { ...three, epochs: 1, batch: 10, continue: true },
      { ...three, epochs: 1, continue: true },
    );
    expect(all.map((_, index) => updatesBefore(all, index, 10, "adam"))).toEqual([0, 0, 8, 28, 29]);
  });

  test.each([
    ["adam", {}, "adam", { learningRate: 1e-5 }, true],
    ["momentum", {}, "nesterov", {}, true],
    ["adam", {}, "adamw", {}, true],
    ["sgd", {}, "momentum", {}, false],
    // As many slots, but not the same.
    ["rmsprop", { momentum: 0.5 }, "adam", {}, false],
    ["rmsprop", { momentum: 0.5 }, "rmsprop", { centered: true }, false],
    ["adagrad", {}, "momentum", {}, false],
  ])("%s %j, then %s %j: takes over its slots: %s", (first, a, second, b, expected) => {
    const all = phases(
      { epochs: 1, optimizer: { [first]: a } },
      { epochs: 1, continue: true, optimizer: { [second]: b } },
    );
    const { holds } = optimizerRule(all[1].optimizer);
    expect(updatesBefore(all, 1, 50, holds)).toBe(expected ? 1 : 0);
  });

  test("counts for each optimizer of its groups", () => {
    const sgd = { sgd: {} };
    const all = phases(
      { epochs: 2, batch: 10, optimizer: sgd, groups: [{ layers: "a", optimizer: adam }] },
      {
        epochs: 3,
        batch: 10,
        optimizer: adam,
        groups: [{ optimizer: { momentum: {} } }],
        continue: true,
      },
      {
        epochs: 1,
        batch: 10,
        optimizer: { nesterov: {} },
        groups: [{ optimizer: adam }],
        continue: true,
      },
    );
    const seen = (holds: string) => all.map((_, index) => updatesBefore(all, index, 10, holds));
    expect(seen("adam")).toEqual([0, 2, 5]);
    expect(seen("momentum")).toEqual([0, 0, 3]);
  });

  test("slots that hold the same start the same but for Keras' RMSProp", () => {
    const starts = new Map<string, string>();
    for (const optimizer of OPTIMIZER_CASES) {
      const { holds, slots } = optimizerRule(optimizer);
      if (JSON.stringify(optimizer).includes("keras") || "adagrad" in optimizer) continue;
      expect(starts.get(holds) ?? String(slots)).toBe(String(slots));
      starts.set(holds, String(slots));
    }
  });
});
