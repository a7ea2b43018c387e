// Whether bottlenecks fit on the disk, asked before they are computed.
import * as fs from "node:fs/promises";
import * as path from "node:path";
import { GraftError } from "../../protocol/errors";
import { storedBytes } from "./chunk";

/** Bytes that are free for this user where `folder` is, or will be. */
export async function freeBytes(folder: string): Promise<number> {
  try {
    const { bavail, bsize } = await fs.statfs(folder);
    return bavail * bsize;
  } catch (error) {
    const parent = path.dirname(folder);
    if ((error as NodeJS.ErrnoException).code !== "ENOENT" || parent === folder) throw error;
    return freeBytes(parent);
  }
}

/** Throws `write-failed` where `rows` of `width` numbers are more than fits into `folder`. */
export async function checkRoom(folder: string, rows: number, width: number): Promise<void> {
  const needed = rows * storedBytes(width);
  const free = await freeBytes(folder);
  if (needed <= free) return;
  const gigabytes = (bytes: number) => `${(bytes / 1e9).toFixed(1)} GB`;
  throw new GraftError(
    "write-failed",
    `The bottlenecks of ${rows.toLocaleString("en-US")} samples take ${gigabytes(needed)}, and ${gigabytes(free)} are free in ${folder}. Free some space (graft cache prune), name a cache folder on another disk (--cache, or the setting graft.cacheDirectory), or add "cache": false to the phase.`,
  );
}
