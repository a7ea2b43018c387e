// All spaces of the bottleneck store: what there is, whether it is whole, and taking away what is not needed any more.
import * as fs from "node:fs/promises";
import * as path from "node:path";
import { CHUNK_SUFFIX, DamagedChunk, readChunk, verifyChunk, type Chunk } from "./chunk";
import { sweepTemporaries, temporaryName } from "../files/replace";
import { KEY_WORDS } from "./keyTable";
import { isLeased } from "./lease";
import { readNote, type SpaceNote } from "./spaceNote";

export interface SpaceSummary {
  readonly space: string;
  readonly bytes: number;
  /** Rows in chunks whose index can be read. */
  readonly samples: number;
  /** Numbers in a row; 0 where there is none. */
  readonly width: number;
  readonly lastUsed: Date;
  readonly inUse: boolean;
  /** Absent where nobody noted it, or another version did. */
  readonly note?: SpaceNote;
}

/** The spaces of the store in `root`, the last used first. */
export async function listSpaces(root: string): Promise<SpaceSummary[]> {
  const all: SpaceSummary[] = [];
  for (const space of await spaceNames(root)) all.push(await summarize(root, space));
  return all.sort((a, b) => b.lastUsed.getTime() - a.lastUsed.getTime());
}

export interface Verification {
  readonly chunks: number;
  readonly samples: number;
  readonly bytes: number;
  readonly damaged: readonly { readonly file: string; readonly problem: string }[];
}

/** Reads everything and compares it with its checksums. Nothing is changed. */
export async function verifySpaces(root: string): Promise<Verification> {
  const damaged: DamagedChunk[] = [];
  let [chunks, samples, bytes] = [0, 0, 0];
  for (const space of await spaceNames(root))
    for (const file of await chunkFiles(path.join(root, space))) {
      const found = await attempt(verifyChunk, file);
      chunks++;
      bytes += await sizeOf(file);
      if (found instanceof DamagedChunk) damaged.push(found);
      else samples += rowsIn(found);
    }
  return {
    chunks,
    samples,
    bytes,
    damaged: damaged.map(({ file, problem }) => ({ file, problem })),
  };
}

export interface PruneLimits {
  /** Spaces that were not used since. */
  readonly before?: Date;
  /** The least recently used ones go, until the rest takes no more. */
  readonly maxBytes?: number;
}

export interface Pruned {
  readonly removed: readonly SpaceSummary[];
  /** Would have gone, but a process uses them. */
  readonly inUse: readonly SpaceSummary[];
}

/** Removes the spaces beyond the limits, all where there are none; never one that is in use. */
export async function pruneSpaces(
  root: string,
  { before, maxBytes }: PruneLimits,
): Promise<Pruned> {
  const removed: SpaceSummary[] = [];
  const inUse: SpaceSummary[] = [];
  let kept = 0;
  for (const space of await listSpaces(root)) {
    const unlimited = before === undefined && maxBytes === undefined;
    const tooOld = before !== undefined && space.lastUsed < before;
    const tooMuch = maxBytes !== undefined && kept + space.bytes > maxBytes;
    if (!unlimited && !tooOld && !tooMuch) kept += space.bytes;
    else if (!space.inUse && (await remove(path.join(root, space.space)))) removed.push(space);
    else {
      kept += space.bytes;
      inUse.push(space);
    }
  }
  await sweepRemoved(root);
  return { removed, inUse };
}

/** Moves a space out of the way, and removes it unless somebody took it into use just then. */
async function remove(folder: string): Promise<boolean> {
  const aside = temporaryName(folder);
  await fs.rename(folder, aside);
  if (await isLeased(aside)) {
    await fs.rename(aside, folder);
    return false;
  }
  await fs.rm(aside, { recursive: true, force: true });
  return true;
}

const isHidden = (name: string): boolean => name.startsWith(".");

/** Folders that a process which is gone was removing. */
async function sweepRemoved(root: string): Promise<void> {
  if (await isFolder(root)) await sweepTemporaries(root);
}

async function summarize(root: string, space: string): Promise<SpaceSummary> {
  const folder = path.join(root, space);
  const found = await readNote(folder);
  let [bytes, samples, width] = [0, 0, 0];
  for (const name of await fs.readdir(folder)) bytes += await sizeOf(path.join(folder, name));
  for (const file of await chunkFiles(folder)) {
    const chunk = await attempt(readChunk, file);
    if (chunk instanceof DamagedChunk) continue;
    samples += rowsIn(chunk);
    width = chunk.width;
  }
  return {
    space,
    bytes,
    samples,
    width,
    lastUsed: found?.lastUsed ?? (await fs.stat(folder)).mtime,
    inUse: await isLeased(folder),
    ...(found && { note: found.note }),
  };
}

async function spaceNames(root: string): Promise<string[]> {
  if (!(await isFolder(root))) return [];
  const entries = await fs.readdir(root, { withFileTypes: true });
  const folders = entries.filter((entry) => entry.isDirectory() && !isHidden(entry.name));
  return folders.map(({ name }) => name).sort();
}

const isFolder = async (folder: string): Promise<boolean> =>
  (await fs.stat(folder).catch(() => undefined))?.isDirectory() ?? false;

async function chunkFiles(folder: string): Promise<string[]> {
  const names = await fs.readdir(folder);
  return names.filter((name) => name.endsWith(CHUNK_SUFFIX)).map((name) => path.join(folder, name));
}

const rowsIn = (chunk: Chunk): number => chunk.keys.length / KEY_WORDS;

/** Files come and go while others work. */
const sizeOf = async (file: string): Promise<number> =>
  (await fs.stat(file).catch(() => undefined))?.size ?? 0;

async function attempt(
  read: (file: string) => Promise<Chunk>,
  file: string,
): Promise<Chunk | DamagedChunk> {
  try {
    return await read(file);
  } catch (error) {
    if (error instanceof DamagedChunk) return error;
    throw error;
  }
}
