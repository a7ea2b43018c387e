// The bottleneck store: outputs of a frozen part, by space (what computes them) and sample key (what they are of).
// A space is a folder of chunks. Several processes may use it at once: a chunk is committed by renaming it, and nobody
// changes one. What is no whole chunk is removed, and its samples are computed again.
import * as fs from "node:fs/promises";
import * as path from "node:path";
import { CHUNK_SUFFIX, DamagedChunk, readChunk, readRows, writeChunk, type Chunk } from "./chunk";
import { sweepTemporaries } from "../files/replace";
import { makeFolder, writeFailed } from "./durable";
import { KEY_WORDS, KeyTable, type Keys } from "./keyTable";
import { takeLease } from "./lease";
import { describeSpace, type SpaceNote } from "./spaceNote";

export interface BottleneckSpace {
  /** The row of key `sample` is there, as far as it was last looked. */
  has(keys: Keys, sample: number): boolean;
  /** Copies the rows of `samples` into `rows`, one after the other. False where some were not there, or damaged. */
  read(keys: Keys, samples: Int32Array, rows: Float32Array): Promise<boolean>;
  /** Keeps one row per key. On return they survive a crash. Throws `write-failed`. */
  put(keys: Keys, rows: Float32Array): Promise<void>;
  /** Looks for chunks that other processes have committed since. */
  refresh(): Promise<void>;
  /** Until then nobody prunes the space. */
  close(): Promise<void>;
}

export interface SpaceRequest {
  /** Folder of the store. */
  readonly root: string;
  readonly key: string;
  /** Numbers in a row. */
  readonly width: number;
  readonly note: SpaceNote;
  /** Told of what is damaged. */
  readonly damaged: (problem: string) => void;
}

/** A place of a row: the number of its chunk, and its row there. Exact in a double. */
const CHUNK_ROWS = 2 ** 24;

/** Rows are read in slices of so many, each in the order of the files. */
const SLICE = 2 ** 20;

/** Opens a space of the store. Rows are not read. Throws `write-failed` where the folder cannot be written. */
export async function openSpace(request: SpaceRequest): Promise<BottleneckSpace> {
  const { root, key, width } = request;
  const folder = path.join(root, key);
  const lease = await prepareFolder(folder, request.note);
  const table = new KeyTable();
  const chunks: (Chunk | undefined)[] = [];
  const known = new Set<string>();

  const add = (chunk: Chunk) => {
    known.add(path.basename(chunk.file));
    const number = chunks.push(chunk) - 1;
    for (let row = 0; row < chunk.keys.length / KEY_WORDS; row++)
      if (table.get(chunk.keys, row) < 0) table.set(chunk.keys, row, number * CHUNK_ROWS + row);
  };

  /** Removes a damaged chunk. Its name stays known: where the file cannot be removed, it is not looked at again. */
  const drop = async ({ file, problem }: DamagedChunk) => {
    request.damaged(`${path.basename(file)}: ${problem}`);
    known.add(path.basename(file));
    await fs.rm(file, { force: true }).catch(() => undefined);
    const number = chunks.findIndex((chunk) => chunk?.file === file);
    const chunk = chunks[number];
    if (chunk === undefined) return;
    chunks[number] = undefined;
    for (let row = 0; row < chunk.keys.length / KEY_WORDS; row++)
      if (Math.floor(table.get(chunk.keys, row) / CHUNK_ROWS) === number)
        table.set(chunk.keys, row, -1);
  };

  const refresh = async () => {
    for (const name of (await fs.readdir(folder)).sort()) {
      if (!name.endsWith(CHUNK_SUFFIX) || known.has(name)) continue;
      try {
        const chunk = await readChunk(path.join(folder, name));
        if (chunk.width !== width)
          throw new DamagedChunk(chunk.file, `its rows have ${chunk.width} numbers, not ${width}`);
        add(chunk);
      } catch (error) {
        await drop(asDamage(error, path.join(folder, name)));
      }
    }
  };

  /** Whether all rows of a slice were there. */
  const readSlice = async (keys: Keys, samples: Int32Array, rows: Float32Array) => {
    // Sorted by place: each number holds a place of the store, and the place among `samples`.
    const order = new Float64Array(samples.length);
    let offset = 0;
    const starts = chunks.map((chunk) => {
      const start = offset;
      offset += chunk === undefined ? 0 : chunk.keys.length / KEY_WORDS;
      return start;
    });
    for (let which = 0; which < samples.length; which++) {
      const place = table.get(keys, samples[which]);
      if (place < 0) return false;
      const row = starts[Math.floor(place / CHUNK_ROWS)] + (place % CHUNK_ROWS);
      order[which] = row * SLICE + which;
    }
    order.sort();
    let from = 0;
    let whole = true;
    for (const [number, chunk] of chunks.entries()) {
      if (chunk === undefined) continue;
      const end = (starts[number] + chunk.keys.length / KEY_WORDS) * SLICE;
      const first = from;
      while (from < order.length && order[from] < end) from++;
      const wanted = order.subarray(first, from);
      const within = wanted.map((each) => Math.floor(each / SLICE) - starts[number]);
      try {
        await readRows(chunk, within, (which, numbers) =>
          rows.set(numbers, (wanted[which] % SLICE) * width),
        );
      } catch (error) {
        whole = false;
        await drop(asDamage(error, chunk.file));
      }
    }
    return whole;
  };

  await refresh();
  return {
    has: (keys, sample) => table.get(keys, sample) >= 0,
    async read(keys, samples, rows) {
      for (let start = 0; start < samples.length; start += SLICE) {
        const slice = samples.subarray(start, start + SLICE);
        if (!(await readSlice(keys, slice, rows.subarray(start * width)))) return false;
      }
      return true;
    },
    async put(keys, rows) {
      add(await writeChunk(folder, keys, rows));
    },
    refresh,
    close: () => lease.release(),
  };
}

async function prepareFolder(folder: string, note: SpaceNote) {
  makeFolder(folder);
  try {
    const lease = await takeLease(folder);
    await sweepTemporaries(folder);
    await describeSpace(folder, note);
    return lease;
  } catch (error) {
    throw writeFailed(folder, error);
  }
}

/** A chunk that somebody removed, or that the disk cannot give back, is as good as damaged. */
function asDamage(error: unknown, file: string): DamagedChunk {
  if (error instanceof DamagedChunk) return error;
  const { code, message } = error as NodeJS.ErrnoException;
  if (code === "ENOENT" || code === "EIO") return new DamagedChunk(file, message);
  throw error;
}
