// Checkpoints of every kind that TensorFlow 1 programs leave behind: retrained by Graft, loaded by TensorFlow.
import { cp, mkdir } from "node:fs/promises";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { DIGIT_SAMPLES, FIXTURES, MINI_SAMPLES, type Samples, writeSamples } from "./fixtures";
import { eventOf, makeFolder, writeRecipe } from "./graft";
import { withTensorFlow } from "./python";
import {
  DENSE_NAMES,
  expectSameLogits,
  expectTrainedOnly,
  expectWorkingGraph,
  type GraphNames,
  trainAndLoad,
  type Trained,
} from "./saved";

interface Case {
  readonly fixture: string;
  readonly what: string;
  readonly prefix: string;
  readonly names: GraphNames;
  readonly samples: Samples;
  /** Labels are taken modulo this. */
  readonly classes: number;
  readonly edits: readonly object[];
  /** Variables that the recipe trains. */
  readonly trained: readonly string[];
  /** Variables that the result does not have any more. */
  readonly dropped?: RegExp;
}

/** 50-30-10-5-5, layers hidden1, hidden2, hidden3, outputs. */
const MINI = {
  prefix: "my_model_final.ckpt",
  names: DENSE_NAMES,
  samples: MINI_SAMPLES,
  classes: 3,
  edits: [{ freeze: "hidden[12]" }, { replaceOutput: { classes: 3 } }],
  trained: ["hidden3/biases", "hidden3/weights", "outputs/biases", "outputs/weights"],
};

const CNN_NAMES = { input: "x", labels: "y_", logits: "add_3", loss: "Mean" };
const ADAM = /\/Adam(_1)?$|^beta[12]_power$/;

const CASES: readonly Case[] = [
  { ...MINI, fixture: "b1_mini_v2", what: "the plain case" },
  { ...MINI, fixture: "b1_mini_v1", what: "a V1 file" },
  { ...MINI, fixture: "b1_mini_resource", what: "resource variables" },
  { ...MINI, fixture: "b1_mini_adam", what: "Adam's slots are dropped", dropped: ADAM },
  {
    ...MINI,
    fixture: "b1_mini_partitioned",
    what: "partitioned variables, no surgery",
    classes: 5,
    edits: [{ freeze: "hidden[12]" }],
  },
  {
    fixture: "b2_cnn_digits",
    what: "convolutions, no scopes, a fed dropout",
    prefix: "model.ckpt",
    names: { ...CNN_NAMES, feeds: { keep_prob: 1 } },
    samples: DIGIT_SAMPLES,
    classes: 5,
    edits: [
      { freeze: ["Variable", "Variable_2", "Variable_4"] },
      { replaceOutput: { classes: 5 } },
    ],
    trained: ["Variable_6", "Variable_7"],
    dropped: ADAM,
  },
  {
    fixture: "b2_cnn_digits_batchnorm",
    what: "batch normalization under a cond",
    prefix: "model.ckpt",
    names: { ...CNN_NAMES, feeds: { keep_prob: 1, is_training: false } },
    samples: DIGIT_SAMPLES,
    classes: 5,
    edits: [{ freeze: ["(conv|bn)[12]", "fc1"] }, { replaceOutput: { classes: 5 } }],
    trained: ["fc2/W", "fc2/b"],
    dropped: ADAM,
  },
];

withTensorFlow("retrained checkpoints", () => {
  let folder: Awaited<ReturnType<typeof makeFolder>>;
  beforeAll(async () => {
    folder = await makeFolder();
  });
  afterAll(() => folder.remove());

  describe.each(CASES)("$fixture: $what", (one) => {
    let trained: Trained;
    beforeAll(async () => {
      trained = await run(join(folder.path, one.fixture), one);
    });

    test("TensorFlow computes the logits that Graft predicts", () => expectSameLogits(trained));

    test("frozen variables are bit for bit the source's", () =>
      expectTrainedOnly(trained, one.trained));

    test("the graph trains on, starts afresh and saves itself", () =>
      expectWorkingGraph(trained, one.trained));

    test("latest_checkpoint finds the result", () => {
      expect(trained.saved.latest).toBe(trained.prefix);
    });

    test("nothing is dropped but slots, and the user is told", () => {
      const { source, stored } = trained.saved;
      const gone = Object.keys(source).filter((name) => !(name in stored));
      const slots = Object.keys(source).filter((name) => one.dropped?.test(name));
      expect(gone.sort()).toEqual(slots.sort());
      if (slots.length > 0) {
        expect(eventOf(trained.events, "saved").notes.join("\n")).toMatch(/Adam/);
      }
    });
  });
});

/** Trains the case in a folder of its own. */
async function run(folder: string, one: Case): Promise<Trained> {
  await mkdir(folder);
  await cp(join(FIXTURES, one.fixture), folder, {
    recursive: true,
    filter: (path) => !path.endsWith("io"),
  });
  await writeSamples(one.samples, one.classes, {
    inputs: join(folder, "X.npy"),
    labels: join(folder, "y.npy"),
  });
  await writeRecipe(folder, "new.graft.json", {
    checkpoint: one.prefix,
    seed: 7,
    ...(one.names.feeds && { graph: { feeds: one.names.feeds } }),
    edits: one.edits,
    data: { inputs: { [one.names.input]: "X.npy" }, labels: "y.npy", validation: 0.2 },
    train: [{ epochs: 3, batch: 50, optimizer: { sgd: { learningRate: 0.05 } } }],
    save: { as: "result/new.ckpt" },
  });
  const files = {
    recipe: "new.graft.json",
    source: one.prefix,
    result: "result/new.ckpt",
    inputs: "X.npy",
    labels: "y.npy",
  };
  return trainAndLoad(folder, files, one.names);
}
