import { expect, test } from "vitest";
import type { Value, Variable } from "../../../src/engine/graph/model";
import { evaluate } from "../../../src/engine/graph/value";

const floats = (bytes: Uint8Array) => [...new Float32Array(bytes.slice().buffer)];
const stored = new Uint8Array(Float32Array.of(1, 2, 3, 4, 5, 6).buffer);
const read = async () => stored;

const variable = (shape: number[], value: Value): Variable => ({
  name: "w",
  dtype: "float32",
  shape,
  value,
  role: "weight",
  trainable: [],
});
const zeros = (shape: number[]): Value => ({
  from: "initializer",
  initializer: "zeros",
  shape,
  fanIn: 1,
  fanOut: 1,
  key: "new",
});

test("a stored value comes back byte for byte", async () => {
  const value = await evaluate(variable([2, 3], { from: "stored", name: "w" }), read, 1);
  expect(value).toEqual(stored);
});

test.each([
  [0, [3, 3], [1, 3], [1, 2, 3, 4, 5, 6, 0, 0, 0]],
  [1, [2, 4], [2, 1], [1, 2, 3, 0, 4, 5, 6, 0]],
])(
  "a variable grown along axis %i keeps every number in place",
  async (axis, shape, more, expected) => {
    const value: Value = {
      from: "concat",
      axis,
      parts: [{ from: "stored", name: "w" }, zeros(more)],
      shapes: [[2, 3], more],
    };
    expect(floats(await evaluate(variable(shape, value), read, 1))).toEqual(expected);
  },
);

test("fresh numbers depend on seed, variable and edit, and on nothing else", async () => {
  const glorot = (key: string): Value => ({
    from: "initializer",
    initializer: "glorotUniform",
    shape: [30, 20],
    fanIn: 30,
    fanOut: 20,
    key,
  });
  const numbers = async (seed: number, key: string, name = "w") =>
    floats(await evaluate({ ...variable([30, 20], glorot(key)), name }, read, seed));
  const first = await numbers(1, "edit 0");
  expect(await numbers(1, "edit 0")).toEqual(first);
  expect(await numbers(2, "edit 0")).not.toEqual(first);
  expect(await numbers(1, "edit 1")).not.toEqual(first);
  expect(await numbers(1, "edit 0", "v")).not.toEqual(first);
  const limit = Math.sqrt(6 / 50);
  expect(Math.max(...first.map(Math.abs))).toBeLessThanOrEqual(limit);
  expect(Math.max(...first)).toBeGreaterThan(0.9 * limit);
});

test("sums of slices along an axis; a sum of none is zero", async () => {
  const sums = (axis: number, terms: number[][]): Value => ({
    from: "sum",
    axis,
    terms,
    part: { from: "stored", name: "w" },
    shape: [2, 3],
  });
  const columns = variable([2, 3], sums(1, [[0, 2], [], [1]]));
  expect(floats(await evaluate(columns, read, 1))).toEqual([4, 0, 2, 10, 0, 5]);
  expect(floats(await evaluate(variable([1, 3], sums(0, [[0, 1]])), read, 1))).toEqual([5, 7, 9]);
});

test("axes in another order", async () => {
  const value: Value = {
    from: "transpose",
    permutation: [2, 0, 1],
    part: { from: "stored", name: "w" },
    shape: [1, 2, 3],
  };
  expect(floats(await evaluate(variable([3, 1, 2], value), read, 1))).toEqual([1, 4, 2, 5, 3, 6]);
});

test("powers of a base, number by number", async () => {
  const part: Value = { from: "stored", name: "w" };
  const value: Value = { from: "power", base: 2, part, shape: [2, 3] };
  const found = floats(await evaluate(variable([2, 3], value), read, 1));
  expect(found).toEqual([2, 4, 8, 16, 32, 64]);
});
