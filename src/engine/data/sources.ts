// The table of data sources. A file is recognised by its first bytes; its extension only decides where they do not.
import { basename, extname, resolve } from "node:path";
import { GraftError } from "../../protocol/errors";
import { type ArrayInfo, type DataArray, listText } from "./array";
import { type CsvDescription, type CsvValues, describeCsv, readCsv, selectColumns } from "./csv";
import { readHead } from "./files";
import { describeNpy, readNpy } from "./npy";
import { NPY_MAGIC } from "./npyHeader";
import { describeNpz, type NpzDescription, readNpz } from "./npz";
import type { Source } from "./schema";

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

interface Request {
  readonly array?: string;
  readonly columns?: string | readonly string[];
  /** Columns of a CSV that are left out where `columns` is not given. */
  readonly except: readonly string[];
  readonly values: CsvValues;
}

export interface Loaded {
  /** "X_train.npy"; "X in digits.npz"; "digits.csv, columns pixel_*" */
  readonly name: string;
  readonly array: DataArray;
  /** How the file was understood, where that is not obvious. */
  readonly note?: string;
}

interface DataSource<Kind extends SourceKind> {
  readonly label: string;
  readonly extensions: readonly string[];
  /** First bytes; none for text. */
  readonly magic: readonly (readonly number[])[];
  /** The fields of a source that choose a part of such a file. */
  readonly parts: readonly ("array" | "columns")[];
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
      return { name: `${array} in ${basename(path)}`, array: await readNpz(path, array) };
    },
  },
  csv: {
    label: "CSV",
    extensions: [".csv", ".tsv", ".txt", ".data"],
    magic: [],
    parts: ["columns"],
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

export const sourceFile = (source: Source, base: string): string =>
  resolve(base, typeof source === "string" ? source : source.file);

/**
 * The values of a source; `base` is the recipe's folder. `values` decides what text in a CSV means,
 * `except` which of its columns an input without `columns` leaves out.
 */
export async function loadSource(
  source: Source,
  base: string,
  { values = "numbers", except = [] }: { values?: CsvValues; except?: readonly string[] } = {},
): Promise<Loaded> {
  const path = sourceFile(source, base);
  const kind = await sourceKind(path);
  const { array, columns } = typeof source === "string" ? {} : source;
  for (const [part, given] of [
    ["array", array],
    ["columns", columns],
  ] as const) {
    if (given !== undefined && !SOURCES[kind].parts.includes(part)) {
      throw new GraftError(
        "data-format",
        `${basename(path)} is a ${SOURCES[kind].label} file, which has no "${part}". Remove "${part}" or name another file.`,
      );
    }
  }
  return SOURCES[kind].load(path, { array, columns, except, values });
}

async function onlyArray(path: string): Promise<string> {
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
  const table = await describeCsv(path);
  const { columns, except, values } = request;
  const note = table.header ? undefined : "no header row";
  if (columns !== undefined) {
    const patterns = typeof columns === "string" ? [columns] : columns;
    const chosen = selectColumns(table, patterns, file);
    const flat = typeof columns === "string" && !columns.includes("*");
    return {
      name: `${file}, ${flat ? "column" : "columns"} ${listText(patterns)}`,
      array: await readCsv(path, table, chosen, values, flat),
      note,
    };
  }
  const left = new Set(except.length === 0 ? [] : selectColumns(table, except, file));
  const named = [...table.columns.keys()].filter((index) => table.columns[index] !== "");
  const chosen = named.filter((index) => !left.has(index));
  if (chosen.length === 0) {
    throw new GraftError("data-missing", `${file} has no columns beside the labels.`);
  }
  const isLabels = values === "labels";
  if (isLabels && chosen.length > 1) {
    const names = listText(chosen.map((index) => table.columns[index]!));
    throw new GraftError(
      "data-missing",
      `${file} has the columns ${names}. Say which one has the labels: { "file": ${JSON.stringify(file)}, "columns": ${JSON.stringify(table.columns[chosen.at(-1)!])} }.`,
    );
  }
  return { name: file, array: await readCsv(path, table, chosen, values, isLabels), note };
}
