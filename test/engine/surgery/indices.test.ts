// Where every number goes when units come and go, by index arithmetic that knows nothing of groups.
import { beforeAll, describe, expect, test } from "vitest";
import type { Model } from "../../../src/engine/graph/model";
import { toFloat32 } from "../../../src/engine/graph/dtypes";
import { evaluate } from "../../../src/engine/graph/value";
import { RecipeSchema } from "../../../src/engine/recipe/schema";
import { validate } from "../../../src/engine/recipe/validate";
import { executorOn } from "../executor";
import { built, type Step } from "./networks";
import { edited, numbersOf, stored } from "./run";

beforeAll(async () => {
  await executorOn("cpu");
});

const steps = (...kinds: readonly (readonly [Step["kind"], number])[]): Step[] =>
  kinds.map(([kind, units]) => ({ kind, units }));

/** A 5×5 image through conv0 (4 units), a pool to 3×3, flattened, into the dense layer of the output. */
const flattened = (channelsFirst: boolean): Model =>
  built({
    image: true,
    channelsFirst,
    steps: steps(["conv", 4], ["pool", 1], ["flatten", 1]),
  });

const PIXELS = 9;

/** Row of the dense kernel that reads channel c of pixel p, among `channels`. */
const row = (channelsFirst: boolean, p: number, c: number, channels: number): number =>
  channelsFirst ? c * PIXELS + p : p * channels + c;

describe.each([false, true])("through a flatten, channels first: %s", (channelsFirst) => {
  const model = flattened(channelsFirst);
  const dense = model.layers.at(-1)!.variables[0];

  test("kept channels keep their rows, removed ones take theirs away", async () => {
    const { model: after } = edited(model, { removeUnits: { layer: "conv0", units: "1, 3" } });
    const now = (await numbersOf(model, after)).get(dense)!;
    const before = stored(model, dense);
    const kept = [0, 2];
    expect(now).toHaveLength(PIXELS * 2 * 3);
    for (let p = 0; p < PIXELS; p++)
      kept.forEach((old, c) => {
        for (let k = 0; k < 3; k++)
          expect(now[row(channelsFirst, p, c, 2) * 3 + k]).toBe(
            before[row(channelsFirst, p, old, 4) * 3 + k],
          );
      });
  });

  test("new channels get rows of zeros at every pixel, behind the old ones", async () => {
    const { model: after } = edited(model, {
      addUnits: { layer: "conv0", units: 2, init: "zero" },
    });
    const now = (await numbersOf(model, after)).get(dense)!;
    const before = stored(model, dense);
    for (let p = 0; p < PIXELS; p++)
      for (let c = 0; c < 6; c++)
        for (let k = 0; k < 3; k++)
          expect(now[row(channelsFirst, p, c, 6) * 3 + k]).toBe(
            c < 4 ? before[row(channelsFirst, p, c, 4) * 3 + k] : 0,
          );
  });
});

test("a convolution's kernel loses the slices of a removed unit, and the next one those that read it", async () => {
  const model = built({
    image: true,
    channelsFirst: false,
    steps: steps(["convBatchNorm", 4], ["conv", 3]),
  });
  const { model: after } = edited(model, { removeUnits: { layer: "conv0", units: "1-2" } });
  const now = await numbersOf(model, after);
  // np.delete(kernel, [1, 2], axis=3), and of the next kernel axis=2.
  const own = stored(model, "conv0/w").filter((_, index) => ![1, 2].includes(index % 4));
  expect([...now.get("conv0/w")!]).toEqual([...own]);
  const next = stored(model, "conv2/w").filter(
    (_, index) => ![1, 2].includes(Math.floor(index / 3) % 4),
  );
  expect([...now.get("conv2/w")!]).toEqual([...next]);
  for (const each of ["gamma", "beta", "mean", "variance"]) {
    const numbers = stored(model, `norm1/${each}`);
    expect([...now.get(`norm1/${each}`)!]).toEqual([numbers[0], numbers[3]]);
  }
});

test("behind a join, the rows of the other part stay where they are", async () => {
  const model = built({
    image: false,
    channelsFirst: false,
    steps: steps(["dense", 4], ["join", 2], ["dense", 2]),
  });
  // join of dense0 (rows 0 to 3) and dense1 (rows 4 and 5); dense1 reads dense0.
  const { model: after } = edited(model, { removeUnits: { layer: "dense0", units: "0" } });
  const now = await numbersOf(model, after);
  const joined = stored(model, "dense3/w");
  expect([...now.get("dense3/w")!]).toEqual([...joined.slice(2)]);
  const wider = edited(model, { addUnits: { layer: "dense0", units: 1, init: "zero" } }).model;
  expect([...(await numbersOf(model, wider)).get("dense3/w")!]).toEqual([
    ...joined.slice(0, 8),
    0,
    0,
    ...joined.slice(8),
  ]);
});

test("a copied unit and its copy share the outgoing weights of the old one, unevenly", async () => {
  const model = built({ image: false, channelsFirst: false, steps: steps(["dense", 2]) });
  const { model: after } = edited(model, {
    addUnits: { layer: "dense0", units: 3, init: "net2wider" },
  });
  const now = await numbersOf(model, after);
  const [own, next] = [stored(model, "dense0/w"), stored(model, "dense1/w")];
  const sources = [0, 1, 0, 1, 0];
  for (let i = 0; i < 3; i++)
    sources.forEach((source, unit) =>
      expect(now.get("dense0/w")![i * 5 + unit]).toBe(own[i * 2 + source]),
    );
  const shares = [3 / 6, 2 / 3, 2 / 6, 1 / 3, 1 / 6];
  shares.forEach((share, unit) => {
    for (let k = 0; k < 3; k++)
      expect(now.get("dense1/w")![unit * 3 + k]).toBeCloseTo(
        share * next[sources[unit] * 3 + k],
        7,
      );
  });
});

test("single units are frozen and thawed: their columns, their bias, nothing else", () => {
  const model = built({ image: false, channelsFirst: false, steps: steps(["dense", 4]) });
  const frozen = edited(model, { freeze: { layer: "dense0", units: "0, 2-3" } }).model;
  expect(frozen.variables.get("dense0/w")!.trainable).toEqual([{ start: [0, 1], size: [3, 1] }]);
  expect(frozen.variables.get("dense0/b")!.trainable).toEqual([{ start: [1], size: [1] }]);
  expect(frozen.variables.get("dense1/w")!.trainable).toEqual([{ start: [0, 0], size: [4, 3] }]);
  const back = edited(
    model,
    { freeze: { layer: "dense0", units: "0, 2-3" } },
    { unfreeze: { layer: "dense0", units: "0-3" } },
  );
  expect(back.model).toEqual(model);
  expect(edited(model, { freeze: { layer: "dense0", units: "4" } }).problems[0].message).toBe(
    "dense0 has 4 units, 0 to 3; there is no unit 4.",
  );
  expect(edited(model, { freeze: { layer: "dense0", units: "3-1" } }).problems[0].message).toMatch(
    /run backwards: write 1-3/,
  );
});

test("optimizer slots are resized with their variable, and start from zero where it is new", async () => {
  const model = built({ image: false, channelsFirst: false, steps: steps(["dense", 2]) });
  const kernel = model.variables.get("dense0/w")!;
  const slot = {
    ...kernel,
    name: "dense0/w/Momentum",
    value: { from: "stored", name: "dense0/w/Momentum" },
    role: "slot",
    of: "dense0/w",
    trainable: [],
  } as const;
  const source = { ...model, variables: new Map([...model.variables, [slot.name, slot]]) };
  const { model: after } = edited(source, { addUnits: { layer: "dense0", units: 1 } });
  const widened = after.variables.get(slot.name)!;
  expect(widened).toMatchObject({ shape: [3, 3], trainable: [], role: "slot" });
  const read = (name: string) => Promise.resolve(new Uint8Array(stored(source, name).buffer));
  const before = stored(source, slot.name);
  expect([...toFloat32(await evaluate(widened, read, 1), "float32")]).toEqual(
    [0, 1, 2].flatMap((row) => [before[row * 2], before[row * 2 + 1], 0]),
  );
});

test("layers that have the same units are named", () => {
  const model = built({
    image: true,
    channelsFirst: false,
    steps: steps(["convBatchNorm", 4], ["residual", 1], ["conv", 2]),
  });
  const { edits } = edited(model, { addUnits: { layer: "conv0", units: 2, init: "zero" } });
  expect(edits[0].sentence).toMatch(/norm1 and conv2 have the same units and change too/);
  expect(edits[0].layers).toEqual(["conv0", "norm1", "conv2", "conv4"]);
});

test("up to an op that is no layer, such as a pool, is up to the layers below it", () => {
  const model = built({
    image: true,
    channelsFirst: false,
    steps: steps(["conv", 4], ["pool", 1], ["conv", 3]),
  });
  const { model: after, problems } = edited(model, { freeze: { upTo: "pool1" } });
  expect(problems).toEqual([]);
  const frozen = [...after.variables.values()].filter(({ trainable }) => trainable.length === 0);
  expect(frozen.map(({ name }) => name)).toEqual(["conv0/w", "conv0/b"]);
  expect(edited(model, { freeze: { upTo: "pool9" } }).problems[0].message).toMatch(
    /There is no layer pool9\. The layers are conv0/,
  );
});

test("a single class that a softmax compares is nothing to learn, and is told before training", () => {
  const model = built({ image: false, channelsFirst: false, steps: steps(["dense", 4]) });
  const recipe = (edit: object) => RecipeSchema.parse({ checkpoint: "m", edits: [edit] });
  const one = validate(model, recipe({ replaceOutput: { classes: 1 } }), new Map());
  expect(one.problems.map(({ message }) => message)).toContainEqual(
    expect.stringMatching(/^The output has one unit, and the softmax of one unit is always 1/),
  );
  const sigmoid = { replaceOutput: { classes: 1, loss: "sigmoidCrossEntropy" } };
  expect(validate(model, recipe(sigmoid), new Map()).problems).toEqual([]);
});
