// "Copy Code to Load": the lines run as they are, and the session they open computes what the checkpoint computes.
import { writeFile } from "node:fs/promises";
import { join } from "node:path";
import { afterAll, beforeAll, expect, test } from "vitest";
import { formatOf, openCheckpoint } from "../../src/engine/formats/table";
import { DIGIT_SAMPLES, FIXTURES, MINI_SAMPLES, writeSamples } from "./fixtures";
import { makeFolder } from "./graft";
import { oracle, withTensorFlow } from "./python";
import { DENSE_NAMES, type SavedReport, type StoredVariables, tensorOptions } from "./saved";

/** What load_code.py prints. */
interface LoadCodeReport {
  /** What the lines define. */
  readonly names: readonly string[];
  readonly live: StoredVariables;
  readonly logits: readonly (readonly number[])[];
  /** What the line that is a comment computes. */
  readonly ran: readonly (readonly number[])[];
}

const MINI = {
  file: "my_model_final.ckpt",
  samples: MINI_SAMPLES,
  names: DENSE_NAMES,
  defines: ["X", "outputs_BiasAdd"],
};
const CASES = [
  { fixture: "b1_mini_v2", ...MINI },
  { fixture: "b1_mini_v1", ...MINI },
  { fixture: "b1_mini_partitioned", ...MINI },
  {
    fixture: "b2_cnn_digits",
    file: "model.ckpt",
    samples: DIGIT_SAMPLES,
    names: { input: "x", labels: "y_", logits: "add_3", loss: "Mean", feeds: { keep_prob: 1 } },
    defines: ["x", "add_3"],
  },
  {
    fixture: "b2_cnn_digits_batchnorm",
    file: "model.ckpt",
    samples: DIGIT_SAMPLES,
    names: {
      input: "x",
      labels: "y_",
      logits: "add_3",
      loss: "Mean",
      feeds: { is_training: false, keep_prob: 1 },
    },
    defines: ["x", "add_3"],
  },
];

withTensorFlow("the lines that load a checkpoint", () => {
  let folder: Awaited<ReturnType<typeof makeFolder>>;
  beforeAll(async () => {
    folder = await makeFolder();
  });
  afterAll(() => folder.remove());

  test.each(CASES)("of $fixture", async ({ fixture, file, samples, names, defines }) => {
    const path = (name: string) => join(folder.path, name);
    const prefix = join(FIXTURES, fixture, file);
    await writeSamples(samples, 10, { inputs: path("X.npy"), labels: path("y.npy") });
    await writeFile(path("lines.py"), await linesFor(prefix));

    const options = tensorOptions(names);
    const loaded = await oracle<LoadCodeReport>(
      "load_code.py",
      [path("lines.py"), path("X.npy")],
      options,
    );
    const expected = await oracle<SavedReport>("check_saved.py", [prefix, path("X.npy")], options);

    expect(loaded.names).toEqual(expect.arrayContaining(["sess", ...defines]));
    expect(loaded.live).toEqual(expected.live);
    expect(loaded.logits).toEqual(expected.logits);
    expect(loaded.ran).toEqual(expected.logits);
  });
});

async function linesFor(prefix: string): Promise<string> {
  const checkpoint = await openCheckpoint(prefix);
  try {
    const { language, code } = await formatOf(checkpoint).loadCode(
      prefix,
      await checkpoint.model(),
    );
    expect(language).toBe("python");
    return code;
  } finally {
    await checkpoint.close();
  }
}
