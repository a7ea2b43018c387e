// A file read piece by piece: every range is checked against the file's size before anything is allocated.
import { open, type FileHandle } from "node:fs/promises";
import { corrupt, readFailed } from "./errors";

export interface ByteFile {
  readonly path: string;
  readonly size: number;
  /** `onChunk` sees the bytes as they arrive, in order. */
  read(offset: number, length: number, onChunk?: (chunk: Uint8Array) => void): Promise<Uint8Array>;
  close(): Promise<void>;
}

/** Small enough that a checksum over one chunk does not block the event loop for long. */
const CHUNK = 8 << 20;

export async function openByteFile(path: string): Promise<ByteFile> {
  const handle = await open(path, "r").catch((error: unknown) => {
    throw readFailed(path, error);
  });
  try {
    const stat = await handle.stat();
    if (!stat.isFile()) throw new Error("it is not a file");
    return byteFile(path, handle, stat.size);
  } catch (error) {
    await handle.close();
    throw readFailed(path, error);
  }
}

function byteFile(path: string, handle: FileHandle, size: number): ByteFile {
  const read: ByteFile["read"] = async (offset, length, onChunk) => {
    if (!(offset >= 0 && length >= 0 && offset + length <= size))
      throw corrupt(path, `bytes ${offset} to ${offset + length} are wanted, it has ${size}`);
    const bytes = allocate(length, path);
    for (let done = 0; done < length;) {
      const want = Math.min(CHUNK, length - done);
      const { bytesRead } = await handle
        .read(bytes, done, want, offset + done)
        .catch((error: unknown) => {
          throw readFailed(path, error);
        });
      if (bytesRead === 0) throw corrupt(path, `it ended at byte ${offset + done} of ${size}`);
      onChunk?.(bytes.subarray(done, done + bytesRead));
      done += bytesRead;
    }
    return bytes;
  };
  return { path, size, read, close: () => handle.close() };
}

/** Zeroed memory, or an error that names the file that asked for too much of it. */
export function allocate(length: number, path: string): Uint8Array {
  try {
    return new Uint8Array(length);
  } catch (error) {
    throw corrupt(path, `a tensor of ${length} bytes does not fit in memory`, error);
  }
}
