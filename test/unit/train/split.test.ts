import { describe, expect, test } from "vitest";
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
  const first = epochOrder(training, 3, 0, 0, 30);
  expect([...first].sort((a, b) => a - b)).toEqual([...training]);
  expect(first).not.toEqual(epochOrder(training, 3, 0, 1, 30));
  expect(first).not.toEqual(epochOrder(training, 3, 1, 0, 30));
});

describe("more samples than a window", () => {
  const training = Int32Array.from({ length: 10_000 }, (_, index) => 3 * index);
  const order = epochOrder(training, 7, 0, 2, 1024);

  test("are each used once, in another order in the next epoch", () => {
    expect([...order].sort((a, b) => a - b)).toEqual([...training]);
    expect(order).not.toEqual(epochOrder(training, 7, 0, 3, 1024));
    expect(order).toEqual(epochOrder(training, 7, 0, 2, 1024));
  });

  test("come in windows that are read in few pieces, from everywhere", () => {
    for (let start = 0; start + 1024 <= order.length; start += 1024) {
      const window = [...order.subarray(start, start + 1024)].sort((a, b) => a - b);
      const pieces = window.filter((sample, at) => at === 0 || sample !== window[at - 1] + 3);
      expect(pieces.length).toBeLessThanOrEqual(257);
      const mean = window.reduce((sum, sample) => sum + sample / 3, 0) / window.length;
      // The mean of 256 random places of 10,000 has a deviation of 180.
      expect(Math.abs(mean - 5000)).toBeLessThan(900);
    }
  });

  test("are shuffled within a window", () => {
    const neighbours = order.filter((sample, at) => at > 0 && sample === order[at - 1] + 3);
    expect(neighbours.length).toBeLessThan(100);
  });
});

test("batches are consecutive, and the last holds what remains", () => {
  const order = Int32Array.from({ length: 7 }, (_, index) => 10 + index);
  expect([...batches(order, 3)].map((batch) => [...batch])).toEqual([
    [10, 11, 12],
    [13, 14, 15],
    [16],
  ]);
});
