// Batch norm in training mode against real TensorFlow: gradients through the batch's statistics, and how the moving ones
// follow. bn1 is TensorFlow's fused op, whose moving variance is unbiased; bn2 is not fused, and its is biased.
import { afterAll, beforeAll, expect, test } from "vitest";
import { cut } from "../../../src/engine/graph/cut";
import type { Model } from "../../../src/engine/graph/model";
import { freezeWeights } from "../../../src/engine/surgery/freeze";
import { usedVariables } from "../../../src/engine/graph/order";
import { load, startingValues } from "../../../src/engine/train/live";
import { Score } from "../../../src/engine/train/metrics";
import { runPhase } from "../../../src/engine/train/phase";
import { inMemory } from "../../../src/engine/train/source";
import { trainables } from "../../../src/engine/train/trainables";
import type { Checkpoint } from "../../../src/engine/formats/format";
import { RecipeSchema } from "../../../src/engine/recipe/schema";
import type { Executor } from "../../../src/engine/train/executor";
import { tf } from "../../../src/engine/ops/tf";
import { executorOn } from "../executor";
import { expectClose, fixture } from "../fixture";

interface Values {
  readonly shape: readonly number[];
  readonly values: readonly number[];
}

/** Written by test/fixtures/batchnorm_training/make.py. */
interface Expected {
  readonly batch: number;
  readonly learning_rate: number;
  readonly momentum: number;
  readonly x: Values;
  readonly y: Values;
  readonly all: Trained;
  readonly head: Trained;
}

interface Trained {
  readonly loss_per_step: readonly number[];
  readonly final: Readonly<Record<string, Values>>;
  readonly momentum: Readonly<Record<string, Values>>;
}

const { expected, open } = fixture<Expected>("batchnorm_training");
let checkpoint: Checkpoint;
let source: Model;
beforeAll(async () => {
  checkpoint = await open();
  source = await checkpoint.model();
});
afterAll(() => checkpoint.close());

async function trainSteps(model: Model, executor: Executor) {
  const { batch, learning_rate: learningRate, momentum, x, y } = expected;
  const optimizer = { momentum: { learningRate, momentum } };
  const { train } = RecipeSchema.parse({
    checkpoint: "m",
    train: [{ epochs: 1, batch, optimizer }],
  });
  const live = await startOf(model);
  const training = trainables(model, train[0]);
  const [samples] = y.shape;
  const labels = Int32Array.from(y.values);
  const order = Int32Array.from({ length: samples }, (_, index) => index);
  const losses: number[] = [];
  await runPhase(
    {
      index: 0,
      phase: train[0],
      model,
      cut: cut(model, [model.roles.loss!, model.roles.output!]),
      source: inMemory([
        { node: "x", shape: x.shape.slice(1), data: Float32Array.from(x.values) },
        { node: "y", shape: [], data: labels },
      ]),
      window: samples,
      targets: { labels },
      classes: [],
      split: { training: order, validation: new Int32Array(0) },
      executor,
      live,
      training,
      scalars: new Map(),
      seed: 1,
      order: () => order,
    },
    { epoch: 0, step: 0, score: new Score() },
    {
      step: (_epoch, _step, _steps, loss) => void losses.push(loss),
      epoch: async () => {},
      stopRequested: () => false,
      turn: async () => {},
    },
  );
  return { losses, live, training };
}

const EDITS = {
  all: (model: Model) => model,
  head: (model: Model) => freezeWeights(model, ["conv", "bn1"]),
};

// The gradient of a convolution's kernel is one that wasm does not have.
test.each([
  ["all", "cpu"],
  ["head", "cpu"],
  ["head", "wasm"],
  ["all", "compiled"],
  ["head", "compiled"],
] as const)("%s, on %s: losses, values, moving statistics and momentum", async (what, backend) => {
  const model = EDITS[what](source);
  const executor = await executorOn(backend);
  const before = tf.memory().numTensors;
  const { losses, live, training } = await trainSteps(model, executor);
  const { loss_per_step, final, momentum } = expected[what];
  // A compiled convolution adds up in another order.
  const tolerance = backend === "compiled" ? 2e-5 : 1e-5;
  expectClose(losses, loss_per_step, tolerance);
  for (const [name, { values }] of Object.entries(final))
    expectClose(live.get(name), values, tolerance, name);
  expect(training.map((each) => each.name).sort()).toEqual(Object.keys(momentum).sort());
  for (const { name, slots } of training)
    expectClose(slots[0], momentum[name].values, tolerance, name);
  expect(tf.memory().numTensors).toBe(before);
});

test.each(["cpu", "compiled"] as const)(
  "channels of frozen units keep their statistics, on %s; the others follow the batch",
  async (backend) => {
    const model = freezeWeights(source, { layer: "conv", units: "0" });
    const [executor, untouched] = [await executorOn(backend), await startOf(model)];
    const tensors = tf.memory().numTensors;
    const { live } = await trainSteps(model, executor);
    expect(tf.memory().numTensors).toBe(tensors);
    const names = [...live.names()].filter((name) => name.startsWith("bn1/"));
    expect(names).toHaveLength(4);
    for (const name of names) {
      const [before, after] = [untouched.get(name), live.get(name)];
      expect(after[0], name).toBe(before[0]);
      after.slice(1).forEach((value, at) => expect(value, name).not.toBe(before[at + 1]));
    }
  },
);

async function startOf(model: Model) {
  const variables = usedVariables(model);
  return load(variables, await startingValues(variables, (name) => checkpoint.read(name), 1));
}
