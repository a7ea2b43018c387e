// An array becomes what an input takes: the shape fitted, the numbers converted and checked.
import { GraftError } from "../../protocol/errors";
import type { ModelInput } from "../graph/inputs";
import {
  type ArrayInfo,
  type DataArray,
  dimsText,
  infoText,
  isStringArray,
  type NumericData,
  rowCount,
  sampleShape,
} from "./array";

export interface BoundInput {
  readonly shape: readonly number[];
  readonly data: Float32Array | Int32Array;
}

const product = (shape: readonly number[]): number => shape.reduce((a, b) => a * b, 1);

/**
 * The sample's shape in the input, or null where it does not fit. Samples are reshaped only where no value can change
 * its meaning: flat to or from the input's shape, or sizes of 1 added or dropped. [3, 32, 32] never becomes [32, 32, 3].
 */
export function fitSample(info: ArrayInfo, input: ModelInput): readonly number[] | null {
  if (info.shape.length === 0 || input.shape.length === 0) return null;
  const sample = sampleShape(info);
  const wanted = input.shape.slice(1);
  const matches = (sizes: readonly number[]): boolean =>
    sizes.length === wanted.length &&
    sizes.every((size, i) => wanted[i] === -1 || wanted[i] === size);
  if (matches(sample)) return sample;
  // One number a step.
  if (wanted.at(-1) === 1 && matches([...sample, 1])) return [...sample, 1];
  if (wanted.includes(-1) || product(sample) !== product(wanted)) return null;
  const core = (shape: readonly number[]): string => shape.filter((size) => size !== 1).join();
  const flat = sample.length <= 1 || wanted.length <= 1;
  return flat || core(sample) === core(wanted) ? wanted : null;
}

/** The values for `input`, and how they came about: "896 × 8 × 8 uint8 → 896 × 64 float32". */
export function convertInput(
  array: DataArray,
  name: string,
  input: ModelInput,
): BoundInput & { readonly how: string } {
  if (isStringArray(array)) throw textError(array, name, input);
  const sample = checkedSample(array, name, input);
  const shape = [rowCount(array), ...sample];
  const values = product(sample);
  const where = (index: number): string => {
    const place = values > 1 ? `, value ${(index % values) + 1} of ${values}` : "";
    return `row ${Math.floor(index / values)} (counted from 0)${place}`;
  };
  const toFloat = ["float16", "bfloat16", "float32", "float64"].includes(input.dtype);
  const data = toFloat
    ? toFloat32(array.data, name, where)
    : toInt32(array.data, name, input, where);
  const as: ArrayInfo = { shape, dtype: toFloat ? "float32" : "int32" };
  const [before, after] = [infoText(array), infoText(as)];
  return { shape, data, how: before === after ? before : `${before} → ${after}` };
}

/** The sample's shape in the input. Throws `data-format` for text, `data-shape` where it does not fit. */
export function checkedSample(info: ArrayInfo, name: string, input: ModelInput): readonly number[] {
  if (info.dtype === "string") throw textError(info, name, input);
  const sample = fitSample(info, input);
  if (sample === null) throw shapeError(info, name, input);
  return sample;
}

const textError = (info: ArrayInfo, name: string, input: ModelInput): GraftError =>
  new GraftError(
    "data-format",
    `${name} holds text (${infoText(info)}); input ${input.name} takes numbers. Name a numeric array.`,
  );

function shapeError(array: ArrayInfo, name: string, input: ModelInput): GraftError {
  const [sample, wanted] = [sampleShape(array), input.shape.slice(1)];
  const sameCount = !wanted.includes(-1) && product(sample) === product(wanted);
  const advice = sameCount
    ? "The same number of values in another arrangement: transpose the array, so that each value keeps its meaning."
    : "Choose other data, or another input.";
  return new GraftError(
    "data-shape",
    `${name} has samples of ${describeSample(sample)} (${array.dtype}, ${dimsText(array.shape)}); input ${input.name} takes ${describeSample(wanted)}. ${advice}`,
  );
}

const describeSample = (shape: readonly number[]): string =>
  shape.length === 0 ? "a single value" : `shape ${dimsText(shape)}`;

function toFloat32(
  data: NumericData,
  name: string,
  where: (index: number) => string,
): Float32Array {
  // A number beyond float32's range becomes infinite, which is found below.
  const floats =
    data instanceof Float32Array ? data : Float32Array.from<number | bigint>(data, Number);
  for (let index = 0; index < floats.length; index++) {
    if (!Number.isFinite(floats[index])) {
      throw new GraftError(
        "data-format",
        `${name} has ${String(data[index])} in ${where(index)}; expected a number that float32 can hold. Remove the sample or fill in the value.`,
      );
    }
  }
  return floats;
}

function toInt32(
  data: NumericData,
  name: string,
  input: ModelInput,
  where: (index: number) => string,
): Int32Array {
  const integers =
    data instanceof Int32Array ? data : Int32Array.from<number | bigint>(data, Number);
  for (let index = 0; index < integers.length; index++) {
    // Int32Array wraps around and truncates; anything it changed does not fit.
    if (integers[index] !== Number(data[index])) {
      throw new GraftError(
        "data-format",
        `${name} has ${String(data[index])} in ${where(index)}; input ${input.name} takes integers (${input.dtype}, 32 bits here). Convert the array.`,
      );
    }
  }
  return integers;
}
