// A few steps of each phase, as training takes them, on as many samples as they need.
import type { BackendInfo } from "../../protocol/run";
import { listNames } from "../surgery/select";
import { stepsPerEpoch } from "../train/continued";
import type { OpenRecipe } from "../recipe/parse";
import { permutation, randomStream } from "../graph/random";
import { isFrozen, type Model } from "../graph/model";
import { trainableMask } from "../graph/regions";
import { sha256, type LiveVariables } from "../train/live";
import type { Prepared } from "../train/prepare";
import { gatherRows, type SampleArray } from "../train/samples";
import { begin, type TrainWorld } from "../train/train";
import { movedVariables, type Trainer } from "../train/trainer";

export interface Trial {
  readonly trainer: Trainer;
  /** Per phase: what it keeps frozen, by variable, before and after its steps. */
  readonly frozen: readonly { readonly before: Hashes; readonly after: Hashes }[];
  /** Whether any phase trained on bottlenecks. */
  readonly cached: boolean;
  /** "10 training steps", "10 training steps of each of 2 phases" */
  readonly steps: string;
  readonly backend: BackendInfo;
}

/** The hash of a variable's frozen numbers. `part`: others of it train. */
type Hashes = ReadonlyMap<string, { readonly hash: string; readonly part: boolean }>;

/** Trains every phase for `world.steps` steps; null when asked to stop. */
export async function trial(
  open: OpenRecipe,
  prepared: Prepared,
  world: Pick<TrainWorld, "backend" | "store" | "stopRequested"> & { readonly steps: number },
): Promise<Trial | null> {
  const frozen: { before: Hashes; after: Hashes }[] = [];
  let backend: BackendInfo | undefined;
  let cached = false;
  const endPhase = () => {
    const index = frozen.length - 1;
    if (index >= 0) frozen[index].after = frozenHashes(prepared.phases[index], trainer.live);
  };
  const trainer = await begin(open, prepared, {
    ...world,
    run: "",
    resume: null,
    abandoned: () => false,
    keepState: async () => undefined,
    emit(event) {
      if (event.event === "started") backend = event.backend;
      if (event.event !== "phase") return;
      endPhase();
      const before = frozenHashes(prepared.phases[event.phase], trainer.live);
      frozen.push({ before, after: before });
      cached ||= event.cached;
    },
  });
  if (!(await trainer.trainPhases())) return null;
  endPhase();
  const steps = stepsText(
    open.recipe.train.map((phase) =>
      Math.min(world.steps, phase.epochs * stepsPerEpoch(phase, prepared.data.samples)),
    ),
  );
  return { trainer, frozen, cached, steps, backend: backend! };
}

function stepsText(steps: readonly number[]): string {
  const [first, ...rest] = steps;
  if (rest.length === 0) return `${first} training ${first === 1 ? "step" : "steps"}`;
  if (steps.every((count) => count === first))
    return `${first} training ${first === 1 ? "step" : "steps"} of each of ${steps.length} phases`;
  return `${listNames(steps.map(String))} training steps of the phases`;
}

/** The training samples that `steps` steps of each phase see, and nothing else. */
export function sampleOf(open: OpenRecipe, prepared: Prepared, steps: number): Prepared {
  const { training } = prepared.split;
  const most = Math.max(...open.recipe.train.map(({ batch }) => batch * steps));
  const random = randomStream(open.recipe.seed, ["verify"]);
  const chosen = permutation(training.length, random)
    .subarray(0, most)
    .map((place) => training[place]);
  const { data, inputs, labels, lossMasks } = prepared;
  const pick = <A extends SampleArray>(array: A): A => ({
    ...array,
    data: gatherRows(array, chosen),
  });
  const pickRows = (values: Float32Array | Int32Array) =>
    pick({ node: "", shape: [values.length / data.samples], data: values }).data;
  const { labelsMask: mask } = data;
  const labelsMask = mask && Uint8Array.from(pickRows(Int32Array.from(mask)));
  return {
    ...prepared,
    data: {
      ...data,
      samples: chosen.length,
      labels: pickRows(data.labels),
      ...(labelsMask && { labelsMask }),
    },
    inputs: inputs.map(pick),
    labels: pick(labels),
    lossMasks: lossMasks.map(pick),
    split: { training: Int32Array.from(chosen.keys()), validation: new Int32Array() },
  };
}

/** Of every variable that a phase freezes, whole or in part. */
function frozenHashes(model: Model, live: LiveVariables): Hashes {
  const moved = new Set(movedVariables(model));
  const hashes = new Map<string, { hash: string; part: boolean }>();
  for (const name of live.names()) {
    const variable = model.variables.get(name)!;
    if (isFrozen(variable)) {
      if (!moved.has(name)) hashes.set(name, { hash: live.hash(name), part: false });
      continue;
    }
    const mask = trainableMask(variable);
    if (mask === undefined) continue;
    const kept = live.get(name).filter((_, index) => mask[index] === 0);
    hashes.set(name, { hash: sha256(new Uint8Array(kept.buffer)), part: true });
  }
  return hashes;
}
