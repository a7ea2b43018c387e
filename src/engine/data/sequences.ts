// Sequences of different lengths, put into one array: the longest decides, shorter ones are padded with zeros.
import { GraftError } from "../../protocol/errors";
import {
  type ArrayInfo,
  type DataArray,
  infoText,
  isStringArray,
  type NumericDType,
  viewOf,
} from "./array";
import { allocate } from "./files";
import type { Layout } from "./layout";

export interface Padded {
  readonly array: DataArray;
  /** Steps of each sequence, where it came by itself. */
  readonly lengths?: Int32Array;
  /** Where the lengths tell which axis is time, or the kind of file does. */
  readonly layout?: Layout;
}

/** One sequence each: [steps], [steps, features], or [features, steps]. */
export interface Sequence {
  readonly name: string;
  readonly array: DataArray;
}

/** `name` is that of the whole. Throws `data-shape` where sequences differ in more than their length. */
export function padSequences(sequences: readonly Sequence[], name: string): Padded {
  const { shape, lengths, layout } = paddedShape(sequences, name);
  return { array: fill(sequences, shape.slice(1), name), lengths, ...(layout && { layout }) };
}

/** What `padSequences` makes of arrays of these shapes. */
export function paddedShape(
  sequences: readonly { readonly name: string; readonly array: ArrayInfo }[],
  name: string,
): {
  readonly shape: readonly number[];
  readonly lengths: Int32Array;
  readonly layout: Layout | undefined;
} {
  const [first] = sequences;
  if (first === undefined) throw new GraftError("data-missing", `${name} holds no sequences.`);
  const { shape } = first.array;
  for (const each of sequences) {
    const rank = each.array.shape.length;
    if (rank === 0 || rank > 2 || each.array.shape.includes(0))
      throw new GraftError(
        "data-shape",
        `${each.name} is ${infoText(each.array)}; a sequence has a row of numbers, or one number, for each step.`,
      );
    if (rank !== shape.length) throw differ(first, each);
  }
  const other = (axis: number) => sequences.find(({ array }) => array.shape[axis] !== shape[axis]);
  const time = other(1) === undefined || shape.length === 1 ? 0 : 1;
  if (time === 1 && other(0) !== undefined) throw differ(first, other(1)!);
  const lengths = Int32Array.from(sequences, ({ array }) => array.shape[time]!);
  const longest = lengths.reduce((most, length) => Math.max(most, length), 0);
  // Sequences of one length do not tell which axis is time.
  const told = shape.length === 2 && other(time) !== undefined;
  return {
    shape: [sequences.length, ...shape.with(time, longest)],
    lengths,
    layout: told ? (time === 1 ? "NFT" : "NTF") : undefined,
  };
}

const differ = (
  a: { readonly name: string; readonly array: ArrayInfo },
  b: { readonly name: string; readonly array: ArrayInfo },
): GraftError =>
  new GraftError(
    "data-shape",
    `${a.name} is ${infoText(a.array)}, ${b.name} ${infoText(b.array)}; sequences may differ in their lengths only.`,
  );

/** More steps (the second axis of `array`), with zeros behind those that are there. */
export function padSteps(array: DataArray, steps: number): DataArray {
  const [samples = 0, ...shape] = array.shape;
  const size = shape.reduce((a, b) => a * b, 1);
  const sequences = Array.from({ length: samples }, (_, row) => {
    const data = array.data.slice(row * size, (row + 1) * size);
    return { name: "", array: { ...array, shape, data } as DataArray };
  });
  return fill(sequences, shape.with(0, steps), "the padded array");
}

/** All sequences in an array [sequences, ...shape]; what they do not fill is zero, or an empty text. */
function fill(sequences: readonly Sequence[], shape: readonly number[], name: string): DataArray {
  const size = shape.reduce((a, b) => a * b, 1);
  const columns = shape[1] ?? 1;
  const full = [sequences.length, ...shape];
  const copy = <T>(to: { [index: number]: T }, convert: (value: unknown) => T): void =>
    sequences.forEach(({ array }, index) => {
      const width = array.shape[1] ?? 1;
      for (let at = 0; at < array.data.length; at++)
        to[index * size + Math.floor(at / width) * columns + (at % width)] = convert(
          array.data[at],
        );
    });
  if (sequences.some(({ array }) => isStringArray(array))) {
    const data = Array.from({ length: sequences.length * size }, () => "");
    copy(data, String);
    return { shape: full, dtype: "string", data };
  }
  const dtypes = new Set(sequences.map(({ array }) => array.dtype as NumericDType));
  const dtype: NumericDType = dtypes.size === 1 ? [...dtypes][0]! : "float64";
  const { BYTES_PER_ELEMENT: bytes } = viewOf(dtype, new ArrayBuffer(0));
  const data = viewOf(dtype, allocate(sequences.length * size * bytes, name).buffer);
  const same = (value: unknown): number | bigint => value as number | bigint;
  copy(data as { [index: number]: number | bigint }, dtypes.size === 1 ? same : Number);
  return { shape: full, dtype, data };
}
