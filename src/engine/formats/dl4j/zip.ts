// A zip file as a set of named byte arrays. Names are only ever compared: nothing is unpacked to disk, so no name is a path.
// The directory's sizes are believed only where the compressed bytes can yield them, and the checksum decides.
import { open } from "node:fs/promises";
import { Readable } from "node:stream";
import { crc32 } from "node:zlib";
import {
  type Entry,
  getFileNameLowLevel,
  openPromise,
  validateFileName,
  type ZipFile,
} from "yauzl";
import { ZipFile as ZipWriter } from "yazl";
import { GraftError } from "../../../protocol/errors";
import { replaceFile } from "../../files/replace";
import { allocate } from "../tf1/bytefile";
import { checksumMismatch, corrupt, readFailed, reason, unsupported } from "../tf1/errors";

export interface Archive {
  readonly path: string;
  /** Unpacked sizes in bytes, by name, in the file's order. */
  readonly sizes: ReadonlyMap<string, number>;
  /** The first bytes of an entry: `length` of them, or all where it has fewer. No checksum is made. */
  readStart(name: string, length: number): Promise<Uint8Array>;
  /** A whole entry, its checksum verified. `most`: a larger one is refused before it is unpacked. */
  read(name: string, most: number): Promise<Uint8Array>;
  /** A whole entry in parts; fails at the end where the checksum does not match. */
  parts(name: string): AsyncIterable<Uint8Array>;
  close(): Promise<void>;
}

/** A model has half a dozen. */
const MAX_ENTRIES = 1000;

/** Deflate cannot do better than 1032:1; a directory that claims more is wrong. https://www.zlib.net/zlib_tech.html */
const MAX_DEFLATE_RATIO = 1032;

const STORED = 0;
const DEFLATED = 8;

/** Of a zip of nothing, its end. */
const MAGIC = ["PK\x03\x04", "PK\x05\x06"];

/** Whether a file begins like a zip; false where it cannot be read. */
export async function isZip(path: string): Promise<boolean> {
  return MAGIC.includes(await firstBytes(path, 4));
}

/** The name of a zip's first entry, which says what kind a damaged one was. */
export async function firstName(path: string): Promise<string> {
  const head = await firstBytes(path, 30 + 256);
  return head.slice(30, 30 + head.charCodeAt(26) + 256 * head.charCodeAt(27));
}

/** What yauzl says, as a part of a sentence. A zip that was cut off lacks its list of entries, which stands at the end. */
const zipProblem = (said: string): string =>
  said.startsWith("End of central directory record signature not found")
    ? "its end, where a zip lists its entries, is missing"
    : `as a zip, ${said}`;

/** As latin1 text; "" where there is no such file. */
async function firstBytes(path: string, length: number): Promise<string> {
  const handle = await open(path, "r").catch(() => undefined);
  try {
    if (!(await handle?.stat())?.isFile()) return "";
    const { buffer, bytesRead } = await handle!.read(Buffer.alloc(length), 0, length, 0);
    return buffer.toString("latin1", 0, bytesRead);
  } catch {
    return "";
  } finally {
    await handle?.close();
  }
}

/** Opens a zip. Throws `file-not-found`, `file-not-readable`, `corrupt-file`, `unsupported-format`. */
export async function openArchive(path: string): Promise<Archive> {
  const handle = await open(path, "r").catch((error: unknown) => {
    throw readFailed(path, error);
  });
  await handle.close();
  const damaged = (error: unknown) =>
    error instanceof GraftError ? error : corrupt(path, zipProblem(reason(error)), error);
  const zip = await openPromise(path, { autoClose: false, decodeStrings: false }).catch(
    (error: unknown) => {
      throw damaged(error);
    },
  );
  try {
    const entries = await listEntries(zip, path);
    const entryOf = (name: string): Entry => {
      const entry = entries.get(name);
      if (entry === undefined) throw corrupt(path, `it has no ${name}`);
      return entry;
    };
    async function* parts(name: string): AsyncGenerator<Uint8Array> {
      try {
        yield* readParts(zip, path, name, entryOf(name));
      } catch (error) {
        throw damaged(error);
      }
    }
    return {
      path,
      sizes: new Map([...entries].map(([name, entry]) => [name, entry.uncompressedSize])),
      parts,
      async readStart(name, length) {
        const start: Uint8Array[] = [];
        let size = 0;
        // Leaving the loop destroys the stream: no more is unpacked than is wanted.
        for await (const part of parts(name)) {
          start.push(part);
          size += part.length;
          if (size >= length) break;
        }
        return Uint8Array.from(Buffer.concat(start).subarray(0, length));
      },
      async read(name, most) {
        const size = entryOf(name).uncompressedSize;
        if (size > most)
          throw unsupported(path, `${name} has ${size} bytes, and more than ${most} are not read`);
        const bytes = allocate(size, path);
        let position = 0;
        // yauzl has compared the size with what it passes on.
        for await (const part of parts(name)) {
          bytes.set(part, position);
          position += part.length;
        }
        return bytes;
      },
      close: async () => zip.close(),
    };
  } catch (error) {
    zip.close();
    throw damaged(error);
  }
}

async function listEntries(zip: ZipFile, path: string): Promise<ReadonlyMap<string, Entry>> {
  if (zip.entryCount > MAX_ENTRIES)
    throw unsupported(path, `it claims ${zip.entryCount} entries, and Graft reads ${MAX_ENTRIES}`);
  const entries = new Map<string, Entry>();
  for await (const entry of zip.eachEntry()) {
    const { generalPurposeBitFlag: flags, fileNameRaw, extraFields } = entry;
    const name = getFileNameLowLevel(flags, fileNameRaw, extraFields, true);
    if (name.endsWith("/")) continue;
    // Which of the two another program reads cannot be known.
    if (entries.has(name)) throw corrupt(path, `it has two entries named ${name}`);
    entries.set(name, entry);
  }
  return entries;
}

async function openEntry(zip: ZipFile, path: string, entry: Entry): Promise<Readable> {
  const { compressionMethod: method, compressedSize, uncompressedSize } = entry;
  if (entry.isEncrypted()) throw unsupported(path, "it is encrypted. Unpack it and zip it again");
  if (method !== STORED && method !== DEFLATED)
    throw unsupported(path, `an entry is compressed by method ${method}, and Graft knows deflate`);
  // yauzl compares the two sizes of a stored entry, and both with the file.
  if (method === DEFLATED && uncompressedSize > compressedSize * MAX_DEFLATE_RATIO)
    throw corrupt(
      path,
      `an entry claims to unpack from ${compressedSize} to ${uncompressedSize} bytes, which is impossible`,
    );
  return zip.openReadStreamPromise(entry);
}

async function* readParts(
  zip: ZipFile,
  path: string,
  name: string,
  entry: Entry,
): AsyncGenerator<Uint8Array> {
  let checksum = 0;
  for await (const part of (await openEntry(zip, path, entry)) as AsyncIterable<Uint8Array>) {
    checksum = crc32(part, checksum);
    yield part;
  }
  if (checksum !== entry.crc32) throw checksumMismatch(path, name, entry.crc32, checksum);
}

/** Whether an entry may be written under this name: other programs may take it for a path. */
export const isSafeName = (name: string): boolean => validateFileName(name) === null;

/** An entry to write: its bytes, or what yields them one part after the other. */
export interface NewEntry {
  readonly name: string;
  readonly content: Uint8Array | (() => AsyncIterable<Uint8Array>);
}

/** The same contents give the same file. A zip cannot say 1970. */
const WRITTEN = { mtime: new Date(1980, 0, 1), forceDosTimestamp: true, compress: true };

/** Writes a zip, whole or not at all. What `content` throws is thrown. */
export async function writeArchive(path: string, entries: readonly NewEntry[]): Promise<void> {
  const zip = new ZipWriter();
  const output = zip.outputStream as Readable;
  for (const { name, content } of entries) {
    if (typeof content !== "function") zip.addBuffer(Buffer.from(content), name, WRITTEN);
    else
      zip.addReadStreamLazy(name, WRITTEN, (give) => {
        // yazl does not listen to what it is given.
        const stream = Readable.from(content()).on("error", (error) => output.destroy(error));
        give(null, stream);
      });
  }
  zip.end();
  await replaceFile(path, output);
}
