// `graft evaluate` against losses and accuracies that real TensorFlow recorded, against predictions, and against the
// validation of a run.
import * as fs from "node:fs";
import * as os from "node:os";
import * as path from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { writeNpy } from "../../src/engine/data/npy";
import { evaluateNetwork, type EvaluateRequest } from "../../src/engine/evaluate";
import { parseRecipe, type OpenRecipe } from "../../src/engine/recipe/parse";
import { saveEdited } from "../../src/engine/train/saveEdited";
import { FIXTURES, fixture, type Recorded } from "./fixture";
import { digits, recipe, train, type Workplace } from "./train/world";

let folder: string;
let place: Workplace;
beforeAll(() => {
  folder = fs.mkdtempSync(path.join(os.tmpdir(), "graft-evaluate-"));
  place = digits();
});
afterAll(() => {
  fs.rmSync(folder, { recursive: true, force: true });
  place.dispose();
});

const evaluate = (request: Partial<EvaluateRequest> & Pick<EvaluateRequest, "network">) =>
  evaluateNetwork({ data: undefined, folder: place.folder, backend: "compiled", ...request });
const open = (what: object): OpenRecipe =>
  parseRecipe(path.join(place.folder, "test.graft.json"), JSON.stringify(what));

interface Expected {
  readonly prefix: string;
  readonly forward: {
    readonly y: Recorded;
    readonly loss: number;
    readonly accuracy?: number;
    readonly activations: Record<string, Recorded>;
  } & Record<string, unknown>;
}

const CASES: [name: string, input: string, logits: string][] = [
  ["b1_mini_v1", "X", "outputs"],
  ["b1_mini_v2", "X", "outputs"],
  ["b1_mini_resource", "X", "outputs"],
  ["b1_miniquark_full_v2", "X", "outputs"],
  ["b2_cnn_digits", "x", "y_conv"],
  ["b2_cnn_digits_batchnorm", "x", "y_conv"],
];

describe.each(CASES)("%s", (name, input, output) => {
  const { expected, floats, integers } = fixture<Expected>(name);
  const { loss, accuracy, y, activations } = expected.forward;
  const [samples, units] = activations[output].shape;
  const labels = y.dtype === "float32" ? rowsToIndices(floats(y), units) : integers(y);

  async function request(): Promise<EvaluateRequest> {
    const x = expected.forward[input] as Recorded;
    const inputs = path.join(folder, `${name}-x.npy`);
    const file = path.join(folder, `${name}-y.npy`);
    await writeNpy(inputs, { shape: x.shape, dtype: "float32", data: floats(x) });
    await writeNpy(file, { shape: [samples], dtype: "int32", data: labels });
    const network = path.join(FIXTURES, name, expected.prefix);
    return { network, data: { inputs, labels: file }, folder, backend: "compiled" };
  }

  test("loss and accuracy are TensorFlow's", async () => {
    const result = await evaluateNetwork(await request());
    expect(result).toMatchObject({ samples, on: "all" });
    expect(Math.abs(result.loss - loss)).toBeLessThan(1e-5 * (1 + loss));
    const right = rowsToIndices(floats(activations[output]), units);
    const correct = labels.map((label, row) => Number(right[row] === label));
    expect(result.accuracy).toBeCloseTo(correct.reduce((a, b) => a + b, 0) / samples, 10);
    if (accuracy !== undefined) expect(result.accuracy).toBeCloseTo(accuracy, 6);
    const count = (of: (row: number) => number, index: number) =>
      [...labels.keys()].reduce((sum, row) => sum + (labels[row] === index ? of(row) : 0), 0);
    expect(result.classes.map(({ samples: all, correct: ok }) => [all, ok])).toEqual(
      result.classes.map((_, index) => [
        count(() => 1, index),
        count((row) => correct[row], index),
      ]),
    );
  });

  test("samples at once move the last digits only", async () => {
    const few = await evaluateNetwork({ ...(await request()), batch: 3 });
    expect(Math.abs(few.loss - loss)).toBeLessThan(1e-5 * (1 + loss));
  });
});

/** The place of the largest number in each row. */
function rowsToIndices(rows: Float32Array, width: number): Int32Array {
  const count = rows.length / width;
  return Int32Array.from({ length: count }, (_, row) => {
    const numbers = [...rows.subarray(row * width, (row + 1) * width)];
    return numbers.indexOf(Math.max(...numbers));
  });
}

test("a result scores on its recipe's data as the run validated it", async () => {
  const what = recipe({ save: { as: "scored.ckpt" } });
  const run = await train(place, what);
  const last = run.of("epoch").at(-1)!;
  const result = await evaluate({ network: "scored.ckpt", data: open(what) });
  expect(result).toMatchObject({
    on: "validation",
    samples: 139,
    loss: last.validationLoss,
    accuracy: last.validationAccuracy,
    classes: run.of("evaluation")[0].classes,
  });
});

test("a recipe is scored untrained, as the checkpoint that its edits make is", async () => {
  const what = recipe();
  await saveEdited(open(what), path.join(place.folder, "edited.ckpt"));
  const ofRecipe = await evaluate({ network: open(what) });
  const ofCheckpoint = await evaluate({ network: "edited.ckpt", data: open(what) });
  expect(ofRecipe.loss).toBe(ofCheckpoint.loss);
  // Another seed, other fresh numbers.
  const other = await evaluate({ network: open(recipe({ seed: 7 })), data: open(what) });
  expect(other.loss).not.toBe(ofRecipe.loss);
});

test("what an edit copies are the other checkpoint's numbers, saved or not", async () => {
  const source = await evaluate({ network: open(recipe({ edits: [] })) });
  const afresh = recipe({ edits: [{ reinitialize: { layers: "hidden[12]" } }] });
  await saveEdited(open(afresh), path.join(place.folder, "fresh.ckpt"));
  expect((await evaluate({ network: open(afresh) })).loss).not.toBe(source.loss);
  const scopes = { "hidden1/": "hidden1/", "hidden2/": "hidden2/" };
  const copyFrom = { checkpoint: "digits_0_to_4.ckpt", map: scopes };
  const what = recipe({ checkpoint: "fresh.ckpt", edits: [{ copyFrom }] });
  expect((await evaluate({ network: open(what) })).loss).toBe(source.loss);
  await saveEdited(open(what), path.join(place.folder, "copied.ckpt"));
  const copied = await evaluate({ network: "copied.ckpt", data: open(what) });
  expect(copied.loss).toBe(source.loss);
});

test("a recipe's network on other data has the recipe's classes", async () => {
  const data = { inputs: "digits_5_to_9_test_X.npy", labels: "digits_5_to_9_test_y.npy" };
  const result = await evaluate({ network: open(recipe()), data });
  expect(result).toMatchObject({ on: "all", samples: 200 });
  expect(result.classes.map(({ name }) => name)).toEqual(["5", "6", "7", "8", "9"]);
});

test("parts of files are named as in recipes", async () => {
  const source = { file: "digits_5_to_9.csv", columns: "pixel_*" };
  const labels = { file: "digits_5_to_9.csv", columns: "label" };
  const all = await evaluate({ network: open(recipe()), data: { inputs: source, labels } });
  expect(all.samples).toBe(696);
});

describe("what is missing is said", () => {
  test.each<[string, Partial<EvaluateRequest>, string, RegExp]>([
    ["labels", { data: { inputs: "digits_5_to_9_X.npy" } }, "data-missing", /--labels/],
    [
      "a source",
      { data: { inputs: 7, labels: "digits_5_to_9_y.npy" } },
      "invalid-option",
      /expected a file/,
    ],
    [
      "classes",
      { data: { inputs: "digits_5_to_9_X.npy", labels: "digits_5_to_9_y.npy" } },
      "label-out-of-range",
      /5, 6, 7, 8 and 9|5.*9/,
    ],
  ])("%s", async (_, request, code, message) => {
    const failed = evaluate({ network: "digits_0_to_4.ckpt", ...request });
    await expect(failed).rejects.toMatchObject({ code, message: expect.stringMatching(message) });
  });
});
