// A widened layer: TensorFlow loads it, and every number that was learned is still there.
import { afterAll, beforeAll, expect, test } from "vitest";
import { makeFolder, writeRecipe } from "./graft";
import { withTensorFlow } from "./python";
import { copySample, DIGITS_NAMES, DIGITS_SOURCE, HELD_OUT } from "./sample";
import {
  checkSaved,
  expectClose,
  expectSameLogits,
  expectTrainedOnly,
  expectWorkingGraph,
  type SavedReport,
  trainAndLoad,
  type Trained,
} from "./saved";

const RESIZED = ["hidden3/biases", "hidden3/weights", "outputs/weights"];
const SHAPES = {
  "hidden3/weights": { shape: [100, 58] },
  "hidden3/biases": { shape: [58] },
  "outputs/weights": { shape: [58, 5] },
  "outputs/biases": { shape: [5] },
};
/** Steps this small change no number except zeros, and those by nothing that matters. */
const STANDING_STILL = 1e-30;

const FILES = {
  recipe: "wider.graft.json",
  source: DIGITS_SOURCE,
  result: "result/wider.ckpt",
  ...HELD_OUT,
};

withTensorFlow("8 more units in hidden3", () => {
  let folder: Awaited<ReturnType<typeof makeFolder>>;

  beforeAll(async () => {
    folder = await makeFolder();
    await copySample(folder.path);
  });
  afterAll(() => folder.remove());

  /** Adds the units, trains for two epochs, and lets TensorFlow look. */
  async function widen(
    addUnits: { readonly init: "random" | "zero"; readonly train?: "all" | "new" },
    learningRate: number,
  ): Promise<Trained> {
    await writeRecipe(folder.path, FILES.recipe, {
      checkpoint: FILES.source,
      seed: 3,
      edits: [{ freeze: "hidden[12]" }, { addUnits: { layer: "hidden3", units: 8, ...addUnits } }],
      data: { inputs: { X: FILES.inputs }, labels: FILES.labels, validation: 0.2 },
      train: [{ epochs: 2, batch: 50, optimizer: { sgd: { learningRate } } }],
      save: { as: FILES.result },
    });
    return trainAndLoad(folder.path, FILES, DIGITS_NAMES);
  }

  const sourceReport = (): Promise<SavedReport> =>
    checkSaved(folder.path, { ...FILES, result: FILES.source }, DIGITS_NAMES);

  test("zero: before training the function is the source's", async () => {
    const trained = await widen({ init: "zero" }, STANDING_STILL);
    expect(trained.saved.stored).toMatchObject(SHAPES);
    expect(trained.saved.kept).toEqual(expect.arrayContaining(RESIZED));
    expectSameLogits(trained);
    expectClose(trained.saved.logits, (await sourceReport()).logits, 1e-5);
  });

  test("random: before training the old numbers are all there", async () => {
    const trained = await widen({ init: "random" }, STANDING_STILL);
    expect(trained.saved.stored).toMatchObject(SHAPES);
    expect(trained.saved.kept).toEqual(expect.arrayContaining(RESIZED));
    expectSameLogits(trained);
  });

  test.each(["random", "zero"] as const)("%s, all trained: TensorFlow takes over", async (init) => {
    const trained = await widen({ init }, 0.05);
    const moving = [...RESIZED, "outputs/biases"];
    expect(trained.saved.stored).toMatchObject(SHAPES);
    expectSameLogits(trained);
    expectTrainedOnly(trained, moving);
    expectWorkingGraph(trained, moving);
  });

  test("random, only the new units trained: the old numbers keep their bits", async () => {
    const trained = await widen({ init: "random", train: "new" }, 0.05);
    expect(trained.saved.stored).toMatchObject(SHAPES);
    expect(trained.saved.kept).toEqual(expect.arrayContaining(RESIZED));
    expectSameLogits(trained);
  });
});
