// Graft's side of the bench: the engine's own runs in a process that stays alive.
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { BackendInfo } from "../../../src/protocol/run";
import { parseBackend } from "../../../src/engine/train/backend";
import { trainRecipe } from "../../../src/engine/train/train";
import { version } from "../../../package.json";
import { featuresInMemory, featuresInStore, openPrefix, type Prefix } from "./featurize";
import { openWork } from "./recipe";
import { epochSeconds, serve, type Answer, type Request, type Work } from "./serve";

interface Trained {
  /** When the phase began and when each epoch ended, in milliseconds. */
  readonly began: number;
  readonly ends: readonly number[];
  /** Of the last epoch. */
  readonly loss: number;
  readonly backend: BackendInfo;
}

/** A run from recipe to trained values, with an empty bottleneck store. */
async function train({ folder }: Work, { backend, cache = true }: Request): Promise<Trained> {
  const open = openWork(folder);
  const phases = open.recipe.train.map((phase) => ({ ...phase, cache }));
  const store = mkdtempSync(join(tmpdir(), "graft-bench-"));
  let began = 0;
  let loss = NaN;
  let used: BackendInfo | undefined;
  const ends: number[] = [];
  try {
    await trainRecipe(
      { ...open, recipe: { ...open.recipe, train: phases } },
      {
        run: "bench",
        backend: parseBackend(backend),
        store,
        emit: (event) => {
          if (event.event === "started") used = event.backend;
          if (event.event === "phase") began = performance.now();
          if (event.event !== "epoch") return;
          ends.push(performance.now());
          loss = event.loss;
        },
        stopRequested: () => false,
        abandoned: () => false,
        resume: null,
        keepState: async () => {},
      },
    );
  } finally {
    rmSync(store, { recursive: true, force: true });
  }
  return { began, ends, loss, backend: used! };
}

const backendNote = ({ name, version: release }: BackendInfo) => ({
  backend: `${name} ${release}`,
});

async function measureTraining(work: Work, request: Request): Promise<Answer> {
  const { ends, loss, backend } = await train(work, request);
  return { seconds: epochSeconds(ends), check: loss, notes: backendNote(backend) };
}

async function measureRetraining(work: Work, request: Request): Promise<Answer> {
  const { began, ends, loss, backend } = await train(work, request);
  return { seconds: (ends.at(-1)! - began) / 1000, check: loss, notes: backendNote(backend) };
}

let prefix: Prefix | undefined;

async function measureFeatures({ folder }: Work, { backend }: Request): Promise<Answer> {
  prefix ??= await openPrefix(folder, parseBackend(backend));
  const start = performance.now();
  const features = await featuresInMemory(prefix);
  const computed = performance.now();
  await featuresInStore(prefix);
  const stored = performance.now();
  let sum = 0;
  for (const rows of features) for (const value of rows) sum += Math.abs(value);
  return {
    seconds: (computed - start) / 1000,
    check: sum / features.reduce((count, rows) => count + rows.length, 0),
    notes: {
      ...backendNote(prefix.executor.info),
      "into the store": `${((stored - computed) / 1000).toPrecision(3)} s`,
    },
  };
}

const KINDS = {
  train: measureTraining,
  featurize: measureFeatures,
  retrain: measureRetraining,
};

void serve(`Graft ${version}`, (work, request) => KINDS[work.kind](work, request));
