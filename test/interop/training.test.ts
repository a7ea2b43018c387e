// Graft's training against TensorFlow 1's: the same head, from the same values, over the same mini-batches.
import { cp, mkdir } from "node:fs/promises";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { writeNpy } from "../../src/engine/data/npy";
import type { RunEvent } from "../../src/protocol/run";
import { batchOrder, FIXTURES, MINI_HIDDEN2, MINI_SAMPLES, writeSamples } from "./fixtures";
import { eventsOf, makeFolder, train, writeRecipe } from "./graft";
import { oracle, withTensorFlow } from "./python";

const CHECKPOINT = "my_model_final.ckpt";
const SEED = 11;
const EPOCHS = 4;
const LEARNING_RATE = 0.02;

/** What tf_training.py prints. */
interface TrainingReport {
  /** The loss of the batch before each step. */
  readonly steps: readonly { readonly loss: number }[];
  /** Of each variable, the largest difference between Graft's value and TensorFlow's. */
  readonly difference: Readonly<Record<string, number>>;
}

const CASES = [
  { optimizer: "sgd", batch: 600, recipe: { sgd: { learningRate: LEARNING_RATE } } },
  { optimizer: "sgd", batch: 64, recipe: { sgd: { learningRate: LEARNING_RATE } } },
  {
    optimizer: "momentum",
    batch: 600,
    recipe: { momentum: { learningRate: LEARNING_RATE, momentum: 0.9 } },
  },
  {
    optimizer: "momentum",
    batch: 64,
    recipe: { momentum: { learningRate: LEARNING_RATE, momentum: 0.9 } },
  },
  { optimizer: "adam", batch: 64, recipe: { adam: { learningRate: LEARNING_RATE } } },
  { optimizer: "rmsprop", batch: 64, recipe: { rmsprop: { learningRate: LEARNING_RATE } } },
];

withTensorFlow("training agrees with TensorFlow 1", () => {
  let folder: Awaited<ReturnType<typeof makeFolder>>;
  let samples: number;

  beforeAll(async () => {
    folder = await makeFolder();
    const path = (name: string) => join(folder.path, name);
    await cp(join(FIXTURES, "b1_mini_v2"), folder.path, { recursive: true });
    await mkdir(path("head"));
    samples = await writeSamples(MINI_SAMPLES, 3, { inputs: path("X.npy"), labels: path("y.npy") });
    await writeSamples(MINI_HIDDEN2, 3, {
      inputs: path("head/features.npy"),
      labels: path("head/labels.npy"),
    });
    await writeNpy(path("head/order.npy"), {
      shape: [EPOCHS, samples],
      dtype: "int32",
      data: batchOrder(samples, EPOCHS, SEED),
    });
  });
  afterAll(() => folder.remove());

  describe.each(CASES)("$optimizer, batches of $batch of 600", ({ optimizer, batch, recipe }) => {
    let events: readonly RunEvent[];
    let reference: TrainingReport;

    beforeAll(async () => {
      const result = `result/${optimizer}_${batch}.ckpt`;
      await writeRecipe(folder.path, "steps.graft.json", {
        checkpoint: CHECKPOINT,
        seed: SEED,
        edits: [{ freeze: "hidden[12]" }],
        data: { inputs: { X: "X.npy" }, labels: "y.npy", validation: 0 },
        train: [{ epochs: EPOCHS, batch, optimizer: recipe }],
        save: { as: result },
      });
      events = await train(folder.path, "steps.graft.json");
      reference = await oracle<TrainingReport>("tf_training.py", [join(folder.path, "head")], {
        optimizer,
        batch,
        "learning-rate": LEARNING_RATE,
        "last-only": true,
        checkpoint: join(folder.path, CHECKPOINT),
        layer: ["hidden3", "outputs"],
        compare: join(folder.path, result),
      });
    });

    test("every step is taken", () => {
      expect(reference.steps).toHaveLength(EPOCHS * Math.ceil(samples / batch));
    });

    test("the trained weights agree", () => {
      for (const [name, difference] of Object.entries(reference.difference)) {
        expect.soft(difference, name).toBeLessThan(2e-6);
      }
    });

    test("the losses agree", () => {
      const steps = Math.ceil(samples / batch);
      eventsOf(events, "epoch").forEach(({ loss }, epoch) => {
        const size = (step: number) => Math.min(batch, samples - step * batch);
        const mean = reference.steps
          .slice(epoch * steps, (epoch + 1) * steps)
          .reduce((sum, step, index) => sum + (step.loss * size(index)) / samples, 0);
        expect.soft(loss, `epoch ${epoch + 1}`).toBeCloseTo(mean, 5);
      });
    });
  });
});
