// Named failures of TensorFlow 1 files. Each says what happened, what was expected and found, and what to do.
import { GraftError, type ErrorCode } from "../../../protocol/errors";

const COPY_AGAIN = "Copy or download the file again.";

/** Bytes that contradict themselves. */
export const corrupt = (file: string, what: string, cause?: unknown): GraftError =>
  new GraftError("corrupt-file", `${file} is damaged: ${what}. ${COPY_AGAIN}`, { cause });

/** Bytes that are not the ones that were written. */
export const checksumMismatch = (
  file: string,
  what: string,
  expected: number,
  found: number,
): GraftError =>
  new GraftError(
    "checksum-mismatch",
    `${file}: the checksum of ${what} does not match: the file says ${hex(expected)}, its bytes give ${hex(found)}. ${COPY_AGAIN}`,
  );

export const unsupported = (file: string, what: string): GraftError =>
  new GraftError("unsupported-format", `${file}: ${what}.`);

export const missingShard = (file: string, what: string): GraftError =>
  new GraftError("missing-shard", `${file} is missing: ${what}. Copy it beside the other files.`);

export const unknownTensor = (path: string, name: string): GraftError =>
  new GraftError("unknown-variable", `${path} holds no tensor named "${name}".`);

export const writeFailed = (path: string, what: string, cause?: unknown): GraftError =>
  new GraftError("write-failed", `${path} could not be written: ${what}.`, { cause });

/** What the operating system said about reading `path`. */
export function readFailed(path: string, error: unknown): GraftError {
  if (error instanceof GraftError) return error;
  if (systemCode(error) === "ENOENT" || systemCode(error) === "ENOTDIR")
    return new GraftError("file-not-found", `${path} does not exist.`, { cause: error });
  return new GraftError("file-not-readable", `${path} could not be read: ${reason(error)}.`, {
    cause: error,
  });
}

export const systemCode = (error: unknown): string | undefined =>
  error instanceof Error && "code" in error ? String(error.code) : undefined;

/** Without a full stop: more follows. */
export const reason = (error: unknown): string =>
  (error instanceof Error ? error.message : String(error)).replace(/\.$/, "");

/** A failure that is known when a checkpoint is opened, and thrown when its tensor is read. */
export interface Problem {
  readonly code: ErrorCode;
  readonly message: string;
}

const hex = (crc: number): string => `0x${(crc >>> 0).toString(16).padStart(8, "0")}`;
