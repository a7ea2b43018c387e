// Edited models in this process: what they compute before they were ever saved, and saving them.
import { setBackend } from "@tensorflow/tfjs-core";
import "@tensorflow/tfjs-backend-cpu";
import type { Checkpoint, ReadVariable } from "../../src/engine/formats/format";
import { createCheckpoint, saveCheckpoint } from "../../src/engine/formats/tf1/save";
import { scalarFeeds } from "../../src/engine/graph/feeds";
import type { Model } from "../../src/engine/graph/model";
import { usedVariables } from "../../src/engine/graph/order";
import { evaluate } from "../../src/engine/graph/value";
import { INFERENCE, type RunContext } from "../../src/engine/ops/kernel";
import { pathTo, run } from "../../src/engine/ops/run";
import { tf } from "../../src/engine/ops/tf";
import { load, startingValues } from "../../src/engine/train/live";
import { tensorsOf } from "../engine/executor";

const SEED = 7;

/** As a JSON file has it. */
export interface PlainArray {
  readonly dtype: string;
  readonly shape: readonly number[];
  readonly values: readonly number[];
}

/** What the edited model computes in Graft, before it was ever saved. */
export async function computedHere(
  source: Checkpoint,
  model: Model,
  fetches: readonly string[],
  feeds: Readonly<Record<string, PlainArray>>,
  context: Partial<RunContext> = {},
) {
  await setBackend("cpu");
  const used = usedVariables(model);
  const live = load(used, await startingValues(used, (name) => source.read(name), SEED));
  const fed = new Map(
    Object.entries(feeds).map(([name, { dtype, shape, values }]) => [
      name,
      tf.tensor([...values], [...shape], dtype === "float32" ? "float32" : "int32"),
    ]),
  );
  const scalars = scalarFeeds(model, {});
  const path = pathTo(model, fetches, new Set(fed.keys()));
  return run(path, fed, tensorsOf(live), { ...INFERENCE, scalars, ...context }).map((tensor) => ({
    shape: tensor.shape,
    values: [...tensor.dataSync()],
  }));
}

const valuesFrom =
  (source: Checkpoint): ReadVariable =>
  (variable) =>
    evaluate(variable, (name) => source.read(name), SEED);

export const save = (source: Checkpoint, model: Model, as: string) =>
  saveCheckpoint(source, model, as, valuesFrom(source));

/** With a graph that is made from nothing. */
export const saveAnew = (source: Checkpoint, model: Model, as: string) =>
  createCheckpoint(model, as, valuesFrom(source));
