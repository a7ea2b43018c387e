// What TensorFlow recorded for the gradient cases, and how close a backend must come.
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { expect } from "vitest";
import { expectClose, FIXTURES } from "../fixture";
import type { Result } from "./run";

/** Written by test/interop/gradients.test.ts. */
export const recorded = JSON.parse(
  readFileSync(join(FIXTURES, "gradients/expected.json"), "utf8"),
) as Readonly<Record<string, Result>>;

/** Absolute, and relative to the expected number: float32 sums of up to a hundred terms. */
export const TOLERANCE = 5e-6;

export function expectResult(actual: Result, expected: Result, tolerance: number): void {
  expectClose(actual.value, expected.value, tolerance, "value");
  expect(actual.gradients).toHaveLength(expected.gradients.length);
  actual.gradients.forEach((gradient, index) =>
    expectClose(gradient, expected.gradients[index], tolerance, `gradient ${index}`),
  );
}
