// Trains a recipe from its text to the saved result, telling what happens as events.
import { GraftError } from "../../protocol/errors";
import type { RunEvent } from "../../protocol/run";
import { sampleKeys } from "../cache/keys";
import { recognize } from "../formats/table";
import { cut } from "../graph/cut";
import type { Model } from "../graph/model";
import { ancestors, usedVariables } from "../graph/order";
import { resolveIn, type OpenRecipe } from "../recipe/parse";
import { savedModel } from "../recipe/savable";
import { chooseExecutor, type BackendChoice } from "./backend";
import { identify, refuseOther } from "./identity";
import { load, outcomes, startingValues } from "./live";
import { prepare, type Prepared } from "./prepare";
import { saveResult } from "./result";
import type { SavedState } from "./state";
import { Trainer } from "./trainer";

/** What a run is given from outside. */
export interface TrainWorld {
  readonly run: string;
  readonly backend: BackendChoice;
  /** Folder of the bottleneck store. */
  readonly store: string;
  /** Bytes of bottlenecks that are held in memory at most. */
  readonly memory?: number;
  /** Steps of each phase at most: a trial. */
  readonly steps?: number;
  /** How long training may go on without asking whether to stop. */
  readonly turnMs?: number;
  readonly emit: (event: RunEvent) => void;
  readonly stopRequested: () => boolean;
  /** Whether the one who watched is gone, rather than having asked to stop. */
  readonly abandoned: () => boolean;
  /** Where a stopped run goes on. */
  readonly resume: SavedState | null;
  readonly keepState: (state: SavedState) => Promise<void>;
}

/** Trains and saves as the recipe says. The last event is `ended`, unless an error is thrown. */
export async function trainRecipe(open: OpenRecipe, world: TrainWorld): Promise<void> {
  const began = performance.now();
  const prepared = await prepare(open);
  try {
    const trainer = await begin(open, prepared, world);
    await tellReplaced(open, world);
    const finished = await trainer.trainPhases();
    const message = await conclude(open, prepared, trainer, finished, world);
    world.emit({
      event: "ended",
      state: finished ? "finished" : world.abandoned() ? "interrupted" : "stopped",
      message,
      prefixSamples: trainer.prefixSamples,
      seconds: (performance.now() - began) / 1000,
    });
  } finally {
    await prepared.checkpoint.close();
  }
}

/** The result of the run before may be what a person wants to keep. */
async function tellReplaced(open: OpenRecipe, { emit }: TrainWorld): Promise<void> {
  const { save } = open.recipe;
  if (save === undefined || (await recognize([resolveIn(open, save.as)])).length === 0) return;
  emit({
    event: "note",
    text: `There is a checkpoint ${save.as} already: the result of this run replaces it. To keep it, save under another name.`,
  });
}

/** Chooses the backend, says what there is to train on, and loads every variable that the graph uses. */
export async function begin(
  open: OpenRecipe,
  prepared: Prepared,
  world: TrainWorld,
): Promise<Trainer> {
  const { recipe } = open;
  const [model] = prepared.phases;
  const trained = new Set(prepared.phases.flatMap((phase) => [...gradientNodes(phase)]));
  // Another backend would round differently from here on: a resumed run keeps the one it had.
  const before = world.resume?.backend;
  const choice = before === undefined ? world.backend : (before.name as BackendChoice);
  const note = (text: string) => world.emit({ event: "note", text });
  const needs = {
    trained,
    note,
    threads: before?.threads,
    because: before && "as before",
    turnMs: world.turnMs,
  };
  const executor = await chooseExecutor(choice, model, needs);
  world.emit({
    event: "started",
    run: world.run,
    recipe: open.path,
    checkpoint: resolveIn(open, recipe.checkpoint),
    backend: executor.info,
    phases: recipe.train.length,
    epochs: recipe.train.reduce((sum, phase) => sum + phase.epochs, 0),
    seed: recipe.seed,
    resumed: world.resume !== null,
  });
  if (world.resume === null) for (const warning of prepared.warnings) note(warning);
  const { version } = executor.info;
  if (before !== undefined && before.version !== version)
    note(
      `The run began with ${before.name} ${before.version}; ${version} goes on with it, and may round differently in the last bits.`,
    );
  const { data, split } = prepared;
  world.emit({
    event: "data",
    bound: data.bound,
    training: split.training.length,
    validation: split.validation.length,
    classes: data.classes,
  });
  const needed = ancestors(model, [model.roles.loss!, model.roles.output!]);
  const variables = usedVariables(model, needed);
  const start = await startingValues(variables, prepared.checkpoint.read, recipe.seed);
  const live = load(variables, start);
  const keys = sampleKeys(prepared.inputs, data.samples);
  const identity = identify(keys, data, live);
  if (world.resume !== null) refuseOther(world.resume.identity, identity);
  for (const [name, value] of world.resume?.values ?? []) live.set(name, value);
  return new Trainer(open, prepared, world, executor, start, live, keys, identity);
}

/** Nodes that gradients flow through: what the loss needs of the part above the cut. */
export function gradientNodes(model: Model): Set<string> {
  const { tail } = cut(model, [model.roles.loss!, model.roles.output!]);
  const needed = ancestors(model, [model.roles.loss!]);
  return new Set([...tail].filter((name) => needed.has(name)));
}

/** Tells what became of the network, and saves it where the recipe says. Returns the last word. */
async function conclude(
  open: OpenRecipe,
  prepared: Prepared,
  trainer: Trainer,
  finished: boolean,
  { emit, abandoned }: TrainWorld,
): Promise<string> {
  const model = prepared.phases.at(-1)!;
  const { live, start, moved, lastEvaluation } = trainer;
  if (finished && lastEvaluation !== undefined)
    emit({
      event: "evaluation",
      on: "validation",
      loss: lastEvaluation.loss,
      accuracy: prepared.classifies ? lastEvaluation.accuracy : null,
      classes: prepared.classifies ? lastEvaluation.classes : [],
    });
  emit({ event: "variables", variables: outcomes(prepared.phases, live, start, moved) });
  if (!finished) {
    const how = abandoned() ? "was interrupted when its window or engine went away" : "stopped";
    return `Training ${how}. What it learned so far is kept; resume it, or save the result as it is.`;
  }
  const { save, seed } = open.recipe;
  if (save === undefined)
    return 'Training finished. The recipe has no "save", so the result is kept with the run only, to be saved from there.';
  const as = resolveIn(open, save.as);
  const trained = (name: string) => (moved.has(name) ? live.get(name) : undefined);
  const saved = savedModel(prepared.edited, model);
  const { files, notes } = await saveResult(prepared.checkpoint, saved, as, seed, trained).catch(
    (error: unknown) => {
      if (!(error instanceof GraftError)) throw error;
      const kept = "What was learned is kept with the run: save it under another name.";
      throw new GraftError(error.code, `${error.message} ${kept}`, { cause: error });
    },
  );
  emit({ event: "saved", path: as, files, notes });
  return `Training finished. The result is ${as}.`;
}
