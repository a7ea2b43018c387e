// What is compiled and released leaves nothing behind, and long training does not grow.
import * as v8 from "node:v8";
import * as vm from "node:vm";
import { join } from "node:path";
import { afterEach, beforeAll, expect, test, vi } from "vitest";
import { RULES } from "../../../src/engine/compile/kernels/table";
import { Session } from "../../../src/engine/compile/session";
import { uniforms } from "../../../src/engine/graph/random";
import { pathTo } from "../../../src/engine/ops/run";
import { tf } from "../../../src/engine/ops/tf";
import { chooseExecutor } from "../../../src/engine/train/backend";
import type { Executor } from "../../../src/engine/train/executor";
import { executorOn } from "../executor";
import { FIXTURES } from "../fixture";
import { handmade, node, PRODUCT } from "../handmade";
import { importFile } from "../import/summary";
import { beginning, startOf, train, type Lesson } from "./network";

const MB = 2 ** 20;

v8.setFlagsFromString("--expose-gc");
const collectGarbage = vm.runInNewContext("gc") as () => void;

/** Resident memory, in MB, once what can be freed is. */
async function resident(): Promise<number> {
  for (let time = 0; time < 3; time++) {
    collectGarbage();
    // Native memory is freed by finalizers, which run between turns.
    await new Promise((resolve) => setTimeout(resolve, 10));
  }
  return process.memoryUsage().rss / MB;
}

/** How much resident memory grows from the first `warm` times of `work` to `times` more. */
async function growth(work: () => Promise<void>, warm: number, times: number): Promise<number> {
  for (let time = 0; time < warm; time++) await work();
  const before = await resident();
  for (let time = 0; time < times; time++) await work();
  return (await resident()) - before;
}

const registered = () => ({
  ...tf.memory(),
  variables: Object.keys(tf.engine().registeredVariables).length,
});

let compiled: Executor;
beforeAll(async () => {
  compiled = await executorOn("compiled");
});
afterEach(() => vi.restoreAllMocks());

const digits = importFile(join(FIXTURES, "b2_cnn_digits_batchnorm/model.ckpt.meta"));
const DIGITS: Lesson = {
  model: digits,
  arrays: [
    { node: "x", shape: [64], data: uniforms(2, ["x"], 25 * 64) },
    { node: "y_", shape: [], data: new Int32Array(25).fill(3) },
  ],
  samples: 25,
  scalars: new Map([["keep_prob", 0.5]]),
  optimizer: { momentum: { learningRate: 0.001, momentum: 0.9 } },
  // Two programs: one for the last five samples.
  batch: 10,
};

test("100 times compile, run, release: tensors, variables, sessions and memory are as before", async () => {
  const create = vi.spyOn(Session, "create");
  const release = vi.spyOn(Session.prototype, "release");
  const made: [created: number, released: number][] = [];
  const once = async () => {
    await train(compiled, DIGITS, beginning(DIGITS));
    const forward = compiled.forward({
      path: pathTo(digits, [digits.roles.output!]),
      live: startOf(digits),
      moving: new Set(["fc1/W"]),
      scalars: DIGITS.scalars!,
    });
    await forward.run(DIGITS.arrays.slice(0, 1), Int32Array.of(0, 1, 2));
    await forward.release();
    made.push([create.mock.calls.length, release.mock.calls.length]);
    // Spies keep what they were called with: models.
    create.mockClear();
    release.mockClear();
  };
  await once();
  const before = registered();
  const grown = await growth(once, 19, 100);
  expect(registered()).toEqual(before);
  // The first time, more: what ONNX Runtime can do is probed.
  expect(made.slice(1)).toEqual(Array.from({ length: 119 }, () => [3, 3]));
  expect(grown).toBeLessThan(20);
}, 120_000);

/** Its values and slots take 6 MB, and every call hands over new ones. */
const WIDE: Lesson = {
  model: handmade({
    fed: { x: [-1, 1024], y: [-1, 512] },
    weights: { w: [1024, 512] },
    nodes: [
      node("out", "MatMul", ["x", "[w]"], PRODUCT),
      node("squares", "SquaredDifference", ["out", "y"], {}),
      node("loss", "Mean", ["squares"], { axes: [0, 1], keepDims: false }),
    ],
    roles: { output: "out", labels: "y", loss: "loss" },
  }),
  arrays: [
    { node: "x", shape: [1024], data: uniforms(2, ["x"], 4 * 1024) },
    { node: "y", shape: [512], data: new Float32Array(4 * 512) },
  ],
  samples: 4,
  optimizer: {
    adam: { learningRate: 0.001, beta1: 0.9, beta2: 0.999, epsilon: 1e-8, formula: "tf1" },
  },
  batch: 2,
  epochs: 10,
};

test("600 calls that each hand over 6 MB do not grow", async () => {
  const stepwise = await executorOn("compiled", { turnMs: 0 });
  const standing = beginning(WIDE);
  const some = async () => {
    standing.progress.epoch = 0;
    await train(stepwise, WIDE, standing);
  };
  const grown = await growth(some, 2, 30);
  expect(grown).toBeLessThan(100);
}, 120_000);

test("a forward pass, many times over, does not grow", async () => {
  const forward = compiled.forward({
    path: pathTo(WIDE.model, ["out"]),
    live: startOf(WIDE.model),
    moving: new Set(["w"]),
    scalars: new Map(),
  });
  const rows = new Int32Array(500);
  const grown = await growth(
    async () => {
      await forward.run(WIDE.arrays.slice(0, 1), rows);
    },
    20,
    300,
  );
  await forward.release();
  expect(grown).toBeLessThan(60);
}, 120_000);

test("a trace that is broken off leaves no tensor behind", async () => {
  const rules = RULES as Record<string, (typeof RULES)[string]>;
  // A gradient's: the tape is full by then.
  const { Conv2DBackpropFilter: rule } = rules;
  const executor = await chooseExecutor("compiled", digits, {
    trained: new Set(digits.nodes.keys()),
    note: () => {},
  });
  const once = () => train(executor, DIGITS, beginning(DIGITS));
  delete rules.Conv2DBackpropFilter;
  try {
    await once();
    const before = tf.memory().numTensors;
    await once();
    expect(tf.memory().numTensors).toBe(before);
  } finally {
    rules.Conv2DBackpropFilter = rule;
  }
}, 60_000);
