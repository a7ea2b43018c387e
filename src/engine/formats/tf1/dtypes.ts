// TensorFlow's element types: their numbers in files, and the bytes of one element.
import type { DType } from "../../../protocol/checkpoint";

interface Element {
  readonly number: number;
  /** 0: not of a fixed size. */
  readonly bytes: number;
}

const ELEMENTS: { readonly [D in DType]: Element } = {
  float32: { number: 1, bytes: 4 },
  float64: { number: 2, bytes: 8 },
  int32: { number: 3, bytes: 4 },
  uint8: { number: 4, bytes: 1 },
  int16: { number: 5, bytes: 2 },
  int8: { number: 6, bytes: 1 },
  string: { number: 7, bytes: 0 },
  complex64: { number: 8, bytes: 8 },
  int64: { number: 9, bytes: 8 },
  bool: { number: 10, bytes: 1 },
  bfloat16: { number: 14, bytes: 2 },
  uint16: { number: 17, bytes: 2 },
  complex128: { number: 18, bytes: 16 },
  float16: { number: 19, bytes: 2 },
  uint32: { number: 22, bytes: 4 },
  uint64: { number: 23, bytes: 8 },
};

/** Types that TensorFlow has and Graft does not, for messages. */
const OTHERS: ReadonlyMap<number, string> = new Map([
  [11, "qint8"],
  [12, "quint8"],
  [13, "qint32"],
  [15, "qint16"],
  [16, "quint16"],
  [20, "resource"],
  [21, "variant"],
  [24, "float8_e5m2"],
  [25, "float8_e4m3fn"],
  [29, "int4"],
  [30, "uint4"],
]);

const BY_NUMBER: ReadonlyMap<number, DType> = new Map(
  Object.entries(ELEMENTS).map(([dtype, { number }]) => [number, dtype as DType]),
);

export const dtypeOf = (number: number): DType | undefined => BY_NUMBER.get(number);

export const numberOf = (dtype: DType): number => ELEMENTS[dtype].number;

/** 0 for strings. */
export const elementBytes = (dtype: DType): number => ELEMENTS[dtype].bytes;

export const describeUnknownType = (number: number): string =>
  OTHERS.has(number)
    ? `its element type ${OTHERS.get(number)!} is not one that Graft reads`
    : `its element type ${number} is unknown`;
