// Graphs that real TensorFlow trained by their own loss: the same steps from the same start, on every backend.
import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, test } from "vitest";
import type { Model } from "../../../src/engine/graph/model";
import { tf } from "../../../src/engine/ops/tf";
import { NO_GRADIENT_ON_WASM } from "../../../src/engine/train/backend";
import { modelInput } from "../../../src/engine/graph/inputs";
import type { SampleArray } from "../../../src/engine/train/samples";
import { beginning, train, type Lesson } from "../compile/network";
import { executorOn } from "../executor";
import { expectClose, FIXTURES } from "../fixture";
import { importFile } from "../import/summary";

interface Values {
  readonly shape: readonly number[];
  readonly values: readonly number[];
}

/** Written by test/fixtures/training/make.py. */
interface Expected {
  readonly x: Values;
  readonly y: Values;
  readonly batch: number;
  readonly learning_rate: number;
  readonly start: Readonly<Record<string, Values>>;
  readonly loss_per_step: readonly number[];
  readonly final: Readonly<Record<string, Values>>;
}

/** A convolution adds up in another order. */
const TOLERANCE = 1e-5;

const RECORDED = join(FIXTURES, "training");
const names = readdirSync(RECORDED)
  .filter((name) => name.endsWith(".json"))
  .map((name) => name.slice(0, -5));

function samples(model: Model, node: string, { shape, values }: Values): SampleArray {
  const isFloat = modelInput(model, node).dtype === "float32";
  const data = isFloat ? Float32Array.from(values) : Int32Array.from(values);
  return { node, shape: shape.slice(1), data };
}

describe.each(names)("%s", (name) => {
  const model = importFile(join(FIXTURES, "graphs", `${name}.meta`));
  const expected = JSON.parse(readFileSync(join(RECORDED, `${name}.json`), "utf8")) as Expected;
  const onWasm = ![...model.nodes.values()].some(({ op }) => NO_GRADIENT_ON_WASM.has(op));
  const backends = ["cpu", "compiled", ...(onWasm ? (["wasm"] as const) : [])] as const;

  test.each(backends)("its steps on %s are TensorFlow's", async (backend) => {
    const { x, y, batch, learning_rate: learningRate, start, loss_per_step, final } = expected;
    const [count] = x.shape;
    const lesson: Lesson = {
      model,
      arrays: [samples(model, "x", x), samples(model, model.roles.labels!, y)],
      samples: count,
      optimizer: { sgd: { learningRate } },
      batch,
      order: Int32Array.from({ length: count }, (_, index) => index),
    };
    const executor = await executorOn(backend);
    const standing = beginning(lesson);
    expect([...standing.live.names()].sort()).toEqual(Object.keys(start).sort());
    for (const [variable, { values }] of Object.entries(start))
      standing.live.set(variable, Float32Array.from(values));
    const before = tf.memory().numTensors;
    expectClose(await train(executor, lesson, standing), loss_per_step, TOLERANCE);
    for (const [variable, { values }] of Object.entries(final))
      expectClose(standing.live.get(variable), values, TOLERANCE, variable);
    expect(tf.memory().numTensors).toBe(before);
  });
});
