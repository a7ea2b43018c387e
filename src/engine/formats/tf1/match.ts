// From any file of a TensorFlow 1 checkpoint to its prefix. Looks at names, at the two ends of a file and at neighbours.
import { access } from "node:fs/promises";
import { basename } from "node:path";
import { GraftError } from "../../../protocol/errors";
import {
  fileEnds,
  findFiles,
  isV1Table,
  metaPath,
  prefixOfData,
  prefixOfIndex,
  prefixOfMeta,
  prefixOfPattern,
  prefixOfShard,
} from "./prefix";
import { hasMagic } from "./sstable";
import { readState, STATE_FILE } from "./state";

/** The prefix, or null when `file` is not of a TensorFlow 1 checkpoint whose values are there. */
export async function matchPrefix(file: string): Promise<string | null> {
  if (basename(file) === STATE_FILE) return latestOf(file);
  const ofIndex = prefixOfIndex(file);
  if (ofIndex !== null && (await isIndex(file, ofIndex))) return ofIndex;
  const ofData = prefixOfData(file);
  if (ofData !== null && (await exists(`${ofData}.index`))) return ofData;
  const ofMeta = prefixOfMeta(file);
  if (ofMeta !== null && (await findFiles(ofMeta))) return ofMeta;
  if (await isV1Table(file)) return prefixOfShard(file) ?? file;
  const prefix = prefixOfPattern(file) ?? file;
  return (await findFiles(prefix)) ? prefix : null;
}

export async function checkpointFiles(prefix: string): Promise<readonly string[]> {
  return (await findFiles(prefix))?.files ?? [];
}

/** A damaged index still names its checkpoint when a graph or data file stands beside it. */
async function isIndex(file: string, prefix: string): Promise<boolean> {
  const ends = await fileEnds(file);
  if (!ends) return false;
  if (hasMagic(ends.tail) || (await exists(metaPath(prefix)))) return true;
  return ((await findFiles(prefix))?.files.length ?? 0) > 1;
}

async function latestOf(file: string): Promise<string | null> {
  try {
    return (await readState(file)).latest?.path ?? null;
  } catch (error) {
    if (error instanceof GraftError) return null;
    throw error;
  }
}

const exists = (path: string): Promise<boolean> =>
  access(path).then(
    () => true,
    () => false,
  );
