// The samples' recipes, trained by Graft, and taken over by the programs of the networks' owners.
import { cp, rm } from "node:fs/promises";
import { basename, dirname, join, resolve } from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { classIndices } from "../../src/engine/data/labels";
import { writeNpy } from "../../src/engine/data/npy";
import { loadSource } from "../../src/engine/data/sources";
import { makeFolder, train } from "./graft";
import { withTensorFlow } from "./python";
import {
  checkSaved,
  expectSameLogits,
  expectTrainedOnly,
  expectWorkingGraph,
  trainAndLoad,
  type GraphNames,
  type Trained,
} from "./saved";

const SAMPLES = resolve(import.meta.dirname, "../../samples");

interface Case {
  readonly names: GraphNames;
  readonly source: string;
  readonly inputs: string;
  readonly labels: string;
  /** The labels in the order of the output, where they are not the indices themselves. */
  readonly classes?: readonly string[];
  readonly trained: readonly string[];
  /** Of the outputs, where sums run through many layers. */
  readonly tolerance?: number;
  /** Training ops of a graph that is what it was, and trains what it did. */
  readonly trainOps?: number;
  /** The recipe whose result this one goes on from. */
  readonly after?: string;
}

const CNN = {
  names: { input: "x", labels: "y", logits: "fc2/add", loss: "loss", feeds: { keep_prob: 1 } },
  inputs: "mirrored_test_X.npy",
  labels: "mirrored_test_y.npy",
};
const vgg16 = (output: string) => ({
  names: { input: "input_1", labels: "labels", logits: `${output}/BiasAdd`, loss: "loss" },
  inputs: "flowers_test.npy",
  labels: "flowers_test_labels.csv",
  classes: ["daisy", "dandelion", "rose", "sunflower", "tulip"],
  tolerance: 1e-4,
});
const AREAS = { source: "area.ckpt", inputs: "radius.npy", labels: "area.npy" };
const PARITY = {
  names: { input: "X", labels: "y", logits: "dnn/outputs/BiasAdd", loss: "loss/loss" },
  inputs: "X_test.npy",
  labels: "y_test.csv",
  classes: ["even", "odd"],
};
const weights = (layers: readonly string[], ...names: string[]): string[] =>
  layers.flatMap((layer) => names.map((name) => `${layer}/${name}`));

const FIVE = ["hidden1", "hidden2", "hidden3", "hidden4", "outputs"];

const CASES: Readonly<Record<string, Case>> = {
  "reuse-layers/new_output": {
    names: { input: "X", labels: "y", logits: "output/BiasAdd", loss: "loss" },
    source: "original_model.ckpt",
    inputs: "X_test.npy",
    labels: "y_test.npy",
    classes: ["5", "6", "7", "8", "9"],
    trained: weights(["hidden3", "output"], "weights", "biases"),
  },
  "cnn/last_two_layers": {
    ...CNN,
    source: "mnist_cnn.ckpt",
    trained: weights(["fc1", "fc2"], "W", "b"),
  },
  "cnn/double_bias": {
    ...CNN,
    source: "mnist_cnn_double_bias.ckpt",
    trained: weights(["conv1", "fc1", "fc2"], "W", "b"),
  },
  "vgg16/a_last_layer": {
    ...vgg16("predictions"),
    source: "vgg16.ckpt",
    trained: weights(["predictions"], "kernel", "bias"),
  },
  "vgg16/b_new_layers": {
    ...vgg16("newpredictions"),
    source: "vgg16.ckpt",
    trained: weights(["fc1", "fc2", "fc3", "newpredictions"], "kernel", "bias"),
  },
  "vgg16/c_unfreeze_block5": {
    ...vgg16("newpredictions"),
    after: "b_new_layers",
    source: "result/b_new_layers.ckpt",
    trained: weights(
      ["block5_conv1", "block5_conv2", "block5_conv3", "fc1", "fc2", "fc3", "newpredictions"],
      ...["kernel", "bias"],
    ),
  },
  "add-unit/new_numbers": {
    ...AREAS,
    names: { input: "x", labels: "target", logits: "y", loss: "cost" },
    trained: ["w", "w_proj"],
  },
  "add-unit/two_rates": {
    ...AREAS,
    names: { input: "x", labels: "target", logits: "graft/output", loss: "cost" },
    trained: ["w", "b", "w_proj"],
  },
  "two-phases/two_phases": {
    ...PARITY,
    source: "my_original_model.ckpt",
    trained: weights(FIVE, "kernel", "bias"),
  },
  "two-phases/partial_restore": {
    ...PARITY,
    source: "my_untrained_model.ckpt",
    trained: weights(FIVE, "kernel", "bias"),
    trainOps: 1,
  },
};

/** Labels as class indices, as TensorFlow wants them, in a file of their own. */
async function writeIndices(
  folder: string,
  labels: string,
  classes: readonly string[],
): Promise<string> {
  const { array } = await loadSource(labels, folder, { values: "labels" });
  const { indices } = classIndices(array, labels, classes.length, classes);
  const file = "indices.npy";
  const data = BigInt64Array.from(indices, BigInt);
  await writeNpy(join(folder, file), { shape: [data.length], dtype: "int64", data });
  return file;
}

withTensorFlow("the samples", () => {
  describe.each(Object.entries(CASES))(
    "%s",
    (name, { names, classes, trained, tolerance, trainOps, after, ...files }) => {
      let folder: Awaited<ReturnType<typeof makeFolder>>;
      let run: Trained;

      beforeAll(async () => {
        folder = await makeFolder();
        const sample = join(SAMPLES, dirname(name));
        // Somebody may have run the sample where it is.
        const filter = (path: string) => path !== join(sample, "result");
        await cp(sample, folder.path, { recursive: true, filter });
        const labels =
          classes === undefined
            ? files.labels
            : await writeIndices(folder.path, files.labels, classes);
        if (after !== undefined) {
          await train(folder.path, `${after}.graft.json`);
          // It would go on naming the first result as the latest checkpoint.
          await rm(join(folder.path, "result/checkpoint"));
        }
        const recipe = basename(name);
        run = await trainAndLoad(
          folder.path,
          { ...files, labels, recipe: `${recipe}.graft.json`, result: `result/${recipe}.ckpt` },
          names,
        );
      });
      afterAll(() => folder.remove());

      test("TensorFlow computes the outputs that Graft predicts", () =>
        expectSameLogits(run, tolerance));

      test("what is frozen is bit for bit the source's", () => expectTrainedOnly(run, trained));

      test("the graph trains on, starts afresh and saves itself", () =>
        expectWorkingGraph(run, trained, trainOps));

      if (name === "add-unit/two_rates")
        test("the switch, fed false, yields what the source computes, bit for bit", async () => {
          const result = `result/${basename(name)}.ckpt`;
          const old = { ...names, feeds: { "graft/use_new": false } };
          const switched = await checkSaved(folder.path, { ...files, result }, old);
          const source = { ...names, logits: "y" };
          const before = await checkSaved(folder.path, { ...files, result: files.source }, source);
          expect(switched.logits).toEqual(before.logits);
          expect(run.saved.logits).not.toEqual(before.logits);
        });
    },
  );
});
