import { describe, expect, it } from "vitest";
import type { DataArray } from "../../../src/engine/data/array";
import { classesIn, classIndices, targetValues } from "../../../src/engine/data/labels";
import { doubles, errorOf, floats, longs, texts } from "./helpers";

const DIGITS = ["5", "6", "7", "8", "9"];

describe("class indices", () => {
  const bool: DataArray = { shape: [3], dtype: "bool", data: Uint8Array.of(1, 0, 1) };
  const cases: readonly (readonly [
    string,
    DataArray,
    number,
    readonly string[] | undefined,
    readonly number[],
  ])[] = [
    ["integers that are indices", longs([0, 2, 1]), 3, undefined, [0, 2, 1]],
    ["indices that do not all occur", longs([2]), 3, undefined, [2]],
    ["whole floats", doubles([0, 1, -0]), 2, undefined, [0, 1, 0]],
    ["bool", bool, 2, undefined, [1, 0, 1]],
    ["text that is an index", texts(["1", "0"]), 2, undefined, [1, 0]],
    ["a column [n, 1]", longs([1, 0], [2, 1]), 2, undefined, [1, 0]],
    ["integers by classes", longs([5, 9, 7]), 5, DIGITS, [0, 4, 2]],
    ["floats by classes", doubles([5, 9]), 5, DIGITS, [0, 4]],
    ["text by classes", texts(["dog", "cat"]), 2, ["cat", "dog"], [1, 0]],
    ["indices of named classes", longs([1, 0, 1]), 2, ["cat", "dog"], [1, 0, 1]],
    ["classes in their own order", longs([0, 1]), 2, ["1", "0"], [1, 0]],
    ["negative classes", longs([-1, 1]), 2, ["-1", "1"], [0, 1]],
    ["classes named like members of Object", texts(["constructor"]), 1, ["constructor"], [0]],
    ["one-hot rows", floats([2, 3], [0, 0, 1, 1, 0, 0]), 3, undefined, [2, 0]],
    ["one-hot rows with classes", longs([0, 1, 1, 0], [2, 2]), 2, ["a", "b"], [1, 0]],
  ];
  it.each(cases)("%s", (_, labels, outputs, classes, expected) => {
    const found = classIndices(labels, "y.npy", outputs, classes);
    expect([...found.indices]).toEqual(expected);
    expect(found.classes).toEqual(classes ?? Array.from({ length: outputs }, (_, i) => String(i)));
  });

  it("tells integers apart that a float64 cannot", () => {
    const labels: DataArray = {
      shape: [2],
      dtype: "int64",
      data: BigInt64Array.of(9007199254740993n, 9007199254740992n),
    };
    const classes = ["9007199254740992", "9007199254740993"];
    expect([...classIndices(labels, "y", 2, classes).indices]).toEqual([1, 0]);
  });
});

describe("labels that are refused", () => {
  const cases: readonly (readonly [
    string,
    DataArray,
    number,
    readonly string[] | undefined,
    string | RegExp,
  ])[] = [
    [
      "not indices, as many as units",
      longs([9, 5, 7, 6, 8, 5]),
      5,
      undefined,
      'label-out-of-range: y.npy has the labels 5, 6, 7, 8, 9; without "classes" they must be the indices 0 to 4 of the output. Write "classes": ["5", "6", "7", "8", "9"] to say which label is which unit.',
    ],
    [
      "not indices, fewer than units",
      texts(["dog", "cat"]),
      5,
      undefined,
      /has the labels cat, dog; .* Either replace the output with 2 classes and write "classes": \["cat", "dog"\], or list 5 classes/,
    ],
    [
      "not indices, more than units",
      longs([0, 1, 2]),
      2,
      undefined,
      /Replace the output with 3 classes and write "classes": \["0", "1", "2"\], or remove samples\./,
    ],
    [
      "many labels: ten are shown, in order",
      longs(Array.from({ length: 12 }, (_, i) => 12 - i)),
      12,
      undefined,
      /has the labels 1, 2, 3, 4, 5, 6, 7, 8, 9, 10 and 2 more; .*"11", "12"\] to say/,
    ],
    [
      "very many labels",
      longs(Array.from({ length: 500 }, (_, i) => i)),
      2,
      undefined,
      /write a list of these 500 as "classes"/,
    ],
    ["-1", longs([0, -1]), 2, undefined, /^label-out-of-range: y\.npy has the labels -1, 0;/],
    [
      "not among the classes",
      longs([5, 6, 4]),
      5,
      DIGITS,
      'label-out-of-range: y.npy has the label "4" in row 2 (counted from 0); "classes" allows "5", "6", "7", "8", "9". Add it to "classes" (the output then needs a unit more) or remove its samples.',
    ],
    [
      "an index that no named class has",
      longs([1, 2]),
      2,
      ["cat", "dog"],
      "label-out-of-range: y.npy has the label 2 in row 1 (counted from 0); numbers beside classes that have names are their indices, 0 to 1. Mend the labels, or remove its samples.",
    ],
    ["text in other letters", texts(["Cat"]), 1, ["cat"], /has the label "Cat" in row 0/],
    [
      "fewer classes than units",
      longs([5]),
      10,
      DIGITS,
      'data-shape: "classes" lists 5 classes, the output has 10 units. List one class for each unit, or replace the output with 5.',
    ],
    [
      "a fraction",
      doubles([0, 0.5]),
      2,
      undefined,
      /^data-format: y\.npy has 0\.5 in row 1 \(counted from 0\); a class label is/,
    ],
    ["NaN", doubles([0, NaN]), 2, undefined, /^data-format: y\.npy has NaN in row 1/],
    [
      "a scalar",
      doubles([1], []),
      2,
      undefined,
      /^data-shape: y\.npy is scalar float64; expected one label/,
    ],
    [
      "three dimensions",
      floats([2, 2, 2]),
      2,
      undefined,
      /^data-shape: y\.npy is 2 × 2 × 2 float32/,
    ],
    [
      "two hot",
      floats([2, 2], [1, 0, 1, 1]),
      2,
      undefined,
      /^data-format: y\.npy row 1 \(counted from 0\) is not one-hot: 1, 1\./,
    ],
    ["none hot", floats([1, 2]), 2, undefined, /row 0 \(counted from 0\) is not one-hot: 0, 0\./],
    ["soft labels", floats([1, 2], [0.5, 0.5]), 2, undefined, /not one-hot: 0\.5, 0\.5\./],
    [
      "one-hot of another width",
      floats([3, 4]),
      5,
      undefined,
      /^data-shape: y\.npy is 3 × 4 float32, one-hot rows of 4; the output has 5 units\. Expected 3 labels, or 3 × 5/,
    ],
    [
      "rows of text",
      texts(["a", "b"], [1, 2]),
      2,
      undefined,
      /^data-shape: y\.npy is 1 × 2 string/,
    ],
  ];
  it.each(cases)("%s", async (_, labels, outputs, classes, expected) => {
    const message = await errorOf(() => classIndices(labels, "y.npy", outputs, classes));
    if (expected instanceof RegExp) expect(message).toMatch(expected);
    else expect(message).toBe(expected);
  });
});

describe("the classes that occur", () => {
  const cases: readonly (readonly [string, DataArray, readonly string[]])[] = [
    ["numerically", longs([10, 9, 9, -1]), ["-1", "9", "10"]],
    ["alphabetically", texts(["b", "a", "B"]), ["B", "a", "b"]],
    ["numbers beside text alphabetically", texts(["10", "9", "x"]), ["10", "9", "x"]],
    ["all columns of one-hot rows", floats([1, 3], [1, 0, 0]), ["0", "1", "2"]],
  ];
  it.each(cases)("%s", (_, labels, expected) => {
    expect(classesIn(labels, "y")).toEqual(expected);
  });
});

describe("targets of a regression", () => {
  const good: readonly (readonly [string, DataArray, readonly number[], readonly number[]])[] = [
    ["[n] for an output [n, 1]", doubles([0.5, 2]), [-1, 1], [0.5, 2]],
    ["[n, 1] for an output [n]", doubles([0.5, 2], [2, 1]), [-1], [0.5, 2]],
    ["[n, 2]", doubles([1, 2, 3, 4], [2, 2]), [-1, 2], [1, 2, 3, 4]],
    ["integers", longs([3, 4]), [-1, 1], [3, 4]],
  ];
  it.each(good)("%s", (_, labels, shape, expected) => {
    expect([...targetValues(labels, "y", shape)]).toEqual(expected);
  });

  const bad: readonly (readonly [string, DataArray, readonly number[], RegExp])[] = [
    [
      "another width",
      doubles([1, 2, 3, 4], [2, 2]),
      [-1, 3],
      /^data-shape: y is 2 × 2 float64; the output gives 3 numbers a sample, so the labels must be 2 × 3\./,
    ],
    ["transposed", floats([2, 3, 2]), [-1, 2, 3], /^data-shape/],
    ["text", texts(["a"]), [-1, 1], /^data-format: y holds text \("a"\)/],
    ["NaN", doubles([1, 2, 3, NaN], [2, 2]), [-1, 2], /^data-format: y has NaN in row 1/],
    ["beyond float32", doubles([1e39]), [-1, 1], /^data-format: y has 1e\+39 in row 0/],
  ];
  it.each(bad)("%s", async (_, labels, shape, expected) => {
    expect(await errorOf(() => targetValues(labels, "y", shape))).toMatch(expected);
  });
});
