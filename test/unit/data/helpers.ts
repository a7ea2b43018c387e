// Shared by the data tests: a folder that goes away, files made by hand, errors as values.
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { afterAll } from "vitest";
import type { NumericArray, StringArray } from "../../../src/engine/data/array";
import { GraftError } from "../../../src/protocol/errors";

export const fixture = (name: string): string =>
  fileURLToPath(new URL(`../../fixtures/data/${name}`, import.meta.url));

/** A new folder, removed after the tests of the file. */
export function temporaryFolder(): {
  path: string;
  write: (name: string, content: string | Uint8Array) => string;
} {
  const path = mkdtempSync(join(tmpdir(), "graft-data-"));
  afterAll(() => rmSync(path, { recursive: true, force: true }));
  return {
    path,
    write(name, content) {
      writeFileSync(join(path, name), content);
      return join(path, name);
    },
  };
}

/** "data-format: the message"; anything but a GraftError is a bug and fails the test. */
export async function errorOf(run: () => unknown): Promise<string> {
  try {
    await run();
  } catch (error) {
    if (error instanceof GraftError) return `${error.code}: ${error.message}`;
    throw error;
  }
  return "no error";
}

/** A .npy file with any header text, padded or not. */
export function npyFile(
  header: string,
  values: Uint8Array = new Uint8Array(),
  version = 1,
): Buffer {
  const start = Buffer.from([0x93, 0x4e, 0x55, 0x4d, 0x50, 0x59, version, 0]);
  const length = Buffer.alloc(version === 1 ? 2 : 4);
  if (version === 1) length.writeUInt16LE(header.length);
  else length.writeUInt32LE(header.length);
  return Buffer.concat([start, length, Buffer.from(header, "latin1"), values]);
}

export const floats = (shape: readonly number[], values?: readonly number[]): NumericArray => ({
  shape,
  dtype: "float32",
  data: Float32Array.from(values ?? Array(shape.reduce((a, b) => a * b, 1)).fill(0)),
});

export const doubles = (values: readonly number[], shape = [values.length]): NumericArray => ({
  shape,
  dtype: "float64",
  data: Float64Array.from(values),
});

export const longs = (values: readonly number[], shape = [values.length]): NumericArray => ({
  shape,
  dtype: "int64",
  data: BigInt64Array.from(values, BigInt),
});

export const texts = (values: readonly string[], shape = [values.length]): StringArray => ({
  shape,
  dtype: "string",
  data: values,
});

/** Mulberry32: the same numbers on every run, below `limit`. */
export function seeded(seed: number): (limit: number) => number {
  let state = seed;
  return (limit) => {
    state = (state + 0x6d2b79f5) | 0;
    let t = Math.imul(state ^ (state >>> 15), 1 | state);
    t = (t + Math.imul(t ^ (t >>> 7), 61 | t)) ^ t;
    return ((t ^ (t >>> 14)) >>> 0) % limit;
  };
}

/** A copy with a few bytes changed, cut off or doubled. */
export function mutate(content: Buffer, random: (limit: number) => number): Buffer {
  const copy = Buffer.from(content);
  for (let change = random(4); change >= 0; change--) {
    // Headers are where it hurts: half of the changes go to the first or last bytes.
    const near = Math.min(copy.length, 128);
    const place = [random(copy.length), random(near), copy.length - 1 - random(near)][random(3)]!;
    copy[place] = [random(256), 0xff, 0, copy[place]! ^ (1 << random(8))][random(4)]!;
  }
  if (random(4) === 0) return copy.subarray(0, random(copy.length));
  if (random(8) === 0) return Buffer.concat([copy, copy.subarray(random(copy.length))]);
  return copy;
}
