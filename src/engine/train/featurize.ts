// Bottlenecks of every sample: taken from the store, or computed once and kept there.
import { setImmediate as nextTurn } from "node:timers/promises";
import { GraftError } from "../../protocol/errors";
import type { BackendInfo } from "../../protocol/run";
import { spaceKey } from "../cache/keys";
import { KEY_WORDS, KeyTable, type Keys } from "../cache/keyTable";
import { checkRoom } from "../cache/room";
import type { SpaceNote } from "../cache/spaceNote";
import { openSpace, type BottleneckSpace } from "../cache/store";
import { sampleShape } from "../graph/cut";
import type { Model } from "../graph/model";
import { pathTo } from "../ops/run";
import type { Executor, Forward } from "./executor";
import { forwardBatch } from "./forwardBatch";
import type { LiveVariables } from "./live";
import { rowWidth } from "./prepare";
import type { SampleArray } from "./samples";
import type { RowReader } from "./source";

/** What a kill can cost at most: rows are committed when there are so many bytes of them, or after so long. */
const CHUNK_BYTES = 16 * 2 ** 20;
const COMMIT_EVERY_MS = 5000;

/** A disk that gives back other bytes than were written is not asked for ever. */
const ATTEMPTS = 3;

export interface FeaturizeRequest {
  readonly model: Model;
  readonly bottlenecks: readonly string[];
  readonly inputs: readonly SampleArray[];
  readonly samples: number;
  /** Of every sample. */
  readonly keys: Keys;
  readonly live: LiveVariables;
  readonly executor: Executor;
  readonly scalars: ReadonlyMap<string, number>;
  /** Folder of the bottleneck store. */
  readonly store: string;
  /** What the space is of, beside what the graph says. */
  readonly origin: Pick<SpaceNote, "recipe" | "checkpoint">;
  /** Samples whose rows are there, of which so many were before. */
  readonly progress: (done: number, reused: number, width: number) => void;
  /** So many more samples went through the frozen part. */
  readonly computed: (samples: number) => void;
  readonly warn: (text: string) => void;
  readonly stopRequested: () => boolean;
}

/** Rows of a space. What turns out damaged is computed again as it is read. */
export interface Bottlenecks extends RowReader {
  /** Gives the space free to be pruned. */
  close(): Promise<void>;
}

/** Sees to it that the store has the bottlenecks of all samples; null when asked to stop. */
export async function featurize(request: FeaturizeRequest): Promise<Bottlenecks | null> {
  const { model, bottlenecks, live, executor, keys } = request;
  const tensors = bottlenecks.map((node) => ({ node, shape: sampleShape(model, node) }));
  const width = rowWidth(tensors.map(({ shape }) => shape));
  // The live values, not the checkpoint's: an earlier phase may have trained what is frozen now.
  const hash = (name: string) => live.hash(name);
  const open = (backend: BackendInfo) =>
    openSpace({
      root: request.store,
      key: spaceKey(model, bottlenecks, hash, backend, request.scalars),
      width,
      note: {
        ...request.origin,
        backend: `${backend.name} ${backend.version}`,
        cut: tensors.map(({ node, shape }) => ({ name: node, shape: [...shape] })),
      },
      damaged: (problem) =>
        request.warn(`Damaged bottlenecks were removed and are computed again: ${problem}.`),
    });
  let backend = executor.info;
  let space = await open(backend);
  try {
    let filled = await fill(request, space, backend, width);
    // What could not be compiled, another backend computes: it has a space of its own.
    if (typeof filled === "object") {
      await space.close();
      backend = filled;
      space = await open(backend);
      filled = await fill(request, space, backend, width);
    }
    if (filled === "stopped") {
      await space.close();
      return null;
    }
  } catch (error) {
    await space.close();
    throw error;
  }
  return {
    tensors,
    width,
    async read(samples, rows) {
      for (let attempt = 0; attempt < ATTEMPTS; attempt++) {
        if (await space.read(keys, samples, rows)) return;
        await fill(request, space, backend, width, () => false);
      }
      throw new GraftError(
        "checksum-mismatch",
        `The bottlenecks in ${request.store} were damaged ${ATTEMPTS} times in a row, although they were written again. The disk may be failing: name a cache folder on another one.`,
      );
    },
    close: () => space.close(),
  };
}

/**
 * Computes what the space of `backend` lacks, and commits it in chunks. Where another backend would compute it, nothing is
 * done: that one is returned.
 */
async function fill(
  request: FeaturizeRequest,
  space: BottleneckSpace,
  backend: BackendInfo,
  width: number,
  stopRequested = request.stopRequested,
): Promise<"done" | "stopped" | BackendInfo> {
  const { keys, samples, model } = request;
  const missing = missingSamples(keys, samples, space);
  const reused = samples - missing.length;
  if (missing.length === 0) {
    request.progress(reused, reused, width);
    return "done";
  }
  const path = pathTo(model, request.bottlenecks, new Set(model.roles.inputs));
  const { live, scalars } = request;
  const forward = request.executor.forward({ path, live, moving: new Set(), scalars });
  const most = Math.max(1, Math.floor(CHUNK_BYTES / (width * 4)));
  const batchSize = Math.min(forwardBatch(model, path), most);
  const rows = new Float32Array(Math.min(missing.length, most - (most % batchSize)) * width);
  const pending: number[] = [];
  let lastCommit = performance.now();
  const commit = async () => {
    if (pending.length > 0)
      await space.put(keysOf(keys, pending), rows.subarray(0, pending.length * width));
    pending.length = 0;
    lastCommit = performance.now();
    // Another process may be filling the same space.
    await space.refresh();
  };
  try {
    const other = await forward.prepare(request.inputs, Math.min(batchSize, missing.length));
    if (other.name !== backend.name) return other;
    request.progress(reused, reused, width);
    await checkRoom(request.store, missing.length, width);
    for (let start = 0; start < missing.length; start += batchSize) {
      if (stopRequested()) {
        await commit();
        return "stopped";
      }
      const batch = missing
        .slice(start, start + batchSize)
        .filter((sample) => !space.has(keys, sample));
      if ((pending.length + batch.length) * width > rows.length) await commit();
      await computeRows(request, forward, batch, rows.subarray(pending.length * width), width);
      pending.push(...batch);
      request.computed(batch.length);
      request.progress(Math.min(samples, reused + start + batchSize), reused, width);
      if (performance.now() - lastCommit > COMMIT_EVERY_MS) await commit();
      await nextTurn();
    }
    await commit();
    return "done";
  } finally {
    await forward.release();
  }
}

/** One sample for each key that the store lacks; equal samples are computed once. */
function missingSamples(keys: Keys, samples: number, space: BottleneckSpace): number[] {
  const seen = new KeyTable();
  const missing: number[] = [];
  for (let sample = 0; sample < samples; sample++) {
    if (space.has(keys, sample) || seen.get(keys, sample) >= 0) continue;
    seen.set(keys, sample, sample);
    missing.push(sample);
  }
  return missing;
}

function keysOf(keys: Keys, samples: readonly number[]): Keys {
  const some = new Int32Array(samples.length * KEY_WORDS);
  samples.forEach((sample, index) =>
    some.set(keys.subarray(sample * KEY_WORDS, (sample + 1) * KEY_WORDS), index * KEY_WORDS),
  );
  return some;
}

/** Runs the frozen part on `batch`, and writes a row of bottlenecks for each of its samples into `rows`. */
async function computeRows(
  { bottlenecks, inputs }: FeaturizeRequest,
  forward: Forward,
  batch: readonly number[],
  rows: Float32Array,
  width: number,
): Promise<void> {
  if (batch.length === 0) return;
  const outputs = await forward.run(inputs, Int32Array.from(batch));
  let offset = 0;
  outputs.forEach(({ shape, data }, index) => {
    if (shape[0] !== batch.length)
      throw new GraftError(
        "shape-mismatch",
        `${bottlenecks[index]} gives ${shape.join(" × ")} numbers for ${batch.length} samples: no row for each, so it cannot be kept. Add "cache": false to the phase, or freeze less.`,
      );
    const size = data.length / batch.length;
    for (let row = 0; row < batch.length; row++)
      rows.set(data.subarray(row * size, (row + 1) * size), row * width + offset);
    offset += size;
  });
}
