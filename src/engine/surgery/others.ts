// What edits may know of other checkpoints: their directories. Values are read when training or saving needs them.
import type { DType } from "../../protocol/checkpoint";
import type { GraftError } from "../../protocol/errors";
import type { Shape } from "../graph/model";

/** The tensors of a checkpoint, by name. */
export type Directory = ReadonlyMap<
  string,
  { readonly dtype: DType; readonly shape: Shape; readonly problem?: string }
>;

/** Its directory, or why it cannot be opened. */
export type OtherCheckpoint = Directory | GraftError;

/** By the path that the recipe has for the checkpoint. */
export type OtherCheckpoints = ReadonlyMap<string, OtherCheckpoint>;
