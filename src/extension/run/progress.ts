// Where a run is, out of its events: one state that status bar, lenses, decoration and view read. Knows no VS Code.
import type { RunEvent, RunState } from "../../protocol/run";
import { moving } from "../words";

export interface Progress {
  readonly run: string;
  readonly recipe: string;
  readonly checkpoint: string;
  readonly state: RunState;
  readonly stage: "starting" | "bottlenecks" | "training" | "ended";
  /** Index of the phase in the recipe's `train`. */
  readonly phase: number;
  readonly phases: number;
  /** The phase as the recipe said it when the run began. */
  readonly phaseText?: string;
  /** Within the phase. */
  readonly epoch: number;
  readonly epochs: number;
  readonly loss?: number;
  readonly accuracy?: number;
  readonly secondsLeft?: number;
  readonly bottlenecks?: { readonly done: number; readonly total: number };
  readonly saved?: string;
  readonly message?: string;
}

export function startOf(run: string, recipe = "", checkpoint = ""): Progress {
  return {
    run,
    recipe,
    checkpoint,
    state: "running",
    stage: "starting",
    phase: 0,
    phases: 1,
    epoch: 0,
    epochs: 0,
  };
}

export function advance(before: Progress, event: RunEvent): Progress {
  switch (event.event) {
    case "started":
      return {
        ...before,
        recipe: event.recipe,
        checkpoint: event.checkpoint,
        phases: event.phases,
        epochs: before.epochs || event.epochs,
        state: "running",
        stage: "starting",
      };
    case "bottlenecks":
      return {
        ...before,
        stage: "bottlenecks",
        bottlenecks: { done: event.done, total: event.total },
      };
    case "phase":
      return {
        ...before,
        stage: "training",
        phase: event.phase,
        phaseText: event.text,
        epoch: 0,
        epochs: event.epochs,
      };
    case "step":
      return { ...before, stage: "training", loss: event.loss };
    case "epoch":
      return {
        ...before,
        stage: "training",
        phase: event.phase,
        epoch: event.epoch,
        epochs: event.epochs,
        loss: event.loss,
        secondsLeft: event.secondsLeft,
        ...((event.validationAccuracy ?? event.accuracy) === null
          ? {}
          : { accuracy: event.validationAccuracy ?? event.accuracy ?? 0 }),
      };
    case "saved":
      return { ...before, saved: event.path };
    case "ended":
      return { ...before, stage: "ended", state: event.state, message: event.message };
    case "data":
    case "evaluation":
    case "variables":
    case "note":
      return before;
  }
}

/** "12/20 · loss 0.31", for the status bar. */
export function brief(progress: Progress): string {
  const { stage, bottlenecks, loss } = progress;
  if (stage === "starting") return "starting";
  if (stage === "bottlenecks")
    return `bottlenecks ${bottlenecks?.done ?? 0}/${bottlenecks?.total ?? 0}`;
  const phase = progress.phases > 1 ? `phase ${progress.phase + 1}/${progress.phases} · ` : "";
  const at = `${phase}${progress.epoch}/${progress.epochs}`;
  return loss === undefined ? at : `${at} · loss ${moving(loss)}`;
}

/** "epoch 12/20 · loss 0.31", behind the phase that runs. */
export function phaseLine(progress: Progress): string {
  const { stage, loss } = progress;
  if (stage !== "training") return brief(progress);
  const at = `epoch ${progress.epoch}/${progress.epochs}`;
  return loss === undefined ? at : `${at} · loss ${moving(loss)}`;
}

/** Screen readers: no symbols. */
export function spoken(progress: Progress): string {
  const { stage, epoch, epochs, loss } = progress;
  if (stage !== "training") return `Graft: ${brief(progress)}`;
  return `Graft trains, epoch ${epoch} of ${epochs}${loss === undefined ? "" : `, loss ${moving(loss)}`}`;
}
