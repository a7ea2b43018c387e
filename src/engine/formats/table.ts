// The table of checkpoint formats. A new format is a folder beside tf1 and a line here.
import { readdir, stat } from "node:fs/promises";
import { basename, join, resolve } from "node:path";
import type { CheckpointFile } from "../../protocol/checkpoint";
import { GraftError } from "../../protocol/errors";
import type { Checkpoint, Format } from "./format";
import { diagnoseZip } from "./dl4j/entries";
import { dl4j } from "./dl4j/index";
import { tf1 } from "./tf1/index";
import { diagnose } from "./tf1/diagnose";

export const FORMATS: readonly Format[] = [tf1, dl4j];

/** Which of these files are checkpoints; files of one checkpoint become one entry. */
export async function recognize(files: readonly string[]): Promise<readonly CheckpointFile[]> {
  const found = new Map<string, CheckpointFile>();
  for (const file of files) {
    const match = await matchFormat(file);
    if (!match || found.has(match.path)) continue;
    const { format, path } = match;
    found.set(path, {
      path,
      name: basename(path),
      format: format.name,
      formatLabel: format.label,
      files: await format.files(path),
    });
  }
  return [...found.values()];
}

/** Opens the checkpoint that `path` names or is a file of; with the graph in the file `graph`, where it is another one's. */
export async function openCheckpoint(path: string, graph?: string): Promise<Checkpoint> {
  const match = await matchFormat(path);
  if (!match)
    throw (await insteadOfFolder(path)) ?? (await diagnoseZip(path)) ?? (await diagnose(path));
  return match.format.open(match.path, graph);
}

/** The format that an open checkpoint is of. */
export function formatOf({ format }: Checkpoint): Format {
  const found = FORMATS.find(({ name }) => name === format);
  if (!found) throw new Error(`no format is named ${format}`);
  return found;
}

/** How many checkpoints an error lists. */
const MOST_NAMED = 10;

/** A folder is no checkpoint; those in it are named. */
async function insteadOfFolder(path: string): Promise<GraftError | undefined> {
  const found = await stat(path).catch(() => undefined);
  if (!found?.isDirectory()) return undefined;
  const names = await readdir(path).catch(() => []);
  const inside = await recognize(names.map((name) => resolve(path, name)));
  const all = inside.map((file) => join(path, file.name)).sort();
  const listed = all.slice(0, MOST_NAMED);
  const more = inside.length > MOST_NAMED ? ` and ${inside.length - MOST_NAMED} more` : "";
  const what =
    listed.length === 0
      ? "There is no checkpoint in it."
      : `Open a checkpoint in it: ${listed.join(", ")}${more}.`;
  return new GraftError("not-a-checkpoint", `${path} is a folder. ${what}`);
}

async function matchFormat(file: string): Promise<{ format: Format; path: string } | null> {
  for (const format of FORMATS) {
    const path = await format.match(file);
    if (path !== null) return { format, path };
  }
  return null;
}
