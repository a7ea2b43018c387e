// Writes a model as a new TensorFlow 1 checkpoint: values, graph, and the folder's `checkpoint` file.
// In the version of its source, because the graph's own Restore op must be able to read it.
import { stat } from "node:fs/promises";
import { basename, dirname, join, resolve } from "node:path";
import { GraftError } from "../../../protocol/errors";
import { storedName, type Model, type Variable } from "../../graph/model";
import type { Checkpoint, ReadVariable, SaveResult } from "../format";
import { BLANK_MODEL, blankMetaGraph } from "./blank";
import { dataPath, indexPath } from "./bundle";
import { stageBundle } from "./bundlewriter";
import { reason, writeFailed } from "./errors";
import { encodeMetaGraph, readMetaGraph } from "./meta";
import { patchMetaGraph } from "./metagraph";
import {
  fileEnds,
  findFiles,
  isV1Table,
  metaPath,
  prefixOfData,
  prefixOfIndex,
  prefixOfMeta,
} from "./prefix";
import type { MetaGraphDef } from "./proto/tensorflow_pb";
import { stageSlices } from "./sliceswriter";
import { staged } from "./staging";
import { readState, STATE_FILE, stateText } from "./state";
import { unpackStrings } from "./strings";
import type { WritableTensor } from "./writable";

export async function saveCheckpoint(
  source: Checkpoint,
  model: Model,
  as: string,
  read: ReadVariable,
): Promise<SaveResult> {
  const from = await findFiles(source.path);
  if (!from) throw writeFailed(as, `the checkpoint that it comes from, ${source.path}, is gone`);
  const meta = source.graph === undefined ? null : await readMetaGraph(source.graph);
  return write(
    {
      version: from.version,
      meta,
      model: await source.model(),
      files: meta ? [...from.files, source.graph!] : from.files,
    },
    model,
    as,
    read,
  );
}

/** Writes `model`, of another format, as a new checkpoint at `as`: its graph is made from nothing. */
export const createCheckpoint = (
  model: Model,
  as: string,
  read: ReadVariable,
): Promise<SaveResult> =>
  write({ version: "V2", meta: blankMetaGraph(), model: BLANK_MODEL, files: [] }, model, as, read);

/** What a new checkpoint is made from. */
interface Origin {
  readonly version: "V1" | "V2";
  readonly meta: MetaGraphDef | null;
  readonly model: Model;
  /** Not to be written over. */
  readonly files: readonly string[];
}

async function write(
  from: Origin,
  model: Model,
  as: string,
  read: ReadVariable,
): Promise<SaveResult> {
  const before = from.model;
  const patched = from.meta && patchMetaGraph(from.meta, before, model);
  // Variables that went with the training graph are not in its Restore op either.
  const names = patched?.variables ?? [...model.variables.keys()];
  const values = from.version === "V2" ? [dataPath(as, 0, 1), indexPath(as)] : [as];
  const targets = patched ? [...values, metaPath(as)] : values;
  const stale = ((await findFiles(as))?.files ?? []).filter((path) => !targets.includes(path));
  await refuseOverwriting(as, from.files, [...targets, ...stale]);

  const tensors = names.flatMap((name) => {
    const variable = model.variables.get(name);
    return variable ? [writable(savedAs(before, variable), variable, read)] : [];
  });
  const files = await staged(as, async (staging) => {
    stale.forEach((path) => staging.remove(path));
    const stageGraph = async () => {
      if (patched)
        await staging.create(metaPath(as), (sink) => sink.write(encodeMetaGraph(patched.meta)));
    };
    if (from.version === "V2") return stageBundle(staging, as, tensors, stageGraph);
    await stageGraph();
    return stageSlices(staging, as, tensors);
  });
  const state = await writeState(as);
  return { files: [...files, ...state.files], notes: [...(patched?.notes ?? []), ...state.notes] };
}

/** What an edit renamed is stored under the new name; the rest as it was, which a saver may have chosen. */
function savedAs(before: Model, { name, origin }: Variable): string {
  const old = origin === undefined ? before.variables.get(name) : undefined;
  return old === undefined ? name : storedName(old);
}

/** `name` is what the graph's own Restore op asks for. */
const writable = (name: string, variable: Variable, read: ReadVariable): WritableTensor => ({
  name,
  dtype: variable.dtype,
  shape: variable.shape,
  read: async () => {
    const bytes = await read(variable);
    return variable.dtype === "string" ? unpackStrings(bytes) : bytes;
  },
});

async function refuseOverwriting(
  as: string,
  source: readonly string[],
  targets: readonly string[],
): Promise<void> {
  if (basename(as) === STATE_FILE)
    throw writeFailed(
      as,
      "TensorFlow keeps its list of checkpoints under this name; choose another",
    );
  if (prefixOfIndex(as) ?? prefixOfMeta(as) ?? prefixOfData(as))
    throw writeFailed(as, "give the name without .index, .meta or .data, which are added to it");
  // By identity: another spelling of the path, or a link, may lead to the same file.
  const kept = new Set((await Promise.all(source.map(identity))).filter((id) => id !== null));
  for (const target of targets) {
    const id = await identity(target);
    if (id !== null && kept.has(id))
      throw writeFailed(as, "it is the checkpoint that is being changed; choose another name");
  }
  if (targets.includes(as) && (await fileEnds(as)) && !(await isV1Table(as)))
    throw writeFailed(as, "a file of this name exists that is not a checkpoint");
}

const identity = (path: string): Promise<string | null> =>
  stat(path, { bigint: true }).then(
    ({ dev, ino }) => `${dev}:${ino}`,
    () => null,
  );

/**
 * Lists it in the folder's `checkpoint` file. The latest stays the one that it was: a program that loads the latest
 * checkpoint of its folder must not get another network. The checkpoint is complete already, so a failure is a note.
 */
async function writeState(as: string): Promise<SaveResult> {
  const path = join(dirname(as), STATE_FILE);
  const name = basename(as);
  const isOther = (written: string) => resolve(dirname(as), written) !== resolve(as);
  try {
    const { latest, all } = await listed(path);
    const other = latest !== undefined && isOther(latest) ? latest : undefined;
    const text = Buffer.from(stateText(other ?? name, [...all.filter(isOther), name]), "utf8");
    const files = await staged(path, (staging) => staging.create(path, (sink) => sink.write(text)));
    const note = `${path} goes on naming ${other} as the latest checkpoint; load this one by its name.`;
    return { files, notes: other === undefined ? [] : [note] };
  } catch (error) {
    return { files: [], notes: [`${path} was not updated: ${reason(error)}`] };
  }
}

/** What the file lists now, as it is written there; nothing when there is none or it makes no sense. */
async function listed(
  path: string,
): Promise<{ readonly latest?: string; readonly all: readonly string[] }> {
  try {
    const { latest, all } = await readState(path);
    const written = all.map((each) => each.written);
    // One that is gone is nobody's latest.
    return latest?.path ? { latest: latest.written, all: written } : { all: written };
  } catch (error) {
    if (error instanceof GraftError) return { all: [] };
    throw error;
  }
}
