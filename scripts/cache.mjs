// Things that tests download once and keep outside the repository. Node built-ins only.
import { createHash } from "node:crypto";
import { existsSync, mkdirSync, readdirSync, renameSync, rmSync } from "node:fs";
import { homedir } from "node:os";
import { basename, join } from "node:path";

function cacheRoot() {
  if (process.env.XDG_CACHE_HOME) return process.env.XDG_CACHE_HOME;
  if (process.platform === "darwin") return join(homedir(), "Library/Caches");
  if (process.platform === "win32" && process.env.LOCALAPPDATA) return process.env.LOCALAPPDATA;
  return join(homedir(), ".cache");
}

function isAlive(pid) {
  try {
    return process.kill(pid, 0);
  } catch (error) {
    return error.code === "EPERM";
  }
}

const remove = (path) => rmSync(path, { recursive: true, force: true, maxRetries: 3 });

/** Drafts of processes that were killed. */
function sweep(parent, final) {
  for (const name of readdirSync(parent)) {
    const [stem, pid] = name.split(".");
    if (stem === basename(final) && pid && !isAlive(Number(pid))) remove(join(parent, name));
  }
}

/**
 * The folder that `make` filled for these inputs, now or in an earlier run.
 * Made beside its place and moved there when complete: an interrupted or simultaneous run leaves nothing half done.
 */
export async function cached(name, inputs, make) {
  const key = createHash("sha256").update(JSON.stringify(inputs)).digest("hex").slice(0, 12);
  const parent = join(cacheRoot(), "graft-test");
  const final = join(parent, `${name}-${key}`);
  if (existsSync(final)) return final;
  const draft = `${final}.${process.pid}`;
  mkdirSync(parent, { recursive: true });
  sweep(parent, final);
  mkdirSync(draft, { recursive: true });
  try {
    await make(draft, final);
    if (!existsSync(final)) renameSync(draft, final);
  } finally {
    remove(draft);
  }
  return final;
}
