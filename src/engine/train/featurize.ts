// Bottlenecks of every sample: taken from the store, or computed once and kept there.
import { setImmediate as nextTurn } from "node:timers/promises";
import { GraftError } from "../../protocol/errors";
import type { BackendInfo } from "../../protocol/run";
import { sampleKey, spaceKey } from "../cache/keys";
import { openSpace, type BottleneckSpace } from "../cache/store";
import { sampleShape } from "../graph/cut";
import { elements, type Model } from "../graph/model";
import { INFERENCE } from "../ops/kernel";
import { pathTo, run } from "../ops/run";
import { tf } from "../ops/tf";
import { sha256, type LiveVariables } from "./live";
import { rowWidth } from "./prepare";
import { gather, gatherRows, type SampleArray } from "./samples";

/** Samples per forward pass, and rows that a crash can cost at most. */
const BATCH = 250;
const ROWS_PER_CHUNK = 2000;

export interface FeaturizeRequest {
  readonly model: Model;
  readonly bottlenecks: readonly string[];
  readonly inputs: readonly SampleArray[];
  readonly samples: number;
  readonly live: LiveVariables;
  readonly backend: BackendInfo;
  readonly scalars: ReadonlyMap<string, number>;
  /** Folder of the bottleneck store. */
  readonly store: string;
  readonly progress: (done: number, reused: number, width: number) => void;
  readonly stopRequested: () => boolean;
}

export interface Featurized {
  readonly arrays: readonly SampleArray[];
  /** Samples that went through the frozen part now. */
  readonly computed: number;
}

/** The bottlenecks of all samples, as arrays to feed instead of the inputs; null when asked to stop. */
export async function featurize(request: FeaturizeRequest): Promise<Featurized | null> {
  const { model, bottlenecks, samples } = request;
  const shapes = bottlenecks.map((name) => sampleShape(model, name));
  const width = rowWidth(shapes);
  // The live values, not the checkpoint's: an earlier phase may have trained what is frozen now.
  const variableHash = (name: string) => {
    const { buffer, byteOffset, byteLength } = request.live.get(name).dataSync();
    return sha256(new Uint8Array(buffer, byteOffset, byteLength));
  };
  const key = spaceKey(model, bottlenecks, variableHash, request.backend, request.scalars);
  const space = await openSpace(request.store, key, width);
  const keys = sampleKeys(request.inputs, samples);

  const missing = missingSamples(keys, space);
  const reused = samples - missing.length;
  request.progress(reused, reused, width);
  for (let start = 0; start < missing.length; start += ROWS_PER_CHUNK) {
    const chunk = missing.slice(start, start + ROWS_PER_CHUNK);
    const rows = await compute(request, chunk, width, (done) =>
      request.progress(Math.min(samples, reused + start + done), reused, width),
    );
    if (rows === null) return null;
    const chunkKeys = chunk.map((sample) => keys[sample]);
    await space.put(chunkKeys, rows);
  }
  request.progress(samples, reused, width);
  const arrays = splitRows(await space.get(keys), samples, bottlenecks, shapes);
  return { arrays, computed: missing.length };
}

function sampleKeys(inputs: readonly SampleArray[], samples: number): string[] {
  return Array.from({ length: samples }, (_, sample) =>
    sampleKey(
      inputs.map((input) => {
        const row = gatherRows(input, [sample]);
        const bytes = new Uint8Array(row.buffer, row.byteOffset, row.byteLength);
        const dtype = row instanceof Float32Array ? "float32" : "int32";
        return { shape: input.shape, bytes, dtype };
      }),
    ),
  );
}

/** One sample for each key that the store lacks; equal samples are computed once. */
function missingSamples(keys: readonly string[], space: BottleneckSpace): number[] {
  const seen = new Set<string>();
  return keys.flatMap((key, sample) => {
    if (space.has(key) || seen.has(key)) return [];
    seen.add(key);
    return [sample];
  });
}

/** Rows of bottlenecks for `chunk`; null when asked to stop. */
async function compute(
  request: FeaturizeRequest,
  chunk: readonly number[],
  width: number,
  progress: (done: number) => void,
): Promise<Float32Array | null> {
  const { model, bottlenecks, live, scalars } = request;
  const path = pathTo(model, bottlenecks, new Set(model.roles.inputs));
  const rows = new Float32Array(chunk.length * width);
  for (let start = 0; start < chunk.length; start += BATCH) {
    if (request.stopRequested()) return null;
    const batch = chunk.slice(start, start + BATCH);
    tf.tidy(() => {
      const feeds = gather(request.inputs, batch);
      const outputs = run(path, feeds, live.map, { ...INFERENCE, scalars });
      outputs.forEach((output, index) => {
        if (output.shape[0] === batch.length) return;
        throw new GraftError(
          "shape-mismatch",
          `${bottlenecks[index]} gives ${output.shape.join(" × ")} numbers for ${batch.length} samples: no row for each, so it cannot be kept. Add "cache": false to the phase, or freeze less.`,
        );
      });
      const flat = outputs.map((output) => output.dataSync());
      for (let row = 0, at = start * width; row < batch.length; row++)
        for (const values of flat) {
          const size = values.length / batch.length;
          rows.set(values.subarray(row * size, (row + 1) * size), at);
          at += size;
        }
    });
    progress(start + batch.length);
    await nextTurn();
  }
  return rows;
}

function splitRows(
  rows: Float32Array,
  samples: number,
  names: readonly string[],
  shapes: readonly (readonly number[])[],
): SampleArray[] {
  const width = rowWidth(shapes);
  let offset = 0;
  return names.map((node, index) => {
    const size = elements(shapes[index]);
    const from = offset;
    offset += size;
    if (size === width) return { node, shape: shapes[index], data: rows };
    const data = new Float32Array(samples * size);
    for (let row = 0; row < samples; row++)
      data.set(rows.subarray(row * width + from, row * width + from + size), row * size);
    return { node, shape: shapes[index], data };
  });
}
