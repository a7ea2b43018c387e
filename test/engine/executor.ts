// Executors for tests, and tensors of what they work with.
import { tf, type Tensor } from "../../src/engine/ops/tf";
import {
  chooseExecutor,
  type BackendChoice,
  type BackendNeeds,
} from "../../src/engine/train/backend";
import type { Executor } from "../../src/engine/train/executor";
import type { LiveVariables } from "../../src/engine/train/live";
import { handmade } from "./handmade";

/** An executor for any graph. A fallback fails the test: it would test another backend. */
export const executorOn = (
  backend: BackendChoice,
  settings: Pick<BackendNeeds, "threads" | "turnMs"> = {},
): Promise<Executor> =>
  chooseExecutor(backend, handmade({ nodes: [] }), {
    ...settings,
    trained: new Set(),
    note: (text) => {
      throw new Error(text);
    },
  });

export const tensorsOf = (live: LiveVariables): Map<string, Tensor> =>
  new Map(
    [...live.names()].map((name) => [name, tf.tensor(live.get(name), [...live.shape(name)])]),
  );
