// Rows of samples: a view where they lie one after the other, a copy elsewhere; the numbers are the same.
import { expect, test } from "vitest";
import { gatherRows, type SampleArray } from "../../../src/engine/train/samples";

const WIDTH = 6;
const array: SampleArray = {
  node: "X",
  shape: [2, 3],
  data: Float32Array.from({ length: 10 * WIDTH }, (_, index) => index / 7),
};

const rowsOneByOne = (indices: readonly number[]): number[] =>
  indices.flatMap((row) => [...array.data.slice(row * WIDTH, (row + 1) * WIDTH)]);

test.each([
  { indices: [], view: true },
  { indices: [4], view: true },
  { indices: [3, 4, 5], view: true },
  { indices: [7, 8, 9], view: true },
  { indices: [3, 5, 4], view: false },
  { indices: [5, 4, 3], view: false },
  { indices: [2, 2], view: false },
  { indices: [0, 1, 3], view: false },
])("rows $indices: a view is $view", ({ indices, view }) => {
  const rows = gatherRows(array, Int32Array.from(indices));
  expect([...rows]).toEqual(rowsOneByOne(indices));
  expect(rows.buffer === array.data.buffer).toBe(view);
});
