// The graph of another checkpoint in the folder, for one that has none: a Saver that keeps several steps may write the
// graph with one of them only.
import { readdir } from "node:fs/promises";
import { dirname, join } from "node:path";
import { GraftError } from "../../../protocol/errors";
import type { StoredTensor } from "../format";
import { readGraph } from "./lift/source";
import { readVariables } from "./lift/variables";
import { readMetaGraph } from "./meta";
import { metaPath } from "./prefix";
import type { MetaGraphDef } from "./proto/tensorflow_pb";

/** The first .meta file beside the checkpoint at `path`, not its own, whose graph fits its tensors. */
export async function fittingGraph(
  path: string,
  tensors: ReadonlyMap<string, StoredTensor>,
): Promise<string | undefined> {
  const folder = dirname(path);
  const names = (await readdir(folder)).filter((name) => name.endsWith(".meta")).sort();
  for (const file of names.map((name) => join(folder, name)))
    if (file !== metaPath(path) && (await fits(file, tensors))) return file;
  return undefined;
}

/** Whether the graph declares every tensor in its shape, and trains nothing that is missing. */
async function fits(file: string, tensors: ReadonlyMap<string, StoredTensor>): Promise<boolean> {
  try {
    const declared = declaredIn(await readMetaGraph(file), tensors);
    const stored = new Set(declared.map((variable) => variable.stored));
    const missing = declared.some((each) => each.trainable === true && !tensors.has(each.stored));
    return !missing && [...tensors.keys()].every((name) => stored.has(name));
  } catch (error) {
    // One that is damaged, or has a variable of another shape.
    if (error instanceof GraftError) return false;
    throw error;
  }
}

const declaredIn = (meta: MetaGraphDef, tensors: ReadonlyMap<string, StoredTensor>) => [
  ...readVariables(meta, readGraph(meta.graphDef!), tensors).values(),
];
