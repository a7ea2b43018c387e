// Reads the sorted string table that V2 .index files and V1 checkpoints are: LevelDB's table format.
// https://github.com/google/leveldb/blob/main/doc/table_format.md
import { blockEntries, readBlock, TRAILER, type Entry, type Handle } from "./block";
import type { ByteFile } from "./bytefile";
import { corrupt } from "./errors";
import { readVarint } from "./varint";

export interface Table {
  /** Every entry, block after block. */
  entries(): AsyncGenerator<Entry, void, void>;
  /** The value of a key of a table whose keys are sorted; null when it is not there. */
  get(key: Uint8Array): Promise<Uint8Array | null>;
}

export const FOOTER = 48;
/** Two handles of at most 20 bytes come before it. */
const MAGIC_AT = 40;
export const MAGIC = Uint8Array.of(0x57, 0xfb, 0x80, 0x8b, 0x24, 0x75, 0x47, 0xdb);

export const hasMagic = (footer: Uint8Array): boolean =>
  footer.length === FOOTER && MAGIC.every((byte, index) => footer[MAGIC_AT + index] === byte);

/** Blocks of many small entries are about 256 KB; a larger one is a single large tensor. */
const CACHED_BLOCK = 1 << 20;

/** By key, as latin1 text. */
type Values = ReadonlyMap<string, Uint8Array>;

const text = (key: Uint8Array): string => Buffer.from(key).toString("latin1");

interface IndexEntry extends Handle {
  /** At least as great as every key of its block. */
  readonly last: Uint8Array;
}

export async function openTable(file: ByteFile): Promise<Table> {
  const damaged = (what: string) => corrupt(file.path, what);
  const index = await readIndex(file, damaged);
  // Neighbouring keys are mostly asked for one after the other.
  let recent: { readonly handle: Handle; readonly values: Values } | undefined;
  const cached = async (handle: Handle): Promise<Values> => {
    if (recent?.handle === handle) return recent.values;
    const entries = blockEntries(await readBlock(file, handle), damaged);
    const values = new Map(entries.map(({ key, value }) => [text(key), value]));
    if (handle.size <= CACHED_BLOCK) recent = { handle, values };
    return values;
  };
  return {
    async *entries() {
      for (const handle of index) yield* blockEntries(await readBlock(file, handle), damaged);
    },
    async get(key) {
      const handle = index.find(({ last }) => Buffer.compare(last, key) >= 0);
      if (!handle) return null;
      return (await cached(handle)).get(text(key)) ?? null;
    },
  };
}

async function readIndex(
  file: ByteFile,
  damaged: (what: string) => Error,
): Promise<readonly IndexEntry[]> {
  if (file.size < FOOTER)
    throw damaged(`it has ${file.size} bytes, and a table has at least ${FOOTER}`);
  const footer = await file.read(file.size - FOOTER, FOOTER);
  if (!hasMagic(footer))
    throw damaged(
      `it does not end with the magic number of a table, so it is cut off or something else`,
    );
  const metaindex = readHandle(footer, 0);
  const index = metaindex && readHandle(footer, metaindex.next);
  if (!index) throw damaged(`its footer does not say where its index is`);
  const entries = blockEntries(await readBlock(file, index.handle), damaged);
  return checkedIndex(entries, damaged);
}

function checkedIndex(entries: readonly Entry[], damaged: (what: string) => Error): IndexEntry[] {
  let end = 0;
  return entries.map(({ key, value }, number) => {
    const found = readHandle(value, 0);
    if (!found) throw damaged(`its index does not say where block ${number} is`);
    // Overlapping blocks could make a small file expensive to read.
    if (found.handle.offset < end) throw damaged(`block ${number} overlaps the block before it`);
    end = found.handle.offset + found.handle.size + TRAILER;
    return { ...found.handle, last: key };
  });
}

function readHandle(bytes: Uint8Array, at: number): { handle: Handle; next: number } | null {
  const offset = readVarint(bytes, at);
  const size = offset && readVarint(bytes, offset.next);
  return size && { handle: { offset: offset.value, size: size.value }, next: size.next };
}
