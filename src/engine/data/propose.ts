// Which files in a folder could be the samples and the labels: pairs of arrays that fit the graph, best first.
// Headers decide what is looked at; only the labels of the most likely candidates are read.
import { basename, dirname, extname, relative, sep } from "node:path";
import type { DataCandidate } from "../../protocol/engine";
import { GraftError } from "../../protocol/errors";
import type { CsvDescription } from "./csv";
import { type ArrayInfo, countText, infoText, listText, rowCount } from "./array";
import type { Draft } from "./draft";
import type { ModelInput } from "../graph/inputs";
import { fitSample } from "./inputs";
import { classesIn } from "./labels";
import { type NameHints, nameHints } from "./names";
import { proposeColumns } from "./proposeColumns";
import type { Data, Source } from "./schema";
import { describeSource, loadSource, type SourceDescription } from "./sources";

const EXTENSIONS: readonly string[] = [".npy", ".npz", ".csv", ".tsv"];
const MAX_FILES = 500;
/** Arrays that are paired with each other. */
const MAX_POOL = 500;
/** Candidates whose labels are read. */
const MAX_READ = 40;
const MAX_CANDIDATES = 20;
/** More labels than this are numbers of something, not classes. */
const MAX_CLASSES = 1000;
const MAX_LABELS = 20_000_000;

/**
 * Ways to bind some of `files` to `inputs` and labels. `base` is the recipe's folder, which paths are written relative to;
 * `outputClasses` the units of an output that classifies; left out (or 1) where the loss compares numbers.
 */
export async function proposeData(
  files: readonly string[],
  inputs: readonly ModelInput[],
  base: string,
  outputClasses?: number,
): Promise<readonly DataCandidate[]> {
  if (inputs.length === 0) return [];
  const pools = new Map<string, Candidate[]>();
  const drafts: Draft[] = [];
  const known = files.filter((file) => EXTENSIONS.includes(extname(file).toLowerCase()));
  for (const file of known.sort().slice(0, MAX_FILES)) {
    const description = await orNull(describeSource(file));
    if (description === null) continue;
    const path = recipePath(file, base);
    if (description.kind === "csv") drafts.push(...proposeColumns(description, path, inputs));
    // Arrays and columns in files of their own pair with neighbours, the arrays of an .npz with each other.
    const pool = description.kind === "npz" ? file : dirname(file);
    const found =
      description.kind === "csv"
        ? await labelColumn(description, path, base)
        : candidates(description, path);
    pools.set(pool, [...(pools.get(pool) ?? []), ...found]);
  }
  for (const pool of pools.values()) {
    drafts.push(...pairs(pool.slice(0, MAX_POOL), inputs, outputClasses));
  }

  const best = drafts.sort(byScore).slice(0, MAX_READ);
  const finished: { readonly candidate: DataCandidate; readonly score: number }[] = [];
  const read = new Map<string, Promise<LabelValues | null>>();
  for (const draft of best) {
    const key = JSON.stringify(draft.labels);
    const values = read.get(key) ?? orNull(readLabels(draft.labels, base, outputClasses));
    read.set(key, values);
    const labels = await values;
    if (labels !== null) finished.push(finish(draft, labels, outputClasses));
  }
  return finished
    .sort(byScore)
    .slice(0, MAX_CANDIDATES)
    .map(({ candidate }) => candidate);
}

const byScore = (a: { readonly score: number }, b: { readonly score: number }): number =>
  b.score - a.score;

/** A file that cannot be read proposes nothing; choosing it by name says why. */
async function orNull<T>(promise: Promise<T>): Promise<T | null> {
  try {
    return await promise;
  } catch (error) {
    if (error instanceof GraftError) return null;
    throw error;
  }
}

/** Recipes have forward slashes, so that they work on every system. */
const recipePath = (file: string, base: string): string =>
  relative(base, file).split(sep).join("/");

interface Candidate {
  readonly source: Source;
  readonly name: string;
  readonly info: ArrayInfo;
  readonly hints: NameHints;
}

function candidates(
  description: Exclude<SourceDescription, { kind: "csv" }>,
  path: string,
): readonly Candidate[] {
  const file = basename(path);
  if (description.kind === "npy") {
    const hints = nameHints(file.slice(0, -extname(file).length));
    return [{ source: path, name: file, info: description, hints }];
  }
  return [...description.arrays].map(([array, info]) => ({
    source: { file: path, array },
    name: `${array} in ${file}`,
    info,
    hints: nameHints(array),
  }));
}

function pairs(
  pool: readonly Candidate[],
  inputs: readonly ModelInput[],
  outputClasses: number | undefined,
): readonly Draft[] {
  const drafts: Draft[] = [];
  const byRows = new Map<number, Candidate[]>();
  for (const one of pool) {
    byRows.set(rowCount(one.info), [...(byRows.get(rowCount(one.info)) ?? []), one]);
  }
  byRows.delete(0);
  for (const sameRows of byRows.values()) {
    for (const labels of sameRows) {
      if (!looksLikeLabels(labels, outputClasses)) continue;
      const others = sameRows.filter((one) => one !== labels);
      for (const samples of assignments(others, inputs, labels)) {
        drafts.push(draftOf(samples, labels));
      }
    }
  }
  return drafts;
}

/** A table of one column, which may hold the labels of an array; only its text tells how many. */
async function labelColumn(
  { columns }: CsvDescription,
  path: string,
  base: string,
): Promise<readonly Candidate[]> {
  if (columns.length !== 1) return [];
  const loaded = await orNull(loadSource(path, base, { values: "labels" }));
  if (loaded === null) return [];
  const name = basename(path);
  const hints = nameHints(name.slice(0, -extname(name).length));
  return [{ source: path, name, info: loaded.array, hints }];
}

interface Samples extends Candidate {
  readonly input: ModelInput;
  readonly score: number;
}

/** One input: every array that fits. Several: for each the most likely array that no other input took. */
function assignments(
  pool: readonly Candidate[],
  inputs: readonly ModelInput[],
  labels: Candidate,
): readonly (readonly Samples[])[] {
  const fitting = (input: ModelInput): readonly Samples[] =>
    pool.flatMap((one) => {
      const score = samplesScore(one, input, labels);
      return score === null ? [] : { ...one, input, score };
    });
  if (inputs.length === 1) return fitting(inputs[0]!).map((one) => [one]);
  const taken: Samples[] = [];
  for (const input of inputs) {
    const [best] = fitting(input)
      .filter((one) => !taken.some((other) => other.source === one.source))
      .sort(byScore);
    if (best === undefined) return [];
    taken.push(best);
  }
  return [taken];
}

function looksLikeLabels({ info, hints }: Candidate, outputClasses: number | undefined): boolean {
  const { shape, dtype } = info;
  if (shape.length > 2 || shape.reduce((a, b) => a * b, 1) > MAX_LABELS) return false;
  const width = shape[1] ?? 1;
  if (width <= 1) return true;
  // Rows of numbers may be one-hot; their values, read later, will tell.
  const expected = outputClasses === width || hints.labels;
  return expected && dtype !== "string" && width <= MAX_CLASSES;
}

/** How likely an array is the samples of `input`, given the labels; null where it cannot be. */
function samplesScore(one: Candidate, input: ModelInput, labels: Candidate): number | null {
  const sample = one.info.dtype === "string" ? null : fitSample(one.info, input);
  if (sample === null) return null;
  const exact = sample.join() === one.info.shape.slice(1).join();
  let score = exact ? 4 : 2;
  if (one.hints.samples || one.hints.words.includes(input.name.toLowerCase())) score += 3;
  if (one.hints.labels) score -= 4;
  if (one.hints.stem === labels.hints.stem) score += 3;
  if (one.hints.split === "train") score += 1;
  if (one.hints.split === "test") score -= 2;
  if (one.hints.split !== labels.hints.split) score -= 4;
  return score;
}

function draftOf(samples: readonly Samples[], labels: Candidate): Draft {
  const labelScore = (labels.hints.labels ? 3 : 0) - (labels.hints.samples ? 4 : 0);
  const total = samples.reduce((sum, one) => sum + one.score, 0);
  return {
    inputs: Object.fromEntries(samples.map((one) => [one.input.name, one.source])),
    labels: labels.source,
    label: samples
      .map((one) => `${one.name}, ${infoText(one.info)} → ${one.input.name}`)
      .join("; "),
    labelText: `${labels.name}, ${infoText(labels.info)}`,
    score: total / samples.length + labelScore,
  };
}

const isRegression = (outputClasses: number | undefined): outputClasses is undefined | 1 =>
  outputClasses === undefined || outputClasses === 1;

interface LabelValues {
  /** Empty for a regression. */
  readonly classes: readonly string[];
  readonly samples: number;
}

async function readLabels(
  source: Source,
  base: string,
  outputClasses: number | undefined,
): Promise<LabelValues | null> {
  const { array, name } = await loadSource(source, base, { values: "labels" });
  const samples = rowCount(array);
  // Numbers are compared as they are; of words, one unit tells two apart.
  if (isRegression(outputClasses) && array.dtype !== "string") return { classes: [], samples };
  const classes = classesIn(array, name);
  const most = isRegression(outputClasses) ? 2 : MAX_CLASSES;
  return classes.length > most ? null : { classes, samples };
}

function finish(
  draft: Draft,
  { classes, samples }: LabelValues,
  outputClasses: number | undefined,
): { readonly candidate: DataCandidate; readonly score: number } {
  const data: Data = {
    inputs: draft.inputs,
    labels: draft.labels,
    ...(classes.length > 0 ? { classes: [...classes] } : {}),
    validation: 0.2,
  };
  const fits = isRegression(outputClasses) || classes.length === outputClasses;
  // As many labels as samples: a number for each row rather than a class.
  const rowNumbers = samples > 1 && classes.length === samples;
  const what =
    classes.length === 0
      ? "numbers"
      : `${countText(classes.length, "class", "classes")}: ${listText(classes)}`;
  const output = fits ? "" : ` · the output has ${countText(outputClasses, "unit")}`;
  return {
    candidate: {
      data,
      label: draft.label,
      detail: `labels ${draft.labelText} · ${what}${output}`,
      classes,
    },
    score: draft.score + (fits ? 1 : 0) - (rowNumbers ? 6 : 0),
  };
}
