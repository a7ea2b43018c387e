// One file of the bottleneck store: rows of float32 numbers with the keys of their samples.
// Layout: magic; rows, numbers in a row, rows in a page (u32 each); the keys; a CRC-32 for each page of rows; SHA-256 of all
// before it; the rows. The index before the rows is read when a space is opened; rows are read and checked page by page.
import { createHash } from "node:crypto";
import * as fs from "node:fs/promises";
import * as path from "node:path";
import { crc32 } from "node:zlib";
import { bytesOf } from "../graph/dtypes";
import { writeDurably } from "./durable";
import { KEY_WORDS, type Keys } from "./keyTable";

const MAGIC = "GRAFTBN2";
const START = MAGIC.length + 3 * 4;
const KEY = KEY_WORDS * Int32Array.BYTES_PER_ELEMENT;
const CRC = 4;
const DIGEST = 32;
const PAGE_BYTES = 64 * 1024;
/** Neighbouring pages are read at once, up to this size. */
const READ_BYTES = 8 * 2 ** 20;
export const CHUNK_SUFFIX = ".rows";

/** Bytes that a row takes on disk, with its key and its share of a page's checksum. */
export const storedBytes = (width: number): number => width * 4 + KEY + CRC;

export interface Chunk {
  readonly file: string;
  readonly keys: Keys;
  /** Numbers in a row. */
  readonly width: number;
  readonly pageRows: number;
  readonly pageChecksums: Uint32Array;
  /** Where the rows start in the file. */
  readonly rowsAt: number;
}

/** A chunk whose bytes are not the ones that were written. */
export class DamagedChunk extends Error {
  constructor(
    readonly file: string,
    readonly problem: string,
  ) {
    super(`${file} is damaged: ${problem}`);
  }
}

const rowCount = (keys: Keys): number => keys.length / KEY_WORDS;

/** Writes rows under their keys, named by what it holds; returns what was written. */
export async function writeChunk(folder: string, keys: Keys, rows: Float32Array): Promise<Chunk> {
  const count = rowCount(keys);
  const width = rows.length / count;
  const pageRows = Math.max(1, Math.round(PAGE_BYTES / (width * 4)));
  const bytes = bytesOf(rows);
  const pageBytes = pageRows * width * 4;
  const pageChecksums = Uint32Array.from({ length: Math.ceil(count / pageRows) }, (_, page) =>
    crc32(bytes.subarray(page * pageBytes, (page + 1) * pageBytes)),
  );
  const start = Buffer.alloc(START);
  start.write(MAGIC, "latin1");
  [count, width, pageRows].forEach((value, index) =>
    start.writeUInt32LE(value, MAGIC.length + index * 4),
  );
  const index = Buffer.concat([start, bytesOf(keys), bytesOf(pageChecksums)]);
  const digest = createHash("sha256").update(index).digest();
  const file = path.join(folder, `${digest.toString("hex", 0, 12)}${CHUNK_SUFFIX}`);
  await writeDurably(file, [index, digest, bytes]);
  return { file, keys, width, pageRows, pageChecksums, rowsAt: index.length + DIGEST };
}

/** What a chunk holds, without its rows. Throws `DamagedChunk`. */
export async function readChunk(file: string): Promise<Chunk> {
  const handle = await fs.open(file, "r");
  try {
    const { size } = await handle.stat();
    const start = await readFully(handle, file, 0, Math.min(START, size));
    if (start.length < START || start.toString("latin1", 0, MAGIC.length) !== MAGIC)
      throw new DamagedChunk(file, "it does not start as a chunk does");
    const [count, width, pageRows] = [0, 1, 2].map((at) =>
      start.readUInt32LE(MAGIC.length + at * 4),
    );
    const pages = Math.ceil(count / pageRows);
    const indexEnd = START + count * KEY + pages * CRC;
    const expected = indexEnd + DIGEST + count * width * 4;
    // Sizes are believed only where they add up to the file's; so nothing larger than it is allocated.
    if (size !== expected)
      throw new DamagedChunk(file, `it has ${size} bytes instead of ${expected}`);
    const index = await readFully(handle, file, 0, indexEnd + DIGEST);
    const digest = createHash("sha256").update(index.subarray(0, indexEnd)).digest();
    if (!digest.equals(index.subarray(indexEnd)))
      throw new DamagedChunk(file, "the checksum of its index does not match");
    const keys = new Int32Array(copyOf(index, START, count * KEY));
    const pageChecksums = new Uint32Array(copyOf(index, START + count * KEY, pages * CRC));
    return { file, keys, width, pageRows, pageChecksums, rowsAt: indexEnd + DIGEST };
  } finally {
    await handle.close();
  }
}

/**
 * Calls `use` with each of `rows` (ascending; the same one may come again) and its numbers, a view that is valid during
 * the call. The pages they lie in are read in the order of the file, and their checksums verified. Throws `DamagedChunk`.
 */
export async function readRows(
  chunk: Chunk,
  rows: ArrayLike<number>,
  use: (which: number, numbers: Float32Array) => void,
): Promise<void> {
  if (rows.length === 0) return;
  const { file, width, pageRows } = chunk;
  const pageBytes = pageRows * width * 4;
  const mostPages = Math.max(1, Math.floor(READ_BYTES / pageBytes));
  const pageOf = (which: number) => Math.floor(rows[which] / pageRows);
  const handle = await fs.open(file, "r");
  try {
    for (let which = 0; which < rows.length;) {
      const first = pageOf(which);
      let last = first;
      let end = which + 1;
      while (end < rows.length && pageOf(end) <= last + 1 && pageOf(end) - first < mostPages)
        last = pageOf(end++);
      const numbers = await readPages(handle, chunk, first, last);
      for (; which < end; which++) {
        const at = (rows[which] - first * pageRows) * width;
        use(which, numbers.subarray(at, at + width));
      }
    }
  } finally {
    await handle.close();
  }
}

/** Reads and verifies all of a chunk. Throws `DamagedChunk`. */
export async function verifyChunk(file: string): Promise<Chunk> {
  const chunk = await readChunk(file);
  const rows = Int32Array.from({ length: rowCount(chunk.keys) }, (_, row) => row);
  await readRows(chunk, rows, () => undefined);
  return chunk;
}

async function readPages(
  handle: fs.FileHandle,
  { file, keys, width, pageRows, pageChecksums, rowsAt }: Chunk,
  first: number,
  last: number,
): Promise<Float32Array> {
  const pageBytes = pageRows * width * 4;
  const rows = Math.min(rowCount(keys), (last + 1) * pageRows) - first * pageRows;
  const bytes = await readFully(handle, file, rowsAt + first * pageBytes, rows * width * 4);
  for (let page = first; page <= last; page++) {
    const at = (page - first) * pageBytes;
    if (crc32(bytes.subarray(at, at + pageBytes)) !== pageChecksums[page])
      throw new DamagedChunk(
        file,
        `the checksum of its rows from ${page * pageRows} on does not match`,
      );
  }
  return new Float32Array(bytes.buffer, bytes.byteOffset, rows * width);
}

async function readFully(
  handle: fs.FileHandle,
  file: string,
  position: number,
  length: number,
): Promise<Buffer<ArrayBuffer>> {
  const bytes = Buffer.from(new ArrayBuffer(length));
  for (let done = 0; done < length;) {
    const { bytesRead } = await handle.read(bytes, done, length - done, position + done);
    if (bytesRead === 0) throw new DamagedChunk(file, `it ends at byte ${position + done}`);
    done += bytesRead;
  }
  return bytes;
}

const copyOf = (bytes: Buffer<ArrayBuffer>, at: number, length: number): ArrayBuffer =>
  bytes.buffer.slice(bytes.byteOffset + at, bytes.byteOffset + at + length);
