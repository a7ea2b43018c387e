// The bottleneck store: outputs of a frozen part, by space (what computes them) and sample key (what they are of).
// A space is a folder of chunks. Anything that is not a whole chunk is ignored and computed again.
import * as fs from "node:fs/promises";
import * as path from "node:path";
import { CHUNK_SUFFIX, readIndex, readRows, writeChunk, type ChunkIndex } from "./chunk";

export interface BottleneckSpace {
  has(key: string): boolean;
  /** The rows of `keys`, one after the other. Every key must be there. */
  get(keys: readonly string[]): Promise<Float32Array>;
  /** Keeps one row per key. On return they survive a crash. */
  put(keys: readonly string[], rows: Float32Array): Promise<void>;
}

/** Opens the space `space` of the store in `root` for rows of `width` numbers. */
export async function openSpace(
  root: string,
  space: string,
  width: number,
): Promise<BottleneckSpace> {
  const folder = path.join(root, space);
  await fs.mkdir(folder, { recursive: true });
  const where = new Map<string, { chunk: ChunkIndex; row: number }>();
  const add = (chunk: ChunkIndex) =>
    chunk.keys.forEach((key, row) => {
      if (!where.has(key)) where.set(key, { chunk, row });
    });
  for (const name of (await fs.readdir(folder)).sort()) {
    if (!name.endsWith(CHUNK_SUFFIX)) continue;
    const chunk = await readIndex(path.join(folder, name));
    if (chunk !== null && chunk.width === width) add(chunk);
  }
  return {
    has: (key) => where.has(key),
    async get(keys) {
      const rows = new Float32Array(keys.length * width);
      const wanted = new Map<ChunkIndex, { at: number; row: number }[]>();
      keys.forEach((key, at) => {
        const { chunk, row } = where.get(key)!;
        const places = wanted.get(chunk);
        if (places === undefined) wanted.set(chunk, [{ at, row }]);
        else places.push({ at, row });
      });
      for (const [chunk, places] of wanted) {
        const stored = await readRows(chunk);
        for (const { at, row } of places)
          rows.set(stored.subarray(row * width, (row + 1) * width), at * width);
      }
      return rows;
    },
    async put(keys, rows) {
      add(await writeChunk(folder, keys, rows));
    },
  };
}
