// Fixtures made by real frameworks: their files, and what they must yield (expected.json).
import { readFileSync } from "node:fs";
import * as path from "node:path";
import { expect } from "vitest";
import type { Checkpoint } from "../../src/engine/formats/format";
import { openCheckpoint } from "../../src/engine/formats/table";

export const FIXTURES = path.join(__dirname, "../fixtures");

/** A tensor that a fixture recorded, in a file of raw little-endian numbers. */
export interface Recorded {
  readonly file: string;
  readonly dtype: "float32" | "int32" | "int64";
  readonly shape: readonly number[];
}

export interface Fixture<Expected> {
  readonly expected: Expected;
  open(prefix?: string): Promise<Checkpoint>;
  floats(recorded: Recorded): Float32Array;
  integers(recorded: Recorded): Int32Array;
}

export function fixture<Expected extends object>(name: string): Fixture<Expected> {
  const folder = path.join(FIXTURES, name);
  const expected = JSON.parse(
    readFileSync(path.join(folder, "expected.json"), "utf8"),
  ) as Expected & {
    readonly prefix?: string;
  };
  // A copy: a small file lies somewhere in Node's buffer pool.
  const bytes = (recorded: Recorded) =>
    Uint8Array.from(readFileSync(path.join(folder, recorded.file))).buffer;
  return {
    expected,
    open: (prefix = expected.prefix) => openCheckpoint(path.join(folder, prefix!)),
    floats: (recorded) => new Float32Array(bytes(recorded)),
    integers: (recorded) =>
      recorded.dtype === "int64"
        ? Int32Array.from(new BigInt64Array(bytes(recorded)), Number)
        : new Int32Array(bytes(recorded)),
  };
}

/** Every number within `tolerance` (absolute, and relative to the expected one); shapes first. */
export function expectClose(
  actual: ArrayLike<number>,
  expected: ArrayLike<number>,
  tolerance: number,
  what?: string,
): void {
  expect(actual.length, what).toBe(expected.length);
  let worst = 0;
  for (let index = 0; index < expected.length; index++) {
    const difference = Math.abs(actual[index] - expected[index]);
    const allowed = tolerance * (1 + Math.abs(expected[index]));
    // NaN compares false with everything: it counts as the worst.
    worst = Math.max(worst, Number.isNaN(difference) ? Infinity : difference / allowed);
  }
  expect(worst, what).toBeLessThanOrEqual(1);
}
