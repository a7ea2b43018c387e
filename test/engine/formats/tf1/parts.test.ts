// The small codes that everything else is made of, against values that TensorFlow wrote.
import { describe, expect, test } from "vitest";
import { boxOf, eachRun } from "../../../../src/engine/formats/tf1/box";
import { maskedCrc } from "../../../../src/engine/formats/tf1/crc";
import { sliceKey, type Extent } from "../../../../src/engine/formats/tf1/orderedcode";
import { packStrings, unpackStrings } from "../../../../src/engine/formats/tf1/strings";
import { readVarint, varint } from "../../../../src/engine/formats/tf1/varint";

const WHOLE = [0, -1] as const;

type Numbers = readonly (readonly [number, number])[];

const extentsOf = (numbers: Numbers): Extent[] =>
  numbers.map(([start, length]) => [BigInt(start), BigInt(length)]);

// The first four are out of an index that TensorFlow 2.21 wrote with SaveV2 and slices of 9,000 rows.
test.each<[string, Numbers, string]>([
  ["näÿme/w", [[0, 64], WHOLE], "006ec3a4c3bf6d652f7700010102" + "80c040807f"],
  ["näÿme/w", [[64, 8127], WHOLE], "006ec3a4c3bf6d652f7700010102" + "c040dfbf807f"],
  ["näÿme/w", [[8191, 1], WHOLE], "006ec3a4c3bf6d652f7700010102" + "dfff81807f"],
  ["näÿme/w", [[8192, 808], WHOLE], "006ec3a4c3bf6d652f7700010102" + "e02000c328807f"],
  ["s", [], "00730001" + "00"],
  ["a\0b", [], "006100ff620001" + "00"],
])("the key of a slice of %j at %j", (name, extents, hex) => {
  expect(Buffer.from(sliceKey(name, extentsOf(extents))).toString("hex")).toBe(hex);
});

test("keys sort as names and starts do", () => {
  const starts = [0n, 1n, 63n, 64n, 8191n, 8192n, 2n ** 20n, 2n ** 40n, 2n ** 62n, 2n ** 63n - 1n];
  const keys = ["a", "a\0", "ab"].flatMap((name) =>
    [...starts.map((start) => -start - 1n).reverse(), ...starts].map((start) =>
      sliceKey(name, [[start, 1n]]),
    ),
  );
  expect([...keys].sort(Buffer.compare)).toEqual(keys);
});

test("the masked checksum of nothing", () => {
  expect(maskedCrc(new Uint8Array(0))).toBe(0xa282ead8);
});

test.each([0, 1, 127, 128, 300, 2 ** 32, Number.MAX_SAFE_INTEGER])("varint %d", (value) => {
  const bytes = Uint8Array.from(varint(value));
  expect(readVarint(bytes, 0)).toEqual({ value, next: bytes.length });
  expect(readVarint(bytes.subarray(0, -1), 0)).toBeNull();
});

test("a varint of more than 64 bits is none", () => {
  expect(readVarint(new Uint8Array(11).fill(0x80), 0)).toBeNull();
});

describe("boxes", () => {
  const runs = (shape: number[], extents: Numbers) => {
    const found: number[][] = [];
    eachRun(boxOf(extentsOf(extents), shape)!, shape, (...run) => found.push(run));
    return found;
  };
  test.each<[number[], Numbers, number[][]]>([
    [[], [], [[0, 0, 1]]],
    [[5], [[1, 3]], [[0, 1, 3]]],
    [[4, 3], [[1, 2], WHOLE], [[0, 3, 6]]],
    [
      [4, 3],
      [WHOLE, [1, 2]],
      [
        [0, 1, 2],
        [2, 4, 2],
        [4, 7, 2],
        [6, 10, 2],
      ],
    ],
    [
      [2, 2, 4],
      [WHOLE, [1, 1], WHOLE],
      [
        [0, 4, 4],
        [4, 12, 4],
      ],
    ],
    [[4, 3], [[0, 0], WHOLE], []],
  ])("of %j at %j", (shape, extents, expected) => {
    expect(runs(shape, extents)).toEqual(expected);
  });

  test.each<[number[], Numbers]>([
    [[4], [[2, 3]]],
    [[4], [[-1, 2]]],
    [[4], [[0, -2]]],
    [[4], [[0, 2 ** 62]]],
    [[4, 4], [WHOLE]],
  ])("none in %j at %j", (shape, extents) => {
    expect(boxOf(extentsOf(extents), shape)).toBeNull();
  });
});

test("packed strings", () => {
  const items = ["", "a", "mé\0"].map((text) => Uint8Array.from(Buffer.from(text)));
  const packed = packStrings(items);
  expect(unpackStrings(packed).map((item) => [...item])).toEqual(items.map((item) => [...item]));
  expect(() => unpackStrings(packed.subarray(0, -1))).toThrow(/ends inside item 2/);
});
