// An array becomes what an input takes: the shape fitted, the numbers converted and checked.
import { GraftError } from "../../protocol/errors";
import type { ModelInput } from "../graph/inputs";
import {
  type ArrayInfo,
  type DataArray,
  dimsText,
  infoText,
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

/** The values for `input`, and how they came about: "896 × 8 × 8 uint8 → 896 × 64 float32". Values that do not count may be anything. */
export function convertInput(
  array: DataArray,
  name: string,
  input: ModelInput,
  counts: Counts = () => true,
): BoundInput & { readonly how: string } {
  const shape = boundShape(array, name, input);
  const values = product(shape.slice(1));
  const where = (index: number): string => {
    const place = values > 1 ? `, value ${(index % values) + 1} of ${values}` : "";
    return `row ${Math.floor(index / values)} (counted from 0)${place}`;
  };
  const toFloat = ["float16", "bfloat16", "float32", "float64"].includes(input.dtype);
  const given = array.data as NumericData;
  const data = toFloat
    ? toFloat32(given, name, where, counts)
    : toInt32(given, name, input, where, counts);
  const as: ArrayInfo = { shape, dtype: toFloat ? "float32" : "int32" };
  const [before, after] = [infoText(array), infoText(as)];
  return { shape, data, how: before === after ? before : `${before} → ${after}` };
}

/** The shape that `input` gets of an array. Throws `data-format` for text, `data-shape` where it does not fit. */
export function boundShape(info: ArrayInfo, name: string, input: ModelInput): number[] {
  if (info.dtype === "string")
    throw new GraftError(
      "data-format",
      `${name} holds text (${infoText(info)}); input ${input.name} takes numbers. Name a numeric array.`,
    );
  const sample = fitSample(info, input);
  if (sample === null) throw shapeError(info, name, input);
  return [rowCount(info), ...sample];
}

/** Whether a value, by its place, is one that counts; others are of steps that are not there. */
type Counts = (index: number) => boolean;

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
  counts: Counts,
): Float32Array {
  // A number beyond float32's range becomes infinite, which is found below.
  const floats =
    data instanceof Float32Array ? data : Float32Array.from<number | bigint>(data, Number);
  for (let index = 0; index < floats.length; index++) {
    if (Number.isFinite(floats[index])) continue;
    // Masks multiply by zero, which leaves no number of what is none.
    if (!counts(index)) floats[index] = 0;
    else
      throw new GraftError(
        "data-format",
        `${name} has ${String(data[index])} in ${where(index)}; expected a number that float32 can hold. Remove the sample or fill in the value.`,
      );
  }
  return floats;
}

function toInt32(
  data: NumericData,
  name: string,
  input: ModelInput,
  where: (index: number) => string,
  counts: Counts,
): Int32Array {
  const integers =
    data instanceof Int32Array ? data : Int32Array.from<number | bigint>(data, Number);
  for (let index = 0; index < integers.length; index++) {
    // Padding is often -1, where embeddings have no row.
    if (!counts(index)) integers[index] = Math.max(0, integers[index]!);
    // Int32Array wraps around and truncates; anything it changed does not fit.
    else if (integers[index] !== Number(data[index])) {
      throw new GraftError(
        "data-format",
        `${name} has ${String(data[index])} in ${where(index)}; input ${input.name} takes integers (${input.dtype}, 32 bits here). Convert the array.`,
      );
    }
  }
  return integers;
}
