// Training from a store that is larger than the memory it may take: windows of rows, in an order of their own.
import * as fs from "node:fs";
import * as path from "node:path";
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from "vitest";
import { expectClose } from "../fixture";
import { digits, recipe, train, type Trained, type Workplace } from "./world";

let place: Workplace;
beforeAll(() => {
  place = digits();
});
afterAll(() => place.dispose());
beforeEach(() => fs.rmSync(place.store, { recursive: true, force: true }));

/** Rows take 696 × 400 bytes: of so much memory a window has 100 samples, two batches. */
const memory = 160_000;
const phase = { epochs: 4, batch: 50, optimizer: { momentum: { learningRate: 0.02 } } };
const finalValues = ({ states }: Trained) => states.at(-1)!.values;
const losses = (run: Trained) =>
  run.of("epoch").flatMap(({ loss, validationLoss }) => [loss, validationLoss!]);

test("cached and uncached training agree, and differ from training on all at once", async () => {
  const cached = await train(place, recipe({ train: [phase] }), { memory });
  const uncached = await train(place, recipe({ train: [{ ...phase, cache: false }] }), { memory });
  expectClose(losses(cached), losses(uncached), 1e-5);
  for (const [name, values] of finalValues(uncached))
    expectClose(finalValues(cached).get(name)!, values, 1e-5, name);
  const whole = await train(place, recipe({ train: [phase] }));
  expect(losses(whole)).not.toEqual(losses(cached));
});

// 557 training samples: 12 steps an epoch, two in a window.
test.each([1, 2, 3, 12, 13, 26])(
  "stopped after %i checks, it goes on to the same bits",
  async (stopAfter) => {
    const what = recipe({ train: [phase] });
    const whole = await train(place, what, { memory });
    const stopped = await train(place, what, { memory, stopAfter });
    const resumed = await train(place, what, { memory, resume: stopped.states.at(-1)! });
    expect(finalValues(resumed)).toEqual(finalValues(whole));
    expect(losses(resumed).at(-1)).toBe(losses(whole).at(-1));
  },
);

describe("a chunk that is damaged", () => {
  const flip = () => {
    const [space] = fs.readdirSync(place.store);
    const folder = path.join(place.store, space);
    const [chunk] = fs.readdirSync(folder).filter((name) => name.endsWith(".rows"));
    const file = path.join(folder, chunk);
    const bytes = fs.readFileSync(file);
    bytes[bytes.length - 1000] ^= 16;
    fs.writeFileSync(file, bytes);
  };
  let undisturbed: Trained;
  beforeEach(async () => {
    undisturbed = await train(place, recipe({ train: [phase] }), { memory });
  });
  afterEach(() => fs.rmSync(place.store, { recursive: true, force: true }));

  test("before training is computed again, told, and never trained on", async () => {
    flip();
    const run = await train(place, recipe({ train: [phase] }), { memory });
    expect(run.of("note").map(({ text }) => text)).toEqual([
      expect.stringMatching(/Damaged bottlenecks.*checksum/),
    ]);
    expect(run.of("ended")[0].prefixSamples).toBe(696);
    expect(finalValues(run)).toEqual(finalValues(undisturbed));
  });

  test("while training streams it, too", async () => {
    let done = false;
    const run = await train(place, recipe({ train: [phase] }), {
      memory,
      watch: (event) => {
        if (event.event !== "epoch" || done) return;
        done = true;
        flip();
      },
    });
    expect(done).toBe(true);
    expect(run.of("note")).toHaveLength(1);
    expect(run.of("ended")[0]).toMatchObject({ state: "finished", prefixSamples: 696 });
    expect(finalValues(run)).toEqual(finalValues(undisturbed));
  });
});

test("samples that are added are the only ones that are computed", async () => {
  const lines = fs.readFileSync(path.join(place.folder, "digits_5_to_9.csv"), "utf8").split("\n");
  const data = (file: string) => ({
    inputs: { file, columns: "pixel_*" },
    labels: { file, columns: "label" },
    classes: ["5", "6", "7", "8", "9"],
  });
  const run = async (rows: number) => {
    const file = `first_${rows}.csv`;
    fs.writeFileSync(path.join(place.folder, file), lines.slice(0, rows + 1).join("\n"));
    const what = recipe({ data: data(file), train: [{ epochs: 1 }] });
    return (await train(place, what)).of("ended")[0].prefixSamples;
  };
  const [few, more] = [await run(500), await run(600)];
  expect(few).toBe(500);
  expect(more).toBe(100);
});
