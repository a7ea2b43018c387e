// What training with and without bottlenecks costs on this machine: a short forward of the frozen part and a few training
// steps of the rest, on zeros of the right shapes. Neither the checkpoint's values nor the data are read.
import { GraftError } from "../../protocol/errors";
import type { PlanMeasure } from "../../protocol/plan";
import { costOf, speedUp } from "../graph/cost";
import { cut, hasSampleShape, sampleShape } from "../graph/cut";
import { scalarFeeds } from "../graph/feeds";
import { lossInputs, modelInput, modelInputs } from "../graph/inputs";
import { elements, type Model } from "../graph/model";
import { ancestors, usedVariables } from "../graph/order";
import { labelTarget } from "../graph/target";
import { pathTo } from "../ops/run";
import { readHeaders } from "../recipe/headers";
import type { OpenRecipe } from "../recipe/parse";
import { openSource } from "../recipe/source";
import { chooseExecutor, type BackendChoice } from "./backend";
import type { Executor } from "./executor";
import { forwardBatch } from "./forwardBatch";
import { LiveVariables } from "./live";
import { Score } from "./metrics";
import { runPhase } from "./phase";
import { labelArray, trainingModels } from "./prepare";
import type { SampleArray } from "./samples";
import { inMemory } from "./source";
import { gradientNodes } from "./train";
import { trainables } from "./trainables";

/** How long each part is measured, after it was compiled. */
const MEASURE_MS = 200;
/** Multiply-adds of one call at most: so long that the rest of a call does not count, and no longer. */
const CALL_WORK = 2e9;
/** Elsewhere one sample of a large network may take minutes. */
const FAST: ReadonlySet<string> = new Set(["compiled", "tfjs-node"]);
/** Mini-batches that a call may take. */
const BATCHES = 64;
const FED_BYTES = 64 * 2 ** 20;

/** Measures the first phase; undefined where nothing lies below its cut, where shapes are not known without data, and on slow backends. */
export async function measure(
  open: OpenRecipe,
  backend: BackendChoice,
): Promise<PlanMeasure | undefined> {
  const checkpoint = await openSource(open);
  try {
    const {
      phases: [model],
    } = await trainingModels(checkpoint, open);
    return await measureModel(open, (await readHeaders(open, model)).fit(model), backend);
  } catch (error) {
    // Zeros may be what a network cannot take.
    if (error instanceof GraftError && error.code === "diverged") return undefined;
    throw error;
  } finally {
    await checkpoint.close();
  }
}

async function measureModel(
  { recipe }: OpenRecipe,
  model: Model,
  backend: BackendChoice,
): Promise<PlanMeasure | undefined> {
  const [phase] = recipe.train;
  const targets = [model.roles.loss!, model.roles.output!];
  const where = cut(model, targets);
  const cost = costOf(model, where);
  const fed = [...model.roles.inputs, ...where.bottlenecks];
  if (where.bottlenecks.length === 0 || cost === undefined) return undefined;
  if (!fed.every((name) => hasSampleShape(model, name))) return undefined;
  const note = () => undefined;
  const needs = { trained: gradientNodes(model), note, turnMs: MEASURE_MS / 4 };
  const executor = await chooseExecutor(backend, model, needs);
  if (!FAST.has(executor.info.name)) return undefined;
  const live = new LiveVariables();
  for (const { name, shape } of usedVariables(model, ancestors(model, targets)))
    live.add(name, shape, new Float32Array(elements(shape)));
  const scalars = scalarFeeds(model, recipe.graph?.feeds);

  const path = pathTo(model, where.bottlenecks, new Set(model.roles.inputs));
  const rows = Math.min(forwardBatch(model, path), callRows(cost.prefix));
  const prefix = await measureForward(
    executor,
    { path, live, moving: new Set(), scalars },
    rows,
    model.roles.inputs.map((name) => zeros(model, name, rows)),
  );

  const batch = Math.min(phase.batch, callRows(cost.training));
  const width = fed.reduce((sum, name) => sum + elements(sampleShape(model, name)), 0);
  const batches = Math.max(1, Math.min(BATCHES, Math.floor(FED_BYTES / 4 / width / batch)));
  const samples = batch * batches;
  const target = labelTarget(model);
  const steps = target.steps ?? 1;
  const labels =
    target.kind === "classes"
      ? new Int32Array(samples * steps)
      : new Float32Array(samples * elements(target.shape.slice(1)));
  const arrays = [
    ...fed.map((name) => zeros(model, name, samples)),
    ...lossInputs(model)
      .filter(({ optional }) => !optional)
      .map(({ name }) => zeros(model, name, samples)),
    labelArray(model, { labels, samples, labelsPerSample: steps }, target),
  ];
  const step = await measureSteps(executor, {
    index: 0,
    phase: { ...phase, batch, epochs: Infinity },
    model,
    cut: where,
    source: inMemory(arrays),
    window: samples,
    targets: { labels, labelsPerSample: steps },
    classes: [],
    split: {
      training: Int32Array.from({ length: samples }, (_, at) => at),
      validation: new Int32Array(),
    },
    live,
    training: trainables(model, phase),
    scalars,
    seed: 0,
  });
  return {
    backend: executor.info.name,
    prefixSeconds: prefix / rows,
    stepSeconds: step,
    batch,
    speedUp: speedUp(prefix / rows, step / batch, phase.epochs),
  };
}

const callRows = (multiplyAdds: number): number =>
  Math.max(1, Math.floor(CALL_WORK / Math.max(1, multiplyAdds)));

/** Of an input's kind; what tells of sequences says that all steps are there. */
function zeros(model: Model, name: string, samples: number): SampleArray {
  const shape = sampleShape(model, name);
  const isInput = model.nodes.get(name)!.op === "Placeholder";
  const { dtype, part } = modelInput(model, name);
  const length = samples * elements(shape);
  const data =
    !isInput || dtype.startsWith("float") ? new Float32Array(length) : new Int32Array(length);
  if (part === "mask" || part === "labelsMask") data.fill(1);
  if (part === "lengths") data.fill(stepsOf(model));
  return { node: name, shape, data };
}

/** Steps of the model's sequences. */
const stepsOf = (model: Model): number =>
  modelInputs(model).find(({ sequence }) => sequence)?.shape[1] ?? 1;

/** Seconds of one forward pass, the fastest of some. */
async function measureForward(
  executor: Executor,
  request: Parameters<Executor["forward"]>[0],
  rows: number,
  arrays: readonly SampleArray[],
): Promise<number> {
  const forward = executor.forward(request);
  const indices = Int32Array.from({ length: rows }, (_, row) => row);
  try {
    await forward.run(arrays, indices);
    let fastest = Infinity;
    const end = performance.now() + MEASURE_MS;
    do {
      const began = performance.now();
      await forward.run(arrays, indices);
      fastest = Math.min(fastest, performance.now() - began);
    } while (performance.now() < end);
    return fastest / 1000;
  } finally {
    await forward.release();
  }
}

/** Seconds of one training step: of the fastest turn after the first, which compiles. */
async function measureSteps(
  executor: Executor,
  request: Omit<Parameters<typeof runPhase>[0], "executor">,
): Promise<number> {
  let fastest = Infinity;
  let steps = 0;
  let began: number | undefined;
  let end = Infinity;
  const turn = async () => {
    const now = performance.now();
    if (began === undefined) end = now + MEASURE_MS;
    else fastest = Math.min(fastest, (now - began) / steps);
    steps = 0;
    began = performance.now();
  };
  await runPhase(
    { ...request, executor },
    { epoch: 0, step: 0, score: new Score() },
    {
      step: () => void steps++,
      epoch: async () => undefined,
      turn,
      stopRequested: () => fastest < Infinity && performance.now() >= end,
    },
  );
  return fastest / 1000;
}
