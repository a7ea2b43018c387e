// Reads tensors out of the data files of a V2 checkpoint. A file is opened when its first tensor is wanted.
import { openByteFile, type ByteFile } from "./bytefile";
import { extendCrc, maskCrc } from "./crc";
import type { Extract, Shards } from "./entry";
import { checksumMismatch, corrupt } from "./errors";
import type { PieceReader, Stored } from "./source";
import { readVarint } from "./varint";

export function shardReader(shards: Shards): PieceReader<Extract> {
  const files = new Map<number, Promise<ByteFile>>();
  const open = (shard: number): Promise<ByteFile> => {
    const known = files.get(shard);
    if (known) return known;
    const opening = openByteFile(shards.path(shard));
    files.set(shard, opening);
    // A file that is put back is found at the next attempt.
    opening.catch(() => files.delete(shard));
    return opening;
  };
  return {
    async bytes(tensor, { shard, offset, size, crc }) {
      const file = await open(shard);
      let found = 0;
      const bytes = await file.read(offset, size, (chunk) => (found = extendCrc(found, chunk)));
      verify(file, tensor, offset, crc, found);
      return bytes;
    },
    async strings(tensor, { shard, offset, size, crc }, elements) {
      if (size === 0) return [];
      const file = await open(shard);
      const bytes = await file.read(offset, size);
      const { items, crc: found } = splitStrings(bytes, elements, (what) =>
        corrupt(file.path, `string tensor "${tensor.name}" at byte ${offset}: ${what}`),
      );
      verify(file, tensor, offset, crc, found);
      return items;
    },
    async close() {
      const open = [...files.values()];
      files.clear();
      for (const file of await Promise.allSettled(open))
        if (file.status === "fulfilled") await file.value.close();
    },
  };
}

function verify(
  file: ByteFile,
  tensor: Stored<Extract>,
  offset: number,
  stored: number,
  crc: number,
): void {
  const found = maskCrc(crc);
  if (stored >>> 0 !== found)
    throw checksumMismatch(file.path, `tensor "${tensor.name}" at byte ${offset}`, stored, found);
}

/**
 * All lengths as varints, a checksum of the lengths, then all bytes. The checksum runs over the lengths
 * as fixed-size integers, then over the stored checksum, then over the bytes.
 */
function splitStrings(
  bytes: Uint8Array,
  elements: number,
  damaged: (what: string) => Error,
): { items: Uint8Array[]; crc: number } {
  const lengths: number[] = [];
  let crc = 0;
  let at = 0;
  for (let index = 0; index < elements; index++) {
    const length = readVarint(bytes, at);
    if (!length) throw damaged(`the length of item ${index} is not valid`);
    lengths.push(length.value);
    crc = extendCrc(crc, fixed32(length.value));
    at = length.next;
  }
  if (at + 4 + lengths.reduce((sum, length) => sum + length, 0) !== bytes.length)
    throw damaged(`its items do not add up to its ${bytes.length} bytes`);
  const checksum = bytes.subarray(at, at + 4);
  if (Buffer.compare(checksum, fixed32(maskCrc(crc))) !== 0)
    throw damaged("the checksum of its lengths does not match");
  crc = extendCrc(crc, bytes.subarray(at));
  at += 4;
  const items = lengths.map((length) => bytes.subarray(at, (at += length)));
  return { items, crc };
}

export function fixed32(value: number): Uint8Array {
  const bytes = new Uint8Array(4);
  new DataView(bytes.buffer).setUint32(0, value, true);
  return bytes;
}
