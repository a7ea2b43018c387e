// What TensorFlow finds in a checkpoint that Graft wrote, and what it must find.
import { join } from "node:path";
import { expect } from "vitest";
import type { RunEvent } from "../../src/protocol/run";
import { eventOf, predict, train } from "./graft";
import { oracle, type Options } from "./python";

export interface StoredVariable {
  readonly shape: readonly number[];
  readonly sha256: string;
}
export type StoredVariables = Readonly<Record<string, StoredVariable>>;

/** What check_saved.py prints. */
export interface SavedReport {
  /** What `latest_checkpoint` finds in the checkpoint's folder. */
  readonly latest: string | null;
  readonly stored: StoredVariables;
  /** The same in a session, by the graph's names: a partitioned variable has several. */
  readonly live: StoredVariables;
  readonly savedAgain: StoredVariables;
  readonly trainable: readonly string[];
  readonly collections: Readonly<Record<string, number>>;
  readonly logits: readonly (readonly number[])[];
  readonly init: { readonly variables: StoredVariables; readonly finite: boolean };
  readonly step: {
    readonly lossBefore: number;
    readonly lossAfter: number;
    readonly moved: readonly string[];
    readonly stuck: readonly string[];
    readonly frozen: readonly string[];
    readonly disturbed: readonly string[];
  };
  readonly source: StoredVariables;
  /** Variables that still hold every number of the source. */
  readonly kept: readonly string[];
}

/** What the owner of the checkpoint calls things in their graph. */
export interface GraphNames {
  readonly input: string;
  readonly labels: string;
  readonly logits: string;
  /** Of a network without one, the owner's program minimizes a cross-entropy of its own. */
  readonly loss?: string;
  readonly feeds?: Readonly<Record<string, number | boolean>>;
}

export const DENSE_NAMES: GraphNames = {
  input: "X",
  labels: "y",
  logits: "outputs/BiasAdd",
  loss: "loss",
};

/** Paths in it are relative to the folder. `labels` are class indices. */
export interface TrainedFiles {
  readonly recipe: string;
  readonly source: string;
  readonly result: string;
  readonly inputs: string;
  readonly labels: string;
}

export interface Trained {
  readonly events: readonly RunEvent[];
  readonly prefix: string;
  readonly predicted: readonly (readonly number[])[];
  readonly saved: SavedReport;
}

/** Trains a recipe, predicts with the result, and lets TensorFlow judge it. */
export async function trainAndLoad(
  folder: string,
  files: TrainedFiles,
  names: GraphNames,
): Promise<Trained> {
  const events = await train(folder, files.recipe);
  const predicted = await predict(folder, files.result, files.inputs);
  const prefix = join(folder, files.result);
  const saved = await checkSaved(folder, files, names);
  return { events, prefix, predicted, saved };
}

type CheckedFiles = Pick<TrainedFiles, "result" | "inputs"> & Partial<TrainedFiles>;

export const checkSaved = (
  folder: string,
  files: CheckedFiles,
  names: GraphNames,
): Promise<SavedReport> =>
  oracle<SavedReport>("check_saved.py", ...checkArguments(folder, files, names));

/** What check_saved.py takes: paths, and options. */
export function checkArguments(
  folder: string,
  { result, inputs, source, labels }: CheckedFiles,
  names: GraphNames,
): [paths: string[], options: Options] {
  const path = (name: string) => join(folder, name);
  const options = {
    ...(source !== undefined && { source: path(source) }),
    ...(labels !== undefined && { labels: path(labels), "label-input": `${names.labels}:0` }),
    ...(names.loss !== undefined && { loss: `${names.loss}:0` }),
    ...tensorOptions(names),
  };
  return [[path(result), path(inputs)], options];
}

/** The options that all scripts with a graph share. */
export const tensorOptions = (names: GraphNames): Options => ({
  input: `${names.input}:0`,
  logits: `${names.logits}:0`,
  feed: Object.entries(names.feeds ?? {}).map(([name, value]) => `${name}:0=${value}`),
});

/** `layer/weights/part_1` belongs to `layer/weights`. */
const wholeName = (name: string): string => name.replace(/\/part_\d+$/, "");

export const sorted = (names: Iterable<string>): string[] => [...new Set(names)].sort();

/** TensorFlow computes what Graft computes. */
export function expectSameLogits({ predicted, saved }: Trained, tolerance = 1e-5): void {
  expectClose(saved.logits, predicted, tolerance);
}

/** Frozen variables hold the source's bits, the others do not, and all hold what the trainer had. */
export function expectTrainedOnly({ events, saved }: Trained, trained: readonly string[]): void {
  for (const [name, stored] of Object.entries(saved.stored)) {
    // The old network that stays beside the new one has copies.
    const original = name.replace(/^graft\/old\//, "");
    if (!trained.includes(name)) expect(stored, name).toEqual(saved.source[original]);
  }
  for (const name of trained) {
    expect.soft(saved.stored[name]?.sha256, name).toBeDefined();
    expect.soft(saved.stored[name]?.sha256, name).not.toBe(saved.source[name]?.sha256);
  }
  const seen = { ...saved.stored, ...saved.live };
  const { variables } = eventOf(events, "variables");
  expect(sorted(variables.map(({ name }) => wholeName(name)))).toEqual(
    expect.arrayContaining(sorted(trained)),
  );
  for (const { name, sha256, frozen } of variables) {
    expect.soft(seen[name]?.sha256, name).toBe(sha256);
    expect.soft(frozen, name).toBe(!trained.includes(wholeName(name)));
  }
}

/**
 * The graph's own collections, save op, init op and a new `minimize` all work, and agree on what trains. Its own training
 * ops are dropped where they would train other variables than these; `trainOps` is how many stay.
 */
export function expectWorkingGraph(
  { saved }: Trained,
  trained: readonly string[],
  trainOps?: number,
): void {
  expect(sorted(saved.trainable.map(wholeName))).toEqual(sorted(trained));
  expect(saved.collections["train_op"]).toBe(trainOps);
  expect(saved.savedAgain).toEqual(saved.stored);
  expect(shapes(saved.init.variables)).toEqual(shapes(saved.live));
  expect(saved.init.finite).toBe(true);
  expect(saved.step.disturbed).toEqual([]);
  expect(saved.step.stuck).toEqual([]);
  expect(sorted(saved.step.moved)).toEqual(sorted(saved.trainable));
  expect(saved.step.lossAfter).toBeLessThan(saved.step.lossBefore);
}

/** Shapes equal, and each number within `tolerance` of the expected one, relative to it where it is above 1. */
export function expectClose(
  actual: readonly (readonly number[])[],
  expected: readonly (readonly number[])[],
  tolerance: number,
): void {
  expect(actual.map((row) => row.length)).toEqual(expected.map((row) => row.length));
  let worst = { off: 0, at: "nowhere" };
  actual.forEach((row, i) =>
    row.forEach((value, j) => {
      const wanted = expected[i][j];
      const difference = Math.abs(value - wanted) / Math.max(1, Math.abs(wanted));
      const off = Number.isNaN(difference) ? Infinity : difference;
      if (off > worst.off) worst = { off, at: `[${i}, ${j}]: ${value}, expected ${wanted}` };
    }),
  );
  expect(worst.off, worst.at).toBeLessThanOrEqual(tolerance);
}

const shapes = (variables: StoredVariables): Record<string, readonly number[]> =>
  Object.fromEntries(Object.entries(variables).map(([name, { shape }]) => [name, shape]));
