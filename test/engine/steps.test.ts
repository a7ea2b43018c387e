// Networks of Deeplearning4j that take a mask: with none, every step is there; with one, padding may be anything.
import * as fs from "node:fs";
import * as os from "node:os";
import * as path from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { readNpy, writeNpy } from "../../src/engine/data/npy";
import { predict } from "../../src/engine/predict";
import { parseRecipe } from "../../src/engine/recipe/parse";
import { trainRecipe } from "../../src/engine/train/train";
import { expectClose, FIXTURES } from "./fixture";
import type { Numbers } from "./formats/dl4j/running";

const SOURCE = path.join(FIXTURES, "dl4j_sequences");
const NETWORKS = ["mean_of_steps", "graves_bidirectional", "last_step"] as const;
const BACKENDS = ["cpu", "wasm", "compiled"] as const;
type Backend = (typeof BACKENDS)[number];
const CLASSES = [0, 1, 2, 0, 1];
const STEPS = 6;
const LENGTHS = [6, 2, 3, 1, 3];

/** Whether a number, by its place in [sample, …, step], is of a step that is there. */
const isThere = (place: number, perSample = 4 * STEPS): boolean =>
  place % STEPS < LENGTHS[Math.floor(place / perSample)];

const expected = JSON.parse(fs.readFileSync(path.join(SOURCE, "expected.json"), "utf8")) as {
  readonly input: Numbers;
  readonly outputs: Readonly<Record<string, Numbers>>;
  readonly fitted: Readonly<Record<string, Numbers>>;
};

let folder: string;
const at = (name: string): string => path.join(folder, name);
beforeAll(async () => {
  folder = fs.mkdtempSync(path.join(os.tmpdir(), "graft-steps-"));
  for (const name of NETWORKS) fs.cpSync(path.join(SOURCE, `${name}.zip`), at(`${name}.zip`));
  const { shape, values } = expected.input;
  const data = Float32Array.from(values);
  await writeNpy(at("x.npy"), { shape, dtype: "float32", data });
  const labels = Int32Array.from(CLASSES);
  const [, features] = shape;
  const padded = data.map((value, at) => (isThere(at) ? value : [NaN, 9, Infinity][at % 3]));
  await writeNpy(at("padded.npy"), { shape, dtype: "float32", data: padded });
  const lengths = Int32Array.from(LENGTHS);
  await writeNpy(at("lengths.npy"), { shape: [5], dtype: "int32", data: lengths });
  for (const [row, length] of LENGTHS.entries()) {
    const start = row * features * STEPS;
    const own = data
      .slice(start, start + features * STEPS)
      .filter((_, place) => place % STEPS < length);
    await writeNpy(at(`${row}.npy`), { shape: [1, features, length], dtype: "float32", data: own });
  }
  await writeNpy(at("rows.npy"), { shape: [5], dtype: "int32", data: labels });
  const perStep = Int32Array.from(CLASSES.flatMap((label) => Array<number>(STEPS).fill(label)));
  await writeNpy(at("steps.npy"), { shape: [5, STEPS], dtype: "int32", data: perStep });
});
afterAll(() => fs.rmSync(folder, { recursive: true, force: true }));

/** The zip's output for the input, in Deeplearning4j's order of axes. */
async function outputs(checkpoint: string, backend: Backend, input = "x.npy", more = {}) {
  const output = at("output.npy");
  await predict({ checkpoint, input: at(input), layout: "NFT", output, backend, ...more });
  return readNpy(output);
}

async function train(
  recipe: object,
  backend: Backend,
  onLoss?: (loss: number) => void,
): Promise<void> {
  await trainRecipe(parseRecipe(at("test.graft.json"), JSON.stringify(recipe)), {
    ...{ run: "test", backend, store: at("store"), resume: null },
    ...{ stopRequested: () => false, abandoned: () => false },
    emit: (event) => void (event.event === "epoch" && onLoss?.(event.loss)),
    keepState: async () => undefined,
  });
}

describe.each(BACKENDS)("on %s", (backend) => {
  test.each(NETWORKS)("%s predicts as Deeplearning4j does", async (name) => {
    const found = await outputs(at(`${name}.zip`), backend);
    const { shape, values } = expected.outputs[name];
    expect(found.shape).toEqual(shape);
    expectClose(found.data as Float32Array, values, 1e-5);
  });

  test.each(NETWORKS)("%s trains as Deeplearning4j does", async (name) => {
    const labels = name === "graves_bidirectional" ? "steps.npy" : "rows.npy";
    const recipe = {
      checkpoint: `${name}.zip`,
      data: { inputs: "x.npy", layout: "NFT", labels, validation: 0 },
      train: [{ epochs: 1, batch: 5, optimizer: { sgd: { learningRate: 0.1 } } }],
      save: { as: `${name}-${backend}.zip` },
    };
    await train(recipe, backend);
    const found = await outputs(at(recipe.save.as), backend);
    expectClose(found.data as Float32Array, expected.fitted[name].values, 1e-5);
  });

  test.each(NETWORKS)("%s computes of padded sequences what it does of each", async (name) => {
    const zip = at(`${name}.zip`);
    const more = { lengths: at("lengths.npy") };
    const { shape, data } = await outputs(zip, backend, "padded.npy", more);
    for (const [row, length] of LENGTHS.entries()) {
      const alone = await outputs(zip, backend, `${row}.npy`);
      const width = data.length / shape[0];
      const all = Array.from(data as Float32Array).slice(row * width, (row + 1) * width);
      const isRow = shape.length === 2;
      expectClose(
        isRow ? all : all.filter((_, place) => place % STEPS < length),
        alone.data as Float32Array,
        1e-5,
      );
    }
  });

  test.each(NETWORKS)("%s trains on padded sequences whatever the padding", async (name) => {
    const perStep = name === "graves_bidirectional";
    const losses = async (inputs: string) => {
      const found: number[] = [];
      const recipe = {
        checkpoint: `${name}.zip`,
        ...{ data: { inputs, layout: "NFT", lengths: "lengths.npy", validation: 0 } },
        train: [{ epochs: 2, batch: 3, optimizer: { sgd: { learningRate: 0.1 } } }],
        save: { as: `${name}-${backend}-padded.zip` },
      };
      const data = { ...recipe.data, labels: perStep ? "steps.npy" : "rows.npy" };
      await train({ ...recipe, data }, backend, (loss) => found.push(loss));
      return found;
    };
    const found = await losses("padded.npy");
    expect(found.every(Number.isFinite)).toBe(true);
    expectClose(found, await losses("x.npy"), 1e-6);
  });
});
