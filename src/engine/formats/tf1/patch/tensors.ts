// TensorProto and TensorShapeProto: reading small ones, and giving one another shape.
import { clone, create, type MessageInitShape } from "@bufbuild/protobuf";
import type { DType } from "../../../../protocol/checkpoint";
import { GraftError } from "../../../../protocol/errors";
import { elements, sameShape as sameSizes, type Shape } from "../../../graph/model";
import { numberOf } from "../dtypes";
import {
  TensorProtoSchema,
  TensorShapeProtoSchema,
  type NodeDef,
  type TensorProto,
  type TensorShapeProto,
} from "../proto/tensorflow_pb";

const FLOAT = 1;
const DOUBLE = 2;
const INT32 = 3;
const STRING = 7;
const INT64 = 9;

export const shapeProto = (shape: Shape): TensorShapeProto =>
  create(TensorShapeProtoSchema, { dim: shape.map((size) => ({ size: BigInt(size) })) });

/** Undefined when even the rank is unknown. */
export const dimensions = (shape: TensorShapeProto | undefined): Shape | undefined =>
  shape === undefined || shape.unknownRank ? undefined : shape.dim.map((dim) => Number(dim.size));

/** The attribute `shape` of a variable or placeholder. */
export function shapeAttribute(node: NodeDef): Shape | undefined {
  const value = node.attr["shape"]?.value;
  return value?.case === "shape" ? dimensions(value.value) : undefined;
}

export const tensorShape = (tensor: TensorProto): Shape => dimensions(tensor.tensorShape) ?? [];

export const sameShape = (a: Shape | undefined, b: Shape | undefined): boolean =>
  a !== undefined && b !== undefined && sameSizes(a, b);

/** Elements of an int32 or int64 tensor; undefined for other types. */
export function integers(tensor: TensorProto): readonly number[] | undefined {
  const count = elements(tensorShape(tensor));
  const { tensorContent: content } = tensor;
  const view = new DataView(content.buffer, content.byteOffset, content.byteLength);
  if (tensor.dtype === INT32)
    return content.length > 0
      ? Array.from({ length: count }, (_, i) => view.getInt32(4 * i, true))
      : filled(tensor.intVal, count, 0);
  if (tensor.dtype === INT64)
    return content.length > 0
      ? Array.from({ length: count }, (_, i) => Number(view.getBigInt64(8 * i, true)))
      : filled(tensor.int64Val, count, 0n).map(Number);
  return undefined;
}

/** A tensor of `values`, of the type of `like`: a scalar where that is one, else a vector. */
export function integersLike(like: TensorProto, values: readonly number[]): TensorProto {
  const scalar = tensorShape(like).length === 0;
  return create(TensorProtoSchema, {
    dtype: like.dtype,
    tensorShape: shapeProto(scalar ? [] : [values.length]),
    ...(like.dtype === INT64 ? { int64Val: values.map(BigInt) } : { intVal: [...values] }),
  });
}

export const strings = (tensor: TensorProto): readonly Uint8Array[] =>
  filled(tensor.stringVal, elements(tensorShape(tensor)), new Uint8Array());

export const stringVector = (values: readonly Uint8Array[]): TensorProto =>
  create(TensorProtoSchema, {
    dtype: STRING,
    tensorShape: shapeProto([values.length]),
    stringVal: [...values],
  });

/** A tensor of numbers in C order; one number stands for all. Throws `unsupported-op` for types that have no such list. */
export function numbers(dtype: DType, shape: Shape, values: readonly number[]): TensorProto {
  const list = listOf(dtype, values);
  if (list !== undefined)
    return create(TensorProtoSchema, {
      dtype: numberOf(dtype),
      tensorShape: shapeProto(shape),
      ...list,
    });
  throw new GraftError(
    "unsupported-op",
    `A constant of type ${dtype} cannot be written into a TensorFlow graph; use float32, float64, int32, int64 or bool.`,
  );
}

function listOf(
  dtype: DType,
  values: readonly number[],
): MessageInitShape<typeof TensorProtoSchema> | undefined {
  switch (dtype) {
    case "float32":
      return { floatVal: [...values] };
    case "float64":
      return { doubleVal: [...values] };
    case "int8":
    case "uint8":
    case "int16":
    case "uint16":
    case "int32":
      return { intVal: [...values] };
    case "int64":
      return { int64Val: values.map((value) => BigInt(value)) };
    case "bool":
      return { boolVal: values.map((value) => value !== 0) };
    default:
      return undefined;
  }
}

/** All zero (empty strings). One stored value stands for all of them, whatever the size. */
export const zeros = (dtype: number, shape: Shape): TensorProto =>
  create(TensorProtoSchema, {
    dtype,
    tensorShape: shapeProto(shape),
    ...splat(dtype, new DataView(new ArrayBuffer(16))),
  });

/** The same tensor with another shape: one repeated value stays that, other values keep their places and zeros join. */
export function resized(tensor: TensorProto, shape: Shape): TensorProto {
  const from = tensorShape(tensor);
  const content = tensor.tensorContent;
  const list = LISTS.find((name) => tensor[name].length > 0);
  if (content.length > 0) {
    const size = content.length / elements(from);
    const result = withShape(tensor, shape);
    if (!repeats(content, size)) result.tensorContent = placed(content, from, shape, size);
    else if (hasSplat(tensor.dtype)) {
      const view = new DataView(content.buffer, content.byteOffset, content.byteLength);
      Object.assign(result, splat(tensor.dtype, view), { tensorContent: new Uint8Array() });
    } else result.tensorContent = repeat(content.subarray(0, size), elements(shape));
    return result;
  }
  if (list === undefined || tensor[list].length === 1) return withShape(tensor, shape);
  if (from.length !== shape.length) return zeros(tensor.dtype, shape);
  const values: unknown[] = filled<unknown>(tensor[list], elements(from), 0);
  const empty = typeof values[0] === "bigint" ? 0n : typeof values[0] === "boolean" ? false : 0;
  const moved: unknown[] = new Array<unknown>(elements(shape)).fill(
    list === "stringVal" ? new Uint8Array() : empty,
  );
  for (const { source, target, length } of rows(from, shape))
    for (let i = 0; i < length; i++) moved[target + i] = values[source + i];
  return Object.assign(withShape(tensor, shape), { [list]: moved });
}

/** Fields with one entry per element. */
const LISTS = [
  "floatVal",
  "doubleVal",
  "intVal",
  "stringVal",
  "int64Val",
  "boolVal",
  "halfVal",
  "uint32Val",
  "uint64Val",
] as const;

/** TensorFlow repeats the last stored value up to the size of the shape. */
function filled<T>(values: readonly T[], count: number, empty: T): T[] {
  const last = values.at(-1) ?? empty;
  return Array.from({ length: count }, (_, i) => values[i] ?? last);
}

/** One stored value for the whole tensor: the first of `view`. */
function splat(dtype: number, view: DataView): MessageInitShape<typeof TensorProtoSchema> {
  switch (dtype) {
    case FLOAT:
      return { floatVal: [view.getFloat32(0, true)] };
    case DOUBLE:
      return { doubleVal: [view.getFloat64(0, true)] };
    case INT32:
      return { intVal: [view.getInt32(0, true)] };
    case INT64:
      return { int64Val: [view.getBigInt64(0, true)] };
    default:
      // TensorFlow takes a tensor without values as all zero.
      return {};
  }
}

const hasSplat = (dtype: number): boolean => [FLOAT, DOUBLE, INT32, INT64].includes(dtype);

function withShape(tensor: TensorProto, shape: Shape): TensorProto {
  const result = clone(TensorProtoSchema, tensor);
  result.tensorShape = shapeProto(shape);
  return result;
}

const repeats = (content: Uint8Array, size: number): boolean =>
  content.every((byte, i) => byte === content[i % size]);

function repeat(one: Uint8Array, count: number): Uint8Array {
  const all = new Uint8Array(one.length * count);
  for (let i = 0; i < count; i++) all.set(one, i * one.length);
  return all;
}

function placed(content: Uint8Array, from: Shape, to: Shape, size: number): Uint8Array {
  const moved = new Uint8Array(elements(to) * size);
  if (from.length !== to.length) return moved;
  for (const { source, target, length } of rows(from, to))
    moved.set(content.subarray(source * size, (source + length) * size), target * size);
  return moved;
}

/** Runs along the last axis that both shapes have; places in elements. */
function* rows(
  from: Shape,
  to: Shape,
): Generator<{ source: number; target: number; length: number }> {
  const axis = to.length - 1;
  const length = Math.min(from[axis]!, to[axis]!);
  for (let row = 0; row < elements(to.slice(0, axis)); row++) {
    const at: number[] = [];
    for (let i = axis - 1, rest = row; i >= 0; rest = Math.floor(rest / to[i]!), i--)
      at.unshift(rest % to[i]!);
    if (at.some((index, i) => index >= from[i]!)) continue;
    const source = at.reduce((sum, index, i) => sum * from[i]! + index, 0) * from[axis]!;
    yield { source, target: row * to[axis]!, length };
  }
}
