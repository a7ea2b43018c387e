// Which steps of padded sequences are there: from lengths or from a mask, and back. Everything is [samples, time].
import { GraftError } from "../../protocol/errors";
import { type DataArray, dimsText, infoText, type NumericArray } from "./array";
import type { Loaded, LoadedInfo } from "./sources";

/** 1 for every step that is there; undefined where all are. */
export function maskOf(lengths: Int32Array, steps: number): Uint8Array | undefined {
  if (lengths.every((length) => length === steps)) return undefined;
  const mask = new Uint8Array(lengths.length * steps);
  lengths.forEach((length, row) => mask.fill(1, row * steps, row * steps + length));
  return mask;
}

/** Lengths of sequences of `steps`, padding included. Throws `data-format` where one is none. */
export function readLengths(
  { array, name }: Pick<Loaded, "array" | "name">,
  samples: number,
  steps: number,
): Int32Array {
  const { data } = numbers(array, name, [samples]);
  return Int32Array.from<number | bigint>(data, (value, row) => {
    const length = Number(value);
    if (Number.isInteger(length) && length >= 1 && length <= steps) return length;
    throw new GraftError(
      "data-format",
      `${name} has ${value} for sequence ${row} (counted from 0); a length is a whole number from 1 to ${steps}, the steps of the longest.`,
    );
  });
}

/** A mask of steps. Throws `data-format` where a number is neither 0 nor 1. */
export function readMask(
  { array, name }: Pick<Loaded, "array" | "name">,
  samples: number,
  steps: number,
): Uint8Array {
  const { data } = numbers(array, name, [samples, steps]);
  return Uint8Array.from<number | bigint>(data, (value, at) => {
    const present = Number(value);
    if (present === 0 || present === 1) return present;
    throw new GraftError(
      "data-format",
      `${name} has ${value} for sequence ${Math.floor(at / steps)}, step ${at % steps} (counted from 0); a mask has 1 for a step that is there, and 0 for padding.`,
    );
  });
}

/** Of a mask whose steps lie at the start of each sequence. `input` takes lengths, and no mask. */
export function lengthsOf(mask: Uint8Array, steps: number, input: string): Int32Array {
  return Int32Array.from({ length: mask.length / steps }, (_, row) => {
    const own = mask.subarray(row * steps, (row + 1) * steps);
    const length = own.reduce((sum, each) => sum + each, 0);
    if (length > 0 && !own.subarray(0, length).includes(0)) return length;
    throw new GraftError(
      "data-format",
      `Sequence ${row} (counted from 0) has ${length === 0 ? "no steps" : "padding before or between its steps"}, and ${input} takes lengths: the steps that are there must come first.`,
    );
  });
}

/** The last step of each sequence that is there. */
export function lastSteps(mask: Uint8Array | undefined, samples: number, steps: number) {
  return Int32Array.from({ length: samples }, (_, row) =>
    mask === undefined ? steps - 1 : mask.subarray(row * steps, (row + 1) * steps).lastIndexOf(1),
  );
}

function numbers(array: DataArray, name: string, shape: readonly number[]): NumericArray {
  checkNumbers({ array, name }, shape);
  return array as NumericArray;
}

/** Throws `data-shape` for what tells of steps and is not `shape`, [samples] or [samples, time], of numbers. */
export function checkNumbers(
  { array, name }: Pick<LoadedInfo, "array" | "name">,
  shape: readonly number[],
): void {
  const core = (sizes: readonly number[]): string => sizes.filter((size) => size !== 1).join();
  const fits = array.shape[0] === shape[0] && core(array.shape) === core(shape);
  if (array.dtype !== "string" && fits) return;
  throw new GraftError(
    "data-shape",
    `${name} is ${infoText(array)}; expected numbers, ${dimsText(shape)}.`,
  );
}
