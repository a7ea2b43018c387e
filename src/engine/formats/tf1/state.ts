// The `checkpoint` file: which checkpoints a folder keeps, and which is the latest.
import { readFile, stat } from "node:fs/promises";
import { basename, dirname, isAbsolute, relative, resolve, sep } from "node:path";
import { corrupt, readFailed } from "./errors";
import { findFiles, prefixOfPattern } from "./prefix";
import { stringFields, textField } from "./textproto";

export const STATE_FILE = "checkpoint";

export interface KeptCheckpoint {
  /** As the file has it: often the absolute path on the machine that wrote it. */
  readonly written: string;
  /** The prefix, when it is in the file's own folder and the checkpoint is there. */
  readonly path: string | null;
  /** Where it leads out of the folder: a path that only the user may decide to open. */
  readonly outside?: string;
}

export interface CheckpointState {
  readonly latest: KeptCheckpoint | null;
  readonly all: readonly KeptCheckpoint[];
}

/** A list of names; what is larger is something else. */
const MAX_BYTES = 1 << 20;

export async function readState(file: string): Promise<CheckpointState> {
  const fields = stringFields(await readText(file));
  const latest = fields.find(({ name }) => name === "model_checkpoint_path");
  if (!latest) throw corrupt(file, `it names no checkpoint in a line model_checkpoint_path: "…"`);
  const all = fields.filter(({ name }) => name === "all_model_checkpoint_paths");
  const folder = dirname(file);
  const kept: KeptCheckpoint[] = [];
  for (const { value } of all) kept.push(await locate(folder, value));
  return { latest: latest.value === "" ? null : await locate(folder, latest.value), all: kept };
}

/** The text of a `checkpoint` file. `all` is from the oldest to the latest. */
export const stateText = (latest: string, all: readonly string[]): string =>
  [
    { name: "model_checkpoint_path", value: latest },
    ...all.map((value) => ({ name: "all_model_checkpoint_paths", value })),
  ]
    .map(textField)
    .join("");

async function readText(file: string): Promise<string> {
  try {
    const { size } = await stat(file);
    if (size > MAX_BYTES)
      throw corrupt(file, `it has ${size} bytes, too many for a list of checkpoints`);
    return await readFile(file, "utf8");
  } catch (error) {
    throw readFailed(file, error);
  }
}

/**
 * A stale absolute path is the normal case after copying, so its last part is looked for here. Nothing outside
 * the folder is touched, not even to see whether it exists: the file may come from anyone.
 */
async function locate(folder: string, written: string): Promise<KeptCheckpoint> {
  const prefix = prefixOfPattern(written) ?? written;
  const target = resolve(folder, prefix);
  const here = relative(resolve(folder), target);
  const leaves = isAbsolute(here) || here === ".." || here.startsWith(`..${sep}`) || here === "";
  const inside = leaves ? null : await existing(target);
  if (inside) return { written, path: inside };
  const name = /[^/\\]*$/.exec(prefix)![0];
  const moved =
    isForeign(prefix) && name && name !== ".." ? await existing(resolve(folder, name)) : null;
  return { written, path: moved, ...(leaves && !moved && { outside: target }) };
}

/** Written on this or another machine as an absolute path. */
const isForeign = (path: string): boolean => isAbsolute(path) || /^([a-zA-Z]:)?[\\/]/.test(path);

const existing = async (prefix: string): Promise<string | null> =>
  basename(prefix) !== STATE_FILE && (await findFiles(prefix)) ? prefix : null;
