// Writing to the cache: chunks of bottlenecks and the states of runs. What the operating system says of it, in our words.
import { mkdirSync, statSync } from "node:fs";
import * as path from "node:path";
import { GraftError } from "../../protocol/errors";
import { replaceFile } from "../files/replace";

/** Writes `parts`, one after the other, as `file`. Throws `write-failed`; nothing is left behind then. */
export const writeDurably = (file: string, parts: readonly Uint8Array[]): Promise<void> =>
  replaceFile(file, parts).catch((error: unknown) => {
    throw writeFailed(file, error);
  });

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
