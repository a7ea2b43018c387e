// Parameter groups against TensorFlow 1: a widened head whose old and new numbers are variables of their own, joined by
// tf.concat, each kind with its own optimizer.
import { cp, mkdir } from "node:fs/promises";
import { join } from "node:path";
import { afterAll, beforeAll, expect, test } from "vitest";
import { writeNpy } from "../../src/engine/data/npy";
import { batchOrder, FIXTURES, MINI_HIDDEN2, MINI_SAMPLES, writeSamples } from "./fixtures";
import { makeFolder, train, writeRecipe } from "./graft";
import { oracle, withTensorFlow } from "./python";

const CHECKPOINT = "my_model_final.ckpt";
const SEED = 11;
const EPOCHS = 4;
const BATCH = 64;
/** Units of hidden3 in the checkpoint. */
const OLD_UNITS = 5;
/** Steps this small change no number except zeros, and those by nothing that matters. */
const STANDING_STILL = 1e-30;

interface Way {
  readonly optimizer: "sgd" | "momentum" | "nesterov" | "adam" | "rmsprop";
  readonly learningRate: number;
  readonly l2?: number;
}

const CASES: readonly { readonly old: Way; readonly fresh: Way }[] = [
  {
    old: { optimizer: "sgd", learningRate: 0.01 },
    fresh: { optimizer: "sgd", learningRate: 0.1 },
  },
  {
    old: { optimizer: "momentum", learningRate: 0.01, l2: 0.05 },
    fresh: { optimizer: "adam", learningRate: 0.02 },
  },
  {
    old: { optimizer: "adam", learningRate: 0.001 },
    fresh: { optimizer: "adam", learningRate: 0.02, l2: 0.1 },
  },
  {
    old: { optimizer: "rmsprop", learningRate: 0.002 },
    fresh: { optimizer: "nesterov", learningRate: 0.02, l2: 0.01 },
  },
];

withTensorFlow("two optimizers over the old and the new numbers agree with TensorFlow 1", () => {
  let folder: Awaited<ReturnType<typeof makeFolder>>;

  const trainWider = (result: string, phase: object) =>
    writeRecipe(folder.path, "wider.graft.json", {
      checkpoint: CHECKPOINT,
      seed: SEED,
      edits: [{ freeze: "hidden[12]" }, { addUnits: { layer: "hidden3", units: 3 } }],
      data: { inputs: { X: "X.npy" }, labels: "y.npy", validation: 0 },
      train: [{ batch: BATCH, ...phase }],
      save: { as: result },
    }).then(() => train(folder.path, "wider.graft.json"));

  beforeAll(async () => {
    folder = await makeFolder();
    const path = (name: string) => join(folder.path, name);
    await cp(join(FIXTURES, "b1_mini_v2"), folder.path, { recursive: true });
    await mkdir(path("head"));
    const samples = await writeSamples(MINI_SAMPLES, 3, {
      inputs: path("X.npy"),
      labels: path("y.npy"),
    });
    await writeSamples(MINI_HIDDEN2, 3, {
      inputs: path("head/features.npy"),
      labels: path("head/labels.npy"),
    });
    await writeNpy(path("head/order.npy"), {
      shape: [EPOCHS, samples],
      dtype: "int32",
      data: batchOrder(samples, EPOCHS, SEED),
    });
    const standingStill = { sgd: { learningRate: STANDING_STILL } };
    await trainWider("start/wider.ckpt", { epochs: 1, optimizer: standingStill });
  });
  afterAll(() => folder.remove());

  test.each(CASES)(
    "old $old.optimizer $old.learningRate, new $fresh.optimizer $fresh.learningRate",
    async ({ old, fresh }) => {
      const of = ({ optimizer, learningRate }: Way) => ({ [optimizer]: { learningRate } });
      const l2 = (way: Way) => ({ l2: way.l2 ?? 0 });
      await trainWider("result/wider.ckpt", {
        epochs: EPOCHS,
        optimizer: of(old),
        groups: [{ numbers: "new", optimizer: of(fresh), ...l2(fresh) }, { ...l2(old) }],
      });
      const options = (kind: string, way: Way) => ({
        [`${kind}-optimizer`]: way.optimizer,
        [`${kind}-learning-rate`]: way.learningRate,
        [`${kind}-l2`]: way.l2 ?? 0,
      });
      const { difference, moved } = await oracle<{
        readonly difference: Readonly<Record<string, number>>;
        readonly moved: Readonly<Record<string, number>>;
      }>("tf_groups.py", [join(folder.path, "head")], {
        ...options("old", old),
        ...options("new", fresh),
        batch: BATCH,
        checkpoint: join(folder.path, "start/wider.ckpt"),
        compare: join(folder.path, "result/wider.ckpt"),
        layer: ["hidden3", "outputs"],
        "old-units": OLD_UNITS,
      });
      for (const [name, distance] of Object.entries(difference)) {
        expect.soft(distance, name).toBeLessThan(2e-6);
        expect.soft(moved[name], name).toBeGreaterThan(1e-3);
      }
    },
  );
});
