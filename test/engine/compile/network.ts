// Trains a model from numbers that depend on names only, on any executor.
import { cut } from "../../../src/engine/graph/cut";
import { elements, type Model } from "../../../src/engine/graph/model";
import { uniforms } from "../../../src/engine/graph/random";
import type { Moving } from "../../../src/engine/recipe/groups";
import { RecipeSchema } from "../../../src/engine/recipe/schema";
import type { Executor } from "../../../src/engine/train/executor";
import { usedVariables } from "../../../src/engine/graph/order";
import { LiveVariables, sha256 } from "../../../src/engine/train/live";
import { Score } from "../../../src/engine/train/metrics";
import { runPhase, type Progress } from "../../../src/engine/train/phase";
import type { SampleArray } from "../../../src/engine/train/samples";
import { inMemory } from "../../../src/engine/train/source";
import { trainables, type Trainable } from "../../../src/engine/train/trainables";
import type { Optimizer } from "../../../src/protocol/optimizers";

/** Uniform in [-0.5, 0.5); of statistics, a batch norm's variance among them, in [0.5, 1.5). */
export function startOf(model: Model): LiveVariables {
  const live = new LiveVariables();
  for (const { name, shape, role } of usedVariables(model)) {
    const from = role === "statistic" ? 0.5 : -0.5;
    const numbers = uniforms(7, [name], elements(shape)).map((value) => value + from);
    live.add(name, shape, numbers);
  }
  return live;
}

export interface Lesson {
  readonly model: Model;
  /** Inputs and labels, of every sample. */
  readonly arrays: readonly SampleArray[];
  readonly samples: number;
  readonly scalars?: ReadonlyMap<string, number>;
  readonly optimizer: Optimizer;
  readonly groups?: Moving["groups"];
  readonly epochs?: number;
  readonly batch: number;
  /** Of the samples, in every epoch; shuffled where it is not said. */
  readonly order?: Int32Array;
}

/** Where a lesson stands: everything that a resumed one needs. */
export interface Standing {
  readonly live: LiveVariables;
  readonly training: Trainable[];
  readonly progress: Progress;
}

export const beginning = ({ model, optimizer, groups }: Lesson): Standing => ({
  live: startOf(model),
  training: trainables(model, { optimizer, groups }),
  progress: { epoch: 0, step: 0, score: new Score() },
});

/** Trains from where `standing` is, and moves it. Returns the loss of each step. */
export async function train(
  executor: Executor,
  lesson: Lesson,
  standing: Standing,
  stopRequested: () => boolean = () => false,
): Promise<number[]> {
  const { model, arrays, samples, optimizer, batch, order } = lesson;
  const { epochs = 1, scalars = new Map<string, number>() } = lesson;
  const { train: phases } = RecipeSchema.parse({
    checkpoint: "m",
    train: [{ epochs, batch, optimizer }],
  });
  const losses: number[] = [];
  await runPhase(
    {
      index: 0,
      phase: phases[0],
      model,
      cut: cut(model, [model.roles.loss!, model.roles.output!]),
      source: inMemory(arrays),
      window: samples,
      targets: { labels: new Int32Array(samples) },
      classes: [],
      split: {
        training: Int32Array.from({ length: samples }, (_, index) => index),
        validation: new Int32Array(0),
      },
      executor,
      live: standing.live,
      training: standing.training,
      scalars,
      seed: 3,
      ...(order && { order: () => order }),
    },
    standing.progress,
    {
      step: (_epoch, _step, _steps, loss) => void losses.push(loss),
      epoch: async () => {},
      stopRequested,
      turn: async () => {},
    },
  );
  return losses;
}

/** Equal for equal bits. A test that compares many numbers so fails at once, without a page of them. */
export const bitsOf = ({ buffer, byteOffset, byteLength }: Float32Array): string =>
  sha256(new Uint8Array(buffer, byteOffset, byteLength));

/** Values and slots, by name. */
export const numbersOf = ({ live, training }: Standing): Record<string, Float32Array> =>
  Object.fromEntries([
    ...[...live.names()].map((name) => [name, live.get(name)] as const),
    ...training.flatMap(({ name, slots }) =>
      slots.map((slot, index) => [`${name}, slot ${index}`, slot] as const),
    ),
  ]);
