// Reads V1 checkpoints: one table, or one per shard, that holds a list of slices and each slice's values.
// https://github.com/tensorflow/tensorflow/blob/master/tensorflow/core/util/saved_tensor_slice.proto
import { BinaryReader, WireType } from "@bufbuild/protobuf/wire";
import { GraftError } from "../../../protocol/errors";
import type { TensorSource } from "../format";
import { boxOf, extentsOf, isWhole } from "./box";
import { openByteFile, type ByteFile } from "./bytefile";
import { decode } from "./decode";
import { describeUnknownType, dtypeOf, elementBytes } from "./dtypes";
import { corrupt, reason, unsupported } from "./errors";
import { sliceKey } from "./orderedcode";
import {
  SavedTensorSlicesSchema,
  type SavedSliceMeta,
  type SavedTensorSliceMeta,
} from "./proto/tensorflow_pb";
import { statedShape } from "./shape";
import { decodeBytes, decodeStrings, type ValueReader } from "./slicevalues";
import { coverageProblem, tensorSource, type PieceReader, type Stored } from "./source";
import { openTable, type Table } from "./sstable";

/** The version of the format that this code reads and writes. */
export const SLICES_VERSION = 1;

interface Shard {
  readonly file: ByteFile;
  readonly table: Table;
}

/** A slice: its key in the table of its shard. */
interface Slice {
  readonly shard: Shard;
  readonly key: Uint8Array;
}

export async function openSlices(prefix: string, paths: readonly string[]): Promise<TensorSource> {
  const files: ByteFile[] = [];
  const close = async () => {
    for (const file of files) await file.close();
  };
  try {
    const stored = new Map<string, Stored<Slice>>();
    for (const path of paths) {
      const file = await openByteFile(path);
      files.push(file);
      const shard = { file, table: await openTable(file) };
      for (const meta of (await readMeta(shard)).tensor)
        stored.set(meta.name, merged(stored.get(meta.name), storedSlices(meta, shard), path));
    }
    const total = files.reduce((sum, { size }) => sum + size, 0);
    for (const [name, tensor] of stored) stored.set(name, checked(tensor, prefix, total));
    return tensorSource(prefix, stored, sliceReader(close));
  } catch (error) {
    await close();
    throw error;
  }
}

async function readMeta({ file, table }: Shard): Promise<SavedTensorSliceMeta> {
  const value = await table.get(new Uint8Array(0));
  if (!value) throw corrupt(file.path, "it has no list of its tensors");
  const { meta } = decode(SavedTensorSlicesSchema, value, file.path, "its list of tensors");
  if (!meta) throw corrupt(file.path, "its list of tensors is empty");
  if ((meta.versions?.minConsumer ?? 0) > SLICES_VERSION)
    throw unsupported(
      file.path,
      `it needs a reader of version ${meta.versions?.minConsumer} of the format, and Graft's is ${SLICES_VERSION}`,
    );
  return meta;
}

function storedSlices(meta: SavedSliceMeta, shard: Shard): Stored<Slice> {
  const { path } = shard.file;
  const { shape, elements, problem } = statedShape(meta.shape);
  const dtype = dtypeOf(meta.type);
  const tensor: Stored<Slice> = {
    name: meta.name,
    // An unknown type is listed as bytes; its problem says so.
    dtype: dtype ?? "uint8",
    shape,
    elements,
    bytes: dtype === "string" ? NaN : elements * elementBytes(dtype ?? "uint8"),
    pieces: [],
  };
  const damaged = (what: string): Stored<Slice> => ({
    ...tensor,
    problem: corrupt(path, `tensor "${meta.name}": ${what}`),
  });
  if (!dtype)
    return {
      ...tensor,
      problem: unsupported(path, `tensor "${meta.name}": ${describeUnknownType(meta.type)}`),
    };
  if (problem) return damaged(problem);
  const pieces: Stored<Slice>["pieces"][number][] = [];
  for (const slice of meta.slice) {
    const extents = extentsOf(slice);
    const box = boxOf(extents, shape);
    if (!box) return damaged(`slice ${pieces.length} does not lie in its shape`);
    const piece = { shard, key: sliceKey(meta.name, extents) };
    pieces.push(isWhole(box, shape) ? { piece } : { piece, box });
  }
  return { ...tensor, pieces };
}

/** A tensor whose slices are spread over shards is listed in each of them. */
function merged(
  before: Stored<Slice> | undefined,
  tensor: Stored<Slice>,
  path: string,
): Stored<Slice> {
  if (!before || before.problem) return before ?? tensor;
  if (tensor.problem) return tensor;
  if (before.dtype !== tensor.dtype || before.shape.join() !== tensor.shape.join())
    return {
      ...before,
      problem: corrupt(path, `tensor "${tensor.name}" has another type or shape in another shard`),
    };
  return { ...before, pieces: [...before.pieces, ...tensor.pieces] };
}

/** An element takes a byte or more, and Snappy makes at most 22 bytes of one. */
const MAX_ELEMENTS_PER_BYTE = 22;

function checked(tensor: Stored<Slice>, prefix: string, fileBytes: number): Stored<Slice> {
  if (tensor.problem) return tensor;
  const problem =
    tensor.elements > fileBytes * MAX_ELEMENTS_PER_BYTE
      ? `its shape [${tensor.shape.join(", ")}] has more elements than ${fileBytes} bytes can hold`
      : coverageProblem(
          tensor.pieces.map(({ box }) => box),
          tensor.elements,
        );
  if (!problem) return tensor;
  return { ...tensor, problem: corrupt(prefix, `tensor "${tensor.name}": ${problem}`) };
}

function sliceReader(close: () => Promise<void>): PieceReader<Slice> {
  return {
    close,
    bytes: (tensor, slice, elements) =>
      readValue(tensor, slice, (proto, reader) =>
        decodeBytes(proto, tensor.dtype, elements, reader),
      ),
    strings: (tensor, slice, elements) =>
      readValue(tensor, slice, (proto, reader) => decodeStrings(proto, elements, reader)),
  };
}

async function readValue<Value>(
  tensor: Stored<Slice>,
  { shard, key }: Slice,
  read: (proto: Uint8Array, reader: ValueReader) => Value,
): Promise<Value> {
  const { path } = shard.file;
  const damaged = (what: string) => corrupt(path, `tensor "${tensor.name}": ${what}`);
  const value = await shard.table.get(key);
  if (!value) throw damaged("it is listed, and its values are not there");
  try {
    // SavedTensorSlices.data.data
    return read(messageField(messageField(value, 2), 3), { path, damaged });
  } catch (error) {
    if (error instanceof GraftError) throw error;
    throw damaged(`its values are not a valid message (${reason(error)})`);
  }
}

/** The bytes of an embedded message; empty when it is not there. */
function messageField(message: Uint8Array, number: number): Uint8Array {
  const reader = new BinaryReader(message);
  let found: Uint8Array = new Uint8Array(0);
  while (reader.pos < reader.len) {
    const [field, type] = reader.tag();
    if (field === number && type === WireType.LengthDelimited) found = reader.bytes();
    else reader.skip(type, field);
  }
  return found;
}
