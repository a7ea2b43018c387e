// What can go wrong, as codes. Code branches on the code, people read the message:
// what happened, what was expected and found, what to do.

export const ERROR_CODES = [
  // files
  "file-not-found", // a path that does not exist
  "file-not-readable", // the operating system refused
  "not-a-checkpoint", // no known format claims the file
  "corrupt-file", // a known format, but its bytes contradict themselves
  "checksum-mismatch", // bytes are there but are not the ones that were written
  "unsupported-format", // well formed, but beyond what Graft reads
  "missing-shard", // one of several files of a checkpoint is not there
  "write-failed",
  // graph
  "no-graph", // the checkpoint has values but no graph to run
  "ambiguous-graph", // several candidates for a role; the recipe's `graph` decides
  "unknown-node",
  "unsupported-op", // an opaque node lies on a path that must run
  "shape-mismatch",
  // recipe
  "recipe-syntax", // not JSON with comments
  "recipe-schema", // JSON, but not a recipe
  "unknown-layer",
  "unknown-variable",
  "invalid-edit",
  "nothing-to-train",
  "nothing-to-export",
  "training-setting", // the checkpoint asks for something in training that is not done here
  "diverged", // the loss is no longer a number, or a stored weight is none
  // data
  "data-missing", // the recipe names no data
  "data-format",
  "data-shape",
  "data-ambiguous", // fits in more than one way; the recipe decides
  "label-out-of-range",
  // running
  "backend-unavailable",
  "run-not-found",
  "run-busy",
  "run-changed", // the data or the checkpoint of a run to resume are not the ones that it began with
  "job-crashed",
  "engine-stopped",
  "invalid-option", // of the command line
  "cancelled",
  "internal",
] as const;

export type ErrorCode = (typeof ERROR_CODES)[number];

/** An error as it crosses a process border. */
export interface ErrorData {
  readonly code: ErrorCode;
  readonly message: string;
}

/** Every error that a user can cause or must understand. Anything else that is thrown is a bug. */
export class GraftError extends Error {
  constructor(
    readonly code: ErrorCode,
    message: string,
    options?: ErrorOptions,
  ) {
    super(message, options);
    this.name = "GraftError";
  }
}

/** The wire form of anything thrown; what is not a `GraftError` becomes `internal`. */
export function toErrorData(error: unknown): ErrorData {
  if (error instanceof GraftError) return { code: error.code, message: error.message };
  return { code: "internal", message: error instanceof Error ? error.message : String(error) };
}
