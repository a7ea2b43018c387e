// What a recipe makes of a checkpoint: the layers after the edits, what trains, where the cut is, what is wrong.
import type { ErrorCode } from "./errors";

/**
 * A scalar placeholder that training reads: a dropout rate in [0, 1), the share of units that a dropout keeps in (0, 1],
 * or another number of the loss.
 */
export interface ScalarFeed {
  readonly name: string;
  readonly kind: "rate" | "keep" | "number";
  /** What it is fed; missing where neither the graph nor the recipe says it. */
  readonly value?: number;
}

/** A finding about a recipe; `pointer` is the JSON pointer of the place in the recipe. */
export interface Problem {
  readonly code: ErrorCode;
  readonly severity: "error" | "warning" | "info";
  readonly message: string;
  readonly pointer: string;
  /** What an editor asks for to mend it. */
  readonly feed?: ScalarFeed;
}

/** What happens to a layer or variable when the recipe runs. */
export type TrainState = "frozen" | "trainable" | "partly" | "new";

export interface PlanVariable {
  readonly name: string;
  readonly dtype: string;
  readonly shape: readonly number[];
  readonly parameters: number;
  readonly trainableParameters: number;
  readonly state: TrainState;
  /** The shape in the checkpoint, where an edit changed it. */
  readonly shapeBefore?: readonly number[];
  /** "4 × 12 columns: input, cell, forget, output"; of the kernels and biases of recurrent layers. */
  readonly gates?: string;
}

export interface PlanLayer {
  readonly name: string;
  readonly kind: string;
  readonly state: TrainState;
  /** "dense relu" */
  readonly what: string;
  /** "300 → 100"; empty where it has no meaning. */
  readonly sizes: string;
  readonly parameters: number;
  readonly trainableParameters: number;
  readonly variables: readonly PlanVariable[];
  /** How the checkpoint says that it trained: "Adam, learning rate 0.02". */
  readonly updater?: string;
  /** "8 new units"; where an edit touched the layer. */
  readonly change?: string;
  /** Index in the recipe's `edits` of the last edit that touched the layer. */
  readonly edit?: number;
  /** How many units it has, where it makes units of its own. */
  readonly units?: number;
  readonly isOutput: boolean;
}

/** The border between what is computed once and what is trained. */
export interface PlanCut {
  /** Index in `layers` of the first layer above the cut. */
  readonly beforeLayer: number;
  readonly tensors: readonly { readonly name: string; readonly shape: readonly number[] }[];
  readonly valuesPerSample: number;
  readonly bytesPerSample: number;
  /** Samples of the recipe's data, where they are known: what caching costs. */
  readonly samples?: number;
  /** How many times as fast the first phase is with bottlenecks as without, by the multiply-adds: what caching gains. */
  readonly speedUp?: number;
}

/** What one of several training phases trains. */
export interface PlanPhase {
  readonly epochs: number;
  /** "momentum 0.02": the optimizer of what no group takes, and its learning rate. */
  readonly optimizer: string;
  readonly trainableParameters: number;
  /** Names of the layers that train, in part at least. */
  readonly layers: readonly string[];
  readonly cut?: PlanCut;
}

/** Multiply-adds of one sample. */
export interface PlanCost {
  /** Forward, through what lies below the cut. */
  readonly prefix: number;
  /** Forward, above it. */
  readonly tail: number;
  /** Forward and backward above it, as in a training step. */
  readonly training: number;
}

/** What the first phase costs on this machine, where that was measured. */
export interface PlanMeasure {
  readonly backend: string;
  /** One sample through what lies below the cut. */
  readonly prefixSeconds: number;
  /** One training step of a mini-batch of `batch` above it. */
  readonly stepSeconds: number;
  readonly batch: number;
  /** How many times as fast the phase is with bottlenecks as without. */
  readonly speedUp: number;
}

/** A variable that the edits made, resized or removed, or gave new numbers. */
export interface VariableChange {
  /** In the checkpoint; missing where it is new. */
  readonly before?: { readonly name: string; readonly shape: readonly number[] };
  /** After the edits; missing where it is removed. `fresh`: nothing of it comes out of the checkpoint. */
  readonly after?: {
    readonly name: string;
    readonly shape: readonly number[];
    readonly fresh: boolean;
  };
}

export interface Plan {
  readonly checkpoint: {
    readonly path: string;
    readonly name: string;
    readonly format: string;
    readonly formatLabel: string;
    /** What it says becomes of samples before they are fed. */
    readonly normalizer?: string;
  };
  /** Why the checkpoint can only be looked at, where it has no graph to run. */
  readonly noGraph?: string;
  /** Path of a file beside such a checkpoint, whose graph fits. */
  readonly fittingGraph?: string;
  readonly inputs: readonly {
    readonly name: string;
    readonly shape: readonly (number | null)[];
    /** Of sequences: which axis is time, 1, or 0 before the batch. */
    readonly timeAxis?: 0 | 1;
  }[];
  readonly output?: { readonly name: string; readonly classes: number };
  readonly loss?: string;
  /** Scalars that training reads, with what they are fed. */
  readonly feeds: readonly ScalarFeed[];
  readonly parameters: number;
  readonly trainableParameters: number;
  readonly layers: readonly PlanLayer[];
  /** Variables that belong to no layer: optimizer slots, counters. */
  readonly otherVariables: readonly PlanVariable[];
  /** Of the numbers of the network; slots and counters belong to its training. */
  readonly variableChanges: readonly VariableChange[];
  readonly cut?: PlanCut;
  /** Of the first phase; missing where a size is not known before it runs. */
  readonly cost?: PlanCost;
  /** Where there are several; all else here is about the first. */
  readonly phases?: readonly PlanPhase[];
  /** Changed variables, what trains, what running and caching cost: a line each. */
  readonly effects: readonly string[];
  /** One sentence per edit, in the recipe's order. */
  readonly changes: readonly string[];
  readonly problems: readonly Problem[];
  /** How sequences are read, and what samples go through, where that is not plain: a line each. */
  readonly data?: readonly string[];
}

/**
 * How a command asks for one field of an edit. Texts are complete; the extension only shows them. A field within
 * another is written with dots: "layer.dense.units". One that begins with "?" only decides what is asked next.
 */
export type EditQuestion =
  | {
      readonly field: string;
      readonly ask: "layer" | "pattern";
      readonly prompt: string;
      readonly candidates: readonly string[];
    }
  | {
      readonly field: string;
      readonly ask: "number";
      readonly prompt: string;
      readonly min: number;
      readonly max: number;
      readonly suggestion?: number;
      /** Whether numbers between whole ones will do. */
      readonly fractions?: true;
    }
  | {
      readonly field: string;
      readonly ask: "choice";
      readonly prompt: string;
      readonly choices: readonly {
        readonly value: string | Readonly<Record<string, unknown>>;
        readonly label: string;
        readonly detail: string;
      }[];
    }
  | {
      readonly field: string;
      readonly ask: "text";
      readonly prompt: string;
      readonly suggestion?: string;
    }
  | {
      /** A checkpoint; the field gets its path from the recipe's folder. */
      readonly field: string;
      readonly ask: "checkpoint";
      readonly prompt: string;
    }
  | {
      /** Unit numbers: "0-3, 7". */
      readonly field: string;
      readonly ask: "units";
      readonly prompt: string;
    }
  | {
      readonly field: string;
      readonly ask: "classes";
      readonly prompt: string;
      readonly least: 1 | 2;
      readonly suggestion?: readonly string[];
    };
