// One entry of a V2 index, checked against what it says itself and against the size of its data file.
import { GraftError } from "../../../protocol/errors";
import { describeUnknownType, dtypeOf, elementBytes } from "./dtypes";
import { missingShard } from "./errors";
import type { BundleEntryProto } from "./proto/tensorflow_pb";
import { statedShape } from "./shape";
import type { Stored } from "./source";

/** Where the bytes of a tensor or slice are. */
export interface Extract {
  readonly shard: number;
  readonly offset: number;
  readonly size: number;
  readonly crc: number;
}

export interface Shards {
  readonly count: number;
  path(shard: number): string;
  /** null: there is no such file. */
  size(shard: number): Promise<number | null>;
}

/** The entry as a tensor of one piece; of a partitioned tensor, of none yet. */
export async function storedEntry(
  name: string,
  entry: BundleEntryProto,
  index: string,
  shards: Shards,
): Promise<Stored<Extract>> {
  const { shape, elements, problem: shapeProblem } = statedShape(entry.shape);
  const dtype = dtypeOf(entry.dtype);
  const size = Number(entry.size);
  const partitioned = entry.slices.length > 0;
  const tensor: Stored<Extract> = {
    name,
    // An unknown type is listed as bytes; its problem says so.
    dtype: dtype ?? "uint8",
    shape,
    elements,
    bytes: dtype === "string" ? NaN : dtype && partitioned ? elements * elementBytes(dtype) : size,
    pieces: [],
  };
  const broken = (problem: GraftError): Stored<Extract> => ({ ...tensor, problem });
  const damaged = (what: string) =>
    broken(new GraftError("corrupt-file", `Tensor "${name}" in ${index} is damaged: ${what}.`));

  if (!dtype)
    return broken(
      new GraftError(
        "unsupported-format",
        `Tensor "${name}" in ${index} cannot be read: ${describeUnknownType(entry.dtype)}.`,
      ),
    );
  if (shapeProblem) return damaged(shapeProblem);
  if (partitioned) return tensor;

  const least =
    dtype === "string" ? leastStringBytes(elements, size) : elements * elementBytes(dtype);
  if (size < 0 || (dtype === "string" ? size < least : size !== least))
    return damaged(
      `its shape [${shape.join(", ")}] of ${dtype} needs ${dtype === "string" ? "at least " : ""}${least} bytes, and the index says ${entry.size}`,
    );
  if (entry.shardId < 0 || entry.shardId >= shards.count)
    return damaged(`it is said to lie in data file ${entry.shardId} of ${shards.count}`);
  const path = shards.path(entry.shardId);
  const fileSize = await shards.size(entry.shardId);
  if (fileSize === null) return broken(missingShard(path, `it holds the values of "${name}"`));
  if (entry.offset < 0n || entry.offset + entry.size > BigInt(fileSize))
    return damaged(
      `it is said to lie at bytes ${entry.offset} to ${entry.offset + entry.size} of ${path}, which has ${fileSize}`,
    );
  const piece = { shard: entry.shardId, offset: Number(entry.offset), size, crc: entry.crc32c };
  return { ...tensor, pieces: [{ piece }] };
}

/** A byte of length per item and the checksum of the lengths; TensorFlow also reads an empty tensor of 0 bytes. */
const leastStringBytes = (elements: number, size: number): number =>
  elements === 0 && size === 0 ? 0 : elements + 4;
