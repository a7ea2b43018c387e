// Every graph of the fixtures that can train is compiled: its forward pass, and its step with every optimizer.
import { readdirSync } from "node:fs";
import { join } from "node:path";
import { beforeAll, describe, expect, test } from "vitest";
import { trainingFeeds } from "../../../src/engine/graph/feeds";
import { elements, type Model } from "../../../src/engine/graph/model";
import { uniforms } from "../../../src/engine/graph/random";
import { pathTo } from "../../../src/engine/ops/run";
import { modelInput } from "../../../src/engine/graph/inputs";
import { labelTarget } from "../../../src/engine/graph/target";
import type { Executor } from "../../../src/engine/train/executor";
import type { SampleArray } from "../../../src/engine/train/samples";
import {
  OPTIMIZER_NAMES,
  OPTIMIZERS,
  withDefaults,
  type Optimizer,
  type OptimizerName,
} from "../../../src/protocol/optimizers";
import { executorOn } from "../executor";
import { expectClose, FIXTURES } from "../fixture";
import { importFile } from "../import/summary";
import { beginning, numbersOf, startOf, train, type Lesson } from "./network";

/** Graphs that cannot train on any backend. None may be here for a want of the compiled one. */
const CANNOT_TRAIN: Readonly<Record<string, RegExp>> = {
  "b1_dtypes_v1/dtypes.ckpt.meta": /no loss/,
  "b1_dtypes_v2/dtypes.ckpt.meta": /no loss/,
  "graphs/inference.meta": /no loss/,
  "graphs/two_heads.meta": /no loss/,
  "graphs/two_losses.meta": /no loss/,
  "b8_lstm_widen/widened.ckpt.meta": /no loss/,
  "graphs/rnn_backwards.meta": /no loss/,
  "graphs/rnn_both_ways.meta": /no loss/,
  "graphs/rnn_clipped.meta": /no loss/,
  "graphs/rnn_dense_per_step.meta": /no loss/,
  "graphs/rnn_fed_state.meta": /no loss/,
  "graphs/rnn_last_relevant.meta": /no loss/,
  "graphs/rnn_lengths.meta": /no loss/,
  "graphs/rnn_shared_zeros.meta": /no loss/,
  "graphs/rnn_time_major.meta": /no loss/,
  "graphs/rnn_wrapped.meta": /no loss/,
};

const SAMPLES = 5;
const BATCH = 3;
/** Where a graph leaves the length of an axis open. */
const OPEN = 4;
/** Absolute, and relative to the expected number. */
const TOLERANCE = 2e-5;

const files = readdirSync(FIXTURES, { recursive: true, encoding: "utf8" })
  .filter((file) => file.endsWith(".meta") && !file.startsWith("b7_malformed"))
  .sort();

const sampleShape = (model: Model, name: string): number[] =>
  modelInput(model, name)
    .shape.slice(1)
    .map((length) => (length === -1 ? OPEN : length));

function array(model: Model, node: string, limit: number): SampleArray {
  const shape = sampleShape(model, node);
  const numbers = uniforms(5, [node], SAMPLES * elements(shape));
  if (modelInput(model, node).dtype === "float32") return { node, shape, data: numbers };
  return { node, shape, data: Int32Array.from(numbers, (value) => Math.floor(value * limit)) };
}

/** What the graph is taught: random numbers. Throws where it cannot train. */
function lessonOf(model: Model, optimizer: Optimizer): Lesson {
  const { inputs, labels, loss, output } = model.roles;
  if (loss === undefined || output === undefined) throw new Error("no loss is known");
  pathTo(model, [loss, output]);
  const target = labelTarget(model);
  const classes = target.kind === "classes" ? target.classes : 2;
  return {
    model,
    arrays: [...inputs.map((name) => array(model, name, 2)), array(model, labels!, classes)],
    samples: SAMPLES,
    scalars: new Map(trainingFeeds(model, undefined).map(({ name }) => [name, 0.5])),
    optimizer,
    batch: BATCH,
  };
}

/** A large epsilon: the gradient of a bias before a batch norm is nothing but rounding, and Adam would blow it up. */
const optimizerOf = (name: OptimizerName): Optimizer => {
  const { parameters } = OPTIMIZERS[name];
  const said = { learningRate: 0.001, ...("epsilon" in parameters && { epsilon: 0.01 }) };
  return { [name]: withDefaults(name, said) } as unknown as Optimizer;
};

const fixtures = files.filter((file) => CANNOT_TRAIN[file] === undefined);
const read = (file: string) => importFile(join(FIXTURES, file));

/** Several fixtures are one graph, saved in other ways. */
const seen = new Set<string>();
function isFirst({ nodes }: Model): boolean {
  const text = JSON.stringify(
    [...nodes.values()].map(({ name, op, inputs, attributes }) => [name, op, inputs, attributes]),
  );
  const first = !seen.has(text);
  seen.add(text);
  return first;
}

let compiled: Executor;
let cpu: Executor;
beforeAll(async () => {
  cpu = await executorOn("cpu");
  compiled = await executorOn("compiled");
});

test.each(Object.entries(CANNOT_TRAIN))("%s cannot train", (file, why) => {
  expect(() => lessonOf(read(file), optimizerOf("sgd"))).toThrow(why);
});

describe.each(fixtures)("%s", (file) => {
  const model = read(file);

  test("its output is the cpu's", async () => {
    const { arrays, scalars } = lessonOf(model, optimizerOf("sgd"));
    const path = pathTo(model, [model.roles.output!]);
    const names = new Set(path.nodes.map(({ name }) => name));
    const fed = arrays.filter(({ node }) => names.has(node));
    const [actual, expected] = await Promise.all(
      [compiled, cpu].map(async (executor) => {
        const live = startOf(model);
        const forward = executor.forward({ path, live, moving: new Set(), scalars: scalars! });
        const [output] = await forward.run(fed, Int32Array.of(2, 0, 4));
        await forward.release();
        return output;
      }),
    );
    expect(actual.shape).toEqual(expected.shape);
    expectClose(actual.data, expected.data, TOLERANCE);
  });

  const optimizers = isFirst(model) ? OPTIMIZER_NAMES : (["sgd"] as const);
  test.each(optimizers)("its steps with %s are the cpu's", async (optimizer) => {
    const lesson = lessonOf(model, optimizerOf(optimizer));
    const results = await Promise.all(
      [compiled, cpu].map(async (executor) => {
        const standing = beginning(lesson);
        const losses = await train(executor, lesson, standing);
        return { losses, numbers: numbersOf(standing) };
      }),
    );
    const [actual, expected] = results;
    expect(expected.losses).toHaveLength(2);
    expectClose(actual.losses, expected.losses, TOLERANCE);
    for (const [name, values] of Object.entries(expected.numbers))
      expectClose(actual.numbers[name], values, TOLERANCE, name);
  });
});
