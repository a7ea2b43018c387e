// One training phase: epochs of mini-batch steps over a source of samples. Numbers only; no files, no messages.
import { setImmediate as nextTurn } from "node:timers/promises";
import { GraftError } from "../../protocol/errors";
import type { Cut } from "../graph/cut";
import { isFrozen, refName, type Model, type Node } from "../graph/model";
import { randomStream } from "../graph/random";
import type { RunContext } from "../ops/kernel";
import { pathTo, type Path } from "../ops/run";
import type { Phase } from "../recipe/schema";
import type { LiveVariables } from "./live";
import { evaluate, predictedClasses, Score, type Evaluation } from "./metrics";
import { stepsPerEpoch } from "./continued";
import { optimizerRule } from "./optimizers/table";
import { gather } from "./samples";
import type { SampleSource } from "./source";
import { epochOrder, type Split } from "./split";
import { trainStep, type Trainable } from "./step";

export interface PhaseRequest {
  readonly index: number;
  readonly phase: Phase;
  readonly model: Model;
  readonly cut: Cut;
  /** Fed in every step: labels, with bottlenecks and inputs, or inputs alone. */
  readonly source: SampleSource;
  /** Samples that are shuffled, and asked of the source, at once: all, or a multiple of the batch. */
  readonly window: number;
  /** Class index of every sample; the labels themselves for numbers. */
  readonly targets: Int32Array | Float32Array;
  readonly classes: readonly string[];
  readonly split: Split;
  readonly live: LiveVariables;
  readonly training: readonly Trainable[];
  /** Updates that the slots of `training` have seen before this phase; none where they are fresh. */
  readonly updates?: number;
  readonly scalars: ReadonlyMap<string, number>;
  readonly seed: number;
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

/** Steps are synchronous; this long, and other messages get their turn. */
const TURN_MS = 40;

/** Trains from `progress` on, and keeps it up to date. Returns false when it was asked to stop. */
export async function runPhase(
  request: PhaseRequest,
  progress: Progress,
  events: PhaseEvents,
): Promise<boolean> {
  const { phase, model, live, training, split, window } = request;
  const rule = optimizerRule(phase.optimizer);
  const { loss, output } = model.roles;
  const path = pathTo(model, [loss!, output!], new Set(request.source.nodes));
  // Samples that only the frozen part reads may be large: they are not fed beside their bottlenecks.
  const read = new Set([
    ...path.fetches,
    ...path.nodes.flatMap((node) => node.inputs.map(refName)),
  ]);
  const source = request.source.reading(read);
  const steps = stepsPerEpoch(phase, split.training.length);
  let lastTurn = performance.now();

  while (progress.epoch < phase.epochs) {
    const epoch = progress.epoch;
    const order =
      request.order?.(epoch) ??
      epochOrder(split.training, request.seed, request.index, epoch, window);
    while (progress.step < steps) {
      // Where a resumed run goes on may be in the middle of a window.
      const done = progress.step * phase.batch;
      const start = done - (done % window);
      const samples = order.subarray(start, start + window);
      const { arrays, local } = await source.window(samples);
      for (let at = done - start; at < samples.length; at += phase.batch) {
        const step = progress.step;
        const batch = samples.subarray(at, at + phase.batch);
        const feeds = gather(arrays, local.subarray(at, at + phase.batch));
        const context = trainingContext(request, epoch, step);
        const updates = (request.updates ?? 0) + epoch * steps + step + 1;
        const result = trainStep(path, feeds, live, training, rule, context, updates);
        if (!Number.isFinite(result.loss)) throw diverged(result.loss, epoch, step);
        const predicted = predictedClasses(result.logits);
        const correct = batch.reduce(
          (sum, sample, row) => sum + Number(predicted[row] === request.targets[sample]),
          0,
        );
        result.logits.dispose();
        for (const tensor of feeds.values()) tensor.dispose();
        progress.score.add(result.loss, batch.length, correct);
        progress.step++;
        events.step(epoch, step, steps, result.loss);
        if (performance.now() - lastTurn > TURN_MS) {
          await nextTurn();
          await events.turn();
          lastTurn = performance.now();
        }
        if (events.stopRequested()) return false;
      }
    }
    const validation = await validate(request, path, source);
    const { score } = progress;
    progress.epoch++;
    progress.step = 0;
    progress.score = new Score();
    await events.epoch(epoch, score, validation, steps);
  }
  return true;
}

const diverged = (loss: number, epoch: number, step: number): GraftError =>
  new GraftError(
    "diverged",
    `The loss became ${loss} in epoch ${epoch + 1}, step ${step + 1}: training diverged, and nothing was saved. Lower the learning rate, or look for extreme values in the data.`,
  );

async function validate(
  { split, window, live, targets, classes, scalars }: PhaseRequest,
  path: Path,
  source: SampleSource,
): Promise<Evaluation | undefined> {
  if (split.validation.length === 0) return undefined;
  return evaluate(path, source, window, live, split.validation, targets, classes, scalars);
}

/** Dropout and batch norm train above the cut, unless they are frozen; below it they never do. */
function trainingContext(request: PhaseRequest, epoch: number, step: number): RunContext {
  const { model, cut, scalars, seed, index } = request;
  return {
    scalars,
    updates: new Map(),
    training: (node) => cut.tail.has(node.name) && !isFrozenNorm(model, node),
    random(node, count) {
      const random = randomStream(seed, ["dropout", index, epoch, step, node.name]);
      return Float32Array.from({ length: count }, () => random.uniform());
    },
  };
}

/** A batch norm whose own numbers are all frozen: it stays in inference mode. */
export function isFrozenNorm(model: Model, node: Node): boolean {
  if (node.op !== "BatchNorm") return false;
  const own = node.inputs
    .slice(1, 3)
    .flatMap((input) => ("variable" in input ? [input.variable] : []));
  return own.length > 0 && own.every((name) => isFrozen(model.variables.get(name)!));
}
