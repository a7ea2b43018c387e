// What a folder holds when a test begins: copies of the sample and of fixtures, all of them writable.
import { mkdirSync, readdirSync, readFileSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";

/** Paths are relative to the folder. */
export interface Content {
  /** The digits: a checkpoint, data to learn from, and two recipes for them where they are wanted. */
  readonly sample?: "with its recipes" | "without recipes";
  /** The checkpoints and data of another sample, by the name of its folder. */
  readonly otherSample?: string;
  /** Which fixture's checkpoint goes into which folder. */
  readonly fixtures?: Readonly<Record<string, string>>;
  /** Texts, or what is written as JSON. */
  readonly files?: Readonly<Record<string, unknown>>;
}

const SAMPLE_FILE = /\.(npy|csv|ckpt\.\S+|zip)$|^checkpoint$/;
const FIXTURE_FILE = /\.(index|meta|data-\S+|ckpt(-\S+)?|zip)$|^checkpoint$/;

/** `root`: the repository. */
export function fill(root: string, folder: string, content: Content): void {
  const { sample, otherSample, fixtures = {}, files = {} } = content;
  if (sample !== undefined) {
    const wanted = (name: string) =>
      SAMPLE_FILE.test(name) || (sample === "with its recipes" && name.endsWith(".graft.json"));
    copy(join(root, "samples/digits"), folder, wanted);
  }
  if (otherSample !== undefined)
    copy(join(root, "samples", otherSample), folder, (name) => SAMPLE_FILE.test(name));
  for (const [to, name] of Object.entries(fixtures))
    copy(join(root, "test/fixtures", name), join(folder, to), (file) => FIXTURE_FILE.test(file));
  for (const [name, value] of Object.entries(files)) {
    mkdirSync(dirname(join(folder, name)), { recursive: true });
    const text = typeof value === "string" ? value : `${JSON.stringify(value, null, 2)}\n`;
    writeFileSync(join(folder, name), text);
  }
}

/** Written anew rather than copied: fixtures are read-only. */
function copy(from: string, to: string, wanted: (name: string) => boolean): void {
  mkdirSync(to, { recursive: true });
  for (const name of readdirSync(from)) {
    if (wanted(name)) writeFileSync(join(to, name), readFileSync(join(from, name)));
  }
}

export const CHECKPOINT = "digits_0_to_4.ckpt";
export const RECIPE = "digits_0_to_4.graft.json";

/** A recipe that learns the digits 5 to 9. */
export const digits = (changes: Readonly<Record<string, unknown>> = {}) => ({
  checkpoint: CHECKPOINT,
  edits: [{ freeze: "hidden[12]" }, { replaceOutput: { classes: 5 } }],
  data: {
    inputs: { X: "digits_5_to_9_X.npy" },
    labels: "digits_5_to_9_y.npy",
    classes: ["5", "6", "7", "8", "9"],
    validation: 0.2,
  },
  train: [{ epochs: 20 }],
  ...changes,
});

/** It goes on until it is stopped. */
export const ENDLESS = [{ epochs: 1_000_000 }];
