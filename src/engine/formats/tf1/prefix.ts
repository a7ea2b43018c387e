// Which files belong to a prefix, the path that `Saver.restore` takes.
import { open, readdir } from "node:fs/promises";
import { basename, dirname, join } from "node:path";
import { FOOTER, hasMagic } from "./sstable";

export interface PrefixFiles {
  readonly version: "V1" | "V2";
  /** V1: the tables that hold the values. */
  readonly tables: readonly string[];
  /** Everything that is there, the graph included. */
  readonly files: readonly string[];
}

export const metaPath = (prefix: string): string => `${prefix}.meta`;

const V1_SHARD = /^(.+)-\d{5}-of-(\d{5})$/;
const V2_DATA = /^(.+)\.data-\d{5}-of-\d{5}$/;

/** The prefix that a file of this name would belong to. Its content decides for V1. */
export const prefixOfIndex = (path: string): string | null => withoutSuffix(path, ".index");
export const prefixOfMeta = (path: string): string | null => withoutSuffix(path, ".meta");
export const prefixOfData = (path: string): string | null => V2_DATA.exec(path)?.[1] ?? null;
export const prefixOfShard = (path: string): string | null => V1_SHARD.exec(path)?.[1] ?? null;
/** How the `checkpoint` file and `Saver.restore` name a sharded V1 checkpoint. */
export const prefixOfPattern = (path: string): string | null =>
  /^(.+)-\?{5}-of-\d{5}$/.exec(path)?.[1] ?? null;

const withoutSuffix = (path: string, suffix: string): string | null =>
  basename(path).length > suffix.length && path.endsWith(suffix)
    ? path.slice(0, -suffix.length)
    : null;

/** null when no checkpoint has this prefix. */
export async function findFiles(prefix: string): Promise<PrefixFiles | null> {
  const base = basename(prefix);
  const folder = dirname(prefix);
  const names = (await readdir(folder).catch(() => [])).filter((name) => name.startsWith(base));
  const paths = (chosen: readonly string[]) => [...chosen].sort().map((name) => join(folder, name));
  const meta = names.includes(`${base}.meta`) ? [`${base}.meta`] : [];
  if (names.includes(`${base}.index`)) {
    const data = names.filter((name) => prefixOfData(name) === base);
    return { version: "V2", tables: [], files: paths([`${base}.index`, ...data, ...meta]) };
  }
  if (names.includes(base) && (await isV1Table(prefix)))
    return { version: "V1", tables: [prefix], files: paths([base, ...meta]) };
  const shards = paths(names.filter((name) => prefixOfShard(name) === base));
  if (shards[0] && (await isV1Table(shards[0])))
    return { version: "V1", tables: shards, files: [...shards, ...paths(meta)] };
  return null;
}

/** How many shards there should be, from the name of one. */
export const shardCount = (path: string): number => Number(V1_SHARD.exec(path)?.[2] ?? 1);

/**
 * A table whose first key is empty, as the list of tensors has it: LevelDB databases have the same magic number.
 * Reads the two ends of the file only.
 */
export async function isV1Table(path: string): Promise<boolean> {
  const ends = await fileEnds(path);
  return ends !== null && hasMagic(ends.tail) && startsLikeV1(ends.head);
}

/**
 * The first entry shares 0 bytes with its predecessor and has a key of 0 bytes; Snappy puts a length and a tag before it.
 * A V2 index begins in the same way, but for its value.
 */
export function startsLikeV1(head: Uint8Array): boolean {
  const at = firstEntry(head);
  if (at === undefined || head[at] !== 0 || head[at + 1] !== 0) return false;
  const length = head.subarray(at + 2).findIndex((byte) => byte < 0x80) + 1;
  return head[at + 2 + length] !== SHARDS;
}

function firstEntry(head: Uint8Array): number | undefined {
  if (head[0] === 0 && head[1] === 0) return 0;
  const at = head.findIndex((byte) => byte < 0x80) + 1;
  const tag = head[at] ?? 1;
  return (tag & 3) === 0 ? at + 1 + Math.max(0, (tag >> 2) - 59) : undefined;
}

/** The tag of `num_shards`, with which a BundleHeaderProto begins; SavedTensorSlices have a message as their first field. */
const SHARDS = 0x08;

const HEAD = 512;

/** The first bytes and the last 48; null when the path is not a readable file. */
export async function fileEnds(
  path: string,
): Promise<{ head: Uint8Array; tail: Uint8Array; size: number } | null> {
  const handle = await open(path, "r").catch(() => null);
  if (!handle) return null;
  try {
    const stat = await handle.stat();
    if (!stat.isFile()) return null;
    const head = Buffer.alloc(Math.min(HEAD, stat.size));
    await handle.read(head, 0, head.length, 0);
    const tail = Buffer.alloc(Math.min(FOOTER, stat.size));
    await handle.read(tail, 0, tail.length, stat.size - tail.length);
    return { head, tail, size: stat.size };
  } catch {
    return null;
  } finally {
    await handle.close();
  }
}
