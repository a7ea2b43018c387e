// One block of a table: checksum, compression, and the entries whose keys share prefixes.
import snappy from "snappyjs";
import type { ByteFile } from "./bytefile";
import { maskedCrc } from "./crc";
import { checksumMismatch, corrupt, unsupported } from "./errors";
import { readVarint } from "./varint";

/** Where a block lies; its type byte and checksum follow it. */
export interface Handle {
  readonly offset: number;
  readonly size: number;
}

export interface Entry {
  readonly key: Uint8Array;
  readonly value: Uint8Array;
}

/** Type byte and masked crc32c after each block. */
export const TRAILER = 5;

export const RAW = 0;
const SNAPPY = 1;

/** A Snappy copy element makes at most 64 bytes of 3. */
const SNAPPY_MAX_RATIO = 22;

export async function readBlock(file: ByteFile, handle: Handle): Promise<Uint8Array> {
  const { offset, size } = handle;
  if (offset + size + TRAILER > file.size)
    throw corrupt(
      file.path,
      `a block is said to lie at bytes ${offset} to ${offset + size}, the file has ${file.size}`,
    );
  const bytes = await file.read(offset, size + TRAILER);
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const stored = view.getUint32(size + 1, true);
  const found = maskedCrc(bytes.subarray(0, size + 1));
  if (stored !== found)
    throw checksumMismatch(file.path, `the block at byte ${offset}`, stored, found);
  const contents = bytes.subarray(0, size);
  const type = bytes[size]!;
  if (type === RAW) return contents;
  if (type === SNAPPY) return unsnap(file, offset, contents);
  throw unsupported(
    file.path,
    `the block at byte ${offset} has compression ${type}; known are 0 (none) and 1 (Snappy)`,
  );
}

function unsnap(file: ByteFile, offset: number, compressed: Uint8Array): Uint8Array {
  try {
    return snappy.uncompress(compressed, compressed.length * SNAPPY_MAX_RATIO);
  } catch (error) {
    throw corrupt(file.path, `the Snappy data of the block at byte ${offset} is not valid`, error);
  }
}

/** Every entry, in the order of the file. */
export function blockEntries(block: Uint8Array, damaged: (what: string) => Error): Entry[] {
  const end = entriesEnd(block, damaged);
  const entries: Entry[] = [];
  let key = new Uint8Array(0);
  for (let at = 0; at < end;) {
    const shared = readVarint(block, at, end);
    const fresh = shared && readVarint(block, shared.next, end);
    const length = fresh && readVarint(block, fresh.next, end);
    if (!length) throw damaged(`entry ${entries.length} of a block is cut off`);
    const keyEnd = length.next + fresh.value;
    const valueEnd = keyEnd + length.value;
    if (shared.value > key.length || valueEnd > end)
      throw damaged(`entry ${entries.length} of a block reaches past what is there`);
    const next = new Uint8Array(shared.value + fresh.value);
    next.set(key.subarray(0, shared.value));
    next.set(block.subarray(length.next, keyEnd), shared.value);
    key = next;
    entries.push({ key, value: block.subarray(keyEnd, valueEnd) });
    at = valueEnd;
  }
  return entries;
}

/** Entries end where the list of restart points begins; reading in order needs none of them. */
function entriesEnd(block: Uint8Array, damaged: (what: string) => Error): number {
  const view = new DataView(block.buffer, block.byteOffset, block.byteLength);
  const end = block.length < 4 ? -1 : block.length - 4 - 4 * view.getUint32(block.length - 4, true);
  if (end < 0) throw damaged(`the list of restart points of a block is longer than the block`);
  return end;
}
