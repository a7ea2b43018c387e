// The sentences of the panel, made from its state. Pure, so that every wording can be tested.
import type { BackendInfo, RunState, VariableOutcome } from "../protocol/run";
import {
  baseName,
  formatBytes,
  formatCount,
  formatOf,
  formatPhase,
  formatPercent,
  formatSeconds,
} from "./format";
import { isRunning, type PanelState, type Phase } from "./state";

export type Outcome = Exclude<RunState, "running">;

/** "phase 1 of 2 · epoch 12/20 · 0.4 s left", in parts; a view decides how to separate them. */
export function whereParts(state: PanelState): string[] {
  if (!isRunning(state)) return endedParts(state);
  switch (state.activity) {
    case "preparing":
      return ["preparing…"];
    case "bottlenecks":
      return ["computing bottlenecks…"];
    case "evaluating":
      return ["evaluating…"];
    case "training":
      return trainingParts(state);
  }
}

/** "508 new numbers of w: adam, learning rate 0.01; …"; empty where all numbers of a phase move in one way. */
export const groupWords = ({ groups = [] }: Pick<Phase, "groups">): string =>
  groups.map(({ numbers, optimizer }) => `${numbers}: ${optimizer}`).join("; ");

export function bottleneckWords(state: PanelState): { progress: string; detail: string } {
  const { bottlenecks: b, phases } = state;
  if (!b) {
    if (phases.some((phase) => phase.cached)) return { progress: "cached", detail: "" };
    if (phases.length > 0)
      return { progress: "not cached", detail: "every epoch runs the whole network" };
    return { progress: isRunning(state) ? "not yet" : "none", detail: "" };
  }
  const size = `${formatOf(b.valuesPerSample, "value")} a sample · ${formatBytes(b.bytes)}`;
  const uncached = phases.filter((phase) => !phase.cached).map(({ phase }) => formatPhase(phase));
  const detail = uncached.length > 0 ? `${size} · phase ${uncached.join(", ")} not cached` : size;
  return { progress: `${formatCount(b.done)} of ${formatCount(b.total)}`, detail };
}

/** How the bottlenecks came about, once all are there. */
export function bottleneckOrigin(state: PanelState): string {
  const b = state.bottlenecks;
  if (!b || b.total === 0) return "";
  if (b.done < b.total) return b.reused > 0 ? `${formatCount(b.reused)} from cache` : "";
  if (b.reused >= b.total) return "reused from cache";
  if (b.reused === 0) return "computed";
  return `${formatCount(b.reused)} from cache, ${formatCount(b.total - b.reused)} computed`;
}

/** Why this backend, and what it may use. */
export const backendWords = ({ reason, threads }: BackendInfo): string =>
  threads === undefined ? reason : `${reason} · up to ${formatOf(threads, "thread")}`;

interface FrozenSummary {
  readonly words: string;
  /** Frozen variables that training moved: must be none. */
  readonly broken: readonly string[];
  readonly good: boolean;
}

/** Whether a number that was to stay has moved. */
export const isBroken = ({
  frozen,
  unchanged,
  maxChange,
  keptUnchanged,
}: VariableOutcome): boolean =>
  keptUnchanged === false || (frozen && !unchanged && maxChange !== 0);

/** A frozen variable that an edit reshaped cannot equal the checkpoint's bytes; it is sound if training did not move it. */
export function frozenSummary(variables: readonly VariableOutcome[]): FrozenSummary | null {
  if (variables.length === 0) return null;
  const frozen = variables.filter((variable) => variable.frozen);
  const inPart = variables.filter(({ keptUnchanged }) => keptUnchanged !== undefined);
  if (frozen.length + inPart.length === 0)
    return { words: "no variable was frozen", broken: [], good: false };
  const same = frozen.filter((variable) => variable.unchanged).length;
  const moved = frozen.filter(isBroken);
  const movedInPart = inPart.filter(isBroken);
  const edited = frozen.length - same - moved.length;
  const keptInPart = inPart.length - movedInPart.length;
  const bits = "unchanged, bit for bit";
  const words = [
    ...(frozen.length > 0
      ? [`${formatCount(same)} of ${formatOf(frozen.length, "variable")} ${bits}`]
      : []),
    ...(edited > 0 ? [`${formatCount(edited)} new from an edit, not trained`] : []),
    ...(inPart.length > 0
      ? [
          `the frozen part of ${formatCount(keptInPart)} of ${formatOf(inPart.length, "variable")} ${bits}`,
        ]
      : []),
  ];
  const broken = [...moved, ...movedInPart].map(({ name }) => name);
  return { words: words.join("; "), broken, good: broken.length === 0 };
}

/** What the whole run reached: validation where there is one. */
export function resultWords(state: PanelState): string | null {
  const evaluation = state.validation ?? state.training;
  if (!evaluation || evaluation.accuracy === null) return null;
  const samples = evaluation.classes.reduce((sum, one) => sum + one.samples, 0);
  const on =
    samples > 0 ? `${formatCount(samples)} ${evaluation.on} samples` : `${evaluation.on} data`;
  return `accuracy ${formatPercent(evaluation.accuracy)} on ${on}`;
}

/** Only what is worth interrupting a listener for; epochs are not. */
export function announcement(before: PanelState | null, now: PanelState): string | null {
  if (before?.run.run !== now.run.run) return null;
  if (isRunning(before) && !isRunning(now)) return outcomeWords(now).join(" ");
  if (!isRunning(before) && isRunning(now)) return "Training goes on.";
  if (!before.diverged && now.diverged) return divergedWords(now.diverged);
  const phase = now.phases.at(-1);
  if (phase && phase.phase !== before.phases.at(-1)?.phase)
    return `Phase ${formatPhase(phase.phase)} of ${now.phaseCount} started.`;
  if (before.activity !== "bottlenecks" && now.activity === "bottlenecks")
    return "Computing bottlenecks.";
  return null;
}

/** Title and sentence; "Stopped after epoch 12…" already says that it stopped, so there the title is its first word. */
export function outcomeWords(state: PanelState): readonly [string, string] {
  const title = outcomeTitle(state);
  const whole = outcomeMessage(state).replace(`Training ${title.toLowerCase()}. `, "");
  const message = besideRecipe(whole, state.run);
  const echoes = message.toLowerCase().startsWith(`${title.toLowerCase()} `);
  return echoes ? [title, message.slice(title.length + 1)] : [`${title}.`, message];
}

/** Paths in a text as the recipe writes them: from its own folder. */
export function besideRecipe(text: string, { recipe }: { readonly recipe: string }): string {
  const folder = recipe.slice(0, -baseName(recipe).length);
  return folder === "" ? text : text.replaceAll(folder, "");
}

function outcomeTitle(state: PanelState): string {
  const titles: Record<RunState, string> = {
    running: "Running",
    finished: "Finished",
    stopped: "Stopped",
    failed: "Failed",
    interrupted: "Interrupted",
  };
  return titles[state.run.state];
}

/** The engine's own words; a process that died said none, so the summary has to speak. */
function outcomeMessage(state: PanelState): string {
  const { run } = state;
  if (state.ended && state.ended.state === run.state) return state.ended.message;
  const done = `${formatCount(run.epoch)} of ${formatOf(run.epochs, "epoch")}`;
  const next = run.resumable
    ? "Resume continues from the last saved state."
    : "It cannot be resumed; train the recipe again.";
  switch (run.state) {
    case "running":
      return "";
    case "finished":
      return run.saved ? `Saved as ${run.saved}.` : "The result is kept with the run.";
    case "stopped":
      return `Stopped after ${done}. ${next}`;
    case "failed":
      return `The run failed after ${done}. The Graft output channel has the details.`;
    case "interrupted":
      return `The training process went away after ${done}. ${next}`;
  }
}

export function divergedWords(at: { readonly phase: number; readonly epoch: number }): string {
  return `The loss is not a finite number from phase ${formatPhase(at.phase)}, epoch ${at.epoch} on: training has diverged. A smaller learning rate usually helps.`;
}

function trainingParts(state: PanelState): string[] {
  const { step, epoch } = state;
  const phase = state.phases.at(-1);
  const parts: string[] = [];
  const count = state.phaseCount;
  if (phase && count > 1) parts.push(`phase ${formatPhase(phase.phase)} of ${count}`);
  const inPhase = epoch && epoch.phase === (phase?.phase ?? epoch.phase) ? epoch : null;
  const epochs = formatCount(inPhase?.epochs ?? phase?.epochs ?? 0);
  if (step && isSlow(state)) {
    parts.push(`epoch ${formatCount(step.epoch)}/${epochs}`);
    parts.push(`step ${formatCount(step.step)}/${formatCount(step.steps)}`);
  } else {
    parts.push(`epoch ${formatCount(inPhase?.epoch ?? 0)}/${epochs}`);
  }
  if (epoch && Number.isFinite(epoch.secondsLeft))
    parts.push(`${formatSeconds(epoch.secondsLeft)} left`);
  return parts;
}

/** Steps are only worth showing where an epoch takes a while; else they flicker. */
function isSlow({ step, epoch }: PanelState): boolean {
  if (!step || !epoch || !(epoch.stepsPerSecond > 0)) return true;
  return step.steps / epoch.stepsPerSecond > 2;
}

function endedParts(state: PanelState): string[] {
  const { run, ended } = state;
  const parts = [outcomeTitle(state).toLowerCase()];
  const all = run.epoch >= run.epochs;
  if (run.epochs > 0)
    parts.push(
      all
        ? formatOf(run.epochs, "epoch")
        : `${formatCount(run.epoch)} of ${formatOf(run.epochs, "epoch")}`,
    );
  if (ended) parts.push(formatSeconds(ended.seconds));
  return parts;
}
