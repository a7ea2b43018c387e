// What a checkpoint format must offer. One file or folder per format, one line in the table (formats/table.ts).
import type { DType } from "../../protocol/checkpoint";
import type { Model, Variable } from "../graph/model";

export interface StoredTensor {
  readonly name: string;
  readonly dtype: DType;
  readonly shape: readonly number[];
  /** Bytes of the value; of strings, of the items. NaN where a string's size is not known before it is read. */
  readonly bytes: number;
  /** Why the value cannot be read, where that is known without reading it. */
  readonly problem?: string;
}

/** The values of a checkpoint. Opening reads the directory only; `read` reads one tensor. */
export interface TensorSource {
  readonly tensors: ReadonlyMap<string, StoredTensor>;
  /** Little-endian bytes in C order, checksum verified. Throws `checksum-mismatch`, `missing-shard`, `corrupt-file`. */
  read(name: string): Promise<Uint8Array>;
  /** Items of a string tensor, in C order. */
  readStrings(name: string): Promise<readonly Uint8Array[]>;
  close(): Promise<void>;
}

/** An open checkpoint. */
export interface Checkpoint extends TensorSource {
  readonly format: string;
  readonly path: string;
  /** File of its graph; undefined where it has none. */
  readonly graph: string | undefined;
  /** The graph over the stored values. Throws `no-graph`, `ambiguous-graph`, `corrupt-file`. */
  model(): Promise<Model>;
  /** The node that the format's own framework gives as the network's output, where that need not be the logits. */
  prediction?(): Promise<string | undefined>;
  /** Throws why `model`, an edit of this one, cannot be saved, where the format can tell without writing. */
  checkSavable?(model: Model): Promise<void>;
  /** How each layer that trains does so, by its name, where the file says it: "Adam, learning rate 0.02". */
  readonly updaters?: ReadonlyMap<string, string>;
}

/** The little-endian bytes of a variable's new value. */
export type ReadVariable = (variable: Variable) => Promise<Uint8Array>;

export interface SaveResult {
  readonly files: readonly string[];
  /** What a user must know: names that were dropped and why. */
  readonly notes: readonly string[];
}

export interface Format {
  readonly name: string;
  readonly label: string;
  /** What names of its checkpoints end with. */
  readonly suffix: string;
  /** Whether names without the suffix are as good. */
  readonly isSuffixOptional: boolean;
  /**
   * The path that names the checkpoint which `file` belongs to, or null when it is of another format.
   * Looks at names, magic bytes and neighbours; never reads a whole file.
   */
  match(file: string): Promise<string | null>;
  /** Every file of the checkpoint at `path`. */
  files(path: string): Promise<readonly string[]>;
  /** `graph`: the file of its graph, where that is not the checkpoint's own. Throws `file-not-found`. */
  open(path: string, graph?: string): Promise<Checkpoint>;
  /** For a checkpoint without a graph: a file beside it that holds one which fits. */
  fittingGraph(source: Checkpoint): Promise<string | undefined>;
  /** Writes `model` as a new checkpoint at `as`: complete or not at all. */
  save(source: Checkpoint, model: Model, as: string, read: ReadVariable): Promise<SaveResult>;
  /**
   * Writes `model`, of whatever format, as a new checkpoint of this one at `as`: complete or not at all. Throws
   * `unsupported-op` where the format has no such op.
   */
  create(model: Model, as: string, read: ReadVariable): Promise<SaveResult>;
  /** Lines of the format's own framework that load the checkpoint. */
  loadCode(
    path: string,
    model: Model,
  ): Promise<{ readonly language: string; readonly code: string }>;
}
