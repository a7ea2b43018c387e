// What a training run tells while it goes on; `graft train --json` prints one per line, the panel draws them.

export interface BackendInfo {
  /** compiled, tfjs-node, wasm, cpu. */
  readonly name: string;
  readonly version: string;
  /** Why this one: "tfjs-node is not installed; wasm runs every op of this graph". */
  readonly reason: string;
  /** The most that one program uses; undefined where the backend decides itself. */
  readonly threads?: number;
}

export type RunState = "running" | "finished" | "stopped" | "failed" | "interrupted";

export interface VariableOutcome {
  readonly name: string;
  readonly shape: readonly number[];
  readonly frozen: boolean;
  /** Of a variable that trains in part: whether the numbers that no phase trains are what training started from. */
  readonly keptUnchanged?: boolean;
  /** Bytes equal to what training started from: the checkpoint's, where no edit made fresh numbers. */
  readonly unchanged: boolean;
  /** Hash of the trainer's live value. */
  readonly sha256: string;
  /** Largest and mean absolute difference from the value that training started from. */
  readonly maxChange: number;
  readonly meanChange: number;
}

export interface ClassScore {
  readonly name: string;
  readonly samples: number;
  readonly correct: number;
}

/** Numbers that move in one way, where a phase has several. */
export interface PhaseGroup {
  /** "508 new numbers of hidden3/weights and outputs/weights" */
  readonly numbers: string;
  readonly optimizer: string;
}

export type RunEvent =
  | {
      readonly event: "started";
      readonly run: string;
      readonly recipe: string;
      readonly checkpoint: string;
      readonly backend: BackendInfo;
      readonly phases: number;
      readonly epochs: number;
      readonly seed: number;
      readonly resumed: boolean;
    }
  | {
      readonly event: "data";
      /** "X: X_train.npy, 896 × 64 float32" and the like, one line per binding. */
      readonly bound: readonly string[];
      readonly training: number;
      readonly validation: number;
      readonly classes: readonly string[];
    }
  | {
      readonly event: "bottlenecks";
      readonly done: number;
      readonly total: number;
      readonly reused: number;
      readonly valuesPerSample: number;
      readonly bytes: number;
    }
  | {
      readonly event: "phase";
      /** Counted from 0, as in every event: its place in the recipe. */
      readonly phase: number;
      readonly epochs: number;
      readonly cached: boolean;
      /** "sgd, learning rate 0.01", or "2 parameter groups". */
      readonly optimizer: string;
      /** Absent where all numbers move in one way. */
      readonly groups?: readonly PhaseGroup[];
      readonly trainableParameters: number;
      /** Source text of the phase, as it was when the run began. */
      readonly text: string;
    }
  | {
      readonly event: "step";
      readonly phase: number;
      readonly epoch: number;
      readonly step: number;
      readonly steps: number;
      readonly loss: number;
    }
  | {
      readonly event: "epoch";
      readonly phase: number;
      /** Counted from 1, within the phase. */
      readonly epoch: number;
      readonly epochs: number;
      readonly loss: number;
      readonly accuracy: number | null;
      readonly validationLoss: number | null;
      readonly validationAccuracy: number | null;
      readonly stepsPerSecond: number;
      readonly secondsLeft: number;
    }
  | {
      readonly event: "evaluation";
      readonly on: "training" | "validation";
      readonly loss: number;
      readonly accuracy: number | null;
      readonly classes: readonly ClassScore[];
    }
  | { readonly event: "variables"; readonly variables: readonly VariableOutcome[] }
  | {
      readonly event: "saved";
      readonly path: string;
      readonly files: readonly string[];
      readonly notes: readonly string[];
    }
  | { readonly event: "note"; readonly text: string }
  | {
      readonly event: "ended";
      readonly state: Exclude<RunState, "running">;
      readonly message: string;
      /** Samples that went through the frozen prefix: once each when cached, once per epoch when not. */
      readonly prefixSamples: number;
      readonly seconds: number;
      readonly code?: string;
    };

export interface RunSummary {
  readonly run: string;
  readonly recipe: string;
  readonly checkpoint: string;
  readonly started: string;
  readonly state: RunState;
  readonly resumable: boolean;
  readonly epoch: number;
  readonly epochs: number;
  /** Where the result was saved, once it was. */
  readonly saved?: string;
}
