// Element types: conversion to and from the float32 that everything is computed in.
import type { DType } from "../../protocol/checkpoint";
import { GraftError } from "../../protocol/errors";

/** Whether training can change a variable of this type. */
export const isTrainableType = (dtype: DType): boolean =>
  dtype === "float32" || dtype === "float64";

/** The bytes of an array of numbers, where they lie. */
export const bytesOf = ({ buffer, byteOffset, byteLength }: ArrayBufferView): Uint8Array =>
  new Uint8Array(buffer, byteOffset, byteLength);

/** Little-endian bytes as float32 numbers. Throws `unsupported-format` for types that are not computed with. */
export function toFloat32(bytes: Uint8Array, dtype: DType): Float32Array {
  // A copy: the bytes may lie at any offset of a larger buffer.
  const buffer = bytes.slice().buffer;
  switch (dtype) {
    case "float32":
      return new Float32Array(buffer);
    case "float64":
      return Float32Array.from(new Float64Array(buffer));
    case "int32":
      return Float32Array.from(new Int32Array(buffer));
    case "int64":
      return Float32Array.from(new BigInt64Array(buffer), Number);
    default:
      throw new GraftError(
        "unsupported-format",
        `Variables of type ${dtype} cannot be computed with; float32, float64, int32 and int64 can.`,
      );
  }
}

/** Float32 numbers as little-endian bytes of `dtype`. */
export function fromFloat32(numbers: Float32Array, dtype: DType): Uint8Array {
  switch (dtype) {
    case "float32":
      return bytesOf(numbers).slice();
    case "float64":
      return new Uint8Array(Float64Array.from(numbers).buffer);
    default:
      throw new GraftError(
        "unsupported-format",
        `New numbers of type ${dtype} cannot be made; float32 and float64 can.`,
      );
  }
}

/**
 * What became of `before` (bytes of `dtype`) in float32 arithmetic: elements that did not move keep their bytes, which
 * of a float64 a float32 cannot give back.
 */
export function movedBytes(before: Uint8Array, numbers: Float32Array, dtype: DType): Uint8Array {
  if (dtype === "float32") return fromFloat32(numbers, dtype);
  const old = toFloat32(before, dtype);
  if (numbers.every((value, index) => Object.is(value, old[index]))) return before;
  const bytes = fromFloat32(numbers, dtype);
  const size = bytes.length / numbers.length;
  numbers.forEach((value, index) => {
    if (!Object.is(value, old[index])) return;
    bytes.set(before.subarray(index * size, (index + 1) * size), index * size);
  });
  return bytes;
}
