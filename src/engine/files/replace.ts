// Files that are there whole or not at all, and stay there after a power cut: a temporary name, flush, rename, flush of
// the folder.
import { channel } from "node:diagnostics_channel";
import * as fs from "node:fs/promises";
import * as path from "node:path";
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

export interface ReplaceMessage {
  readonly point: (typeof POINTS)[number];
  readonly file: string;
}

const points = channel("graft:replace");

/** Writes `parts`, one after the other, as `file`. What fails is thrown as it is; nothing is left behind then. */
export async function replaceFile(
  file: string,
  parts: Iterable<Uint8Array> | AsyncIterable<Uint8Array>,
): Promise<void> {
  const reach = (point: ReplaceMessage["point"]) => {
    if (points.hasSubscribers) points.publish({ point, file } satisfies ReplaceMessage);
  };
  const temporary = temporaryName(file);
  reach("before write");
  try {
    const handle = await fs.open(temporary, "wx");
    try {
      let isFirst = true;
      for await (const part of parts) {
        await handle.writeFile(part);
        if (isFirst) reach("amid write");
        isFirst = false;
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
    throw error;
  }
  reach("after flush of the folder");
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
export async function flushFolder(folder: string): Promise<void> {
  const handle = await fs.open(folder, "r").catch(() => undefined);
  await handle?.sync().catch(() => undefined);
  await handle?.close();
}
