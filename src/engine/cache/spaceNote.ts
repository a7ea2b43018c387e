// What a space is of, for people: keys say nothing, and must not. When it was last used is the note's time.
import * as fs from "node:fs/promises";
import * as path from "node:path";
import { z } from "zod";
import { temporaryName } from "../files/replace";

const NOTE = "space.json";

const SpaceNoteSchema = z.object({
  recipe: z.string(),
  checkpoint: z.string(),
  /** Backend and version. */
  backend: z.string(),
  /** The tensors of a row, one after the other, with the shape of one sample. */
  cut: z.array(z.object({ name: z.string(), shape: z.array(z.number()) })),
});

export type SpaceNote = Readonly<z.infer<typeof SpaceNoteSchema>>;

/** Notes who uses the space now. */
export async function describeSpace(folder: string, note: SpaceNote): Promise<void> {
  const file = path.join(folder, NOTE);
  const temporary = temporaryName(file);
  await fs.writeFile(temporary, JSON.stringify(note, null, 2));
  await fs.rename(temporary, file);
}

/** The note of a space, and when it was written; undefined where there is none that can be read. */
export async function readNote(
  folder: string,
): Promise<{ readonly note: SpaceNote; readonly lastUsed: Date } | undefined> {
  try {
    const file = path.join(folder, NOTE);
    const note = SpaceNoteSchema.parse(JSON.parse(await fs.readFile(file, "utf8")));
    return { note, lastUsed: (await fs.stat(file)).mtime };
  } catch {
    return undefined;
  }
}
