// A checkpoint as `inspect` tells it: what is stored, before any edit.

/** TensorFlow's names for element types, used for every format. */
export type DType =
  | "float16"
  | "bfloat16"
  | "float32"
  | "float64"
  | "int8"
  | "uint8"
  | "int16"
  | "uint16"
  | "int32"
  | "uint32"
  | "int64"
  | "uint64"
  | "bool"
  | "complex64"
  | "complex128"
  | "string";

export interface VariableSummary {
  readonly name: string;
  readonly dtype: DType;
  readonly shape: readonly number[];
  /** Bytes of the value; of a string tensor, the bytes of its items. */
  readonly bytes: number;
  /** Of the little-endian bytes; of a string tensor, of each item's u32 length and bytes. Only when asked for. */
  readonly sha256?: string;
  /** Why the value cannot be read, where it cannot. */
  readonly problem?: string;
}

export interface LayerSummary {
  readonly name: string;
  /** dense, conv2d, batchNorm, slots, … */
  readonly kind: string;
  readonly parameters: number;
  /** Whether the file says that none of its weights train. */
  readonly frozen: boolean;
  /** How the file says that it trains: "Adam, learning rate 0.02". */
  readonly updater?: string;
  readonly variables: readonly string[];
}

/** What samples go through before they are fed. */
export type NormalizerSummary =
  | { readonly kind: "standardize" | "minMax"; readonly features: number }
  /** One that Graft does not apply. */
  | { readonly kind: "unknown"; readonly reason: string };

export interface CheckpointSummary {
  readonly format: string;
  /** That the checkpoint carries. */
  readonly normalizer?: NormalizerSummary;
  readonly layers: readonly LayerSummary[];
  readonly variables: readonly VariableSummary[];
}

/** A checkpoint found in the workspace. */
export interface CheckpointFile {
  /** The path that names the checkpoint: for TensorFlow the prefix, as `Saver.restore` takes it. */
  readonly path: string;
  /** What a person calls it: the file name of `path`. */
  readonly name: string;
  readonly format: string;
  /** "TensorFlow 1" */
  readonly formatLabel: string;
  /** Every file that belongs to it. */
  readonly files: readonly string[];
}
