// The phases of a run: what is live, where training stands, and what is kept on the way.
import type { BackendInfo } from "../../protocol/run";
import { cut, type Cut } from "../graph/cut";
import { trainableElements, type Model } from "../graph/model";
import { tf } from "../ops/tf";
import type { OpenRecipe } from "../recipe/parse";
import { featurize } from "./featurize";
import type { LiveVariables } from "./live";
import { Score, type Evaluation } from "./metrics";
import { takesOver, updatesBefore } from "./continued";
import type { OptimizerRule } from "./optimizers/rule";
import { optimizerRule } from "./optimizers/table";
import { isFrozenNorm, runPhase, type PhaseEvents, type Progress } from "./phase";
import { trainedVariables, type Prepared } from "./prepare";
import type { SampleArray } from "./samples";
import type { SavedState } from "./state";
import { disposeTrainables, trainables, type Trainable } from "./step";
import { phaseText } from "./text";
import type { TrainWorld } from "./train";

/** Events of steps, and of bottlenecks, come at most this often. */
const TELL_EVERY_MS = 100;
/** The state is written at most this often while epochs go by. */
const KEEP_EVERY_MS = 2000;

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
    private readonly backend: BackendInfo,
    /** What training started from, as bytes. */
    readonly start: ReadonlyMap<string, Uint8Array>,
    readonly live: LiveVariables,
  ) {
    this.prefixSamples = world.resume?.prefixSamples ?? 0;
    this.moved = new Set(prepared.phases.flatMap(movedVariables));
  }

  /** Trains every phase from where the run stands. False when it was asked to stop; the state is kept then. */
  async trainPhases(): Promise<boolean> {
    const first = this.world.resume?.position.phase ?? 0;
    const count = this.prepared.phases.length;
    for (let index = first; index < count; index++) {
      const resume = index === this.world.resume?.position.phase ? this.world.resume : null;
      const finished = await this.trainPhase(index, resume);
      if (finished) await this.keep(index + 1, START());
      else await this.keep(index, this.progress);
      if (!finished) return false;
    }
    return true;
  }

  dispose(): void {
    disposeTrainables(this.training);
    this.live.dispose();
  }

  private async trainPhase(index: number, resume: SavedState | null): Promise<boolean> {
    const { recipe, text } = this.open;
    const phase = recipe.train[index];
    const model = this.prepared.phases[index];
    const where = cutOf(model);
    const rule = optimizerRule(phase.optimizer);
    const variables = trainedVariables(model);
    const hasPrefix = where.bottlenecks.length > 0;
    const cached = phase.cache && hasPrefix;
    this.world.emit({
      event: "phase",
      phase: index,
      epochs: phase.epochs,
      cached,
      optimizer: rule.text,
      trainableParameters: variables.reduce((sum, each) => sum + trainableElements(each), 0),
      text: phaseText(text, index),
    });
    if (!hasPrefix)
      this.world.emit({
        event: "note",
        text: "Nothing lies below the cut, so there are no bottlenecks to keep.",
      });
    this.beginProgress(index, model, rule, resume);
    const arrays = cached ? await this.bottlenecks(model, where) : this.prepared.inputs;
    if (arrays === null) return false;
    const { labels, data, split, scalars } = this.prepared;
    const request = {
      index,
      phase,
      model,
      cut: where,
      arrays,
      labels,
      targets: data.labels,
      classes: data.classes,
      split,
      live: this.live,
      training: this.training,
      updates: updatesBefore(recipe.train, index, split.training.length),
      scalars,
      seed: recipe.seed,
    };
    const prefixPerEpoch = hasPrefix && !cached ? data.samples : 0;
    return runPhase(request, this.progress, this.phaseEvents(index, prefixPerEpoch));
  }

  /** Fresh optimizer state, or that of the phase before, or that of the stopped run. */
  private beginProgress(
    index: number,
    model: Model,
    rule: OptimizerRule,
    resume: SavedState | null,
  ): void {
    const before = this.training;
    this.training = trainables(trainedVariables(model), rule);
    const continues = takesOver(this.open.recipe.train, index);
    if (continues)
      for (const each of this.training) {
        const slots = before.find((old) => old.name === each.name)?.slots;
        if (slots !== undefined)
          replaceSlots(
            each,
            slots.map((slot) => tf.clone(slot)),
          );
      }
    disposeTrainables(before);
    this.progress = START();
    if (resume === null) return;
    const { epoch, step, score } = resume.position;
    this.progress = { epoch, step, score: new Score(...score) };
    // A phase that had not begun yet starts with fresh slots, unless it continues.
    const hadBegun = epoch > 0 || step > 0;
    if (!hadBegun && !continues) return;
    for (const each of this.training) {
      const { shape } = this.live.get(each.name);
      const slots = resume.slots.get(each.name);
      // A variable that the phase before did not train.
      if (slots === undefined) continue;
      replaceSlots(
        each,
        slots.map((values) => tf.tensor(values, shape)),
      );
    }
  }

  /** What is fed instead of running the frozen part; null when asked to stop. */
  private async bottlenecks(model: Model, where: Cut): Promise<readonly SampleArray[] | null> {
    const { inputs, data, scalars } = this.prepared;
    let told = -Infinity;
    const result = await featurize({
      model,
      bottlenecks: where.bottlenecks,
      inputs,
      samples: data.samples,
      live: this.live,
      backend: this.backend,
      scalars,
      store: this.world.store,
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
    });
    if (result === null) return null;
    this.prefixSamples += result.computed;
    // Inputs that feed the trained part directly go beside the bottlenecks.
    return [...result.arrays, ...inputs];
  }

  private phaseEvents(index: number, prefixPerEpoch: number): PhaseEvents {
    const { emit, stopRequested } = this.world;
    const { train } = this.open.recipe;
    const { epochs } = train[index];
    const later = train.slice(index + 1).reduce((sum, phase) => sum + phase.epochs, 0);
    let toldAt = -Infinity;
    let keptAt = performance.now();
    let began = performance.now();
    return {
      stopRequested,
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
        if (performance.now() - keptAt > KEEP_EVERY_MS) {
          await this.keep(index, this.progress);
          keptAt = performance.now();
        }
        began = performance.now();
      },
    };
  }

  /** Writes where training stands. */
  private async keep(phase: number, { epoch, step, score }: Progress): Promise<void> {
    const values = new Map<string, Float32Array>();
    for (const name of this.moved)
      values.set(name, (await this.live.get(name).data()) as Float32Array);
    const slots = new Map<string, Float32Array[]>();
    for (const each of this.training)
      slots.set(
        each.name,
        await Promise.all(each.slots.map(async (slot) => (await slot.data()) as Float32Array)),
      );
    const { name, version } = this.backend;
    await this.world.keepState({
      position: { phase, epoch, step, score: score.sums },
      backend: { name, version },
      prefixSamples: this.prefixSamples,
      values,
      slots,
    });
  }
}

function replaceSlots(each: Trainable, slots: tf.Tensor[]): void {
  for (const slot of each.slots) slot.dispose();
  each.slots = slots;
}

/** What training moves in a phase: by gradient, and by following the batch. */
function movedVariables(model: Model): string[] {
  const { tail } = cutOf(model);
  const statistics = [...tail].flatMap((name) => {
    const node = model.nodes.get(name)!;
    if (node.op !== "BatchNorm" || isFrozenNorm(model, node)) return [];
    return node.inputs.slice(3).flatMap((input) => ("variable" in input ? [input.variable] : []));
  });
  return [...trainedVariables(model).map((variable) => variable.name), ...statistics];
}
