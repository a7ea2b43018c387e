// The phases of a run: what is live, where training stands, and what is kept on the way.
import type { Keys } from "../cache/keyTable";
import { cut, hasSampleShape, sampleShape, type Cut } from "../graph/cut";
import { trainableElements, type Model } from "../graph/model";
import { trainedVariables } from "../graph/order";
import type { OpenRecipe } from "../recipe/parse";
import type { Executor } from "./executor";
import { featurize, type Bottlenecks } from "./featurize";
import type { RunIdentity } from "./identity";
import type { LiveVariables } from "./live";
import { Score, type Evaluation } from "./metrics";
import { updatesBefore } from "./continued";
import { movingStatistics, runPhase, type PhaseEvents, type Progress } from "./phase";
import { rowWidth, type Prepared } from "./prepare";
import type { SampleArray } from "./samples";
import { inMemory, MEMORY_BYTES, streamed, windowSize, type SampleSource } from "./source";
import type { SavedState } from "./state";
import { phaseText } from "./text";
import type { TrainWorld } from "./train";
import { movements, takeOver, trainables, type Trainable } from "./trainables";

/** Events of steps, and of bottlenecks, come at most this often. */
const TELL_EVERY_MS = 100;
/** The state is written at most this often while training goes on. */
const KEEP_EVERY_MS = 2000;
/** A large state takes long to write: at most this share of the time goes into it. */
const KEEP_SHARE = 0.05;

const START = (): Progress => ({ epoch: 0, step: 0, score: new Score() });

const cutOf = (model: Model): Cut => cut(model, [model.roles.loss!, model.roles.output!]);

export class Trainer {
  /** Samples that went through the frozen part. */
  prefixSamples: number;
  /** Variables that some phase moves, a batch norm's statistics with them. */
  readonly moved: ReadonlySet<string>;
  lastEvaluation: Evaluation | undefined;
  private training: Trainable[] = [];
  private progress: Progress = START();

  constructor(
    private readonly open: OpenRecipe,
    private readonly prepared: Prepared,
    private readonly world: TrainWorld,
    private readonly executor: Executor,
    /** What training started from, as bytes. */
    readonly start: ReadonlyMap<string, Uint8Array>,
    readonly live: LiveVariables,
    private readonly keys: Keys,
    private readonly identity: RunIdentity,
  ) {
    this.prefixSamples = world.resume?.prefixSamples ?? 0;
    this.moved = new Set(prepared.phases.flatMap(movedVariables));
  }

  /** Trains every phase from where the run stands. False when it was asked to stop; the state is kept then. */
  async trainPhases(): Promise<boolean> {
    const { resume } = this.world;
    const count = this.prepared.phases.length;
    const first = resume?.position.phase ?? 0;
    // From here on the run can be resumed, although it may take long until the first step.
    if (resume === null) await this.keep(0, START());
    if (first < count) this.begin(first);
    if (resume !== null) this.goOn(resume);
    for (let index = first; index < count; index++) {
      if (!(await this.trainPhase(index))) {
        await this.keep(index, this.progress);
        return false;
      }
      if (index + 1 < count) this.begin(index + 1);
      await this.keep(index + 1, START());
    }
    return true;
  }

  private async trainPhase(index: number): Promise<boolean> {
    const { recipe, text } = this.open;
    const phase = recipe.train[index];
    const model = this.prepared.phases[index];
    const where = cutOf(model);
    const ways = movements(model, phase);
    const variables = trainedVariables(model);
    const hasPrefix = where.bottlenecks.length > 0;
    const cached = phase.cache && hasPrefix;
    this.world.emit({
      event: "phase",
      phase: index,
      epochs: phase.epochs,
      cached,
      optimizer: ways.length === 1 ? ways[0].optimizer : `${ways.length} parameter groups`,
      ...(ways.length > 1 && { groups: ways }),
      trainableParameters: variables.reduce((sum, each) => sum + trainableElements(each), 0),
      text: phaseText(text, index),
    });
    if (!hasPrefix)
      this.world.emit({
        event: "note",
        text: "Nothing lies below the cut, so there are no bottlenecks to keep.",
      });
    const { inputs, labels, lossMasks, data, split, scalars } = this.prepared;
    const memory = this.world.memory ?? MEMORY_BYTES;
    // Uncached training uses the samples in the order of cached training.
    const window = windowSize(data.samples, cutWidth(model, where), phase.batch, memory);
    const bottlenecks = cached ? await this.bottlenecks(model, where) : undefined;
    if (bottlenecks === null) return false;
    try {
      const beside = [...inputs, labels, ...lossMasks];
      const source = await sourceOf(bottlenecks, beside, data.samples, window);
      const request = {
        index,
        phase,
        model,
        cut: where,
        source,
        window,
        targets: data,
        classes: data.classes,
        split,
        executor: this.executor,
        live: this.live,
        training: this.training,
        scalars,
        seed: recipe.seed,
        ...(this.world.steps !== undefined && { steps: this.world.steps }),
      };
      const prefixPerEpoch = hasPrefix && !cached ? data.samples : 0;
      return await runPhase(request, this.progress, this.phaseEvents(index, prefixPerEpoch));
    } finally {
      await bottlenecks?.close();
    }
  }

  /** Fresh optimizer state, or, where the phase says so, what goes on from the phase before. */
  private begin(index: number): void {
    const { train } = this.open.recipe;
    const { phases, split } = this.prepared;
    const before = this.training;
    this.training = trainables(phases[index], train[index], (holds) =>
      updatesBefore(train, index, split.training.length, holds),
    );
    if (train[index].continue) takeOver(this.training, before);
    this.progress = START();
  }

  /** Takes up where a stopped run stood. What was not kept is fresh. */
  private goOn({ position: { epoch, step, score }, slots }: SavedState): void {
    for (const each of this.training) each.slots = slots.get(each.name) ?? each.slots;
    this.progress = { epoch, step, score: new Score(...score) };
  }

  /** What is fed instead of running the frozen part; null when asked to stop. */
  private bottlenecks(model: Model, where: Cut): Promise<Bottlenecks | null> {
    const { inputs, data, scalars, checkpoint } = this.prepared;
    let told = -Infinity;
    return featurize({
      model,
      bottlenecks: where.bottlenecks,
      inputs,
      samples: data.samples,
      keys: this.keys,
      live: this.live,
      executor: this.executor,
      scalars,
      store: this.world.store,
      origin: { recipe: this.open.path, checkpoint: checkpoint.path },
      stopRequested: this.world.stopRequested,
      progress: (done, reused, width) => {
        if (done < data.samples && performance.now() - told < TELL_EVERY_MS) return;
        told = performance.now();
        this.world.emit({
          event: "bottlenecks",
          done,
          total: data.samples,
          reused,
          valuesPerSample: width,
          bytes: width * Float32Array.BYTES_PER_ELEMENT * data.samples,
        });
      },
      computed: (samples) => (this.prefixSamples += samples),
      warn: (text) => this.world.emit({ event: "note", text }),
    });
  }

  private phaseEvents(index: number, prefixPerEpoch: number): PhaseEvents {
    const { emit, stopRequested } = this.world;
    const { train } = this.open.recipe;
    const { epochs } = train[index];
    const later = train.slice(index + 1).reduce((sum, phase) => sum + phase.epochs, 0);
    let toldAt = -Infinity;
    let keepAt = performance.now() + KEEP_EVERY_MS;
    let began = performance.now();
    const keepNowAndThen = async () => {
      const start = performance.now();
      if (start < keepAt) return;
      await this.keep(index, this.progress);
      const end = performance.now();
      keepAt = end + Math.max(KEEP_EVERY_MS, (end - start) / KEEP_SHARE);
    };
    return {
      stopRequested,
      turn: keepNowAndThen,
      step(epoch, step, steps, loss) {
        if (performance.now() - toldAt < TELL_EVERY_MS) return;
        toldAt = performance.now();
        emit({ event: "step", phase: index, epoch: epoch + 1, step: step + 1, steps, loss });
      },
      epoch: async (epoch, score, validation, steps) => {
        this.prefixSamples += prefixPerEpoch;
        this.lastEvaluation = validation;
        const seconds = (performance.now() - began) / 1000;
        const accuracy = (each: { accuracy: number } | undefined) =>
          this.prepared.classifies && each !== undefined ? each.accuracy : null;
        emit({
          event: "epoch",
          phase: index,
          epoch: epoch + 1,
          epochs,
          loss: score.loss,
          accuracy: accuracy(score),
          validationLoss: validation?.loss ?? null,
          validationAccuracy: accuracy(validation),
          stepsPerSecond: steps / seconds,
          secondsLeft: seconds * (epochs - epoch - 1 + later),
        });
        await keepNowAndThen();
        began = performance.now();
      },
    };
  }

  /** Writes where training stands. */
  private async keep(phase: number, { epoch, step, score }: Progress): Promise<void> {
    const values = new Map([...this.moved].map((name) => [name, this.live.get(name)]));
    const slots = new Map(this.training.map((each) => [each.name, each.slots]));
    const { name, version, threads } = this.executor.info;
    await this.world.keepState({
      position: { phase, epoch, step, score: score.sums },
      backend: { name, version, ...(threads !== undefined && { threads }) },
      identity: this.identity,
      prefixSamples: this.prefixSamples,
      values,
      slots,
    });
  }
}

/** Numbers in a row of bottlenecks; 0 where there are none, or their size is not known and they cannot be cached. */
function cutWidth(model: Model, { bottlenecks }: Cut): number {
  const known = bottlenecks.every((name) => hasSampleShape(model, name));
  return known ? rowWidth(bottlenecks.map((name) => sampleShape(model, name))) : 0;
}

/** What is fed: bottlenecks, all in memory or a window at a time, and what lies in memory anyway. */
async function sourceOf(
  bottlenecks: Bottlenecks | undefined,
  beside: readonly SampleArray[],
  samples: number,
  window: number,
): Promise<SampleSource> {
  if (bottlenecks === undefined) return inMemory(beside);
  if (window < samples) return streamed(bottlenecks, beside);
  const all = Int32Array.from({ length: samples }, (_, sample) => sample);
  const { arrays } = await streamed(bottlenecks, []).window(all);
  return inMemory([...arrays, ...beside]);
}

/** What training moves in a phase: by gradient, and by following the batch. */
export function movedVariables(model: Model): string[] {
  const trained = trainedVariables(model).map((variable) => variable.name);
  return [...trained, ...movingStatistics(model, cutOf(model))];
}
