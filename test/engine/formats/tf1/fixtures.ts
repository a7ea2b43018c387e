// The fixtures of TensorFlow 1 and what each must yield.
import { createHash } from "node:crypto";
import { mkdtempSync, readdirSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll } from "vitest";
import { packStrings } from "../../../../src/engine/formats/tf1/strings";
import type { TensorSource } from "../../../../src/engine/formats/format";

export const FIXTURES = join(import.meta.dirname, "../../../fixtures");

export const fixture = (...parts: string[]): string => join(FIXTURES, ...parts);

export interface ExpectedTensor {
  readonly dtype: string;
  readonly shape: readonly number[];
  readonly nbytes?: number;
  readonly sha256: string;
}

export type ExpectedTensors = Readonly<Record<string, ExpectedTensor>>;

interface Expected {
  readonly prefix?: string;
  readonly variables?: ExpectedTensors;
  readonly variables_sample?: ExpectedTensors;
  readonly count?: number;
  readonly per_checkpoint?: Readonly<Record<string, ExpectedTensors>>;
}

export interface Case {
  readonly title: string;
  readonly prefix: string;
  readonly tensors: ExpectedTensors;
  /** How many tensors there are; `tensors` may be a sample. */
  readonly count: number;
}

export const json = (path: string): unknown => JSON.parse(readFileSync(path, "utf8"));

/** Every checkpoint of the cases that hold any, found by their expected.json. */
export const CASES: readonly Case[] = readdirSync(FIXTURES)
  .filter((folder) => /^b[128]_/.test(folder))
  .sort()
  .flatMap((folder) => {
    const expected = json(fixture(folder, "expected.json")) as Expected;
    const one = (prefix: string, tensors: ExpectedTensors): Case => ({
      title: `${folder}/${prefix}`,
      prefix: fixture(folder, prefix),
      tensors,
      count: expected.count ?? Object.keys(tensors).length,
    });
    if (expected.per_checkpoint)
      return Object.entries(expected.per_checkpoint).map(([prefix, each]) => one(prefix, each));
    const tensors = expected.variables ?? expected.variables_sample;
    return expected.prefix && tensors ? [one(expected.prefix, tensors)] : [];
  });

export const sha256 = (bytes: Uint8Array): string =>
  createHash("sha256").update(bytes).digest("hex");

/** Strings are hashed as u32 length and bytes of each item. */
export const hashOf = async (source: TensorSource, name: string): Promise<string> =>
  sha256(
    source.tensors.get(name)?.dtype === "string"
      ? packStrings(await source.readStrings(name))
      : await source.read(name),
  );

/** Numbers in [0, 1) that are the same in every run. */
export function seeded(seed: number): () => number {
  let state = seed >>> 0;
  return () => {
    state = (Math.imul(state, 1664525) + 1013904223) >>> 0;
    return state / 2 ** 32;
  };
}

const folders: string[] = [];

export function temporaryFolder(): string {
  const folder = mkdtempSync(join(tmpdir(), "graft-tf1-"));
  folders.push(folder);
  return folder;
}

// Runs in each test file that imports this one.
afterAll(() => {
  for (const folder of folders.splice(0)) rmSync(folder, { recursive: true, force: true });
});
