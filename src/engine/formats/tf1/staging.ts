// A set of files that appears all at once or not at all, as far as a file system allows: everything is written
// under other names first, then the files that it replaces are moved aside, then the new ones take their names.
import { randomBytes } from "node:crypto";
import { lstat, mkdir, open, readdir, rename, rm, type FileHandle } from "node:fs/promises";
import { basename, dirname, join } from "node:path";
import { GraftError } from "../../../protocol/errors";
import { isAlive, OWNER, OWNER_PATTERN } from "../../files/owner";
import { flushFolder } from "../../files/replace";
import { reason, systemCode, writeFailed } from "./errors";
import type { Sink } from "./tablewriter";

export interface Staging {
  /** A new file that `commit` will name `path`. Files take their names in the order of creation. */
  create(path: string, write: (sink: Sink) => Promise<void>): Promise<void>;
  /** A file that `commit` takes away. */
  remove(path: string): void;
}

/** Runs `work`, then commits what it staged; leaves nothing behind when either fails. Returns the new files. */
export async function staged(
  path: string,
  work: (staging: Staging) => Promise<void>,
): Promise<readonly string[]> {
  const suffix = `${OWNER}.${randomBytes(4).toString("hex")}.tmp`;
  const created: Move[] = [];
  const removed: string[] = [];
  try {
    await mkdir(dirname(path), { recursive: true });
    await work({
      async create(target, write) {
        const temporary = besides(target, suffix);
        created.push({ from: temporary, to: target });
        await writeFile(temporary, write);
      },
      remove: (target) => void removed.push(target),
    });
    await commit(created, removed, suffix);
    for (const { to } of created) await sweep(to);
    return created.map(({ to }) => to);
  } catch (error) {
    for (const { from } of created) await rm(from, { force: true });
    throw error instanceof GraftError || systemCode(error) === undefined
      ? error
      : writeFailed(path, reason(error), error);
  }
}

/** Once a file is in place: what a process that was killed had written for it, or moved aside, is of no use any more. */
async function sweep(path: string): Promise<void> {
  const start = `.${basename(path)}.`;
  const end = new RegExp(`^(?:old\\.)?(${OWNER_PATTERN})\\.[0-9a-f]{8}\\.tmp$`);
  const names = await readdir(dirname(path)).catch(() => []);
  for (const name of names) {
    const owner = name.startsWith(start) ? end.exec(name.slice(start.length))?.[1] : undefined;
    if (owner !== undefined && !isAlive(owner))
      await rm(join(dirname(path), name), { force: true }).catch(() => undefined);
  }
}

interface Move {
  readonly from: string;
  readonly to: string;
}

const besides = (path: string, suffix: string): string =>
  join(dirname(path), `.${basename(path)}.${suffix}`);

async function commit(
  created: readonly Move[],
  removed: readonly string[],
  suffix: string,
): Promise<void> {
  const done: Move[] = [];
  const move = async (from: string, to: string) => {
    await rename(from, to);
    done.push({ from, to });
  };
  const replaced: string[] = [];
  const alone = created.length === 1 && removed.length === 0;
  try {
    // A single file can take the place of the old one in one step. Of several, the last file
    // makes a checkpoint valid, so the old one of it goes first: old and new are never mixed.
    const inTheWay = alone ? [] : [...created.map(({ to }) => to).reverse(), ...removed];
    for (const path of inTheWay) {
      if (!(await isThere(path))) continue;
      const aside = besides(path, `old.${suffix}`);
      await move(path, aside);
      replaced.push(aside);
    }
    for (const { from, to } of created) await move(from, to);
  } catch (error) {
    for (const { from, to } of done.reverse()) await rename(to, from);
    throw error;
  }
  // The new files are in place: what is left of the old ones is no reason to fail.
  for (const aside of replaced) await rm(aside, { force: true }).catch(() => undefined);
  for (const folder of new Set(created.map(({ to }) => dirname(to)))) await flushFolder(folder);
}

async function isThere(path: string): Promise<boolean> {
  const stat = await lstat(path).catch((error: unknown) => {
    if (systemCode(error) === "ENOENT") return null;
    throw error;
  });
  if (stat?.isDirectory()) throw writeFailed(path, "a folder has this name");
  return stat !== null;
}

/** Writes are gathered: a table is made of many small ones. */
const BUFFER = 1 << 20;

async function writeFile(path: string, write: (sink: Sink) => Promise<void>): Promise<void> {
  const handle = await open(path, "wx");
  try {
    let parts: Uint8Array[] = [];
    let size = 0;
    const flush = async () => {
      await writeAll(handle, parts.length === 1 ? parts[0]! : Buffer.concat(parts));
      parts = [];
      size = 0;
    };
    await write({
      async write(bytes) {
        parts.push(bytes);
        size += bytes.length;
        if (size >= BUFFER) await flush();
      },
    });
    await flush();
    await handle.sync();
  } finally {
    await handle.close();
  }
}

async function writeAll(handle: FileHandle, bytes: Uint8Array): Promise<void> {
  for (let at = 0; at < bytes.length;)
    at += (await handle.write(bytes, at, Math.min(bytes.length - at, 64 << 20))).bytesWritten;
}
