// What a kind of edit must offer. One file per kind, one line in the table (surgery/table.ts).
import type { z } from "zod";
import type { EditQuestion } from "../../protocol/plan";
import type { Model } from "../graph/model";
import type { OtherCheckpoints } from "./others";

/**
 * What an edit is meant to do to the function that the network computes. "same": nothing that a forward pass reads is
 * touched. "kept": the numbers change and the function does not. "extended": there are more outputs, and the old ones are
 * as they were.
 */
export type FunctionEffect = "same" | "kept" | "extended" | "changed";

export interface EditKind<Spec> {
  readonly schema: z.ZodType<Spec>;
  /**
   * The edited model. Pure; throws a `GraftError` that says what fits instead. `key` names the edit in the recipe;
   * `others` are the checkpoints that the recipe's edits name, beside its own.
   */
  readonly apply: (model: Model, spec: Spec, key: string, others: OtherCheckpoints) => Model;
  /** Layers that the edit touches, for showing where it happened. */
  readonly touches: (model: Model, spec: Spec) => readonly string[];
  readonly effect: (spec: Spec) => FunctionEffect;
  /** Other checkpoints that the edit names, as the recipe has them. */
  readonly checkpoints?: (spec: Spec) => readonly string[];
  /** The edit that takes this one back exactly, where there is one. `before`: the model that this one is applied to. */
  readonly inverse?: (before: Model, spec: Spec) => Readonly<Record<string, unknown>> | undefined;
  /** One sentence about what changed. */
  readonly describe: (before: Model, after: Model, spec: Spec) => string;
  /** What a command asks before it writes the edit, given the fields it knows. */
  readonly questions: Questions;
  /** The same for other commands that write this edit (protocol/edits.ts). */
  readonly variants?: Readonly<Record<string, Questions>>;
}

export type Questions = (
  model: Model,
  given: Readonly<Record<string, unknown>>,
) => readonly EditQuestion[];
