// How good a network is: loss, and accuracy where outputs can be right or wrong, on samples that have labels.
import type { ClassScore } from "../../protocol/run";
import { chooseExecutor, type BackendChoice } from "./backend";
import type { Executor } from "./executor";
import type { Model } from "../graph/model";
import { ancestors, usedVariables } from "../graph/order";
import type { ReadStored } from "../graph/value";
import { pathTo } from "../ops/run";
import { forwardBatch } from "./forwardBatch";
import { load, startingValues, type LiveVariables } from "./live";
import { evaluate } from "./metrics";
import type { Samples } from "./prepare";
import { inMemory } from "./source";

export interface Scored {
  readonly loss: number;
  readonly accuracy: number | null;
  /** Empty where there are no classes. */
  readonly classes: readonly ClassScore[];
  readonly samples: number;
}

/** The values of everything that loss and output of `model` need, as they are before any training. */
export async function untrained(
  model: Model,
  read: ReadStored,
  seed: number,
): Promise<LiveVariables> {
  const used = usedVariables(model, ancestors(model, [model.roles.loss!, model.roles.output!]));
  return load(used, await startingValues(used, read, seed));
}

/** What runs a model that does not train. */
export const inferenceExecutor = (
  choice: BackendChoice,
  model: Model,
  note: (text: string) => void,
): Promise<Executor> => chooseExecutor(choice, model, { trained: new Set(), note });

/** Scores a model that has a loss, as training validates. `indices` say which of the samples; `batch` so many at once. */
export async function score(
  model: Model,
  live: LiveVariables,
  executor: Executor,
  { data, inputs, labels, lossMasks, scalars, classifies }: Samples,
  indices: Int32Array,
  batch?: number,
): Promise<Scored> {
  const fed = [...inputs, labels, ...lossMasks];
  const { loss, output } = model.roles;
  const path = pathTo(model, [loss!, output!], new Set(fed.map(({ node }) => node)));
  const forward = executor.forward({ path, live, moving: new Set(), scalars, scalarLoss: true });
  try {
    const evaluation = await evaluate(forward, {
      source: inMemory(fed),
      window: indices.length,
      batch: batch ?? forwardBatch(model, path),
      indices,
      targets: data,
      classes: data.classes,
    });
    return {
      loss: evaluation.loss,
      accuracy: classifies ? evaluation.accuracy : null,
      classes: classifies ? evaluation.classes : [],
      samples: indices.length,
    };
  } finally {
    await forward.release();
  }
}
