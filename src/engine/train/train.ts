// Trains a recipe: the phases in order, each on bottlenecks where it may, telling what happens as events.
import type { RunEvent } from "../../protocol/run";
import { cut, type Cut } from "../graph/cut";
import { trainableElements, type Model } from "../graph/model";
import { ancestors } from "../graph/order";
import { resolveIn, type OpenRecipe } from "../recipe/parse";
import { chooseBackend, type BackendChoice } from "./backend";
import { featurize } from "./featurize";
import {
  liveBytes,
  load,
  outcomes,
  sha256,
  startingValues,
  usedVariables,
  LiveVariables,
} from "./live";
import { Score, type Evaluation } from "./metrics";
import { optimizerRule } from "./optimizers";
import { runPhase, type Progress } from "./phase";
import { prepare, trainedVariables, type Prepared } from "./prepare";
import { saveResult } from "./result";
import type { SampleArray } from "./samples";
import type { SavedState } from "./state";
import { disposeTrainables, trainables, type Trainable } from "./step";
import { phaseText } from "./text";
import { tf } from "../ops/tf";

/** What a run is given from outside. */
export interface TrainWorld {
  readonly run: string;
  readonly backend: BackendChoice;
  /** Folder of the bottleneck store. */
  readonly store: string;
  readonly emit: (event: RunEvent) => void;
  readonly stopRequested: () => boolean;
  /** Where a stopped run goes on. */
  readonly resume: SavedState | null;
  readonly keepState: (state: SavedState) => Promise<void>;
}

/** How often, at most, the state is written while epochs go by. */
const STATE_EVERY_MS = 2000;

/** Trains and saves as the recipe says. The last event is `ended`, unless an error is thrown. */
export async function trainRecipe(open: OpenRecipe, world: TrainWorld): Promise<void> {
  const began = performance.now();
  const { recipe } = open;
  const prepared = await prepare(open);
  try {
    const trainer = await begin(open, prepared, world);
    const finished = await trainer.phases();
    await trainer.finish(finished, began);
  } finally {
    await prepared.checkpoint.close();
  }

  async function begin(_open: OpenRecipe, ready: Prepared, { emit, resume }: TrainWorld) {
    const model = ready.phases[0];
    const trained = new Set(ready.phases.flatMap((each) => [...gradientNodes(each)]));
    const choice = resume === null ? world.backend : (resume.backend.name as BackendChoice);
    const backend = await chooseBackend(choice, model, { trained });
    const epochs = recipe.train.reduce((sum, phase) => sum + phase.epochs, 0);
    emit({
      event: "started",
      run: world.run,
      recipe: open.path,
      checkpoint: resolveIn(open, recipe.checkpoint),
      backend,
      phases: recipe.train.length,
      epochs,
      seed: recipe.seed,
      resumed: resume !== null,
    });
    const { data, split } = ready;
    emit({
      event: "data",
      bound: data.bound,
      training: split.training.length,
      validation: split.validation.length,
      classes: data.classes,
    });
    const variables = usedVariables(model);
    const start = await startingValues(
      variables,
      (name) => ready.checkpoint.read(name),
      recipe.seed,
    );
    const live = load(variables, start);
    for (const [name, value] of resume?.values ?? [])
      live.set(name, tf.tensor(value, [...model.variables.get(name)!.shape]));
    return trainerOf({ open, world, prepared: ready, backend, start, live });
  }
}

/** Nodes that gradients flow through: what depends on a trained variable. */
const gradientNodes = (model: Model): ReadonlySet<string> => {
  const { tail } = cut(model, [model.roles.loss!, model.roles.output!]);
  const needed = ancestors(model, [model.roles.loss!]);
  return new Set([...tail].filter((name) => needed.has(name)));
};

interface Situation {
  readonly open: OpenRecipe;
  readonly world: TrainWorld;
  readonly prepared: Prepared;
  readonly backend: Awaited<ReturnType<typeof chooseBackend>>;
  readonly start: ReadonlyMap<string, Uint8Array>;
  readonly live: LiveVariables;
}

function trainerOf({ open, world, prepared, backend, start, live }: Situation) {
  const { recipe } = open;
  const { emit } = world;
  const { data, split, inputs, labels, scalars } = prepared;
  let prefixSamples = world.resume?.prefixSamples ?? 0;
  let training: Trainable[] = [];
  let progress: Progress = { epoch: 0, step: 0, score: new Score() };
  let last: Evaluation | undefined;
  /** Variables that some phase may move, batch norm's statistics with them. */
  const moved = new Set<string>();

  return { phases, finish };

  /** Returns false when it was asked to stop; the state is kept then. */
  async function phases(): Promise<boolean> {
    const from = world.resume?.position;
    for (let index = 0; index < recipe.train.length; index++) {
      markMoved(prepared.phases[index]);
      if (from !== undefined && index < from.phase) continue;
      const resumed = from?.phase === index ? world.resume : null;
      if (!(await trainPhase(index, resumed))) return false;
    }
    return true;
  }

  function markMoved(model: Model): void {
    for (const variable of trainedVariables(model)) moved.add(variable.name);
    const { tail } = cut(model, [model.roles.loss!, model.roles.output!]);
    for (const name of tail) {
      const node = model.nodes.get(name)!;
      if (node.op !== "BatchNorm") continue;
      for (const input of node.inputs) if ("variable" in input) moved.add(input.variable);
    }
  }

  async function trainPhase(index: number, resumed: SavedState | null): Promise<boolean> {
    const phase = recipe.train[index];
    const model = prepared.phases[index];
    const where = cut(model, [model.roles.loss!, model.roles.output!]);
    const rule = optimizerRule(phase.optimizer);
    const variables = trainedVariables(model);
    const cached = phase.cache && where.bottlenecks.length > 0;
    emit({
      event: "phase",
      phase: index,
      epochs: phase.epochs,
      cached,
      optimizer: rule.text,
      trainableParameters: variables.reduce((sum, each) => sum + trainableElements(each), 0),
      text: phaseText(open.text, index),
    });
    if (where.bottlenecks.length === 0)
      emit({
        event: "note",
        text: "Nothing lies below the cut, so there are no bottlenecks to keep.",
      });
    const arrays = cached ? await bottlenecks(model, where) : inputs;
    if (arrays === null) return stopAt(index);

    const kept = phase.continue ? training : [];
    training = trainables(variables, rule).map((fresh) => {
      const before = kept.find((each) => each.name === fresh.name);
      return before?.slots.length === fresh.slots.length
        ? { ...fresh, slots: before.slots.map((slot) => tf.clone(slot)) }
        : fresh;
    });
    disposeTrainables(kept);
    progress = { epoch: 0, step: 0, score: new Score() };
    if (resumed !== null) restore(resumed);
    const done = await runPhase(
      {
        index,
        phase,
        model,
        cut: where,
        arrays,
        labels,
        targets: data.labels,
        classes: data.classes,
        split,
        live,
        training,
        scalars,
        seed: recipe.seed,
      },
      progress,
      phaseEvents(index, cached || where.bottlenecks.length === 0 ? 0 : data.samples),
    );
    return done || stopAt(index);
  }

  async function bottlenecks(model: Model, where: Cut): Promise<readonly SampleArray[] | null> {
    let told = -Infinity;
    const result = await featurize({
      model,
      bottlenecks: where.bottlenecks,
      inputs,
      samples: data.samples,
      live,
      variableHash: (name) => sha256(start.get(name)!),
      backend,
      scalars,
      store: world.store,
      stopRequested: world.stopRequested,
      progress(done, reused, width) {
        if (done < data.samples && performance.now() - told < 100) return;
        told = performance.now();
        emit({
          event: "bottlenecks",
          done,
          total: data.samples,
          reused,
          valuesPerSample: width,
          bytes: width * 4 * data.samples,
        });
      },
    });
    if (result === null) return null;
    prefixSamples += result.computed;
    // Inputs that feed the trained part directly go beside the bottlenecks.
    return [...result.arrays, ...inputs];
  }

  function restore(state: SavedState): void {
    const [lossSum, samples, correct] = state.position.score;
    progress = {
      epoch: state.position.epoch,
      step: state.position.step,
      score: new Score(lossSum, samples, correct),
    };
    for (const each of training) {
      const slots = state.slots.get(each.name);
      if (slots === undefined) continue;
      const { shape } = live.get(each.name);
      for (const slot of each.slots) slot.dispose();
      each.slots = slots.map((values) => tf.tensor(values, shape));
    }
  }

  function phaseEvents(index: number, prefixPerEpoch: number) {
    let steppedAt = -Infinity;
    let epochBegan = performance.now();
    let keptAt = performance.now();
    const { epochs } = recipe.train[index];
    return {
      stopRequested: world.stopRequested,
      step(epoch: number, step: number, steps: number, loss: number) {
        if (performance.now() - steppedAt < 100) return;
        steppedAt = performance.now();
        emit({ event: "step", phase: index, epoch: epoch + 1, step: step + 1, steps, loss });
      },
      async epoch(epoch: number, score: Score, validation: Evaluation | undefined, steps: number) {
        prefixSamples += prefixPerEpoch;
        last = validation;
        const seconds = (performance.now() - epochBegan) / 1000;
        const left = recipe.train.slice(index + 1).reduce((sum, each) => sum + each.epochs, 0);
        emit({
          event: "epoch",
          phase: index,
          epoch: epoch + 1,
          epochs,
          loss: score.loss,
          accuracy: prepared.classifies ? score.accuracy : null,
          validationLoss: validation?.loss ?? null,
          validationAccuracy: validation && prepared.classifies ? validation.accuracy : null,
          stepsPerSecond: steps / seconds,
          secondsLeft: seconds * (epochs - epoch - 1 + left),
        });
        if (performance.now() - keptAt > STATE_EVERY_MS) {
          await keep(index);
          keptAt = performance.now();
        }
        epochBegan = performance.now();
      },
    };
  }

  async function keep(phase: number): Promise<void> {
    const values = new Map<string, Float32Array>();
    for (const name of moved) values.set(name, (await live.get(name).data()) as Float32Array);
    const slots = new Map<string, Float32Array[]>();
    for (const each of training) {
      const all: Float32Array[] = [];
      for (const slot of each.slots) all.push((await slot.data()) as Float32Array);
      slots.set(each.name, all);
    }
    const position = {
      phase,
      epoch: progress.epoch,
      step: progress.step,
      score: progress.score.sums,
    };
    const { name, version } = backend;
    await world.keepState({ position, backend: { name, version }, prefixSamples, values, slots });
  }

  async function stopAt(phase: number): Promise<false> {
    await keep(phase);
    return false;
  }

  async function finish(finished: boolean, began: number): Promise<void> {
    const model = prepared.phases.at(-1)!;
    if (finished) {
      await keep(recipe.train.length);
      if (last !== undefined)
        emit({
          event: "evaluation",
          on: "validation",
          loss: last.loss,
          accuracy: prepared.classifies ? last.accuracy : null,
          classes: last.classes,
        });
    }
    emit({ event: "variables", variables: await outcomes(model, live, start, moved) });
    let saved = "";
    if (finished && recipe.save !== undefined) {
      const as = resolveIn(open, recipe.save.as);
      const read = (name: string) =>
        moved.has(name) ? liveBytes(model.variables.get(name)!, live) : undefined;
      const { files, notes } = await saveResult(prepared.checkpoint, model, as, recipe.seed, read);
      emit({ event: "saved", path: as, files, notes });
      saved = ` The result is ${as}.`;
    }
    disposeTrainables(training);
    live.dispose();
    const seconds = (performance.now() - began) / 1000;
    const message = finished
      ? `Training finished.${saved || ' The recipe does not say "save", so the result is kept with the run; save it with Save Result As.'}`
      : "Training stopped. What it learned so far is kept; resume it, or save the result as it is.";
    emit({
      event: "ended",
      state: finished ? "finished" : "stopped",
      message,
      prefixSamples,
      seconds,
    });
  }
}
