// Which files in a folder could be the samples and the labels: pairs of arrays that fit the graph, best first.
// Headers decide what is looked at; only the labels of the most likely candidates are read.
import { basename, dirname, extname, relative, sep } from "node:path";
import type { DataCandidate } from "../../protocol/engine";
import { GraftError } from "../../protocol/errors";
import { type CsvDescription, describeCsv } from "./csv";
import { CSV_EXTENSIONS, sequenceFiles } from "./csvSequences";
import { type ArrayInfo, type DataArray, countText, infoText, listText, rowCount } from "./array";
import type { Draft } from "./draft";
import type { ModelInput } from "../graph/inputs";
import { fitSample } from "./inputs";
import { classesIn } from "./labels";
import { type Layout, layoutsOf } from "./layout";
import { type NameHints, nameHints } from "./names";
import { proposeColumns } from "./proposeColumns";
import { stepPart, stepPartsOf } from "./proposeSteps";
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

/** What the output is of. */
export interface ProposedOutput {
  /** Its units, where it classifies; left out (or 1) where the loss compares numbers. */
  readonly classes?: number | undefined;
  /** Whether each step of a sequence has a label. */
  readonly perStep?: boolean;
}

/**
 * Ways to bind some of `files` to `inputs` and labels. `base` is the recipe's folder, which paths are written relative to.
 * Lengths and masks follow from the sequences, or are arrays beside them whose names say so.
 */
export async function proposeData(
  files: readonly string[],
  all: readonly ModelInput[],
  base: string,
  output: ProposedOutput = {},
): Promise<readonly DataCandidate[]> {
  const inputs = all.filter(({ part }) => part === undefined);
  const canBeTold = inputs.length < all.length;
  if (inputs.length === 0) return [];
  const pools = new Map<string, Candidate[]>();
  const drafts: Draft[] = [];
  const known = files.filter((file) => EXTENSIONS.includes(extname(file).toLowerCase()));
  const folders = inputs.some(({ sequence }) => sequence) ? await sequenceFolders(known, base) : [];
  for (const { folder, found } of folders)
    pools.set(dirname(folder), [...(pools.get(dirname(folder)) ?? []), found]);
  const single = known.filter((file) => !folders.some(({ folder }) => folder === dirname(file)));
  for (const file of single.sort().slice(0, MAX_FILES)) {
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
    drafts.push(...pairs(pool.slice(0, MAX_POOL), inputs, { canBeTold, ...output }));
  }

  const best = drafts.sort(byScore).slice(0, MAX_READ);
  const finished: { readonly candidate: DataCandidate; readonly score: number }[] = [];
  const read = new Map<string, Promise<LabelValues | null>>();
  for (const draft of best) {
    const key = JSON.stringify(draft.labels);
    const values = read.get(key) ?? orNull(readLabels(draft.labels, base, output));
    read.set(key, values);
    const labels = await values;
    if (labels !== null) finished.push(finish(draft, labels, output));
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
  /** Of sequences in files of their own: [sequences, any, columns], or [sequences, any] of one column. */
  readonly info: ArrayInfo;
  readonly hints: NameHints;
}

/** Folders whose CSV files could be sequences: several with the same columns. Only the first of them is looked at. */
async function sequenceFolders(
  files: readonly string[],
  base: string,
): Promise<readonly { readonly folder: string; readonly found: Candidate }[]> {
  const folders: { folder: string; found: Candidate }[] = [];
  const csv = files.filter((file) => CSV_EXTENSIONS.includes(extname(file).toLowerCase()));
  for (const folder of new Set(csv.map((file) => dirname(file)))) {
    const own = await orNull(sequenceFiles(folder));
    // Numbered names: other tables that lie together are no sequences.
    if (own === null || own.length < 2 || !own.every((file) => /\d/.test(basename(file)))) continue;
    const table = await orNull(describeCsv(own[0]!));
    if (table === null) continue;
    const columns = table.columns.length;
    const dtype = table.numeric.every(Boolean) ? "float64" : "string";
    const shape = [own.length, -1, ...(columns === 1 ? [] : [columns])];
    const name = basename(folder);
    const path = recipePath(folder, base) || ".";
    const found = { source: path, name, info: { shape, dtype }, hints: nameHints(name) } as const;
    folders.push({ folder, found });
  }
  return folders;
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
  output: ProposedOutput & { readonly canBeTold: boolean },
): readonly Draft[] {
  const drafts: Draft[] = [];
  const ofSequences = inputs.some(({ sequence }) => sequence);
  const byRows = new Map<number, Candidate[]>();
  for (const one of pool) {
    byRows.set(rowCount(one.info), [...(byRows.get(rowCount(one.info)) ?? []), one]);
  }
  byRows.delete(0);
  for (const allOfRows of byRows.values()) {
    const telling = ofSequences ? allOfRows.filter((one) => stepPart(one) !== undefined) : [];
    const sameRows = allOfRows.filter((one) => !telling.includes(one));
    for (const labels of sameRows) {
      if (!looksLikeLabels(labels, output)) continue;
      const { canBeTold, perStep = false } = output;
      const steps = stepPartsOf(telling, labels, { canBeTold, perStep });
      const others = sameRows.filter((one) => one !== labels);
      for (const samples of assignments(others, inputs, labels)) {
        drafts.push({ ...draftOf(samples, labels), steps });
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

function looksLikeLabels(
  { info, hints }: Candidate,
  { classes, perStep = false }: ProposedOutput,
): boolean {
  const { shape, dtype } = info;
  const rank = perStep ? 3 : 2;
  if (shape.length > rank || shape.reduce((a, b) => a * b, 1) > MAX_LABELS) return false;
  const width = shape[1] ?? 1;
  if (width <= 1 || (perStep && shape.length === 2)) return true;
  // Rows of numbers may be one-hot; their values, read later, will tell.
  const widths = perStep ? shape.slice(1) : [width];
  const expected = widths.includes(classes ?? -1) || hints.labels;
  return expected && dtype !== "string" && width <= MAX_CLASSES;
}

/** How likely an array is the samples of `input`, given the labels; null where it cannot be. */
function samplesScore(one: Candidate, input: ModelInput, labels: Candidate): number | null {
  if (one.info.dtype === "string") return null;
  const isSequence = layoutsFor(one.info, input).length > 0;
  const sample = fitSample(one.info, input);
  if (sample === null && !isSequence) return null;
  const exact = isSequence || sample?.join() === one.info.shape.slice(1).join();
  let score = exact ? 4 : 2;
  if (one.hints.samples || one.hints.words.includes(input.name.toLowerCase())) score += 3;
  if (one.hints.labels) score -= 4;
  if (one.hints.stem === labels.hints.stem) score += 3;
  if (one.hints.split === "train") score += 1;
  if (one.hints.split === "test") score -= 2;
  if (one.hints.split !== labels.hints.split) score -= 4;
  return score;
}

/** The layouts in which an array holds sequences for `input`; none where either has none. */
const layoutsFor = ({ shape }: ArrayInfo, input: ModelInput): readonly Layout[] =>
  input.sequence && input.shape.length === 3 && shape.length === 3
    ? layoutsOf({ shape, wanted: input.shape })
    : [];

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
    ambiguous: samples.some(({ info, input }) => layoutsFor(info, input).length > 1),
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
  output: ProposedOutput,
): Promise<LabelValues | null> {
  const { array, name, lengths } = await loadSource(source, base, { values: "labels" });
  const samples = rowCount(array);
  // Numbers are compared as they are; of words, one unit tells two apart.
  if (isRegression(output.classes) && array.dtype !== "string") return { classes: [], samples };
  const isSteps = array.shape.length > 1 && (output.perStep || lengths !== undefined);
  const classes = isSteps ? classesOfSteps(array, name, lengths, output) : classesIn(array, name);
  const most = isRegression(output.classes) ? 2 : MAX_CLASSES;
  return classes.length > most ? null : { classes, samples };
}

/** Of sequences of labels: [samples, steps], or one-hot [samples, steps, classes] in either order. */
function classesOfSteps(
  array: DataArray,
  name: string,
  lengths: Int32Array | undefined,
  { classes = 1 }: ProposedOutput,
): readonly string[] {
  // Which classes one-hot rows have does not depend on their order.
  if (array.shape.length === 3) return Array.from({ length: classes }, (_, index) => String(index));
  const steps = array.shape[1]!;
  const there = (_: unknown, at: number): boolean =>
    lengths === undefined || at % steps < lengths[Math.floor(at / steps)]!;
  const data = array.data.filter(there);
  return classesIn({ ...array, shape: [data.length], data } as DataArray, name);
}

function finish(
  draft: Draft,
  { classes, samples }: LabelValues,
  { classes: outputClasses }: ProposedOutput,
): { readonly candidate: DataCandidate; readonly score: number } {
  const data: Data = {
    inputs: draft.inputs,
    ...draft.steps?.data,
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
      detail: [`labels ${draft.labelText}`, `${what}${output}`, ...(draft.steps?.texts ?? [])].join(
        " · ",
      ),
      classes,
      ...(draft.ambiguous && { ambiguousLayout: true as const }),
    },
    score: draft.score + (fits ? 1 : 0) - (rowNumbers ? 6 : 0),
  };
}
