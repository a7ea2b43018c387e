import { expect, test } from "vitest";
import { wholeRegion, type Value, type Variable } from "../../../src/engine/graph/model";
import {
  freshRegions,
  joined,
  takenRegions,
  trainableMask,
  without,
} from "../../../src/engine/graph/regions";

const variable = (shape: number[], trainable: Variable["trainable"]): Variable => ({
  name: "w",
  dtype: "float32",
  shape,
  value: { from: "stored", name: "w" },
  role: "weight",
  trainable,
});
const whole = { start: [0, 0], size: [2, 3] };

test("a mask is 1 inside its regions only, and absent when everything trains", () => {
  expect(trainableMask(variable([2, 3], [whole]))).toBeUndefined();
  expect([...trainableMask(variable([2, 3], []))!]).toEqual([0, 0, 0, 0, 0, 0]);
  const right = { start: [0, 1], size: [2, 2] };
  expect([...trainableMask(variable([2, 3], [right]))!]).toEqual([0, 1, 1, 0, 1, 1]);
});

test("regions follow the slices that are taken, and become one where they cover everything", () => {
  const left = { start: [0, 0], size: [2, 2] };
  expect(takenRegions([left], 1, [2, 0, 1, 2, 1])).toEqual([
    { start: [0, 1], size: [2, 2] },
    { start: [0, 4], size: [2, 1] },
  ]);
  const halves = [left, { start: [0, 2], size: [2, 1] }];
  expect(joined(halves, [2, 3])).toEqual([whole]);
  expect(joined([left], [2, 3])).toEqual([left]);
  expect(joined([], [2, 0])).toEqual([]);
});

test("a box is cut out of regions, whatever it overlaps", () => {
  const shape = [4, 5];
  for (const box of [
    { start: [1, 1], size: [2, 3] },
    { start: [0, 4], size: [4, 1] },
    { start: [0, 0], size: [4, 5] },
    { start: [3, 0], size: [1, 2] },
  ]) {
    const mask = trainableMask(variable(shape, without([wholeRegion(shape)], box)))!;
    const expected = Array.from({ length: 20 }, (_, at) => {
      const [row, column] = [Math.floor(at / 5), at % 5];
      const inside =
        row >= box.start[0] &&
        row < box.start[0] + box.size[0] &&
        column >= box.start[1] &&
        column < box.start[1] + box.size[1];
      return inside ? 0 : 1;
    });
    expect([...mask]).toEqual(expected);
  }
  const beside = { start: [0, 3], size: [4, 1] };
  expect(without([{ start: [0, 0], size: [4, 2] }], beside)).toHaveLength(1);
});

test("a slice that is taken twice is new the second time", () => {
  const value: Value = {
    from: "take",
    axis: 1,
    indices: [0, 1, 2, 0],
    part: { from: "stored", name: "w" },
    shape: [2, 3],
  };
  expect(freshRegions(value, [2, 4])).toEqual([{ start: [0, 3], size: [2, 1] }]);
});

test("fresh regions are those of the initializers, through nested joins", () => {
  const fresh = (shape: number[]): Value => ({
    from: "initializer",
    initializer: "zeros",
    shape,
    fanIn: 1,
    fanOut: 1,
    key: "k",
  });
  const inner: Value = {
    from: "concat",
    axis: 1,
    parts: [{ from: "stored", name: "w" }, fresh([2, 1])],
    shapes: [
      [2, 3],
      [2, 1],
    ],
  };
  const outer: Value = {
    from: "concat",
    axis: 0,
    parts: [inner, fresh([5, 4])],
    shapes: [
      [2, 4],
      [5, 4],
    ],
  };
  expect(freshRegions(outer, [7, 4])).toEqual([
    { start: [0, 3], size: [2, 1] },
    { start: [2, 0], size: [5, 4] },
  ]);
});
