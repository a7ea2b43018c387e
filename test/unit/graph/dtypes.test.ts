import { expect, test } from "vitest";
import { movedBytes, toFloat32 } from "../../../src/engine/graph/dtypes";

const bytes = (array: Float64Array | Int32Array) => new Uint8Array(array.buffer);

test("an element of a float64 that training left alone keeps its bits", () => {
  const before = bytes(Float64Array.of(0.1, 1 / 3, Math.PI));
  const numbers = toFloat32(before, "float64");
  expect(movedBytes(before, numbers, "float64")).toEqual(before);
  const after = movedBytes(before, Float32Array.of(numbers[0], 0.5, numbers[2]), "float64");
  expect([...new Float64Array(after.slice().buffer)]).toEqual([0.1, 0.5, Math.PI]);
});

test("integers are used in training, but never moved", () => {
  const before = bytes(Int32Array.of(3, -4));
  expect(movedBytes(before, Float32Array.of(3, -4), "int32")).toEqual(before);
  expect(() => movedBytes(before, Float32Array.of(3, -5), "int32")).toThrow(/int32/);
});
