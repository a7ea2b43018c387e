// A small run as the engine would tell it.
import type { RunEvent, RunSummary, VariableOutcome } from "../../../src/protocol/run";
import type { EventOf } from "../../../src/webview/state";

export const RUN: RunSummary = {
  run: "r1",
  recipe: "/work/digits.graft.json",
  checkpoint: "/work/model.ckpt",
  started: "2026-11-03T14:05:22Z",
  state: "running",
  resumable: false,
  epoch: 0,
  epochs: 5,
};

export function started(change: Partial<EventOf<"started">> = {}): RunEvent {
  return {
    event: "started",
    run: RUN.run,
    recipe: RUN.recipe,
    checkpoint: RUN.checkpoint,
    backend: { name: "wasm", version: "4.22.0", reason: "runs every op" },
    phases: 2,
    epochs: 5,
    seed: 42,
    resumed: false,
    ...change,
  };
}

/** Phase 1 has three epochs, phase 2 has two. Events count phases from 0. */
export function phase(number: number, change: Partial<EventOf<"phase">> = {}): RunEvent {
  return {
    event: "phase",
    phase: number - 1,
    epochs: number === 1 ? 3 : 2,
    cached: true,
    optimizer: "sgd",
    trainableParameters: 10,
    text: "{}",
    ...change,
  };
}

export function epoch(
  phaseNumber: number,
  number: number,
  change: Partial<EventOf<"epoch">> = {},
): RunEvent {
  return {
    event: "epoch",
    phase: phaseNumber - 1,
    epoch: number,
    epochs: phaseNumber === 1 ? 3 : 2,
    loss: 1 / number,
    accuracy: 0.5,
    validationLoss: 2 / number,
    validationAccuracy: 0.4,
    stepsPerSecond: 1000,
    secondsLeft: 0.42,
    ...change,
  };
}

export function step(number: number, steps: number): RunEvent {
  return { event: "step", phase: 0, epoch: 2, step: number, steps, loss: 1 };
}

export function bottlenecks(done: number, reused: number): RunEvent {
  return { event: "bottlenecks", done, total: 896, reused, valuesPerSample: 100, bytes: 358_400 };
}

export function ended(state: EventOf<"ended">["state"], message: string): RunEvent {
  return { event: "ended", state, message, prefixSamples: 896, seconds: 12.3 };
}

export function variable(name: string, change: Partial<VariableOutcome> = {}): VariableOutcome {
  return {
    name,
    shape: [2, 3],
    frozen: true,
    unchanged: true,
    sha256: "",
    maxChange: 0,
    meanChange: 0,
    ...change,
  };
}
