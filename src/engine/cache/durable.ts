// Files that are there whole or not at all, and stay there after a power cut: a temporary name, flush, rename, flush of
// the folder. Chunks of bottlenecks and the states of runs are written this way.
import { channel } from "node:diagnostics_channel";
import { mkdirSync, statSync } from "node:fs";
import * as fs from "node:fs/promises";
import * as path from "node:path";
import { GraftError } from "../../protocol/errors";
import { isAlive, OWNER, OWNER_PATTERN } from "./owner";

/** Where a write stands. A test that listens can end the process right there. */
export const POINTS = [
  "before write",
  "amid write",
  "after write",
  "after flush",
  "after rename",
  "after flush of the folder",
] as const;

export interface DurableMessage {
  readonly point: (typeof POINTS)[number];
  readonly file: string;
}

const points = channel("graft:durable");

/** Writes `parts`, one after the other, as `file`. Throws `write-failed`; nothing is left behind then. */
export async function writeDurably(file: string, parts: readonly Uint8Array[]): Promise<void> {
  const reach = (point: DurableMessage["point"]) => {
    if (points.hasSubscribers) points.publish({ point, file } satisfies DurableMessage);
  };
  const temporary = temporaryName(file);
  reach("before write");
  try {
    const handle = await fs.open(temporary, "wx");
    try {
      for (const [index, part] of parts.entries()) {
        await handle.writeFile(part);
        if (index === 0) reach("amid write");
      }
      reach("after write");
      await handle.sync();
      reach("after flush");
    } finally {
      await handle.close();
    }
    await fs.rename(temporary, file);
    reach("after rename");
    await flushFolder(path.dirname(file));
  } catch (error) {
    await fs.rm(temporary, { force: true }).catch(() => undefined);
    throw writeFailed(file, error);
  }
  reach("after flush of the folder");
}

/** Makes a folder, and those above it. Throws `write-failed`. */
export function makeFolder(folder: string): void {
  try {
    makeLevel(folder);
  } catch (error) {
    throw writeFailed(folder, error);
  }
}

/** Node's own recursive mkdir says ENOENT, whatever the reason is. */
function makeLevel(folder: string): void {
  try {
    mkdirSync(folder);
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException;
    if (code === "ENOENT" && path.dirname(folder) !== folder) {
      makeLevel(path.dirname(folder));
      makeLevel(folder);
    } else if (code !== "EEXIST" || !statSync(folder).isDirectory()) throw error;
  }
}

let temporaries = 0;

/** A name beside `file` that only this process uses. */
export const temporaryName = (file: string): string =>
  path.join(path.dirname(file), `.${path.basename(file)}.${OWNER}.${temporaries++}.tmp`);

const TEMPORARY = new RegExp(`\\.(${OWNER_PATTERN})\\.\\d+\\.tmp$`);

/** Removes what processes that are gone left under temporary names. */
export async function sweepTemporaries(folder: string): Promise<void> {
  for (const name of await fs.readdir(folder)) {
    const owner = TEMPORARY.exec(name)?.[1];
    if (owner !== undefined && !isAlive(owner))
      await fs.rm(path.join(folder, name), { recursive: true, force: true }).catch(() => undefined);
  }
}

/** So that a new name survives a power cut. Not possible on Windows, and not needed there. */
async function flushFolder(folder: string): Promise<void> {
  const handle = await fs.open(folder, "r").catch(() => undefined);
  await handle?.sync().catch(() => undefined);
  await handle?.close();
}

const ADVICE: Readonly<Record<string, string>> = {
  ENOSPC: "The disk is full: free some space, or name a cache folder on another disk.",
  EDQUOT: "Your quota is used up: free some space, or name a cache folder elsewhere.",
  EROFS: "The disk is read-only: name a cache folder that can be written.",
  EACCES: "You may not write there: name a cache folder that you can write to.",
  EPERM: "You may not write there: name a cache folder that you can write to.",
};

/** What the operating system said about writing `file`; what is no such error is passed on. */
export function writeFailed(file: string, error: unknown): unknown {
  if (error instanceof GraftError || !(error instanceof Error) || !("syscall" in error))
    return error;
  const { code = "", message } = error as NodeJS.ErrnoException;
  const advice = ADVICE[code] ?? "Name another cache folder.";
  return new GraftError(
    "write-failed",
    `${file} was not written: ${message}. ${advice} (--cache, or the setting graft.cacheDirectory.) What is already kept stays.`,
    { cause: error },
  );
}
