import { expect, test } from "vitest";
import { batches } from "../../../src/engine/train/samples";
import { epochOrder, split } from "../../../src/engine/train/split";

test.each([
  [100, 0.2, 20],
  [100, 0, 0],
  [3, 0.01, 1],
  [2, 0.9, 1],
  [1, 0.5, 0],
])("of %i samples with %f for validation, %i validate", (samples, fraction, validation) => {
  const parts = split(samples, fraction, 5);
  expect(parts.validation).toHaveLength(validation);
  expect([...parts.training, ...parts.validation].sort((a, b) => a - b)).toEqual(
    Array.from({ length: samples }, (_, index) => index),
  );
});

test("another seed splits otherwise", () => {
  expect(split(100, 0.2, 1)).toEqual(split(100, 0.2, 1));
  expect(split(100, 0.2, 1)).not.toEqual(split(100, 0.2, 2));
});

test("an epoch uses every training sample once, in an order of its own", () => {
  const { training } = split(40, 0.25, 3);
  const first = epochOrder(training, 3, 0, 0);
  expect([...first].sort((a, b) => a - b)).toEqual([...training]);
  expect(first).not.toEqual(epochOrder(training, 3, 0, 1));
  expect(first).not.toEqual(epochOrder(training, 3, 1, 0));
});

test("batches are consecutive, and the last holds what remains", () => {
  const order = Int32Array.from({ length: 7 }, (_, index) => 10 + index);
  expect([...batches(order, 3)].map((batch) => [...batch])).toEqual([
    [10, 11, 12],
    [13, 14, 15],
    [16],
  ]);
});
