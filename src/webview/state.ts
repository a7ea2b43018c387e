// What the panel knows: messages and run events folded into plain data. Knows nothing of the DOM.
import type { ToPanel } from "../protocol/panel";
import type { BackendInfo, RunEvent, RunState, RunSummary, VariableOutcome } from "../protocol/run";
import { append, noCurves, type Curves } from "./curves";

export type EventOf<Name extends RunEvent["event"]> = Extract<RunEvent, { event: Name }>;

export interface Phase extends EventOf<"phase"> {
  /** Epochs planned in the phases before: where this one starts on the epoch axis. */
  readonly start: number;
}

export interface PanelState {
  /** As the host described it, kept current by the events since. */
  readonly run: RunSummary;
  /** What the run is busy with, as far as its events tell. */
  readonly activity: "preparing" | "bottlenecks" | "training" | "evaluating";
  readonly backend: BackendInfo | null;
  readonly seed: number | null;
  readonly phaseCount: number;
  readonly phases: readonly Phase[];
  readonly data: EventOf<"data"> | null;
  readonly bottlenecks: EventOf<"bottlenecks"> | null;
  readonly step: EventOf<"step"> | null;
  readonly epoch: EventOf<"epoch"> | null;
  readonly curves: Curves;
  /** The first epoch whose loss is not a finite number: what follows is worthless. */
  readonly diverged: { readonly phase: number; readonly epoch: number } | null;
  readonly training: EventOf<"evaluation"> | null;
  readonly validation: EventOf<"evaluation"> | null;
  readonly variables: readonly VariableOutcome[];
  readonly saved: EventOf<"saved"> | null;
  readonly notes: readonly string[];
  readonly ended: EventOf<"ended"> | null;
}

export type Screen =
  | { readonly kind: "loading" }
  | { readonly kind: "empty"; readonly message: string }
  | { readonly kind: "run"; readonly state: PanelState };

export const loading: Screen = { kind: "loading" };

export function receive(screen: Screen, message: ToPanel): Screen {
  switch (message.type) {
    case "empty":
      return { kind: "empty", message: message.message };
    case "show":
      return { kind: "run", state: replay(message.run, message.events) };
    case "events":
      // An event of a run that is no longer shown may still be on its way.
      if (screen.kind !== "run" || screen.state.run.run !== message.run) return screen;
      return { kind: "run", state: message.events.reduce(reduce, screen.state) };
  }
}

export function replay(run: RunSummary, events: readonly RunEvent[]): PanelState {
  const state = events.reduce(reduce, initial(run));
  // The summary is newer than the log: it knows of a process that died without a word, and of a later Save As.
  // Only "running" can be stale: a log that has its end is right about it.
  const stale = run.state === "running" && state.ended !== null;
  const end = stale ? { state: state.run.state, resumable: state.run.resumable } : {};
  const saved = run.saved ?? state.run.saved;
  return { ...state, run: { ...run, ...end, saved, epoch: Math.max(run.epoch, state.run.epoch) } };
}

export function initial(run: RunSummary): PanelState {
  return {
    run,
    activity: "preparing",
    backend: null,
    seed: null,
    phaseCount: 0,
    phases: [],
    data: null,
    bottlenecks: null,
    step: null,
    epoch: null,
    curves: noCurves(),
    diverged: null,
    training: null,
    validation: null,
    variables: [],
    saved: null,
    notes: [],
    ended: null,
  };
}

export function reduce(state: PanelState, event: RunEvent): PanelState {
  switch (event.event) {
    case "started":
      return started(state, event);
    case "data":
      return { ...state, data: event };
    case "bottlenecks": {
      const computing = event.done < event.total;
      const before = state.phases.length > 0 ? "training" : "preparing";
      return { ...state, activity: computing ? "bottlenecks" : before, bottlenecks: event };
    }
    case "phase":
      return { ...state, activity: "training", phases: withPhase(state.phases, event), step: null };
    case "step":
      return { ...state, activity: "training", step: event };
    case "epoch":
      return epochDone(state, event);
    case "evaluation":
      return { ...state, activity: "evaluating", [event.on]: event };
    case "variables":
      return { ...state, activity: "evaluating", variables: event.variables };
    case "saved":
      return { ...state, saved: event, run: { ...state.run, saved: event.path } };
    case "note":
      return state.notes.includes(event.text)
        ? state
        : { ...state, notes: [...state.notes, event.text] };
    case "ended":
      return { ...state, ended: event, step: null, run: endedRun(state.run, event.state) };
  }
}

export function isRunning(state: PanelState): boolean {
  return state.run.state === "running";
}

/** Epochs planned in all phases; never less than those done. */
export function plannedEpochs(state: PanelState): number {
  const phases = state.phases.map((phase) => phase.start + phase.epochs);
  return Math.max(
    state.run.epochs,
    state.curves.columns.x[state.curves.length - 1] ?? 0,
    ...phases,
  );
}

/** Share of all epochs done, the running one's steps included. */
export function progress(state: PanelState): number {
  const planned = plannedEpochs(state);
  if (planned === 0) return 0;
  const done = state.curves.columns.x[state.curves.length - 1] ?? 0;
  const { step } = state;
  const within = step && step.steps > 0 ? step.step / step.steps : 0;
  const start = state.phases.find((phase) => phase.phase === step?.phase)?.start ?? 0;
  const running = step ? start + step.epoch - 1 + within : 0;
  return Math.min(1, Math.max(done, running) / planned);
}

/** A resumed run keeps what is drawn; its log tells again what has changed since. */
function started(state: PanelState, event: EventOf<"started">): PanelState {
  const base = event.resumed ? state : initial(state.run);
  return {
    ...base,
    run: { ...state.run, state: "running", resumable: false, epochs: event.epochs },
    activity: "preparing",
    backend: event.backend,
    seed: event.seed,
    phaseCount: event.phases,
    diverged: null,
    training: null,
    validation: null,
    variables: [],
    ended: null,
  };
}

function withPhase(phases: readonly Phase[], event: EventOf<"phase">): readonly Phase[] {
  const before = phases.filter((phase) => phase.phase < event.phase);
  const last = before.at(-1);
  return [...before, { ...event, start: last ? last.start + last.epochs : 0 }];
}

function epochDone(state: PanelState, event: EventOf<"epoch">): PanelState {
  const start = state.phases.find((phase) => phase.phase === event.phase)?.start ?? 0;
  const loss = finite(event.loss);
  const curves = append(state.curves, {
    phase: event.phase,
    epoch: event.epoch,
    x: start + event.epoch,
    loss,
    accuracy: finite(event.accuracy),
    validationLoss: finite(event.validationLoss),
    validationAccuracy: finite(event.validationAccuracy),
  });
  const diverged =
    state.diverged ?? (loss === null ? { phase: event.phase, epoch: event.epoch } : null);
  const run = { ...state.run, epoch: start + event.epoch };
  return { ...state, activity: "training", epoch: event, step: null, curves, diverged, run };
}

/** NaN and infinities leave a gap in the curve. JSON writes them as null, so `null` can come where a number is typed. */
function finite(value: number | null): number | null {
  return value !== null && Number.isFinite(value) ? value : null;
}

/** A run that stops writes its state first; whether a failed one can go on, only the host knows (it shows it again). */
function endedRun(run: RunSummary, state: Exclude<RunState, "running">): RunSummary {
  return { ...run, state, resumable: state === "stopped" || state === "interrupted" };
}
