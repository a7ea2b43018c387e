// .npy: one array. `describeNpy` reads the header only; `readNpy` the values, as little-endian C order whatever the file has.
import { basename } from "node:path";
import { GraftError } from "../../protocol/errors";
import {
  type ArrayInfo,
  type DataArray,
  type NumericArray,
  type NumericDType,
  viewOf,
} from "./array";
import { bytesOf } from "../graph/dtypes";
import { readHead, withFile, writeAtomically } from "./files";
import { NPY_HEAD_BYTES, NPY_MAGIC, type NpyHeader, parseNpyHeader } from "./npyHeader";

/** As JavaScript strings labels take several times their bytes. */
const MAX_STRING_BYTES = 256 * 2 ** 20;

export async function describeNpy(path: string): Promise<ArrayInfo> {
  const { head, size } = await readHead(path, NPY_HEAD_BYTES);
  const { shape, dtype } = parseNpyHeader(head, size, basename(path));
  return { shape, dtype };
}

export function readNpy(path: string): Promise<DataArray> {
  const name = basename(path);
  return withFile(path, async (file) => {
    const head = await file.read(0, Math.min(NPY_HEAD_BYTES, file.size));
    const header = parseNpyHeader(head, file.size, name);
    return decodeNpy(header, await file.read(header.dataStart, header.dataBytes), name);
  });
}

/** `bytes`: exactly the header's `dataBytes`, in a buffer of their own that may be changed. */
export function decodeNpy(
  header: NpyHeader,
  bytes: Uint8Array<ArrayBuffer>,
  name: string,
): DataArray {
  const { shape, dtype, elements } = header;
  if (dtype === "string") {
    const strings = decodeStrings(header, bytes, name);
    if (!header.fortranOrder) return { shape, dtype, data: strings };
    const data = Array.from({ length: elements }, () => "");
    fortranToC(strings, data, shape);
    return { shape, dtype, data };
  }
  if (header.bigEndian) swapBytes(bytes, header.itemBytes);
  if (header.kind === "b") for (let i = 0; i < bytes.length; i++) bytes[i] = bytes[i] === 0 ? 0 : 1;
  const half = dtype === "float16";
  const memoryDType: NumericDType = half ? "float32" : (dtype as NumericDType);
  const stored = half
    ? widenHalf(new Uint16Array(bytes.buffer))
    : viewOf(memoryDType, bytes.buffer);
  if (!header.fortranOrder || shape.length < 2) return { shape, dtype: memoryDType, data: stored };
  const data = viewOf(memoryDType, new ArrayBuffer(stored.byteLength));
  fortranToC<number | bigint>(stored, data as Indexed<number | bigint>, shape);
  return { shape, dtype: memoryDType, data };
}

/** Writes version 1, little-endian, C order. Nothing is left behind when it fails. */
export async function writeNpy(path: string, array: DataArray): Promise<void> {
  const elements = array.shape.reduce((product, size) => product * size, 1);
  if (elements !== array.data.length) {
    throw new Error(`${array.data.length} values do not fill ${array.shape.join(" × ")}`);
  }
  await writeAtomically(path, encodeNpy(array));
}

/** The bytes of a .npy file, in two parts: its start and the values. */
export function encodeNpy(array: DataArray): [Uint8Array, Uint8Array] {
  const { descr, bytes } =
    array.dtype === "string" ? encodeStrings(array.data) : encodeNumbers(array);
  return [npyStart(descr, array.shape), bytes];
}

/** What comes before the values: version 1, C order. `descr` as numpy writes it, such as "<f4". */
export function npyStart(descr: string, sizes: readonly number[]): Uint8Array {
  const shape = sizes.length === 1 ? `${sizes[0]},` : sizes.join(", ");
  const dict = `{'descr': '${descr}', 'fortran_order': False, 'shape': (${shape}), }`;
  // numpy aligns the values to 64 bytes, so that they can be memory-mapped.
  const padding = (64 - ((10 + dict.length + 1) % 64)) % 64;
  const text = `${dict}${" ".repeat(padding)}\n`;
  const start = Buffer.from([...NPY_MAGIC, 1, 0, text.length & 0xff, text.length >> 8]);
  return Buffer.concat([start, Buffer.from(text, "latin1")]);
}

const DESCR: Readonly<Record<NumericDType, string>> = {
  float32: "<f4",
  float64: "<f8",
  int8: "|i1",
  uint8: "|u1",
  int16: "<i2",
  uint16: "<u2",
  int32: "<i4",
  uint32: "<u4",
  int64: "<i8",
  uint64: "<u8",
  bool: "|b1",
};

function encodeNumbers({ dtype, data }: NumericArray): { descr: string; bytes: Uint8Array } {
  return { descr: DESCR[dtype], bytes: bytesOf(data) };
}

function encodeStrings(data: readonly string[]): { descr: string; bytes: Uint8Array } {
  const points = data.map((text) => Array.from(text, (character) => character.codePointAt(0)!));
  const length = points.reduce((most, text) => Math.max(most, text.length), 1);
  const values = new Uint32Array(length * data.length);
  points.forEach((text, index) => values.set(text, index * length));
  return { descr: `<U${length}`, bytes: new Uint8Array(values.buffer) };
}

function decodeStrings(header: NpyHeader, bytes: Uint8Array, name: string): string[] {
  if (header.dataBytes > MAX_STRING_BYTES) {
    throw new GraftError(
      "data-format",
      `${name}: ${(header.dataBytes / 2 ** 20).toFixed(0)} MB of strings; Graft reads up to 256 MB of labels. Save class indices instead.`,
    );
  }
  const decode = header.kind === "S" ? decodeBytes : decodeUtf32(header.bigEndian);
  return Array.from({ length: header.elements }, (_, index) => {
    const start = index * header.itemBytes;
    const text = decode(bytes.subarray(start, start + header.itemBytes));
    if (text !== null) return text;
    throw new GraftError(
      "data-format",
      `${name}: string ${index} is not text. Save the labels again as str.`,
    );
  });
}

/** Numpy pads with NUL and cannot tell padding from trailing NULs. */
function decodeBytes(item: Uint8Array): string | null {
  let end = item.length;
  while (end > 0 && item[end - 1] === 0) end--;
  try {
    return new TextDecoder("utf-8", { fatal: true, ignoreBOM: true }).decode(item.subarray(0, end));
  } catch {
    return null;
  }
}

const decodeUtf32 =
  (bigEndian: boolean) =>
  (item: Uint8Array): string | null => {
    const view = new DataView(item.buffer, item.byteOffset, item.length);
    const points: number[] = [];
    for (let at = 0; at < item.length; at += 4) points.push(view.getUint32(at, !bigEndian));
    while (points.at(-1) === 0) points.pop();
    const valid = points.every((point) => point < 0xd800 || (point > 0xdfff && point <= 0x10ffff));
    // One by one: a very long string has more code points than a call may have arguments.
    return valid ? points.map((point) => String.fromCodePoint(point)).join("") : null;
  };

function swapBytes(bytes: Uint8Array<ArrayBuffer>, itemBytes: number): void {
  const buffer = Buffer.from(bytes.buffer, 0, bytes.length);
  if (itemBytes === 2) buffer.swap16();
  else if (itemBytes === 4) buffer.swap32();
  else if (itemBytes === 8) buffer.swap64();
}

/** Node 20 has no Float16Array. */
function widenHalf(halves: Uint16Array): Float32Array {
  return Float32Array.from(halves, (half) => {
    const sign = half & 0x8000 ? -1 : 1;
    const exponent = (half >> 10) & 0x1f;
    const fraction = half & 0x3ff;
    if (exponent === 0) return sign * fraction * 2 ** -24;
    if (exponent === 31) return fraction === 0 ? sign * Infinity : NaN;
    return sign * (1024 + fraction) * 2 ** (exponent - 25);
  });
}

interface Indexed<T> {
  readonly length: number;
  [index: number]: T;
}

/** Copies values stored with the first axis fastest into an array with the last axis fastest. */
function fortranToC<T>(
  source: { readonly length: number; readonly [index: number]: T },
  target: Indexed<T>,
  shape: readonly number[],
): void {
  const rank = shape.length;
  const strides = shape.map((_, axis) => shape.slice(0, axis).reduce((a, b) => a * b, 1));
  const index = shape.map(() => 0);
  let from = 0;
  for (let to = 0; to < source.length; to++) {
    target[to] = source[from]!;
    for (let axis = rank - 1; axis >= 0; axis--) {
      from += strides[axis]!;
      if (++index[axis]! < shape[axis]!) break;
      from -= strides[axis]! * shape[axis]!;
      index[axis] = 0;
    }
  }
}
