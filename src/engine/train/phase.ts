// One training phase: epochs of mini-batch steps over a source of samples. Numbers only; no files, no messages.
import { setImmediate as nextTurn } from "node:timers/promises";
import { GraftError } from "../../protocol/errors";
import type { Cut } from "../graph/cut";
import { isFrozen, refName, type Model, type Node } from "../graph/model";
import { uniforms } from "../graph/random";
import { trainableMask } from "../graph/regions";
import { pathTo } from "../ops/run";
import type { Phase } from "../recipe/schema";
import { stepsPerEpoch } from "./continued";
import type { Executor, StepOutcome, Training } from "./executor";
import { forwardBatch } from "./forwardBatch";
import type { LiveVariables } from "./live";
import { evaluate, judge, Score, type Evaluation, type Targets } from "./metrics";
import type { SampleSource } from "./source";
import { epochOrder, type Split } from "./split";
import { movedNames } from "./step";
import type { Trainable } from "./trainables";

export interface PhaseRequest {
  readonly index: number;
  readonly phase: Phase;
  readonly model: Model;
  readonly cut: Cut;
  /** Fed in every step: labels, with bottlenecks and inputs, or inputs alone. */
  readonly source: SampleSource;
  /** Samples that are shuffled, and asked of the source, at once: all, or a multiple of the batch. */
  readonly window: number;
  readonly targets: Targets;
  readonly classes: readonly string[];
  readonly split: Split;
  readonly executor: Executor;
  readonly live: LiveVariables;
  readonly training: readonly Trainable[];
  readonly scalars: ReadonlyMap<string, number>;
  readonly seed: number;
  /** Steps after which the phase ends, wherever it stands. */
  readonly steps?: number;
  /** The order of samples in an epoch, where it is not the seed's. */
  readonly order?: (epoch: number) => Int32Array;
}

/** Where a phase stands: what it needs, with the variables and slots, to go on. */
export interface Progress {
  /** Epochs that are complete. */
  epoch: number;
  /** Steps of the current epoch that are done. */
  step: number;
  /** What those steps yielded. */
  score: Score;
}

export interface PhaseEvents {
  step(epoch: number, step: number, steps: number, loss: number): void;
  epoch(
    epoch: number,
    score: Score,
    validation: Evaluation | undefined,
    steps: number,
  ): Promise<void>;
  /** Between steps, now and then: time to write down where training stands. */
  turn(): Promise<void>;
  /** Asked after every step; true ends the phase where it stands. */
  stopRequested(): boolean;
}

/** Trains from `progress` on, and keeps it up to date. Returns false when it was asked to stop. */
export async function runPhase(
  request: PhaseRequest,
  progress: Progress,
  events: PhaseEvents,
): Promise<boolean> {
  const { phase, model, cut, live, executor, seed, index, scalars } = request;
  const { loss, output } = model.roles;
  const path = pathTo(model, [loss!, output!], new Set(request.source.nodes));
  // Samples that only the frozen part reads may be large: they are not fed beside their bottlenecks.
  const read = new Set([
    ...path.fetches,
    ...path.nodes.flatMap((node) => node.inputs.map(refName)),
  ]);
  const source = request.source.reading(read);
  const step = { training: request.training, statistics: movingStatistics(model, cut) };
  const training = executor.training({
    ...step,
    path,
    live,
    batch: phase.batch,
    // Dropout and batch norm train above the cut, unless they are frozen; below it they never do.
    mode: {
      scalars,
      trainedChannels: (node) => trainedChannels(model, node),
      training: (node) => cut.tail.has(node.name) && !isFrozenNorm(model, node),
    },
    random: (node, epoch, step, count) =>
      uniforms(seed, ["dropout", index, epoch, step, node.name], count),
  });
  const moving = new Set(movedNames(step));
  const forward = executor.forward({ path, live, moving, scalars, scalarLoss: true });
  try {
    const measured = {
      source,
      window: request.window,
      batch: forwardBatch(model, path),
      indices: request.split.validation,
      targets: request.targets,
      classes: request.classes,
    };
    const validate = () => evaluate(forward, measured);
    return await epochs({ ...request, source }, training, validate, progress, events);
  } finally {
    await training.release();
    await forward.release();
  }
}

async function epochs(
  request: PhaseRequest,
  training: Training,
  validate: () => Promise<Evaluation>,
  progress: Progress,
  events: PhaseEvents,
): Promise<boolean> {
  const { phase, split, window, source, targets } = request;
  const steps = stepsPerEpoch(phase, split.training.length);
  while (progress.epoch < phase.epochs) {
    const { epoch } = progress;
    const order =
      request.order?.(epoch) ??
      epochOrder(split.training, request.seed, request.index, epoch, window);
    while (progress.step < steps) {
      // Where a resumed run goes on may be in the middle of a window.
      const done = progress.step * phase.batch;
      const start = done - (done % window);
      const samples = order.subarray(start, start + window);
      const { arrays, local } = await source.window(samples);
      for (let at = done - start; at < samples.length;) {
        const updates = epoch * steps + progress.step;
        const position = { epoch, step: progress.step, updates };
        const left = (request.steps ?? Infinity) - epoch * steps - progress.step;
        if (left <= 0) return true;
        const next = local.subarray(at, at + left * phase.batch);
        for (const outcome of await training.run(arrays, next, position)) {
          const batch = samples.subarray(at, at + phase.batch);
          tally(progress, outcome, batch, targets);
          at += phase.batch;
          events.step(epoch, progress.step - 1, steps, outcome.loss);
        }
        await nextTurn();
        await events.turn();
        if (events.stopRequested()) return false;
      }
    }
    const validation = split.validation.length === 0 ? undefined : await validate();
    const { score } = progress;
    progress.epoch++;
    progress.step = 0;
    progress.score = new Score();
    await events.epoch(epoch, score, validation, steps);
  }
  return true;
}

/** Counts one more step. Throws `diverged` where its loss is no number. */
function tally(
  progress: Progress,
  { loss, logits }: StepOutcome,
  batch: Int32Array,
  targets: Targets,
): void {
  if (!Number.isFinite(loss)) throw diverged(loss, progress.epoch, progress.step);
  let correct = 0;
  let labels = 0;
  judge(targets, batch, logits, (_, right) => {
    labels++;
    correct += Number(right);
  });
  progress.score.add(loss, batch.length, correct, labels);
  progress.step++;
}

const diverged = (loss: number, epoch: number, step: number): GraftError =>
  new GraftError(
    "diverged",
    `The loss became ${loss} in epoch ${epoch + 1}, step ${step + 1}: training diverged, and nothing was saved. Lower the learning rate, or look for extreme values in the data.`,
  );

/** Variables that follow the batch: those of batch norms that train. */
export const movingStatistics = (model: Model, { tail }: Cut): string[] =>
  [...tail].flatMap((name) => {
    const node = model.nodes.get(name)!;
    if (node.op !== "BatchNorm" || isFrozenNorm(model, node)) return [];
    return node.inputs.slice(3).flatMap((input) => ("variable" in input ? [input.variable] : []));
  });

/** Channels of a batch norm of which a number of its own trains; undefined where that is all, or it has none. */
function trainedChannels(model: Model, { inputs }: Node): Uint8Array | undefined {
  const masks = inputs
    .slice(1, 3)
    .flatMap((input) =>
      "variable" in input ? [trainableMask(model.variables.get(input.variable)!)] : [],
    );
  const [first] = masks;
  if (first === undefined || masks.includes(undefined)) return undefined;
  return first.map((_, channel) => Number(masks.some((mask) => mask![channel] === 1)));
}

/** A batch norm whose own numbers are all frozen: it stays in inference mode. */
function isFrozenNorm(model: Model, node: Node): boolean {
  if (node.op !== "BatchNorm") return false;
  const own = node.inputs
    .slice(1, 3)
    .flatMap((input) => ("variable" in input ? [input.variable] : []));
  return own.length > 0 && own.every((name) => isFrozen(model.variables.get(name)!));
}
