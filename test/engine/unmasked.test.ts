// Networks of Deeplearning4j that could take a mask, and get none: every step is there.
import * as fs from "node:fs";
import * as os from "node:os";
import * as path from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { swapTimeAndFeatures } from "../../src/engine/data/layout";
import { readNpy, writeNpy } from "../../src/engine/data/npy";
import { tf } from "../../src/engine/ops/tf";
import { predict } from "../../src/engine/predict";
import { parseRecipe } from "../../src/engine/recipe/parse";
import { trainRecipe } from "../../src/engine/train/train";
import { expectClose, FIXTURES } from "./fixture";
import type { Numbers } from "./formats/dl4j/running";

const SOURCE = path.join(FIXTURES, "dl4j_sequences");
const NETWORKS = ["mean_of_steps", "graves_bidirectional", "last_step"] as const;
const BACKENDS = ["cpu", "compiled"] as const;
const CLASSES = [0, 1, 2, 0, 1];
const STEPS = 6;

const expected = JSON.parse(fs.readFileSync(path.join(SOURCE, "expected.json"), "utf8")) as {
  readonly input: Numbers;
  readonly outputs: Readonly<Record<string, Numbers>>;
  readonly fitted: Readonly<Record<string, Numbers>>;
};

let folder: string;
const at = (name: string): string => path.join(folder, name);
beforeAll(async () => {
  folder = fs.mkdtempSync(path.join(os.tmpdir(), "graft-unmasked-"));
  for (const name of NETWORKS) fs.cpSync(path.join(SOURCE, `${name}.zip`), at(`${name}.zip`));
  const { shape, values } = expected.input;
  const data = Float32Array.from(values);
  await writeNpy(at("x.npy"), { shape, dtype: "float32", data });
  const labels = Int32Array.from(CLASSES);
  await writeNpy(at("rows.npy"), { shape: [5], dtype: "int32", data: labels });
  const perStep = Int32Array.from(CLASSES.flatMap((label) => Array<number>(STEPS).fill(label)));
  await writeNpy(at("steps.npy"), { shape: [5, STEPS], dtype: "int32", data: perStep });
});
afterAll(() => fs.rmSync(folder, { recursive: true, force: true }));

/** Probabilities of the zip's output for the input, in Deeplearning4j's order of axes. */
async function outputs(checkpoint: string, backend: (typeof BACKENDS)[number]) {
  const output = at("output.npy");
  await predict({ checkpoint, input: at("x.npy"), layout: "NFT", output, backend });
  const { shape, data } = await readNpy(output);
  const logits = { shape, dtype: "float32" as const, data: data as Float32Array };
  const rows = shape.length === 3 ? swapTimeAndFeatures(logits) : logits;
  const softmax = tf.softmax(tf.tensor(rows.data as Float32Array, [...rows.shape]));
  const found = { ...logits, shape: rows.shape, data: Float32Array.from(softmax.dataSync()) };
  return shape.length === 3 ? swapTimeAndFeatures(found) : found;
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
    await trainRecipe(parseRecipe(at("test.graft.json"), JSON.stringify(recipe)), {
      ...{ run: "test", backend, store: at("store"), resume: null },
      ...{ emit: () => undefined, stopRequested: () => false, abandoned: () => false },
      keepState: async () => undefined,
    });
    const found = await outputs(at(recipe.save.as), backend);
    expectClose(found.data as Float32Array, expected.fitted[name].values, 1e-5);
  });
});
