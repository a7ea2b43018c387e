// The sample, trained by Graft and taken over by the program of the network's owner.
import { join } from "node:path";
import { afterAll, beforeAll, expect, test } from "vitest";
import { eventOf, makeFolder, predict, train, writeRecipe } from "./graft";
import { oracle, withTensorFlow } from "./python";
import { copySample, DIGITS_NAMES, DIGITS_SOURCE, HELD_OUT } from "./sample";
import {
  checkSaved,
  expectClose,
  expectSameLogits,
  expectTrainedOnly,
  expectWorkingGraph,
  trainAndLoad,
  type Trained,
} from "./saved";

const TRAINED = ["hidden3/biases", "hidden3/weights", "outputs/biases", "outputs/weights"];
const FILES = {
  recipe: "digits.graft.json",
  source: DIGITS_SOURCE,
  result: "result/digits_5_to_9.ckpt",
  ...HELD_OUT,
};

/** What check_own_graph.py prints. */
interface OwnGraphReport {
  readonly restored: readonly string[];
  readonly left: readonly string[];
  readonly identical: boolean;
  readonly logits: readonly (readonly number[])[];
}

const ownGraph = (folder: string, checkpoint: string, classes: number) =>
  oracle<OwnGraphReport>(
    "check_own_graph.py",
    [join(folder, checkpoint), join(folder, FILES.inputs)],
    { classes },
  );

withTensorFlow("the digits sample", () => {
  let folder: Awaited<ReturnType<typeof makeFolder>>;
  let trained: Trained;
  let classes: number[];

  beforeAll(async () => {
    folder = await makeFolder();
    classes = await copySample(folder.path);
    trained = await trainAndLoad(folder.path, FILES, DIGITS_NAMES);
  });
  afterAll(() => folder.remove());

  test("TensorFlow computes the logits that Graft predicts", () => expectSameLogits(trained));

  test("the frozen layers are bit for bit the source's", () => expectTrainedOnly(trained, TRAINED));

  test("the graph trains on, starts afresh and saves itself", () =>
    expectWorkingGraph(trained, TRAINED));

  test("latest_checkpoint finds the result", () => {
    expect(trained.saved.latest).toBe(trained.prefix);
  });

  test("the owner's own program restores all of it", async () => {
    const own = await ownGraph(folder.path, FILES.result, 5);
    expect(own.left).toEqual([]);
    expect(own.identical).toBe(true);
    expectClose(own.logits, trained.predicted, 1e-5);
  });

  test("held-out digits are recognized", () => {
    const right = trained.predicted.filter(
      (logits, row) => logits.indexOf(Math.max(...logits)) === classes[row],
    );
    expect(right.length / classes.length).toBeGreaterThan(0.9);
  });

  test("validation digits are recognized", () => {
    const { validationAccuracy } = eventOf(trained.events, "epoch");
    expect(validationAccuracy).toBeGreaterThan(0.9);
    expect(eventOf(trained.events, "data").classes).toEqual(["5", "6", "7", "8", "9"]);
  });

  test("each sample went through the frozen layers once", () => {
    const { training, validation } = eventOf(trained.events, "data");
    expect(training + validation).toBe(696);
    expect(eventOf(trained.events, "ended")).toMatchObject({
      state: "finished",
      prefixSamples: 696,
    });
  });

  test("the CSV recipe makes the same network", async () => {
    const events = await train(folder.path, "digits_csv.graft.json");
    const hashes = ({ variables }: { variables: readonly { name: string; sha256: string }[] }) =>
      Object.fromEntries(variables.map(({ name, sha256 }) => [name, sha256]));
    expect(hashes(eventOf(events, "variables"))).toEqual(
      hashes(eventOf(trained.events, "variables")),
    );
  });

  test("seven classes: the owner's program restores what kept its shape", async () => {
    const recipe = {
      checkpoint: FILES.source,
      seed: 1,
      edits: [{ freeze: "hidden[12]" }, { replaceOutput: { classes: 7 } }],
      data: { inputs: { X: FILES.inputs }, labels: FILES.labels, validation: 0.2 },
      train: [{ epochs: 1, batch: 50, optimizer: { sgd: { learningRate: 0.01 } } }],
      save: { as: "result/seven.ckpt" },
    };
    await writeRecipe(folder.path, "seven.graft.json", recipe);
    await train(folder.path, "seven.graft.json");
    const seven = await ownGraph(folder.path, "result/seven.ckpt", 7);
    expect(seven).toMatchObject({ left: [], identical: true });
    expectClose(seven.logits, await predict(folder.path, "result/seven.ckpt", FILES.inputs), 1e-5);
    const five = await ownGraph(folder.path, "result/seven.ckpt", 5);
    expect(five).toMatchObject({ left: ["outputs/biases", "outputs/weights"], identical: true });
    expect(five.restored).toHaveLength(6);
  });

  test("the source is as it was", async () => {
    const source = await checkSaved(folder.path, { ...FILES, result: FILES.source }, DIGITS_NAMES);
    expect(source.latest).toBe(join(folder.path, FILES.source));
    expect(source.trainable).toHaveLength(8);
    expect(source.stored).toEqual(trained.saved.source);
  });
});
