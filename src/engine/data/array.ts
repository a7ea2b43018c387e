// What every data source yields: an array of numbers, or of strings (labels), in C order. Samples are along the first axis.
import type { DType } from "../../protocol/checkpoint";

/** Dtypes of values in memory. A float16 file is widened to float32 as it is read, which is exact. */
const CONSTRUCTORS = {
  float32: Float32Array,
  float64: Float64Array,
  int8: Int8Array,
  uint8: Uint8Array,
  int16: Int16Array,
  uint16: Uint16Array,
  int32: Int32Array,
  uint32: Uint32Array,
  int64: BigInt64Array,
  uint64: BigUint64Array,
  /** 0 and 1. */
  bool: Uint8Array,
} as const;

export type NumericDType = keyof typeof CONSTRUCTORS;

export type NumericData =
  | Float32Array
  | Float64Array
  | Int8Array
  | Uint8Array
  | Int16Array
  | Uint16Array
  | Int32Array
  | Uint32Array
  | BigInt64Array
  | BigUint64Array;

export interface NumericArray {
  readonly shape: readonly number[];
  readonly dtype: NumericDType;
  readonly data: NumericData;
}

export interface StringArray {
  readonly shape: readonly number[];
  readonly dtype: "string";
  readonly data: readonly string[];
}

export type DataArray = NumericArray | StringArray;

/** An array that has not been read: what its header says. */
export interface ArrayInfo {
  readonly shape: readonly number[];
  readonly dtype: DType;
}

/** Values of `dtype` over the bytes of `buffer`, which start at 0 and are little-endian. */
export const viewOf = (dtype: NumericDType, buffer: ArrayBuffer): NumericData =>
  new CONSTRUCTORS[dtype](buffer);

export const isStringArray = (array: DataArray): array is StringArray => array.dtype === "string";

/** Number of samples; a scalar has none. */
export const rowCount = (info: ArrayInfo): number => info.shape[0] ?? 0;

export const sampleShape = (info: ArrayInfo): readonly number[] => info.shape.slice(1);

/** "896 × 64"; a scalar is "scalar". */
export const dimsText = (shape: readonly number[]): string =>
  shape.length === 0 ? "scalar" : shape.map((size) => (size < 0 ? "any" : size)).join(" × ");

/** "896 × 64 float32" */
export const infoText = (info: ArrayInfo): string => `${dimsText(info.shape)} ${info.dtype}`;

/** "1 class", "5 classes", "1,204 rows" */
export function countText(count: number, one: string, many = `${one}s`): string {
  return `${count.toLocaleString("en-US")} ${count === 1 ? one : many}`;
}

/** The first `most` items, with what was left out: "5, 6, 7 and 12 more". */
export function listText(items: readonly string[], most = 10): string {
  const shown = items.slice(0, most).join(", ");
  return items.length > most ? `${shown} and ${items.length - most} more` : shown;
}
