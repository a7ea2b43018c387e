// CSV with , ; or tab. `describeCsv` looks at the beginning only; `readCsv` streams the chosen columns.
import { createReadStream } from "node:fs";
import { basename } from "node:path";
import { pipeline } from "node:stream/promises";
import { CsvError, parse } from "csv-parse";
import { parse as parseText } from "csv-parse/sync";
import { GraftError } from "../../protocol/errors";
import { countText, type DataArray, listText } from "./array";
import { readHead } from "./files";

export interface CsvDescription {
  readonly delimiter: string;
  /** Whether the first row names the columns; if not they are called "1", "2", … */
  readonly header: boolean;
  /** A column without a name (an index that pandas wrote) has the name "". */
  readonly columns: readonly string[];
  /** Whether every cell of the column is a number, as far as was looked. */
  readonly numeric: readonly boolean[];
}

/** What a column holds: numbers only, or class labels, which may be text. */
export type CsvValues = "numbers" | "labels";

const HEAD_BYTES = 2 ** 20;
const HEAD_ROWS = 50;
/** A file without line ends is no table; the parser would collect all of it. */
const MAX_ROW_BYTES = 16 * 2 ** 20;

/** Least likely to occur inside a value first; a decimal comma must not win over ; */
const DELIMITERS = ["\t", ";", ","] as const;

const NUMBER = /^[+-]?(\d+\.?\d*|\.\d+)([eE][+-]?\d{1,4})?$/;
/** Not accepted, but no name of a column either. */
const DECIMAL_COMMA = /^[+-]?\d+,\d+$/;
const NOT_FINITE = /^[+-]?(nan|inf|infinity)$/i;

const common = { bom: true, trim: true, relax_column_count: true, skip_empty_lines: false };

export async function describeCsv(path: string): Promise<CsvDescription> {
  const name = basename(path);
  const { head, size } = await readHead(path, HEAD_BYTES);
  const bad = (problem: string): GraftError => new GraftError("data-format", `${name} ${problem}`);
  const utf16 = (head[0] === 0xff && head[1] === 0xfe) || (head[0] === 0xfe && head[1] === 0xff);
  if (utf16) throw bad("is UTF-16 text. Save it as CSV in UTF-8.");
  if (head.includes(0)) throw bad("is not text, so it is not a CSV file.");
  // The last line of a part of a file may be cut off.
  const end = size > head.length ? head.lastIndexOf(0x0a) + 1 : head.length;
  if (end === 0 && size > 0) throw bad("has a first line of more than 1 MB; it is not a table.");
  const text = Buffer.from(head.buffer, 0, end);

  const tables = DELIMITERS.map((delimiter) => ({ delimiter, rows: firstRows(text, delimiter) }));
  const isTable = (rows: readonly string[][]): boolean =>
    rows.length > 0 && rows[0]!.length > 1 && rows.every((row) => row.length === rows[0]!.length);
  const width = (rows: readonly string[][]): number => rows[0]?.length ?? 0;
  const best =
    tables.find(({ rows }) => isTable(rows)) ??
    // No delimiter fits every row: the widest first row; the rows that differ are reported when they are read.
    tables.reduce((a, b) => (width(b.rows) >= width(a.rows) ? b : a));
  const [first, ...rest] = best.rows;
  if (first === undefined) throw bad("has no rows. Expected one row per sample.");

  const header = isHeader(first, rest);
  const data = header ? rest : best.rows;
  return {
    delimiter: best.delimiter,
    header,
    columns: header ? first : first.map((_, index) => String(index + 1)),
    numeric: first.map(
      (_, column) => data.length > 0 && data.every((row) => isNumberText(row[column] ?? "")),
    ),
  };
}

function firstRows(text: Buffer, delimiter: string): string[][] {
  try {
    const rows: string[][] = parseText(text, { ...common, delimiter, to: HEAD_ROWS });
    return rows.filter((row) => !isEmptyLine(row));
  } catch {
    return []; // Quotes that make no sense with this delimiter.
  }
}

/**
 * A first row with anything that is no number names the columns, unless it is plainly a sample: its text occurs again
 * below it, or stands beside numbers in a column of text, as in iris.data. Names that count (0, 1, 2, …) are still names.
 */
function isHeader(first: readonly string[], rest: readonly (readonly string[])[]): boolean {
  const numbers = first.map(looksNumeric);
  if (first.every((text, column) => numbers[column] || text === "")) return false;
  const below = (column: number, test: (text: string) => boolean): boolean =>
    rest.some((row) => test(row[column] ?? ""));
  const text = [...first.keys()].filter((column) => !numbers[column] && first[column] !== "");
  if (text.some((column) => below(column, looksNumeric))) return true;
  if (text.some((column) => below(column, (other) => other === first[column]))) return false;
  const names = first.filter((_, column) => numbers[column]).map(Number);
  const counting = names[0]! <= 1 && names.every((value, i) => value === names[0]! + i);
  return names.length === 0 || rest.length === 0 || (names.length > 1 && counting);
}

const isNumberText = (text: string): boolean => NUMBER.test(text) || NOT_FINITE.test(text);

const looksNumeric = (text: string): boolean => isNumberText(text) || DECIMAL_COMMA.test(text);

const isEmptyLine = (row: readonly string[]): boolean => row.length === 1 && row[0] === "";

/** Indices of the columns that the names or patterns (`pixel_*`) choose, in the order of the file within a pattern. */
export function selectColumns(
  table: CsvDescription,
  patterns: readonly string[],
  file: string,
): readonly number[] {
  const chosen = new Set<number>();
  for (const pattern of patterns) {
    const matches = table.columns.flatMap((name, index) =>
      globMatches(pattern, name) ? index : [],
    );
    const exact = !pattern.includes("*");
    if (matches.length === 0) {
      const names = listText(table.columns, 12);
      throw new GraftError(
        "data-missing",
        `${file} has no column ${exact ? "" : "that matches "}"${pattern}". Its columns: ${names}.${
          table.header ? "" : " Its first row is data, so columns are numbered."
        }`,
      );
    }
    if (exact && matches.length > 1) {
      throw new GraftError(
        "data-format",
        `${file} has ${matches.length} columns called "${pattern}". Rename them in the file's first row.`,
      );
    }
    for (const index of matches) chosen.add(index);
  }
  return [...chosen];
}

/** Which columns of a table are read, and as what. */
export interface ColumnChoice {
  /** Names or patterns; undefined: every named column but those `except`. */
  readonly columns?: string | readonly string[];
  readonly except: readonly string[];
  readonly values: CsvValues;
}

/** The indices of the chosen columns. `flat`: one of them, named for itself, so that its values have no axis of columns. */
export function chooseColumns(
  table: CsvDescription,
  file: string,
  { columns, except, values }: ColumnChoice,
): { readonly columns: readonly number[]; readonly flat: boolean } {
  if (columns !== undefined) {
    const patterns = typeof columns === "string" ? [columns] : columns;
    const flat = typeof columns === "string" && !columns.includes("*");
    return { columns: selectColumns(table, patterns, file), flat };
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
  return { columns: chosen, flat: isLabels };
}

/** `*` stands for any text. Not a RegExp: a hostile pattern must not backtrack. */
export function globMatches(pattern: string, name: string): boolean {
  const parts = pattern.split("*");
  if (parts.length === 1) return name === pattern;
  const [start, end] = [parts[0]!, parts.at(-1)!];
  if (name.length < start.length + end.length) return false;
  if (!name.startsWith(start) || !name.endsWith(end)) return false;
  const middle = name.slice(start.length, name.length - end.length);
  let from = 0;
  return parts.slice(1, -1).every((part) => {
    const found = middle.indexOf(part, from);
    from = found + part.length;
    return found >= 0;
  });
}

/**
 * The chosen columns of every row: [rows] when `flat` and there is one column, otherwise [rows, columns].
 * As "labels" a table with any text is strings; numbers such as 007 are text too.
 */
export async function readCsv(
  path: string,
  table: CsvDescription,
  columns: readonly number[],
  values: CsvValues,
  flat: boolean,
): Promise<DataArray> {
  const file = basename(path);
  const sink = values === "numbers" ? numberSink() : labelSink();
  let rows = 0;
  let header = table.header;
  let emptyLine = 0;
  const parser = parse({
    ...common,
    delimiter: table.delimiter,
    max_record_size: MAX_ROW_BYTES,
    // Called while the row is parsed, so that rows are never collected and `lines` is this row's line.
    on_record: (row, { lines }) => {
      if (isEmptyLine(row)) {
        emptyLine ||= lines;
      } else if (header) {
        header = false;
      } else {
        // In a table of one column an empty line may be a missing value: later rows would shift.
        if (emptyLine > 0 && table.columns.length === 1) {
          throw at(file, emptyLine, "is empty, but rows follow. Write a value or delete the line.");
        }
        if (row.length !== table.columns.length) {
          throw at(
            file,
            lines,
            `has ${countText(row.length, "value")}; the first row has ${table.columns.length}. Delimiter: ${JSON.stringify(table.delimiter)}.`,
          );
        }
        for (const column of columns) {
          const text = row[column]!;
          const problem = sink.add(text);
          if (problem !== null) {
            const hint = DECIMAL_COMMA.test(text) ? " Write a decimal point, not a comma." : "";
            throw at(
              file,
              lines,
              `column "${table.columns[column]}": expected ${problem}, found ${found(text)}.${hint}`,
            );
          }
        }
        rows++;
      }
      return null;
    },
  });
  parser.resume(); // Nothing comes out of it, but it ends only when it is read.
  try {
    await pipeline(createReadStream(path, { highWaterMark: 2 ** 18 }), parser);
  } catch (cause) {
    if (cause instanceof CsvError) {
      throw new GraftError("data-format", `${file} is not a CSV file: ${cause.message}.`, {
        cause,
      });
    }
    throw cause;
  }
  const shape = flat && columns.length === 1 ? [rows] : [rows, columns.length];
  return sink.finish(shape);
}

const found = (text: string): string =>
  text === "" ? "nothing" : JSON.stringify(text.length > 40 ? `${text.slice(0, 40)}…` : text);

const at = (file: string, line: number, problem: string): GraftError =>
  new GraftError("data-format", `${file} line ${line} ${problem}`);

interface Sink {
  /** What was expected instead, or null. */
  add(text: string): string | null;
  finish(shape: readonly number[]): DataArray;
}

function numberSink(): Sink {
  let data = new Float64Array(1024);
  let length = 0;
  return {
    add(text) {
      const value = toNumber(text);
      if (value === null) return "a number";
      if (length === data.length) {
        const larger = new Float64Array(2 * length);
        larger.set(data);
        data = larger;
      }
      data[length++] = value;
      return null;
    },
    finish: (shape) => ({ shape, dtype: "float64", data: data.slice(0, length) }),
  };
}

function labelSink(): Sink {
  // Labels repeat: one string object for each that differs.
  const known = new Map<string, string>();
  const labels: string[] = [];
  let numbers = true;
  return {
    add(text) {
      if (text === "") return "a label";
      if (!known.has(text)) {
        known.set(text, text);
        numbers &&= NUMBER.test(text) && !/^0\d/.test(text);
      }
      labels.push(known.get(text)!);
      return null;
    },
    finish: (shape) =>
      numbers
        ? { shape, dtype: "float64", data: Float64Array.from(labels, Number) }
        : { shape, dtype: "string", data: labels },
  };
}

/** Not finite is a number here: whoever uses it says which row it is in. */
function toNumber(text: string): number | null {
  if (NUMBER.test(text)) return Number(text);
  if (!NOT_FINITE.test(text)) return null;
  if (/nan/i.test(text)) return NaN;
  return text.startsWith("-") ? -Infinity : Infinity;
}
