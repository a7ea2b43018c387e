// The values inside a V1 checkpoint: a TensorProto whose type decides which of its fields holds them.
// Read and written as bytes, not through the generated class: a float must keep its bits, and a million of them their size.
import { BinaryReader, BinaryWriter, WireType } from "@bufbuild/protobuf/wire";
import type { DType } from "../../../protocol/checkpoint";
import { allocate } from "./bytefile";
import { elementBytes } from "./dtypes";

type Coding = "fixed" | "signed" | "unsigned" | "strings";

interface Field {
  readonly number: number;
  readonly coding: Coding;
  /** TensorFlow's V1 code knows the type. */
  readonly writable: boolean;
}

const field = (number: number, coding: Coding, writable = true): Field => ({
  number,
  coding,
  writable,
});

const FIELDS: { readonly [D in DType]: Field } = {
  float32: field(5, "fixed"),
  float64: field(6, "fixed"),
  complex64: field(9, "fixed"),
  complex128: field(12, "fixed"),
  int8: field(7, "signed"),
  uint8: field(7, "unsigned"),
  int16: field(7, "signed"),
  uint16: field(7, "unsigned"),
  int32: field(7, "signed"),
  int64: field(10, "signed"),
  bool: field(11, "unsigned"),
  float16: field(13, "unsigned"),
  bfloat16: field(13, "unsigned", false),
  uint32: field(16, "unsigned", false),
  uint64: field(17, "unsigned", false),
  string: field(8, "strings"),
};

const TENSOR_CONTENT = 4;

export const isV1Type = (dtype: DType): boolean => FIELDS[dtype].writable;

/** Reads a value of exactly `elements` elements. */
export interface ValueReader {
  /** Names the file. */
  readonly path: string;
  damaged(what: string): Error;
}

/** The little-endian bytes of `elements` elements. */
export function decodeBytes(
  proto: Uint8Array,
  dtype: DType,
  elements: number,
  { path, damaged }: ValueReader,
): Uint8Array {
  const { number, coding } = FIELDS[dtype];
  const size = elementBytes(dtype);
  const wrong = (found: string) =>
    damaged(`it should hold ${elements} elements of ${dtype} and holds ${found}`);
  const { content, chunks } = valueFields(proto, number);
  if (content) {
    if (content.length !== elements * size) throw wrong(`${content.length} bytes`);
    return content;
  }
  // Every element takes at least a byte, so this bounds what is allocated below.
  const stored = chunks.reduce((sum, chunk) => sum + chunk.length, 0);
  if (coding === "fixed" ? stored !== elements * size : stored < elements)
    throw wrong(`${stored} bytes`);
  const bytes = allocate(elements * size, path);
  if (coding === "fixed") {
    let at = 0;
    for (const chunk of chunks) {
      bytes.set(chunk, at);
      at += chunk.length;
    }
    return bytes;
  }
  const view = new DataView(bytes.buffer);
  const get = GET[size]!;
  let count = 0;
  for (const chunk of chunks)
    for (const reader = new BinaryReader(chunk); reader.pos < reader.len; count++) {
      if (count === elements) throw wrong("more");
      get(view, count * size, reader);
    }
  if (count !== elements) throw wrong(String(count));
  return bytes;
}

/** The items of a string tensor. */
export function decodeStrings(
  proto: Uint8Array,
  elements: number,
  { damaged }: ValueReader,
): readonly Uint8Array[] {
  const { chunks } = valueFields(proto, FIELDS.string.number);
  if (chunks.length !== elements)
    throw damaged(`it should hold ${elements} strings and holds ${chunks.length}`);
  return chunks;
}

/** The payloads of one field, packed or not, and `tensor_content` where it is used instead. */
function valueFields(
  proto: Uint8Array,
  number: number,
): { content?: Uint8Array; chunks: Uint8Array[] } {
  const reader = new BinaryReader(proto);
  const chunks: Uint8Array[] = [];
  let content: Uint8Array | undefined;
  while (reader.pos < reader.len) {
    const [field, type] = reader.tag();
    if (field === TENSOR_CONTENT && type === WireType.LengthDelimited) content = reader.bytes();
    else if (field !== number) reader.skip(type, field);
    else chunks.push(type === WireType.LengthDelimited ? reader.bytes() : reader.skip(type, field));
  }
  return { ...(content?.length && { content }), chunks };
}

/** A TensorProto with only its value field, as TensorFlow writes them. */
export function encodeValues(dtype: DType, value: Uint8Array | readonly Uint8Array[]): Uint8Array {
  const { number, coding } = FIELDS[dtype];
  const writer = new BinaryWriter();
  if (!(value instanceof Uint8Array)) {
    for (const item of value) writer.tag(number, WireType.LengthDelimited).bytes(item);
    return writer.finish();
  }
  if (value.length === 0) return writer.finish();
  writer.tag(number, WireType.LengthDelimited);
  if (coding === "fixed") return writer.bytes(value).finish();
  writer.fork();
  const size = elementBytes(dtype);
  const view = new DataView(value.buffer, value.byteOffset, value.byteLength);
  const put = (coding === "signed" ? PUT_SIGNED : PUT_UNSIGNED)[size]!;
  for (let at = 0; at < value.length; at += size) put(writer, view, at);
  return writer.join().finish();
}

// Integers by their size in bytes. The lowest bytes of a varint are right for signed and unsigned ones alike.
const GET: Readonly<Record<number, (view: DataView, at: number, reader: BinaryReader) => void>> = {
  1: (view, at, reader) => view.setUint8(at, reader.uint32()),
  2: (view, at, reader) => view.setUint16(at, reader.uint32(), true),
  4: (view, at, reader) => view.setUint32(at, reader.uint32(), true),
  8: (view, at, reader) => view.setBigUint64(at, BigInt(reader.uint64()), true),
};

type Put = Readonly<Record<number, (writer: BinaryWriter, view: DataView, at: number) => void>>;

const PUT_SIGNED: Put = {
  1: (writer, view, at) => writer.int32(view.getInt8(at)),
  2: (writer, view, at) => writer.int32(view.getInt16(at, true)),
  4: (writer, view, at) => writer.int32(view.getInt32(at, true)),
  8: (writer, view, at) => writer.int64(view.getBigInt64(at, true)),
};

const PUT_UNSIGNED: Put = {
  1: (writer, view, at) => writer.uint32(view.getUint8(at)),
  2: (writer, view, at) => writer.uint32(view.getUint16(at, true)),
  4: (writer, view, at) => writer.uint32(view.getUint32(at, true)),
  8: (writer, view, at) => writer.uint64(view.getBigUint64(at, true)),
};
