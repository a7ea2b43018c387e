// Reads V2 checkpoints: X.index lists the tensors, X.data-0000i-of-0000n hold their bytes.
// https://github.com/tensorflow/tensorflow/blob/master/tensorflow/core/util/tensor_bundle/tensor_bundle.h
import { stat } from "node:fs/promises";
import { boxOf, extentsOf, isWhole, type Box } from "./box";
import { bundleHeader } from "./bundleheader";
import { decode } from "./decode";
import type { TensorSource } from "../format";
import { storedEntry, type Extract, type Shards } from "./entry";
import { corrupt, readFailed, systemCode } from "./errors";
import { openByteFile, type ByteFile } from "./bytefile";
import { sliceKey, SLICE_KEY } from "./orderedcode";
import { BundleEntryProtoSchema, type BundleEntryProto } from "./proto/tensorflow_pb";
import { shardReader } from "./shards";
import { coverageProblem, tensorSource, type Stored } from "./source";
import { openTable } from "./sstable";

export const indexPath = (prefix: string): string => `${prefix}.index`;

export const dataPath = (prefix: string, shard: number, count: number): string =>
  `${prefix}.data-${digits(shard)}-of-${digits(count)}`;

const digits = (number: number): string => String(number).padStart(5, "0");

export async function openBundle(prefix: string): Promise<TensorSource> {
  const file = await openByteFile(indexPath(prefix));
  let index;
  try {
    index = await readIndex(file);
  } finally {
    await file.close();
  }
  const shards = shardsOf(prefix, index.shardCount);
  const stored = new Map<string, Stored<Extract>>();
  for (const [name, entry] of index.tensors) {
    const tensor = await storedEntry(name, entry, file.path, shards);
    stored.set(
      name,
      entry.slices.length > 0 && !tensor.problem
        ? await partitioned(tensor, entry, index.slices, file.path, shards)
        : tensor,
    );
  }
  return tensorSource(prefix, stored, shardReader(shards));
}

interface Index {
  readonly shardCount: number;
  readonly tensors: ReadonlyMap<string, BundleEntryProto>;
  /** By key, as latin1 text. */
  readonly slices: ReadonlyMap<string, BundleEntryProto>;
}

async function readIndex(file: ByteFile): Promise<Index> {
  const table = await openTable(file);
  const tensors = new Map<string, BundleEntryProto>();
  const slices = new Map<string, BundleEntryProto>();
  let shardCount: number | undefined;
  for await (const { key, value } of table.entries()) {
    if (key.length === 0 && shardCount === undefined) {
      shardCount = bundleHeader(value, file.path);
      continue;
    }
    const isSlice = key[0] === SLICE_KEY;
    const name = isSlice ? latin1(key) : utf8(key, file.path);
    const into = isSlice ? slices : tensors;
    if (into.has(name) || name === "") throw corrupt(file.path, `it lists "${name}" twice`);
    into.set(name, decode(BundleEntryProtoSchema, value, file.path, `the entry of "${name}"`));
  }
  if (shardCount === undefined) throw corrupt(file.path, `it has no header`);
  return { shardCount, tensors, slices };
}

function utf8(key: Uint8Array, path: string): string {
  try {
    return new TextDecoder("utf-8", { fatal: true, ignoreBOM: true }).decode(key);
  } catch (error) {
    throw corrupt(path, `the name of a tensor, ${latin1(key)}, is not UTF-8`, error);
  }
}

const latin1 = (key: Uint8Array): string => Buffer.from(key).toString("latin1");

/** A tensor whose entry only says how it is cut: each slice has an entry of its own. */
async function partitioned(
  tensor: Stored<Extract>,
  entry: BundleEntryProto,
  slices: ReadonlyMap<string, BundleEntryProto>,
  path: string,
  shards: Shards,
): Promise<Stored<Extract>> {
  const damaged = (what: string): Stored<Extract> => ({
    ...tensor,
    problem: corrupt(path, `tensor "${tensor.name}": ${what}`),
  });
  const pieces: { piece: Extract; box?: Box }[] = [];
  for (const slice of entry.slices) {
    const extents = extentsOf(slice);
    const box = boxOf(extents, tensor.shape);
    if (!box) return damaged(`slice ${pieces.length} does not lie in its shape`);
    const found = slices.get(latin1(sliceKey(tensor.name, extents)));
    if (!found) return damaged(`the index has no entry for slice ${pieces.length}`);
    const part = await storedEntry(tensor.name, found, path, shards);
    if (part.problem) return { ...tensor, problem: part.problem };
    const piece = part.pieces[0]?.piece;
    if (!piece || part.dtype !== tensor.dtype || !isWhole(box, part.shape))
      return damaged(`slice ${pieces.length} has another type or shape than the tensor says`);
    pieces.push({ piece, box });
  }
  const problem = coverageProblem(
    pieces.map(({ box }) => box),
    tensor.elements,
  );
  return problem ? damaged(problem) : { ...tensor, pieces };
}

function shardsOf(prefix: string, count: number): Shards {
  const sizes = new Map<number, Promise<number | null>>();
  const path = (shard: number) => dataPath(prefix, shard, count);
  const measure = async (shard: number): Promise<number | null> => {
    try {
      return (await stat(path(shard))).size;
    } catch (error) {
      if (systemCode(error) === "ENOENT") return null;
      throw readFailed(path(shard), error);
    }
  };
  return {
    count,
    path,
    size(shard) {
      const size = sizes.get(shard) ?? measure(shard);
      sizes.set(shard, size);
      return size;
    },
  };
}
