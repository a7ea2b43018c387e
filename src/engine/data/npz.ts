// .npz: a zip of .npy files. Entries are only ever read into memory, so their names are names and no paths.
// The central directory's sizes are believed only where the compressed bytes can yield them.
import { basename } from "node:path";
import type { Readable } from "node:stream";
import { crc32 } from "node:zlib";
import { type Entry, openPromise, type ZipFile } from "yauzl";
import { GraftError } from "../../protocol/errors";
import type { ArrayInfo, DataArray } from "./array";
import { allocate, readHead } from "./files";
import { decodeNpy } from "./npy";
import { NPY_HEAD_BYTES, type NpyHeader, parseNpyHeader } from "./npyHeader";

export interface NpzDescription {
  /** By name, as `numpy.load` has them: without ".npy". */
  readonly arrays: ReadonlyMap<string, ArrayInfo>;
  /** Why an entry is no array that Graft reads. */
  readonly problems: ReadonlyMap<string, string>;
}

const MAX_ENTRIES = 10_000;

/** Deflate cannot do better than 1032:1; a directory that claims more is wrong. https://www.zlib.net/zlib_tech.html */
const MAX_DEFLATE_RATIO = 1032;

const STORED = 0;
const DEFLATED = 8;

export const describeNpz = (path: string): Promise<NpzDescription> =>
  withZip(path, async (zip, entries) => {
    const arrays = new Map<string, ArrayInfo>();
    const problems = new Map<string, string>();
    for (const [name, entry] of entries) {
      try {
        const { shape, dtype } = await readHeader(zip, entry, title(path, name));
        arrays.set(name, { shape, dtype });
      } catch (error) {
        // One array that cannot be read does not hide the others.
        if (!(error instanceof GraftError)) throw error;
        problems.set(name, error.message);
      }
    }
    return { arrays, problems };
  });

/** The array called `name`. */
export const readNpz = (path: string, name: string): Promise<DataArray> =>
  withZip(path, async (zip, entries) => {
    const entry = entries.get(name);
    if (entry === undefined) throw missingArray(path, name, [...entries.keys()]);
    const header = await readHeader(zip, entry, title(path, name));
    return decodeNpy(
      header,
      await readValues(zip, entry, header, title(path, name)),
      title(path, name),
    );
  });

export const missingArray = (path: string, name: string, names: readonly string[]): GraftError =>
  new GraftError(
    "data-missing",
    `${basename(path)} has no array "${name}"; it has ${names.join(", ") || "none"}.`,
  );

const title = (path: string, name: string): string => `${name} in ${basename(path)}`;

async function withZip<T>(
  path: string,
  use: (zip: ZipFile, entries: ReadonlyMap<string, Entry>) => Promise<T>,
): Promise<T> {
  // Errors of the file system are told before yauzl sees the path.
  await readHead(path, 0);
  const name = basename(path);
  try {
    const zip = await openPromise(path, { autoClose: false });
    try {
      return await use(zip, await listEntries(zip, name));
    } finally {
      zip.close();
    }
  } catch (cause) {
    if (cause instanceof GraftError) throw cause;
    throw new GraftError(
      "data-format",
      `${name} is not a readable .npz: ${cause instanceof Error ? cause.message : String(cause)}. Write it with numpy.savez.`,
      { cause },
    );
  }
}

async function listEntries(zip: ZipFile, file: string): Promise<Map<string, Entry>> {
  if (zip.entryCount > MAX_ENTRIES) {
    throw new GraftError(
      "data-format",
      `${file} claims ${zip.entryCount} entries; Graft reads up to ${MAX_ENTRIES}.`,
    );
  }
  const entries = new Map<string, Entry>();
  for await (const entry of zip.eachEntry()) {
    if (entry.fileName === "xl/workbook.xml") {
      throw new GraftError(
        "data-format",
        `${file} is an Excel workbook. Save the sheet as CSV and use that file.`,
      );
    }
    if (!entry.fileName.endsWith(".npy")) continue;
    const name = entry.fileName.slice(0, -".npy".length);
    if (entries.has(name)) {
      throw new GraftError("data-format", `${file} holds two arrays called "${name}".`);
    }
    entries.set(name, entry);
  }
  return entries;
}

async function openEntry(zip: ZipFile, entry: Entry, name: string): Promise<Readable> {
  const fail = (problem: string): never => {
    throw new GraftError("data-format", `${name} ${problem}. Write it again with numpy.savez.`);
  };
  if (entry.isEncrypted()) fail("is encrypted");
  const { compressionMethod: method, compressedSize, uncompressedSize } = entry;
  if (method !== STORED && method !== DEFLATED) fail(`is compressed by method ${method}`);
  // yauzl compares the two sizes of a stored entry, and both with the file.
  if (method === DEFLATED && uncompressedSize > compressedSize * MAX_DEFLATE_RATIO) {
    fail(
      `claims to unpack from ${compressedSize} to ${uncompressedSize} bytes, which is impossible`,
    );
  }
  return zip.openReadStreamPromise(entry);
}

async function readHeader(zip: ZipFile, entry: Entry, name: string): Promise<NpyHeader> {
  const stream = await openEntry(zip, entry, name);
  const parts: Uint8Array[] = [];
  let length = 0;
  // Leaving the loop destroys the stream: no more is unpacked than the header needs.
  for await (const part of stream as AsyncIterable<Uint8Array>) {
    parts.push(part);
    length += part.length;
    if (length >= NPY_HEAD_BYTES) break;
  }
  return parseNpyHeader(Buffer.concat(parts), entry.uncompressedSize, name);
}

async function readValues(
  zip: ZipFile,
  entry: Entry,
  header: NpyHeader,
  name: string,
): Promise<Uint8Array<ArrayBuffer>> {
  const values = allocate(header.dataBytes, name);
  const stream = await openEntry(zip, entry, name);
  let position = 0;
  let checksum = 0;
  for await (const part of stream as AsyncIterable<Uint8Array>) {
    if (position + part.length > entry.uncompressedSize) {
      throw new GraftError("data-format", `${name} unpacks to more bytes than its directory says.`);
    }
    checksum = crc32(part, checksum);
    const skip = Math.max(0, header.dataStart - position);
    if (skip < part.length) {
      values.set(part.subarray(skip), position + skip - header.dataStart);
    }
    position += part.length;
  }
  if (position !== entry.uncompressedSize || checksum !== entry.crc32) {
    throw new GraftError(
      "checksum-mismatch",
      `${name} is damaged: its checksum does not match. Copy the file again, or write it again with numpy.savez.`,
    );
  }
  return values;
}
