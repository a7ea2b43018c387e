// What runs a model's numbers: eagerly with TensorFlow.js, or compiled.
import type { BackendInfo } from "../../protocol/run";
import type { Node, Shape } from "../graph/model";
import type { RunContext } from "../ops/kernel";
import type { Path } from "../ops/run";
import type { LiveVariables } from "./live";
import type { SampleArray } from "./samples";
import type { StepRecipe } from "./step";

export interface ForwardRequest {
  readonly path: Path;
  /** Values of every variable on the path. */
  readonly live: LiveVariables;
  /** Those of them that change between runs. */
  readonly moving: ReadonlySet<string>;
  readonly scalars: RunContext["scalars"];
  /** Reduces the first fetch, a loss, to a scalar as training does. */
  readonly scalarLoss?: boolean;
}

export interface Fetched {
  /** Of the whole batch. */
  readonly shape: Shape;
  readonly data: Float32Array;
}

/** A part of the graph in inference mode. */
export interface Forward {
  /** Gets ready for batches of `rows` samples of `arrays`, and tells who computes them. */
  prepare(arrays: readonly SampleArray[], rows: number): Promise<BackendInfo>;
  /** What the path fetches for the samples at `indices` of `arrays`, as one batch. */
  run(arrays: readonly SampleArray[], indices: Int32Array): Promise<readonly Fetched[]>;
  release(): Promise<void>;
}

export interface TrainingRequest extends StepRecipe {
  /** Values of every variable on the path. Training sets what it moves. */
  readonly live: LiveVariables;
  readonly batch: number;
  /** Uniform numbers in [0, 1) for a node in a step. */
  readonly random: (node: Node, epoch: number, step: number, count: number) => Float32Array;
}

/** Where a step stands. */
export interface StepPosition {
  readonly epoch: number;
  /** Steps of the epoch before it. */
  readonly step: number;
  /** Updates of the phase before it. */
  readonly updates: number;
}

export interface StepOutcome {
  /** Of the mini-batch, before the step. */
  readonly loss: number;
  readonly logits: Float32Array;
}

/** The training steps of a phase. */
export interface Training {
  /**
   * Trains on consecutive mini-batches of `order`, places in `arrays`, from its start: as many as one turn takes.
   * Sets the live values and the slots of the trainables, and returns what each step yielded.
   */
  run(
    arrays: readonly SampleArray[],
    order: Int32Array,
    at: StepPosition,
  ): Promise<readonly StepOutcome[]>;
  release(): Promise<void>;
}

export interface Executor {
  readonly info: BackendInfo;
  forward(request: ForwardRequest): Forward;
  training(request: TrainingRequest): Training;
}
