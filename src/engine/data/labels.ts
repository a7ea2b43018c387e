// Labels become class indices, explicitly: nothing is renumbered unless the recipe lists the classes.
// Labels outside the classes would train silently, so each one is checked.
import { GraftError } from "../../protocol/errors";
import {
  type ArrayInfo,
  countText,
  type DataArray,
  dimsText,
  infoText,
  isStringArray,
  listText,
} from "./array";

interface ClassLabels {
  /** Index of each sample's class. */
  readonly indices: Int32Array;
  /** Name of each class, by index. */
  readonly classes: readonly string[];
}

/** Which rows of labels count, and what a row is called: "row 3 (counted from 0)". */
export interface LabelRows {
  counts(row: number): boolean;
  text(row: number): string;
}

const ALL_ROWS: LabelRows = {
  counts: () => true,
  text: (row) => `row ${row} (counted from 0)`,
};

/** A list longer than this helps nobody inside a message. */
const MAX_PROPOSED = 100;

/**
 * Class indices of `labels`: [n] or [n, 1] of integers, whole floats or text, or one-hot rows [n, outputs]. Numbers beside
 * `classes` that are all named by words are indices.
 * `name` is the file, `outputs` the number of units of the network's output.
 */
export function classIndices(
  labels: DataArray,
  name: string,
  outputs: number,
  classes?: readonly string[],
  rows: LabelRows = ALL_ROWS,
): ClassLabels {
  if (classes !== undefined && classes.length !== outputs) {
    throw new GraftError(
      "data-shape",
      `"classes" lists ${countText(classes.length, "class", "classes")}, the output has ${countText(outputs, "unit")}. List one class for each unit, or replace the output with ${classes.length}.`,
    );
  }
  const names = classes ?? Array.from({ length: outputs }, (_, index) => String(index));
  if (isOneHot(labels)) {
    return { indices: oneHotIndices(labels, name, outputs, rows), classes: names };
  }
  const areIndices = classes !== undefined && areNumbersBesideWords(labels, classes);
  const indexOf = new Map(names.map((text, index) => [areIndices ? String(index) : text, index]));
  const texts = labelTexts(labels, name, rows);
  const indices = new Int32Array(texts.length);
  for (let row = 0; row < texts.length; row++) {
    if (!rows.counts(row)) continue;
    const index = indexOf.get(texts[row]!);
    if (index === undefined) {
      throw classes === undefined
        ? notIndices(
            texts.filter((_, each) => rows.counts(each)),
            name,
            outputs,
          )
        : areIndices
          ? notAnIndex(texts[row]!, rows.text(row), name, outputs)
          : notListed(texts[row]!, rows.text(row), name, classes);
    }
    indices[row] = index;
  }
  return { indices, classes: names };
}

/** The labels that occur, in the order in which `classes` should list them. */
export function classesIn(labels: DataArray, name: string): readonly string[] {
  if (!isOneHot(labels)) return sortLabels(new Set(labelTexts(labels, name, ALL_ROWS)));
  const width = labels.shape[1]!;
  oneHotIndices(labels, name, width, ALL_ROWS);
  return Array.from({ length: width }, (_, index) => String(index));
}

/** Targets of a regression or of elementwise classes: each row as many numbers as the output's `shape` [-1, …]. */
export function targetValues(
  labels: DataArray,
  name: string,
  shape: readonly number[],
  { counts, text }: LabelRows = ALL_ROWS,
): Float32Array {
  if (isStringArray(labels)) throw textError(name, labels.data[0]);
  checkValueShape(labels, name, shape);
  const rows = labels.shape[0] ?? 0;
  const values = Float32Array.from(labels.data, Number);
  const width = values.length / rows;
  for (let at = 0; at < values.length; at++) {
    const row = Math.floor(at / width);
    // What does not count must be a number all the same: it is multiplied by zero.
    if (!counts(row)) values[at] = 0;
    else if (!Number.isFinite(values[at]))
      throw new GraftError(
        "data-format",
        `${name} has ${String(labels.data[at])} in ${text(row)}; expected a finite number. Remove the sample or mend the value.`,
      );
  }
  return values;
}

/** Throws `data-format` for text, `data-shape` for an array that has no row of `shape` [-1, …] for each sample. */
export function checkValueShape(info: ArrayInfo, name: string, shape: readonly number[]): void {
  if (info.dtype === "string") throw textError(name);
  const wanted = shape.slice(1);
  // [n] for an output [n, 1] and the like: ones carry no information.
  const core = (sizes: readonly number[]): string => sizes.filter((size) => size !== 1).join();
  if (info.shape.length > 0 && core(info.shape.slice(1)) === core(wanted)) return;
  throw new GraftError(
    "data-shape",
    `${name} is ${infoText(info)}; the output gives ${dimsText(wanted)} numbers a sample, so the labels must be ${dimsText([info.shape[0] ?? 0, ...wanted])}.`,
  );
}

const textError = (name: string, first?: string): GraftError =>
  new GraftError(
    "data-format",
    `${name} holds text${first === undefined ? "" : ` (${JSON.stringify(first)})`}; this loss compares numbers. Name numeric labels.`,
  );

/** Throws `data-shape` for an array that has no class for each sample, of so many `outputs`. */
export function checkClassShape(info: ArrayInfo, name: string, outputs: number): void {
  if (isOneHot(info)) checkOneHotShape(info, name, outputs);
  else checkColumn(info, name);
}

function checkOneHotShape(info: ArrayInfo, name: string, outputs: number): void {
  const [rows, width] = info.shape as readonly [number, number];
  if (info.dtype === "string")
    throw new GraftError(
      "data-shape",
      `${name} is ${infoText(info)}; expected one label a sample.`,
    );
  if (width === outputs) return;
  throw new GraftError(
    "data-shape",
    `${name} is ${infoText(info)}, one-hot rows of ${width}; the output has ${countText(outputs, "unit")}. Expected ${dimsText([rows])} labels, or ${dimsText([rows, outputs])} one-hot rows.`,
  );
}

function checkColumn(info: ArrayInfo, name: string): void {
  const { shape } = info;
  if (shape.length === 1 || (shape.length === 2 && shape[1] === 1)) return;
  throw new GraftError(
    "data-shape",
    `${name} is ${infoText(info)}; expected one label a sample, or one-hot rows.`,
  );
}

const isOneHot = ({ shape }: ArrayInfo): boolean => shape.length === 2 && shape[1]! > 1;

function oneHotIndices(
  labels: DataArray,
  name: string,
  outputs: number,
  { counts, text: rowText }: LabelRows,
): Int32Array {
  checkOneHotShape(labels, name, outputs);
  const [rows, width] = labels.shape as readonly [number, number];
  const { data } = labels;
  const indices = new Int32Array(rows);
  for (let row = 0; row < rows; row++) {
    if (!counts(row)) continue;
    let hot = -1;
    for (let column = 0; column < width; column++) {
      const value = Number(data[row * width + column]);
      if (value === 0) continue;
      if (value !== 1 || hot >= 0) hot = width;
      else hot = column;
    }
    if (hot < 0 || hot >= width) {
      const text = listText(Array.from(data.slice(row * width, (row + 1) * width), String));
      throw new GraftError(
        "data-format",
        `${name} ${rowText(row)} is not one-hot: ${text}. Expected a single 1 among zeros.`,
      );
    }
    indices[row] = hot;
  }
  return indices;
}

/** The text of each label: integers as digits, whole floats too. */
function labelTexts(labels: DataArray, name: string, rows: LabelRows): readonly string[] {
  checkColumn(labels, name);
  if (isStringArray(labels)) return labels.data;
  const known = new Map<number | bigint, string>();
  return Array.from<number | bigint, string>(labels.data, (value, row) => {
    const text = known.get(value);
    if (text !== undefined) return text;
    if (typeof value === "number" && !Number.isInteger(value) && rows.counts(row)) {
      throw new GraftError(
        "data-format",
        `${name} has ${value} in ${rows.text(row)}; a class label is a whole number or text. Numbers like this are for a mean squared error.`,
      );
    }
    known.set(value, String(value));
    return String(value);
  });
}

/** Numbers where every class is named by a word can only be the classes' indices. */
const areNumbersBesideWords = (labels: DataArray, classes: readonly string[]): boolean =>
  !isStringArray(labels) && classes.every((text) => Number.isNaN(Number(text)));

const notAnIndex = (label: string, row: string, name: string, outputs: number): GraftError =>
  new GraftError(
    "label-out-of-range",
    `${name} has the label ${label} in ${row}; numbers beside classes that have names are their indices, 0 to ${outputs - 1}. Mend the labels, or remove its samples.`,
  );

function notListed(
  label: string,
  row: string,
  name: string,
  classes: readonly string[],
): GraftError {
  const allowed = listText(classes.map(quoted), 20);
  return new GraftError(
    "label-out-of-range",
    `${name} has the label ${quoted(label)} in ${row}; "classes" allows ${allowed}. Add it to "classes" (the output then needs a unit more) or remove its samples.`,
  );
}

function notIndices(texts: readonly string[], name: string, outputs: number): GraftError {
  const occurring = sortLabels(new Set(texts));
  const list =
    occurring.length > MAX_PROPOSED
      ? `a list of these ${occurring.length} as "classes"`
      : `"classes": [${occurring.map((text) => JSON.stringify(text)).join(", ")}]`;
  const advice =
    occurring.length === outputs
      ? `Write ${list} to say which label is which unit.`
      : occurring.length < outputs
        ? `Either replace the output with ${countText(occurring.length, "class", "classes")} and write ${list}, or list ${outputs} classes, these among them.`
        : `Replace the output with ${countText(occurring.length, "class", "classes")} and write ${list}, or remove samples.`;
  return new GraftError(
    "label-out-of-range",
    `${name} has the labels ${listText(occurring)}; without "classes" they must be the indices 0 to ${outputs - 1} of the output. ${advice}`,
  );
}

const quoted = (text: string): string =>
  JSON.stringify(text.length > 60 ? `${text.slice(0, 60)}…` : text);

/** Numerically where all are whole numbers, otherwise alphabetically (by code unit: the same on every machine). */
function sortLabels(labels: ReadonlySet<string>): readonly string[] {
  const list = [...labels];
  if (!list.every((text) => /^-?\d{1,30}$/.test(text))) return list.sort();
  const value = new Map(list.map((text) => [text, BigInt(text)]));
  return list.sort((a, b) => {
    const [x, y] = [value.get(a)!, value.get(b)!];
    return x < y ? -1 : x > y ? 1 : a < b ? -1 : 1;
  });
}
