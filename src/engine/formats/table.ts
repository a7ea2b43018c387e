// The table of checkpoint formats. A new format is a folder beside tf1 and a line here.
import { basename } from "node:path";
import type { CheckpointFile } from "../../protocol/checkpoint";
import type { Checkpoint, Format } from "./format";
import { tf1 } from "./tf1/index";
import { diagnose } from "./tf1/diagnose";

export const FORMATS: readonly Format[] = [tf1];

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

/** Opens the checkpoint that `path` names or is a file of. */
export async function openCheckpoint(path: string): Promise<Checkpoint> {
  const match = await matchFormat(path);
  if (!match) throw await diagnose(path);
  return match.format.open(match.path);
}

/** The format that an open checkpoint is of. */
export function formatOf({ format }: Checkpoint): Format {
  const found = FORMATS.find(({ name }) => name === format);
  if (!found) throw new Error(`no format is named ${format}`);
  return found;
}

async function matchFormat(file: string): Promise<{ format: Format; path: string } | null> {
  for (const format of FORMATS) {
    const path = await format.match(file);
    if (path !== null) return { format, path };
  }
  return null;
}
