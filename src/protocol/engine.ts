// The one method map between the extension and the engine process. Types of both sides derive from it.
import type { CheckpointFile, CheckpointSummary } from "./checkpoint";
import type { EditCommandName } from "./edits";
import type { EditQuestion, Plan, Problem } from "./plan";
import type { RunEvent, RunSummary } from "./run";
import type { Verification } from "./verify";

/** A recipe as it is in the editor now: its path, which decides what relative paths mean, and its text. */
export interface RecipeText {
  readonly path: string;
  readonly text: string;
}

/** An edit as the recipe writes it: one key, the kind. */
export type EditValue = Readonly<Record<string, unknown>>;

export interface DataCandidate {
  /** What to write under the recipe's `data`. */
  readonly data: Readonly<Record<string, unknown>>;
  /** "digits-5-9-X.npy, 896 × 64 float32 → X" */
  readonly label: string;
  readonly detail: string;
  /** Labels that occur, in order; the classes of a replaced output. */
  readonly classes: readonly string[];
  /** The arrays of sequences fit in both layouts: `data` needs a "layout". */
  readonly ambiguousLayout?: true;
}

/** A format of checkpoints. */
export interface FormatSummary {
  readonly name: string;
  readonly label: string;
  /** What names of its checkpoints end with. */
  readonly suffix: string;
}

export interface EngineMethods {
  formats: { params: null; result: readonly FormatSummary[] };
  /** Which of these files are checkpoints; files of one checkpoint become one entry. */
  recognize: { params: { readonly files: readonly string[] }; result: readonly CheckpointFile[] };
  inspect: {
    params: { readonly path: string; readonly hash?: boolean };
    result: CheckpointSummary;
  };
  /** The recipe applied to its checkpoint. A recipe that cannot be read at all rejects; everything else is a problem in the plan. */
  plan: { params: RecipeText; result: Plan };
  /** Everything that is wrong with a recipe, also where there is no plan to make of it. */
  problems: { params: RecipeText; result: readonly Problem[] };
  /** The plan of an untouched checkpoint: what the tree shows before there is a recipe. */
  planCheckpoint: { params: { readonly path: string }; result: Plan };
  /** What a command must ask before it can write its edit. */
  questions: {
    params: RecipeText & { readonly command: EditCommandName; readonly given: EditValue };
    result: readonly EditQuestion[];
  };
  /** What the edit would do: one sentence, lines with variables and costs, and what is wrong with it. */
  preview: {
    params: RecipeText & { readonly edit: EditValue };
    result: {
      readonly consequence: string;
      readonly effects: readonly string[];
      readonly problems: readonly Problem[];
    };
  };
  /** Ways to bind the given files to the graph's inputs and labels, best first. */
  proposeData: {
    params: RecipeText & { readonly files: readonly string[] };
    result: readonly DataCandidate[];
  };
  startRun: { params: RecipeText; result: { readonly run: string } };
  resumeRun: { params: { readonly run: string }; result: { readonly run: string } };
  /** Asks the run to stop at the next step and to keep what it has. */
  stopRun: { params: { readonly run: string }; result: null };
  runs: { params: null; result: readonly RunSummary[] };
  /** Every event of a run so far. */
  runEvents: { params: { readonly run: string }; result: readonly RunEvent[] };
  /** Writes the variables of a run as a checkpoint. */
  saveRun: {
    params: { readonly run: string; readonly as: string };
    result: { readonly files: readonly string[]; readonly notes: readonly string[] };
  };
  /** Writes what the recipe's edits make of its checkpoint, untrained. */
  saveEdited: {
    params: RecipeText & { readonly as: string };
    result: { readonly files: readonly string[]; readonly notes: readonly string[] };
  };
  /** Writes the network of a checkpoint as a new one of another format, `to` by its name. */
  convert: {
    params: { readonly path: string; readonly to: string; readonly as: string };
    result: { readonly files: readonly string[]; readonly notes: readonly string[] };
  };
  /** Checks the recipe on its own data, in a process of its own; with the result of its last run, where there is one. */
  verify: {
    params: RecipeText;
    result: { readonly verification: Verification; readonly text: string };
  };
  /** Lines of the owner's framework that load the checkpoint at `path`. */
  loadCode: {
    params: { readonly path: string };
    result: { readonly language: string; readonly code: string };
  };
}

export interface EngineNotifications {
  /** What happened in a run since the last time, in order. */
  progress: { readonly run: string; readonly events: readonly RunEvent[] };
  log: { readonly level: "info" | "warn" | "error"; readonly text: string };
}

export type EngineMethod = keyof EngineMethods;
export type Params<M extends EngineMethod> = EngineMethods[M]["params"];
export type Result<M extends EngineMethod> = EngineMethods[M]["result"];

/** One handler per method: a forgotten one does not compile. `cancelled` fires where the caller no longer wants it. */
export type EngineHandlers = {
  readonly [M in EngineMethod]: (params: Params<M>, cancelled: AbortSignal) => Promise<Result<M>>;
};
