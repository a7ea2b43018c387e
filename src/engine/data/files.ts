// Opening data files: what the operating system says, in our words; reads that never allocate more than the file holds.
import { type FileHandle, open, stat } from "node:fs/promises";
import { basename, dirname } from "node:path";
import { GraftError } from "../../protocol/errors";
import { replaceFile } from "../files/replace";

/** Node limits one read to 2^31 - 1 bytes. */
const READ_STEP = 64 * 2 ** 20;

/** Everything is held in memory at once, and a buffer of Node 20 ends here. */
const MAX_BYTES = 4 * 2 ** 30 - 1;

const errorCode = (error: unknown): unknown =>
  error instanceof Error && "code" in error ? error.code : undefined;

function fileError(error: unknown, path: string): GraftError {
  if (error instanceof GraftError) return error;
  const name = basename(path);
  const options = { cause: error };
  switch (errorCode(error)) {
    case "ENOENT":
    case "ENOTDIR":
      return new GraftError(
        "file-not-found",
        `${name} is not in ${dirname(path)}. Check the path; a recipe's paths start from the recipe's folder.`,
        options,
      );
    case "EISDIR":
      return new GraftError("data-format", `${path} is a folder; name a file in it.`, options);
    default:
      return new GraftError(
        "file-not-readable",
        `${path} cannot be read: ${error instanceof Error ? error.message : String(error)}. Check its permissions.`,
        options,
      );
  }
}

interface OpenFile {
  readonly size: number;
  /** Exactly these bytes, in a buffer of their own. */
  read(position: number, length: number): Promise<Uint8Array<ArrayBuffer>>;
}

async function readExactly(
  handle: FileHandle,
  path: string,
  position: number,
  length: number,
): Promise<Uint8Array<ArrayBuffer>> {
  const bytes = allocate(length, basename(path));
  let done = 0;
  while (done < length) {
    const step = Math.min(READ_STEP, length - done);
    const { bytesRead } = await handle.read(bytes, done, step, position + done);
    if (bytesRead === 0) {
      throw new GraftError(
        "data-format",
        `${basename(path)} ends at byte ${position + done}, before byte ${position + length}: it changed while it was read. Try again.`,
      );
    }
    done += bytesRead;
  }
  return bytes;
}

/** Callers check `length` against the size of the file first. */
export function allocate(length: number, name: string): Uint8Array<ArrayBuffer> {
  if (length > MAX_BYTES) {
    throw new GraftError(
      "data-format",
      `${name} holds ${(length / 2 ** 30).toFixed(1)} GB in one array; Graft reads up to 4 GB. Split the array over fewer samples.`,
    );
  }
  try {
    return new Uint8Array(length);
  } catch (cause) {
    throw new GraftError(
      "data-format",
      `${name} needs ${(length / 2 ** 20).toFixed(0)} MB of memory, which is not free. Use fewer samples or close other programs.`,
      { cause },
    );
  }
}

export async function withFile<T>(path: string, use: (file: OpenFile) => Promise<T>): Promise<T> {
  try {
    const handle = await open(path, "r");
    try {
      const stats = await handle.stat();
      // Waiting on a pipe or a device would never end.
      if (!stats.isFile()) {
        const what = stats.isDirectory() ? "a folder; name a file in it" : "not a regular file";
        throw new GraftError("data-format", `${path} is ${what}.`);
      }
      return await use({
        size: stats.size,
        read: (position, length) => readExactly(handle, path, position, length),
      });
    } finally {
      await handle.close();
    }
  } catch (error) {
    // What the operating system reports has a `syscall`; anything else is ours.
    if (error instanceof Error && "syscall" in error) throw fileError(error, path);
    throw error;
  }
}

export const isFolder = (path: string): Promise<boolean> =>
  stat(path).then(
    (found) => found.isDirectory(),
    // Whoever opens it says what is wrong.
    () => false,
  );

/** The first bytes of a file, at most `length`, with its size. */
export const readHead = (
  path: string,
  length: number,
): Promise<{ readonly head: Uint8Array<ArrayBuffer>; readonly size: number }> =>
  withFile(path, async (file) => ({
    head: await file.read(0, Math.min(length, file.size)),
    size: file.size,
  }));

/** Complete or not at all. */
export const writeAtomically = (path: string, parts: readonly Uint8Array[]): Promise<void> =>
  replaceFile(path, parts).catch((cause: unknown) => {
    throw new GraftError(
      "write-failed",
      `${path} was not written: ${cause instanceof Error ? cause.message : String(cause)}. What was there before is unchanged.`,
      { cause },
    );
  });
