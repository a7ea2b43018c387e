// The frozen part of a work: its outputs for every sample, without the store and with it.
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { sampleKeys } from "../../../src/engine/cache/keys";
import { cut } from "../../../src/engine/graph/cut";
import { ancestors } from "../../../src/engine/graph/order";
import { pathTo } from "../../../src/engine/ops/run";
import { chooseExecutor, type BackendChoice } from "../../../src/engine/train/backend";
import type { Executor, Forward } from "../../../src/engine/train/executor";
import { forwardBatch } from "../../../src/engine/train/forwardBatch";
import { featurize } from "../../../src/engine/train/featurize";
import { usedVariables } from "../../../src/engine/graph/order";
import { load, startingValues, type LiveVariables } from "../../../src/engine/train/live";
import { prepare, type Prepared } from "../../../src/engine/train/prepare";
import { batches } from "../../../src/engine/train/samples";
import { openWork } from "./recipe";

export interface Prefix {
  readonly prepared: Prepared;
  readonly bottlenecks: readonly string[];
  readonly live: LiveVariables;
  readonly executor: Executor;
  readonly forward: Forward;
  /** Samples per forward pass, as in `featurize`. */
  readonly batch: number;
}

export async function openPrefix(folder: string, choice: BackendChoice): Promise<Prefix> {
  const open = openWork(folder);
  const prepared = await prepare(open);
  const [model] = prepared.phases;
  const { bottlenecks } = cut(model, [model.roles.loss!, model.roles.output!]);
  const note = (text: string) => console.error(text);
  const executor = await chooseExecutor(choice, model, { trained: new Set(), note });
  const variables = usedVariables(model, ancestors(model, bottlenecks));
  const read = (name: string) => prepared.checkpoint.read(name);
  const live = load(variables, await startingValues(variables, read, open.recipe.seed));
  const path = pathTo(model, bottlenecks, new Set(model.roles.inputs));
  const { scalars } = prepared;
  const forward = executor.forward({ path, live, moving: new Set(), scalars });
  return { prepared, bottlenecks, live, executor, forward, batch: forwardBatch(model, path) };
}

/** The bottlenecks of all samples, computed and left in memory, as the peers do. */
export async function featuresInMemory({
  prepared,
  forward,
  batch,
}: Prefix): Promise<Float32Array[]> {
  const { inputs, data } = prepared;
  const all = Int32Array.from({ length: data.samples }, (_, sample) => sample);
  const features: Float32Array[] = [];
  for (const rows of batches(all, batch)) {
    const [output] = await forward.run(inputs, rows);
    features.push(output.data);
  }
  return features;
}

/** The same as a run does it: hashes of samples, chunks on disk. */
export async function featuresInStore(prefix: Prefix): Promise<void> {
  const { prepared, bottlenecks, live, executor } = prefix;
  const { phases, inputs, data, scalars } = prepared;
  const store = mkdtempSync(join(tmpdir(), "graft-bench-"));
  try {
    const space = await featurize({
      model: phases[0],
      bottlenecks,
      inputs,
      samples: data.samples,
      keys: sampleKeys(inputs, data.samples),
      live,
      executor,
      scalars,
      store,
      origin: { recipe: "bench", checkpoint: "bench" },
      progress: () => {},
      computed: () => {},
      warn: (text) => console.error(text),
      stopRequested: () => false,
    });
    await space?.close();
  } finally {
    rmSync(store, { recursive: true, force: true });
  }
}
