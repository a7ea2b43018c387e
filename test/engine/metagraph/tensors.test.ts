// Tensors inside a graph, in all the ways that TensorFlow writes them.
import { create } from "@bufbuild/protobuf";
import { expect, test } from "vitest";
import {
  TensorProtoSchema,
  type TensorProto,
} from "../../../src/engine/formats/tf1/proto/tensorflow_pb";
import {
  integers,
  integersLike,
  resized,
  shapeProto,
  tensorShape,
  zeros,
} from "../../../src/engine/formats/tf1/patch/tensors";

const tensor = (dtype: number, shape: number[], fields: Partial<TensorProto>): TensorProto =>
  Object.assign(create(TensorProtoSchema, { dtype, tensorShape: shapeProto(shape) }), fields);

const bytesOf = (numbers: ArrayBufferView) => new Uint8Array(numbers.buffer);

test.each([
  ["int32 bytes", tensor(3, [2], { tensorContent: bytesOf(Int32Array.of(-1, 64)) }), [-1, 64]],
  ["int64 bytes", tensor(9, [2], { tensorContent: bytesOf(BigInt64Array.of(-1n, 64n)) }), [-1, 64]],
  ["a repeated value", tensor(3, [3], { intVal: [7] }), [7, 7, 7]],
  ["a scalar", tensor(9, [], { int64Val: [5n] }), [5]],
  ["no integers", tensor(1, [1], { floatVal: [5] }), undefined],
])("integers of %s", (_, value, expected) => {
  expect(integers(value)).toEqual(expected);
});

test("new integers keep type and rank", () => {
  expect(integersLike(tensor(9, [], { int64Val: [5n] }), [3])).toMatchObject({
    dtype: 9,
    int64Val: [3n],
  });
  expect(tensorShape(integersLike(tensor(3, [1], { intVal: [5] }), [3, 4]))).toEqual([2]);
});

test("equal bytes become one value that stands for all", () => {
  const ones = tensor(1, [4], { tensorContent: bytesOf(Float32Array.of(1, 1, 1, 1)) });
  const wide = resized(ones, [1000, 1000]);
  expect(wide.floatVal).toEqual([1]);
  expect(wide.tensorContent).toHaveLength(0);
});

test("equal bytes of a type without such a field repeat", () => {
  const halves = tensor(19, [2], { tensorContent: Uint8Array.of(1, 60, 1, 60) });
  expect([...resized(halves, [3]).tensorContent]).toEqual([1, 60, 1, 60, 1, 60]);
});

test("different bytes keep their places, smaller and larger", () => {
  const matrix = tensor(4, [2, 3], { tensorContent: Uint8Array.of(1, 2, 3, 4, 5, 6) });
  expect([...resized(matrix, [3, 2]).tensorContent]).toEqual([1, 2, 4, 5, 0, 0]);
  expect([...resized(matrix, [1, 4]).tensorContent]).toEqual([1, 2, 3, 0]);
  expect([...resized(matrix, [4]).tensorContent]).toEqual([0, 0, 0, 0]);
});

test("different values in a list keep their places; the last one was repeated", () => {
  const matrix = tensor(1, [2, 2], { floatVal: [1, 2, 3] });
  expect(resized(matrix, [2, 3]).floatVal).toEqual([1, 2, 0, 3, 3, 0]);
  expect(resized(tensor(9, [2], { int64Val: [1n, 2n] }), [3]).int64Val).toEqual([1n, 2n, 0n]);
});

test("zeros are stored once", () => {
  expect(zeros(1, [4096, 4096])).toMatchObject({ dtype: 1, floatVal: [0] });
  expect(zeros(19, [4]).tensorContent).toHaveLength(0);
});
