// One file of the bottleneck store: rows of float32 numbers with the keys of their samples.
// Layout: magic, row count and row size (u32), 32 bytes of key per row, the rows, SHA-256 of all before it.
// A chunk is written under a temporary name and renamed: it is there whole or not at all.
import { createHash, randomBytes } from "node:crypto";
import * as fs from "node:fs/promises";
import * as path from "node:path";
import { GraftError } from "../../protocol/errors";

const MAGIC = "GRAFTBN1";
const HEADER = MAGIC.length + 8;
const KEY = 32;
const DIGEST = 32;
export const CHUNK_SUFFIX = ".rows";

export interface ChunkIndex {
  readonly file: string;
  readonly keys: readonly string[];
  /** Numbers in a row. */
  readonly width: number;
}

/** Writes rows under their keys; returns what was written. */
export async function writeChunk(
  folder: string,
  keys: readonly string[],
  rows: Float32Array,
): Promise<ChunkIndex> {
  const width = rows.length / keys.length;
  const header = Buffer.alloc(HEADER);
  header.write(MAGIC, "latin1");
  header.writeUInt32LE(keys.length, MAGIC.length);
  header.writeUInt32LE(width, MAGIC.length + 4);
  const body = Buffer.from(rows.buffer, rows.byteOffset, rows.byteLength);
  const content = Buffer.concat([header, Buffer.from(keys.join(""), "hex"), body]);
  const digest = createHash("sha256").update(content).digest();
  const name = `${digest.toString("hex", 0, 12)}${CHUNK_SUFFIX}`;
  const file = path.join(folder, name);
  const temporary = `${file}.${randomBytes(4).toString("hex")}.tmp`;
  const handle = await fs.open(temporary, "w");
  try {
    await handle.writeFile(Buffer.concat([content, digest]));
    await handle.sync();
  } finally {
    await handle.close();
  }
  await fs.rename(temporary, file);
  return { file, keys, width };
}

/** The keys in a chunk, without its rows; null for a file that is not one. */
export async function readIndex(file: string): Promise<ChunkIndex | null> {
  const handle = await fs.open(file, "r");
  try {
    const { size } = await handle.stat();
    const header = Buffer.alloc(HEADER);
    await handle.read(header, 0, HEADER, 0);
    if (header.toString("latin1", 0, MAGIC.length) !== MAGIC) return null;
    const count = header.readUInt32LE(MAGIC.length);
    const width = header.readUInt32LE(MAGIC.length + 4);
    if (size !== HEADER + count * (KEY + width * 4) + DIGEST) return null;
    const raw = Buffer.alloc(count * KEY);
    await handle.read(raw, 0, raw.length, HEADER);
    const keys = Array.from({ length: count }, (_, row) =>
      raw.toString("hex", row * KEY, (row + 1) * KEY),
    );
    return { file, keys, width };
  } finally {
    await handle.close();
  }
}

/** The rows of a chunk, checksum verified. Throws `checksum-mismatch`. */
export async function readRows(chunk: ChunkIndex): Promise<Float32Array> {
  const content = await fs.readFile(chunk.file);
  const end = content.length - DIGEST;
  const digest = createHash("sha256").update(content.subarray(0, end)).digest();
  if (!digest.equals(content.subarray(end)))
    throw new GraftError(
      "checksum-mismatch",
      `${chunk.file} is damaged: its checksum does not match. Delete it; the next run computes its bottlenecks again.`,
    );
  const start = HEADER + chunk.keys.length * KEY;
  return new Float32Array(
    content.buffer.slice(content.byteOffset + start, content.byteOffset + end),
  );
}
