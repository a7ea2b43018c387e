// Whole runs agree, whatever computes them and on how many threads.
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { uniforms } from "../../../src/engine/graph/random";
import { executorOn } from "../executor";
import { expectClose, FIXTURES } from "../fixture";
import { importFile } from "../import/summary";
import { digits, recipe, train as trainRecipe, type Trained, type Workplace } from "../train/world";
import { beginning, bitsOf, numbersOf, train, type Lesson } from "./network";

describe("20 epochs of the digits sample", () => {
  /** Absolute, and relative to the expected number, after 240 steps that each round in their own way. */
  const TOLERANCE = 1e-4;
  const what = recipe({
    train: [{ epochs: 20, batch: 50, optimizer: { momentum: { learningRate: 0.02 } } }],
  });
  const measured = (run: Trained) =>
    run.of("epoch").flatMap(({ loss, validationLoss }) => [loss, validationLoss!]);
  let place: Workplace;
  let reference: Trained;
  beforeAll(async () => {
    place = digits();
    reference = await trainRecipe(place, what, { backend: "cpu" });
  });
  afterAll(() => place.dispose());

  test.each(["compiled", "wasm"] as const)("on %s are those on the cpu", async (backend) => {
    const run = await trainRecipe(place, what, { backend });
    expect(run.of("started")[0].backend.name).toBe(backend);
    expect(measured(run)).toHaveLength(40);
    expectClose(measured(run), measured(reference), TOLERANCE);
    for (const [name, values] of reference.states.at(-1)!.values)
      expectClose(run.states.at(-1)!.values.get(name)!, values, TOLERANCE, name);
  });
});

describe("one thread and two", () => {
  const model = importFile(join(FIXTURES, "b2_cnn_digits/model.ckpt.meta"));
  const samples = 400;
  const labels = uniforms(2, ["labels"], samples).map((each) => Math.floor(each * 10));
  const lesson: Lesson = {
    model,
    arrays: [
      { node: "x", shape: [64], data: uniforms(2, ["x"], samples * 64) },
      { node: "y_", shape: [], data: Int32Array.from(labels) },
    ],
    samples,
    scalars: new Map([["keep_prob", 0.5]]),
    optimizer: { sgd: { learningRate: 0.001 } },
    epochs: 3,
    // Work enough for a program to take the second thread.
    batch: 200,
  };

  const trained = async (threads: number) => {
    const standing = beginning(lesson);
    const losses = await train(await executorOn("compiled", { threads }), lesson, standing);
    return { losses: Float32Array.from(losses), ...numbersOf(standing) };
  };

  test("each train to the same bits again", async () => {
    const bits = async (threads: number) => Object.values(await trained(threads)).map(bitsOf);
    for (const threads of [1, 2]) expect(await bits(threads)).toEqual(await bits(threads));
  });

  test("differ by rounding: sums are added up in another order", async () => {
    const [one, two] = [await trained(1), await trained(2)];
    for (const [name, values] of Object.entries(one))
      expectClose(two[name as keyof typeof two], values, 1e-6, name);
  });
});
