import { expect, test } from "vitest";
import type { Value, Variable } from "../../../src/engine/graph/model";
import {
  addedRegion,
  freshRegions,
  grownRegions,
  trainableMask,
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

test("what trained goes on training in a grown variable, together with what is new", () => {
  expect(grownRegions(variable([2, 3], [whole]), [2, 5], 1)).toEqual([
    { start: [0, 0], size: [2, 5] },
  ]);
  expect(grownRegions(variable([2, 3], []), [2, 5], 1)).toEqual([{ start: [0, 3], size: [2, 2] }]);
  expect(addedRegion([4, 3], 0, 2)).toEqual({ start: [2, 0], size: [2, 3] });
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
