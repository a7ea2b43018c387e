// Numbers of a TensorProto.
import type { DType } from "../../../../protocol/checkpoint";
import type { Shape } from "../../../graph/model";
import { elements } from "../../../graph/model";
import { dtypeOf, elementBytes } from "../dtypes";
import type { TensorProto } from "../proto/tensorflow_pb";
import { readShape } from "./attributes";
import { LARGEST } from "./known";

export interface Constant {
  readonly dtype: DType;
  readonly shape: Shape;
  /** In C order, or the one that all are; 64-bit integers as the nearest double. */
  readonly values: readonly number[];
}

/** Undefined where the bytes contradict the shape, and for strings and complex numbers. */
export function readConstant(proto: TensorProto): Constant | undefined {
  const dtype = dtypeOf(proto.dtype % 100);
  const shape = readShape(proto.tensorShape) ?? [];
  const count = elements(shape);
  if (dtype === undefined || shape.some((size) => size < 0) || count > LARGEST) return undefined;
  const values =
    proto.tensorContent.length > 0
      ? fromBytes(proto.tensorContent, dtype, count)
      : listed(proto, dtype);
  if (values === undefined || values.length > count || (values.length === 0 && count > 0))
    return undefined;
  // One number for all stays one: a file of a few bytes must not fill the memory.
  if (values.length === 1) return { dtype, shape, values };
  // TensorFlow leaves out a tail of equal elements.
  const last = values.at(-1)!;
  return {
    dtype,
    shape,
    values: Array.from({ length: count }, (_, index) => values[index] ?? last),
  };
}

type Reader = (view: DataView, offset: number) => number;

const READERS: { readonly [D in DType]?: Reader } = {
  float32: (view, offset) => view.getFloat32(offset, true),
  float64: (view, offset) => view.getFloat64(offset, true),
  float16: (view, offset) => halfToNumber(view.getUint16(offset, true)),
  bfloat16: (view, offset) => bfloatToNumber(view.getUint16(offset, true)),
  int8: (view, offset) => view.getInt8(offset),
  uint8: (view, offset) => view.getUint8(offset),
  bool: (view, offset) => view.getUint8(offset),
  int16: (view, offset) => view.getInt16(offset, true),
  uint16: (view, offset) => view.getUint16(offset, true),
  int32: (view, offset) => view.getInt32(offset, true),
  uint32: (view, offset) => view.getUint32(offset, true),
  int64: (view, offset) => Number(view.getBigInt64(offset, true)),
  uint64: (view, offset) => Number(view.getBigUint64(offset, true)),
};

function fromBytes(bytes: Uint8Array, dtype: DType, count: number): number[] | undefined {
  const read = READERS[dtype];
  const size = elementBytes(dtype);
  if (read === undefined || bytes.length !== count * size) return undefined;
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  return Array.from({ length: count }, (_, index) => read(view, index * size));
}

function listed(proto: TensorProto, dtype: DType): number[] | undefined {
  switch (dtype) {
    case "float32":
      return proto.floatVal;
    case "float64":
      return proto.doubleVal;
    case "float16":
      return proto.halfVal.map(halfToNumber);
    case "bfloat16":
      return proto.halfVal.map(bfloatToNumber);
    case "int8":
    case "uint8":
    case "int16":
    case "uint16":
    case "int32":
      return proto.intVal;
    case "uint32":
      return proto.uint32Val;
    case "int64":
      return proto.int64Val.map(Number);
    case "uint64":
      return proto.uint64Val.map(Number);
    case "bool":
      return proto.boolVal.map(Number);
    case "string":
    case "complex64":
    case "complex128":
      return undefined;
  }
}

function bfloatToNumber(bits: number): number {
  return new Float32Array(new Uint32Array([bits << 16]).buffer)[0];
}

/** IEEE 754 half: 1 bit of sign, 5 of exponent, 10 of mantissa. */
function halfToNumber(bits: number): number {
  const sign = bits & 0x8000 ? -1 : 1;
  const exponent = (bits >> 10) & 0x1f;
  const mantissa = bits & 0x3ff;
  if (exponent === 0x1f) return mantissa === 0 ? sign * Infinity : NaN;
  if (exponent === 0) return sign * mantissa * 2 ** -24;
  return sign * (1 + mantissa / 1024) * 2 ** (exponent - 15);
}
