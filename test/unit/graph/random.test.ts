import { describe, expect, test } from "vitest";
import { permutation, philox, randomStream } from "../../../src/engine/graph/random";

// Known answers of the Random123 distribution (kat_vectors, philox4x32 10).
const KNOWN: [counter: number[], key: number[], expected: number[]][] = [
  [
    [0, 0, 0, 0],
    [0, 0],
    [0x6627e8d5, 0xe169c58d, 0xbc57ac4c, 0x9b00dbd8],
  ],
  [
    [0xffffffff, 0xffffffff, 0xffffffff, 0xffffffff],
    [0xffffffff, 0xffffffff],
    [0x408f276d, 0x41c83b0e, 0xa20bc7c6, 0x6d5451fd],
  ],
  [
    [0x243f6a88, 0x85a308d3, 0x13198a2e, 0x03707344],
    [0xa4093822, 0x299f31d0],
    [0xd16cfe09, 0x94fdcceb, 0x5001e420, 0x24126ea1],
  ],
];

test.each(KNOWN)("philox4x32-10 of counter %j and key %j", (counter, key, expected) => {
  expect(philox(counter as [number, number, number, number], key as [number, number])).toEqual(
    expected,
  );
});

const take = (count: number, draw: () => number) => Array.from({ length: count }, draw);

describe("a stream", () => {
  test("is decided by seed and purpose", () => {
    const numbers = (seed: number, purpose: (string | number)[]) =>
      take(8, randomStream(seed, purpose).uint32);
    expect(numbers(1, ["shuffle", 0, 3])).toEqual(numbers(1, ["shuffle", 0, 3]));
    expect(numbers(1, ["shuffle", 0, 3])).not.toEqual(numbers(2, ["shuffle", 0, 3]));
    expect(numbers(1, ["shuffle", 0, 3])).not.toEqual(numbers(1, ["shuffle", 3, 0]));
    expect(numbers(1, ["shuffle", 1, 23])).not.toEqual(numbers(1, ["shuffle", 12, 3]));
    expect(numbers(1, ["a"])).not.toEqual(numbers(1 + 2 ** 32, ["a"]));
  });

  test("is uniform and normal where it says so", () => {
    const random = randomStream(7, ["moments"]);
    const uniform = take(40_000, random.uniform);
    const normal = take(40_000, random.normal);
    const mean = (values: number[]) => values.reduce((a, b) => a + b, 0) / values.length;
    const variance = (values: number[]) => {
      const center = mean(values);
      return mean(values.map((value) => (value - center) ** 2));
    };
    expect(mean(uniform)).toBeCloseTo(0.5, 2);
    expect(variance(uniform)).toBeCloseTo(1 / 12, 2);
    expect(Math.abs(mean(normal))).toBeLessThan(0.02);
    expect(variance(normal)).toBeGreaterThan(0.97);
    expect(variance(normal)).toBeLessThan(1.03);
    expect(uniform.every((value) => value >= 0 && value < 1 && Math.fround(value) === value)).toBe(
      true,
    );
  });
});

test("a permutation holds every index once and prefers no place", () => {
  const counts = new Map<string, number>();
  for (let round = 0; round < 6000; round++) {
    const order = permutation(3, randomStream(round, ["permutation"])).join("");
    counts.set(order, (counts.get(order) ?? 0) + 1);
  }
  expect([...counts.keys()].sort()).toEqual(["012", "021", "102", "120", "201", "210"]);
  for (const count of counts.values()) expect(Math.abs(count - 1000)).toBeLessThan(150);
});
