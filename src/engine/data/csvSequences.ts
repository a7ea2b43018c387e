// Sequences in CSV files, a row per step: one file each, as DataVec's CSVSequenceRecordReader reads them, or all in one
// file, with a column that says which sequence a row belongs to.
import { readdir } from "node:fs/promises";
import { basename, extname, join } from "node:path";
import { GraftError } from "../../protocol/errors";
import { countText, type DataArray, isStringArray, listText } from "./array";
import { chooseColumns, type ColumnChoice, type CsvDescription, describeCsv, readCsv } from "./csv";
import { padSequences, type Padded, type Sequence } from "./sequences";

export const CSV_EXTENSIONS: readonly string[] = [".csv", ".tsv", ".txt", ".data"];

/** "9.csv" comes before "10.csv". */
export const byNumber = (a: string, b: string): number => COLLATOR.compare(a, b);

const COLLATOR = new Intl.Collator("en", { numeric: true });

/** The CSV files of a folder, in the order of the numbers in their names. */
export async function sequenceFiles(folder: string): Promise<readonly string[]> {
  const names = (await readdir(folder))
    .filter((name) => CSV_EXTENSIONS.includes(extname(name).toLowerCase()))
    .filter((name) => !name.startsWith("."))
    .sort(byNumber);
  if (names.length > 0) return names.map((name) => join(folder, name));
  throw new GraftError(
    "data-missing",
    `${folder} is a folder without CSV files; a folder holds sequences, one CSV file each. Name a file, or another folder.`,
  );
}

/** One sequence per file. `name` is that of the folder or list. */
export async function loadCsvFiles(
  files: readonly string[],
  name: string,
  choice: ColumnChoice,
): Promise<Padded> {
  const tables: CsvDescription[] = [];
  for (const file of files) tables.push(await describeCsv(file));
  const [first] = tables;
  const other = tables.findIndex(({ columns }) => columns.length !== first!.columns.length);
  if (other > 0)
    throw new GraftError(
      "data-shape",
      `${basename(files[other]!)} has ${countText(tables[other]!.columns.length, "column")}, ${basename(files[0]!)} ${first!.columns.length}; sequences may differ in their lengths only.`,
    );
  const names = namedColumns(tables);
  const sequences: Sequence[] = [];
  for (const [index, file] of files.entries()) {
    const table = { ...tables[index]!, ...names };
    const { columns, flat } = chooseColumns(table, basename(file), choice);
    const array = await readCsv(file, table, columns, choice.values, flat);
    sequences.push({ name: basename(file), array });
  }
  return rowsAreSteps(padSequences(sequences, name));
}

/** Files have a header row where all have the same: a first step may look like one, too. */
function namedColumns(
  tables: readonly CsvDescription[],
): Pick<CsvDescription, "header" | "columns"> | undefined {
  const [first] = tables;
  const columns = first!.columns.join("\n");
  const same = tables.every((table) => table.header && table.columns.join("\n") === columns);
  if (same) return undefined;
  return { header: false, columns: first!.columns.map((_, index) => String(index + 1)) };
}

/** The sequences of one file: rows with the same value in `column`, in the order in which they first occur. */
export async function loadCsvGroups(
  file: string,
  column: string,
  choice: ColumnChoice,
): Promise<Padded> {
  const name = basename(file);
  const table = await describeCsv(file);
  const [id] = chooseColumns(table, name, { ...choice, columns: column }).columns;
  const except = [...choice.except, column];
  const { columns, flat } = chooseColumns(table, name, { ...choice, except });
  const ids = await readCsv(file, table, [id!], "labels", true);
  const values = await readCsv(file, table, columns, choice.values, flat);
  const rows = new Map<string, number[]>();
  Array.from<unknown, string>(ids.data, String).forEach((sequence, row) => {
    const known = rows.get(sequence);
    if (known === undefined) rows.set(sequence, [row]);
    else known.push(row);
  });
  const sequences = [...rows].map(([sequence, chosen]) => ({
    name: `${name}, sequence ${sequence}`,
    array: takeRows(values, chosen),
  }));
  return rowsAreSteps(padSequences(sequences, name));
}

/** Whatever the lengths: in a table, time goes down. */
const rowsAreSteps = (padded: Padded): Padded =>
  padded.array.shape.length === 3 ? { ...padded, layout: "NTF" } : padded;

function takeRows(array: DataArray, rows: readonly number[]): DataArray {
  const [, ...rest] = array.shape;
  const width = rest[0] ?? 1;
  const shape = [rows.length, ...rest];
  const places = rows.flatMap((row) =>
    Array.from({ length: width }, (_, column) => row * width + column),
  );
  if (isStringArray(array))
    return { ...array, shape, data: places.map((place) => array.data[place]!) };
  const data = array.data.slice(0, places.length);
  places.forEach((place, at) => (data[at] = array.data[place]!));
  return { ...array, shape, data };
}

/** "12 files of walks" */
export const filesText = (files: readonly string[]): string =>
  files.length > 3 ? `${files.length} files` : listText(files.map((file) => basename(file)));
