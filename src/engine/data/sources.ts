// The table of data sources. A file is recognised by its first bytes; its extension only decides where they do not.
import { basename, extname, resolve } from "node:path";
import { GraftError } from "../../protocol/errors";
import { type ArrayInfo, listText } from "./array";
import {
  chooseColumns,
  type ColumnChoice,
  type CsvDescription,
  type CsvValues,
  describeCsv,
  globMatches,
  readCsv,
} from "./csv";
import {
  byNumber,
  CSV_EXTENSIONS,
  filesText,
  loadCsvFiles,
  loadCsvGroups,
  sequenceFiles,
} from "./csvSequences";
import { isFolder, readHead } from "./files";
import { describeNpy, readNpy } from "./npy";
import { NPY_MAGIC } from "./npyHeader";
import { describeNpz, type NpzDescription, readNpz } from "./npz";
import type { Source } from "./schema";
import { padSequences, type Padded, type Sequence } from "./sequences";

interface Descriptions {
  readonly npy: ArrayInfo;
  readonly npz: NpzDescription;
  readonly csv: CsvDescription;
}

type SourceKind = keyof Descriptions;

/** What a file holds, without its values. */
export type SourceDescription = {
  [Kind in SourceKind]: { readonly kind: Kind } & Descriptions[Kind];
}[SourceKind];

/** `columns` and what follows is for CSV. */
interface Request extends ColumnChoice {
  readonly array?: string;
  readonly sequence?: string;
}

/** Sequences of different lengths are padded: `lengths` says how many steps each has. */
export interface Loaded extends Padded {
  /** "X_train.npy"; "X in digits.npz"; "digits.csv, columns pixel_*" */
  readonly name: string;
  /** How the file was understood, where that is not obvious. */
  readonly note?: string;
}

export const sequencesNote = ({ length }: readonly unknown[]): string => `${length} sequences`;

export const NO_HEADER = "no header row";

/** The same before the values are read; a size that is not known is -1. */
export type LoadedInfo = Omit<Loaded, "array"> & { readonly array: ArrayInfo };

type Part = "array" | "columns" | "sequence";

interface DataSource<Kind extends SourceKind> {
  readonly label: string;
  readonly extensions: readonly string[];
  /** First bytes; none for text. */
  readonly magic: readonly (readonly number[])[];
  /** The fields of a source that choose a part of such a file. */
  readonly parts: readonly Part[];
  describe(path: string): Promise<Descriptions[Kind]>;
  load(path: string, request: Request): Promise<Loaded>;
}

const SOURCES: { readonly [Kind in SourceKind]: DataSource<Kind> } = {
  npy: {
    label: ".npy",
    extensions: [".npy"],
    magic: [NPY_MAGIC],
    parts: [],
    describe: describeNpy,
    load: async (path) => ({ name: basename(path), array: await readNpy(path) }),
  },
  npz: {
    label: ".npz",
    extensions: [".npz"],
    magic: [
      [0x50, 0x4b, 0x03, 0x04],
      [0x50, 0x4b, 0x05, 0x06],
    ],
    parts: ["array"],
    describe: describeNpz,
    async load(path, request) {
      const array = request.array ?? (await onlyArray(path));
      const name = `${array} in ${basename(path)}`;
      const several = await sequenceArrays(path, array);
      if (several === undefined) return { name, array: await readNpz(path, array) };
      const sequences: Sequence[] = [];
      for (const each of several) sequences.push({ name: each, array: await readNpz(path, each) });
      return { name, note: sequencesNote(several), ...padSequences(sequences, name) };
    },
  },
  csv: {
    label: "CSV",
    extensions: CSV_EXTENSIONS,
    magic: [],
    parts: ["columns", "sequence"],
    describe: describeCsv,
    load: loadCsv,
  },
};

const KINDS = Object.keys(SOURCES) as SourceKind[];

/** What people try first, and how to get from there to a file that Graft reads. */
const OTHER_FILES: readonly (readonly [magic: string, what: string, advice: string])[] = [
  ["\x89HDF", "an HDF5 file", "Save its arrays with numpy.savez"],
  ["\x1f\x8b", "compressed with gzip", "Unpack it first"],
  ["PAR1", "a Parquet file", "Save it as CSV"],
  ["MATLAB 5.0", "a MATLAB file", "Save its arrays with numpy.savez"],
  [
    "\x89PNG",
    "an image",
    "Save the images as one array [samples, height, width, channels] with numpy.save",
  ],
  [
    "\xff\xd8\xff",
    "an image",
    "Save the images as one array [samples, height, width, channels] with numpy.save",
  ],
  ["\x80\x02", "a Python pickle", "Graft does not run pickles. Save its arrays with numpy.savez"],
  ["\x80\x03", "a Python pickle", "Graft does not run pickles. Save its arrays with numpy.savez"],
  ["\x80\x04", "a Python pickle", "Graft does not run pickles. Save its arrays with numpy.savez"],
  ["\x80\x05", "a Python pickle", "Graft does not run pickles. Save its arrays with numpy.savez"],
  ["\0\0\x08\x01", "an IDX file (MNIST)", "Save its array with numpy.save"],
  ["\0\0\x08\x03", "an IDX file (MNIST)", "Save its array with numpy.save"],
];

/** Which table entry reads the file. */
export async function sourceKind(path: string): Promise<SourceKind> {
  const { head, size } = await readHead(path, 4096);
  const name = basename(path);
  if (size === 0) throw new GraftError("data-format", `${name} is empty.`);
  const starts = (magic: readonly number[]): boolean => magic.every((byte, i) => head[i] === byte);
  const byMagic = KINDS.find((kind) => SOURCES[kind].magic.some(starts));
  if (byMagic !== undefined) return byMagic;
  for (const [magic, what, advice] of OTHER_FILES) {
    if (starts([...Buffer.from(magic, "latin1")])) {
      throw new GraftError("data-format", `${name} is ${what}. ${advice}.`);
    }
  }
  const extension = extname(path).toLowerCase();
  const byExtension = KINDS.find((kind) => SOURCES[kind].extensions.includes(extension));
  // Its reader says what is wrong with it.
  if (byExtension !== undefined) return byExtension;
  if (!head.includes(0)) return "csv";
  throw new GraftError("data-format", `${name} is no file that Graft reads: .npy, .npz or CSV.`);
}

/** Cheap: headers, and the first rows of a CSV. */
export async function describeSource(path: string): Promise<SourceDescription> {
  const kind = await sourceKind(path);
  switch (kind) {
    case "npy":
      return { kind, ...(await SOURCES.npy.describe(path)) };
    case "npz":
      return { kind, ...(await SOURCES.npz.describe(path)) };
    case "csv":
      return { kind, ...(await SOURCES.csv.describe(path)) };
  }
}

/** The files of a source, or its folder; `base` is the recipe's folder. */
export function sourceFiles(source: Source, base: string): readonly string[] {
  const file = typeof source === "string" ? source : source.file;
  return (typeof file === "string" ? [file] : file).map((each) => resolve(base, each));
}

/**
 * The values of a source; `base` is the recipe's folder. `values` decides what text in a CSV means,
 * `except` which of its columns an input without `columns` leaves out.
 */
export async function loadSource(
  source: Source,
  base: string,
  { values = "numbers", except = [] }: { values?: CsvValues; except?: readonly string[] } = {},
): Promise<Loaded> {
  const files = sourceFiles(source, base);
  const { file, ...parts } = typeof source === "string" ? { file: source } : source;
  const request = { ...parts, except, values };
  const [path] = files as readonly [string];
  const folder = typeof file === "string" && (await isFolder(path));
  if (folder || typeof file !== "string") {
    refuseParts(parts, ["columns"], folder ? `${basename(path)} is a folder` : "A list of files");
    const all = folder ? await sequenceFiles(path) : files;
    const name = columnsName(folder ? basename(path) : filesText(all), request);
    return { name, note: sequencesNote(all), ...(await loadCsvFiles(all, name, request)) };
  }
  const kind = await sourceKind(path);
  checkParts(kind, path, parts);
  return SOURCES[kind].load(path, request);
}

/** Throws `data-format` for a part that files of a kind do not have. */
export function checkParts(kind: SourceKind, path: string, parts: Parts): void {
  const { label, parts: known } = SOURCES[kind];
  refuseParts(parts, known, `${basename(path)} is a ${label} file`);
}

type Parts = Readonly<Partial<Record<Part, unknown>>>;

function refuseParts(given: Parts, known: readonly Part[], what: string): void {
  const part = (Object.keys(given) as Part[]).find((each) => !known.includes(each));
  if (part === undefined) return;
  throw new GraftError(
    "data-format",
    `${what}, which has no "${part}". Remove "${part}" or name another file.`,
  );
}

/** The arrays of one sequence each that a pattern such as x_* stands for; undefined for the name of one array. */
export async function sequenceArrays(
  path: string,
  array: string,
): Promise<readonly string[] | undefined> {
  if (!array.includes("*")) return undefined;
  const names = [...(await describeNpz(path)).arrays.keys()];
  if (names.includes(array)) return undefined;
  const matching = names.filter((name) => globMatches(array, name)).sort(byNumber);
  if (matching.length > 0) return matching;
  throw new GraftError(
    "data-missing",
    `${basename(path)} has no array that matches "${array}"; it has ${listText(names)}.`,
  );
}

export async function onlyArray(path: string): Promise<string> {
  const { arrays, problems } = await describeNpz(path);
  const names = [...arrays.keys()];
  if (names.length === 1) return names[0]!;
  const file = basename(path);
  if (names.length > 1) {
    throw new GraftError(
      "data-missing",
      `${file} holds ${names.length} arrays: ${listText(names)}. Say which one: { "file": ${JSON.stringify(file)}, "array": ${JSON.stringify(names[0])} }.`,
    );
  }
  const [problem] = problems.values();
  throw new GraftError("data-format", problem ?? `${file} is a zip file without .npy arrays.`);
}

async function loadCsv(path: string, request: Request): Promise<Loaded> {
  const file = basename(path);
  if (request.sequence !== undefined) {
    const padded = await loadCsvGroups(path, request.sequence, request);
    return {
      name: columnsName(file, request),
      note: `sequences by ${request.sequence}`,
      ...padded,
    };
  }
  const table = await describeCsv(path);
  const { columns, flat } = chooseColumns(table, file, request);
  return {
    name: columnsName(file, request),
    array: await readCsv(path, table, columns, request.values, flat),
    note: table.header ? undefined : NO_HEADER,
  };
}

/** "digits.csv, columns pixel_*" */
export function columnsName(file: string, { columns }: ColumnChoice): string {
  if (columns === undefined) return file;
  const one = typeof columns === "string" && !columns.includes("*");
  const names = typeof columns === "string" ? [columns] : columns;
  return `${file}, ${one ? "column" : "columns"} ${listText(names)}`;
}
