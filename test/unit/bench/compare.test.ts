// The arithmetic of the bench: a wrong median or a check that never fails would publish wrong numbers.
import { expect, test } from "vitest";
import { compare, disagreement, median, rotated } from "../../bench/compare.mjs";

test("the median of an odd and an even number of rounds", () => {
  expect(median([3, 1, 10])).toBe(3);
  expect(median([4, 1, 10, 2])).toBe(3);
});

test("a ratio is the peer's median over Graft's; its range is that of the rounds", () => {
  expect(compare([1, 2, 4], [10, 10, 8])).toEqual({
    graft: 2,
    peerMedian: 10,
    ratio: 5,
    lowest: 2,
    highest: 10,
  });
});

test("who goes first changes from round to round", () => {
  const order = [0, 1, 2, 3].map((round) => rotated(["a", "b", "c"], round).join(""));
  expect(order).toEqual(["abc", "bca", "cab", "abc"]);
});

test("results further apart than the tolerance are other work", () => {
  expect(disagreement(1, 1.0009, 1e-3)).toBeUndefined();
  expect(disagreement(1, 1.002, 1e-3)).toMatch(/1\.002.*0\.1 %/);
  expect(disagreement(1, NaN, 1e-3)).toMatch(/NaN/);
  expect(disagreement(1, 5, undefined)).toBeUndefined();
});
