// Arrays as Nd4j.write writes them: two buffers, each with how it was allocated, its length, its element type and its
// numbers, big-endian. The first holds [rank, sizes, strides, type flags, element-wise stride, order], the second the values.
// Up to 1.0.0-alpha lengths have four bytes and the shape is of INT; later they have eight and it is of LONG.
import { elements, type Shape } from "../../graph/model";
import { corrupt, unsupported } from "../tf1/errors";
import { int, long, utf, type DataInput } from "./datainput";

/** What an array looks like in a file, apart from its values. */
export interface ArrayHeader {
  readonly dtype: ArrayType;
  readonly shape: Shape;
  /** In which order the values stand: rows ("c") or columns ("f") one after the other. */
  readonly order: "c" | "f";
  readonly style: ArrayStyle;
}

/** What differs between the versions that wrote an array; a new one is written in the style of an old one. */
interface ArrayStyle {
  readonly allocation: string;
  /** "JAVACPP", of the shape; some versions name it differently for the values. */
  readonly shapeAllocation: string;
  readonly shapeType: "INT" | "LONG";
  /** Its type flags: the values' type among them, 0 in old versions. */
  readonly flags: number;
  readonly elementWiseStride: number;
  /** Up to 1.0.0-beta4 the stride of a size that is 1 is 1; later it is what the order gives. */
  readonly unitStrides: boolean;
}

export type ArrayType = "float32" | "float64" | "float16";

const TYPES: Readonly<Record<string, ArrayType>> = {
  FLOAT: "float32",
  DOUBLE: "float64",
  HALF: "float16",
};

export const ELEMENT_BYTES: Readonly<Record<ArrayType, number>> = {
  float32: 4,
  float64: 8,
  float16: 2,
};

/** Lengths of these have four bytes. org.nd4j.linalg.api.buffer.DataBuffer.AllocationMode */
const OLD_ALLOCATIONS = ["DIRECT", "HEAP", "JAVACPP"];
const NEW_ALLOCATIONS = ["LONG_SHAPE", "MIXED_DATA_TYPES"];

/** ND4J's own limit. */
const MAX_RANK = 32;

/** A header is never longer: two strings and a number per buffer, and the shape. */
export const MAX_HEADER_BYTES = 1024;

/** Reads up to the values. Throws `corrupt-file`, `unsupported-format`. */
export function readArrayHeader(input: DataInput): ArrayHeader {
  const information = readBufferHeader(input);
  const { type, length: count } = information;
  if (type !== "INT" && type !== "LONG")
    throw corrupt(input.title, `the shape of its array is of type ${type}, not INT or LONG`);
  const most = 2 * MAX_RANK + 4;
  if (count < 4 || count > most || count % 2 !== 0)
    throw corrupt(input.title, `the shape of its array has ${count} numbers, not 4 to ${most}`);
  const numbers = Array.from({ length: count }, () =>
    type === "INT" ? input.int() : input.long(),
  );
  const rank = (count - 4) / 2;
  const [flags, elementWiseStride, orderCode] = numbers.slice(-3);
  const shape = numbers.slice(1, 1 + rank);
  const order = orderCode === 0x63 ? "c" : "f";
  const text = `[${shape.join(", ")}]`;
  if (numbers[0] !== rank || (order === "f" && orderCode !== 0x66))
    throw corrupt(input.title, `the shape of its array contradicts itself: ${numbers.join(" ")}`);
  if (shape.some((size) => size < 0) || !Number.isSafeInteger(elements(shape)))
    throw corrupt(input.title, `its array is said to have the shape ${text}`);
  const found = numbers.slice(1 + rank, 1 + 2 * rank);
  const expected = strides(shape, order, false);
  // Nothing is ever multiplied by the strides of sizes that are 1.
  if (found.some((stride, axis) => shape[axis] > 1 && stride !== expected[axis]))
    throw unsupported(input.title, "its array is a view of a larger one, by its strides");
  const unitStrides = found.join() !== expected.join();

  const values = readBufferHeader(input);
  const dtype = Object.hasOwn(TYPES, values.type) ? TYPES[values.type] : undefined;
  if (dtype === undefined)
    throw unsupported(
      input.title,
      `its numbers are of type ${values.type}, and Graft reads ${Object.keys(TYPES).join(", ")}`,
    );
  if (values.length !== elements(shape))
    throw corrupt(
      input.title,
      `an array of shape ${text} needs ${elements(shape)} numbers, and it holds ${values.length}`,
    );
  return {
    ...{ dtype, shape, order },
    style: {
      allocation: values.allocation,
      shapeAllocation: information.allocation,
      ...{ shapeType: type, flags, elementWiseStride, unitStrides },
    },
  };
}

function readBufferHeader(input: DataInput): {
  readonly allocation: string;
  readonly length: number;
  readonly type: string;
} {
  const allocation = input.utf();
  const isOld = OLD_ALLOCATIONS.includes(allocation);
  if (!isOld && !NEW_ALLOCATIONS.includes(allocation))
    throw corrupt(input.title, "it does not begin like an array that ND4J wrote");
  const length = isOld ? input.int() : input.long();
  if (length < 0) throw corrupt(input.title, `it claims a length of ${length}`);
  return { allocation, length, type: input.utf() };
}

export const bytesOfValues = ({ dtype, shape }: ArrayHeader): number =>
  elements(shape) * ELEMENT_BYTES[dtype];

/** A whole array, its values little-endian in C order. */
export function readArray(input: DataInput): ArrayHeader & { readonly values: Uint8Array } {
  const header = readArrayHeader(input);
  const { dtype, shape, order } = header;
  const values = swapped(input.bytes(bytesOfValues(header)), dtype);
  return { ...header, values: order === "c" ? values : reordered(values, shape, dtype, "c") };
}

/** A copy with big-endian numbers in place of little-endian ones, or back. */
export function swapped(bytes: Uint8Array, dtype: ArrayType): Uint8Array {
  const copy = Buffer.from(bytes);
  switch (ELEMENT_BYTES[dtype]) {
    case 2:
      copy.swap16();
      break;
    case 4:
      copy.swap32();
      break;
    case 8:
      copy.swap64();
      break;
  }
  return Uint8Array.from(copy);
}

/** What stands before the values. */
export function encodeArrayHeader({ dtype, shape, order, style }: ArrayHeader): Uint8Array {
  const wide = style.shapeType === "LONG";
  const name = Object.keys(TYPES).find((each) => TYPES[each] === dtype)!;
  const numbers = [
    shape.length,
    ...shape,
    ...strides(shape, order, style.unitStrides),
    ...[style.flags, style.elementWiseStride, order.charCodeAt(0)],
  ];
  return Buffer.concat([
    ...encodeBufferHeader(style.shapeAllocation, numbers.length, style.shapeType),
    ...numbers.map(wide ? long : int),
    ...encodeBufferHeader(style.allocation, elements(shape), name),
  ]);
}

const encodeBufferHeader = (allocation: string, length: number, type: string): Uint8Array[] => [
  utf(allocation),
  OLD_ALLOCATIONS.includes(allocation) ? int(length) : long(length),
  utf(type),
];

/** Of an array whose elements lie one after the other. */
function strides(shape: Shape, order: "c" | "f", units: boolean): number[] {
  const result = new Array<number>(shape.length);
  const axes = shape.map((_, axis) => axis);
  let stride = 1;
  for (const axis of order === "c" ? axes.reverse() : axes) {
    result[axis] = units && shape[axis] === 1 ? 1 : stride;
    stride *= shape[axis];
  }
  return result;
}

/** A tensor of C order with its axes in another order: axis `permutation[0]` first. */
export function permuted(
  bytes: Uint8Array,
  shape: Shape,
  permutation: readonly number[],
  dtype: ArrayType,
): Uint8Array {
  const from = elementsOf(bytes.slice(), dtype);
  const result = new Uint8Array(bytes.length);
  const into = elementsOf(result, dtype);
  const own = strides(shape, "c", false);
  const steps = permutation.map((axis) => own[axis]);
  const sizes = permutation.map((axis) => shape[axis]);
  const index = new Array<number>(shape.length).fill(0);
  for (let to = 0, at = 0; to < into.length; to++) {
    into[to] = from[at];
    for (let axis = sizes.length - 1; axis >= 0; axis--) {
      at += steps[axis];
      if (++index[axis] < sizes[axis]) break;
      at -= steps[axis] * sizes[axis];
      index[axis] = 0;
    }
  }
  return result;
}

/** A tensor of `shape` column by column ("f") in C order, or back: either way its axes are turned round. */
export function reordered(
  bytes: Uint8Array,
  shape: Shape,
  dtype: ArrayType,
  to: "c" | "f",
): Uint8Array {
  if (shape.filter((size) => size > 1).length < 2) return bytes;
  const axes = shape.map((_, axis) => axis).reverse();
  return permuted(bytes, to === "f" ? shape : [...shape].reverse(), axes, dtype);
}

/** As bit patterns, which are only moved. */
function elementsOf(bytes: Uint8Array, dtype: ArrayType): Uint32Array {
  const buffer = bytes.buffer as ArrayBuffer;
  const Elements = { float16: Uint16Array, float32: Uint32Array, float64: BigUint64Array }[dtype];
  return new Elements(buffer) as Uint32Array;
}
