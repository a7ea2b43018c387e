// The frozen part of a work: its outputs for every sample, without the store and with it.
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { BackendInfo } from "../../../src/protocol/run";
import { cut } from "../../../src/engine/graph/cut";
import { ancestors } from "../../../src/engine/graph/order";
import { INFERENCE } from "../../../src/engine/ops/kernel";
import { pathTo, run } from "../../../src/engine/ops/run";
import { tf } from "../../../src/engine/ops/tf";
import { chooseBackend, type BackendChoice } from "../../../src/engine/train/backend";
import { featurize } from "../../../src/engine/train/featurize";
import {
  load,
  startingValues,
  usedVariables,
  type LiveVariables,
} from "../../../src/engine/train/live";
import { prepare, type Prepared } from "../../../src/engine/train/prepare";
import { batches, gather } from "../../../src/engine/train/samples";
import { openWork } from "./recipe";

export interface Prefix {
  readonly prepared: Prepared;
  readonly bottlenecks: readonly string[];
  readonly live: LiveVariables;
  readonly backend: BackendInfo;
}

/** Samples per forward pass, as in `featurize`. */
const BATCH = 250;

export async function openPrefix(folder: string, choice: BackendChoice): Promise<Prefix> {
  const open = openWork(folder);
  const prepared = await prepare(open);
  const [model] = prepared.phases;
  const { bottlenecks } = cut(model, [model.roles.loss!, model.roles.output!]);
  const backend = await chooseBackend(choice, model, { trained: new Set() });
  const variables = usedVariables(model, ancestors(model, bottlenecks));
  const read = (name: string) => prepared.checkpoint.read(name);
  const live = load(variables, await startingValues(variables, read, open.recipe.seed));
  return { prepared, bottlenecks, live, backend };
}

/** The bottlenecks of all samples, computed and left in memory, as the peers do. */
export function forward({ prepared, bottlenecks, live }: Prefix): Float32Array[] {
  const { phases, inputs, data, scalars } = prepared;
  const path = pathTo(phases[0], bottlenecks, new Set(phases[0].roles.inputs));
  const all = Int32Array.from({ length: data.samples }, (_, sample) => sample);
  return [...batches(all, BATCH)].map((batch) =>
    tf.tidy(() => {
      const [output] = run(path, gather(inputs, batch), live.map, { ...INFERENCE, scalars });
      return output.dataSync() as Float32Array;
    }),
  );
}

/** The same as a run does it: keys of samples, chunks on disk, and read back. */
export async function forwardToStore({
  prepared,
  bottlenecks,
  live,
  backend,
}: Prefix): Promise<void> {
  const store = mkdtempSync(join(tmpdir(), "graft-bench-"));
  try {
    await featurize({
      model: prepared.phases[0],
      bottlenecks,
      inputs: prepared.inputs,
      samples: prepared.data.samples,
      live,
      backend,
      scalars: prepared.scalars,
      store,
      progress: () => {},
      stopRequested: () => false,
    });
  } finally {
    rmSync(store, { recursive: true, force: true });
  }
}
