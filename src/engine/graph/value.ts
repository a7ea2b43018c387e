// Evaluates the lazy values of variables: the only place where a plan becomes numbers.
import type { DType } from "../../protocol/checkpoint";
import { GraftError } from "../../protocol/errors";
import { fromFloat32, toFloat32 } from "./dtypes";
import { initialize } from "./initializers";
import { elements, type Value, type Variable } from "./model";
import { randomStream } from "./random";

/**
 * Little-endian bytes, in C order, of the tensor that the checkpoint stores under `name`; the recipe's own checkpoint,
 * unless it names another.
 */
export type ReadStored = (name: string, checkpoint?: string) => Promise<Uint8Array>;

/**
 * The little-endian bytes of a variable's value, in C order. `seed` decides the fresh numbers.
 * A value that is stored as a whole is returned byte for byte.
 */
export function evaluate(variable: Variable, read: ReadStored, seed: number): Promise<Uint8Array> {
  return evaluateValue(variable.value, variable, read, seed);
}

async function evaluateValue(
  value: Value,
  variable: Variable,
  read: ReadStored,
  seed: number,
): Promise<Uint8Array> {
  switch (value.from) {
    case "stored":
      return read(value.name, value.checkpoint);
    case "initializer": {
      // A variable that gets another name keeps its numbers.
      const name = value.drawnFor ?? variable.origin ?? variable.name;
      const random = randomStream(seed, ["initializer", name, value.key]);
      const fan = { in: value.fanIn, out: value.fanOut };
      const numbers = initialize(value.initializer, value.shape, fan, random);
      return fromFloat32(numbers, variable.dtype);
    }
    case "concat": {
      const parts: Uint8Array[] = [];
      for (const part of value.parts) parts.push(await evaluateValue(part, variable, read, seed));
      return concatenate(parts, value.shapes, value.axis, variable);
    }
    case "take":
      return take(await evaluateValue(value.part, variable, read, seed), value);
    case "sum": {
      const part = await evaluateValue(value.part, variable, read, seed);
      return fromFloat32(sums(toFloat32(part, variable.dtype), value), variable.dtype);
    }
    case "scale": {
      const numbers = toFloat32(
        await evaluateValue(value.part, variable, read, seed),
        variable.dtype,
      );
      return fromFloat32(scaled(numbers, value), variable.dtype);
    }
    case "power": {
      const part = await evaluateValue(value.part, variable, read, seed);
      const powers = toFloat32(part, variable.dtype).map((number) => value.base ** number);
      return fromFloat32(powers, variable.dtype);
    }
    case "transpose":
      return transposed(await evaluateValue(value.part, variable, read, seed), value);
  }
}

/** Joins C-ordered tensors along an axis. */
function concatenate(
  parts: readonly Uint8Array[],
  shapes: readonly (readonly number[])[],
  axis: number,
  variable: { readonly name: string; readonly dtype: DType },
): Uint8Array {
  const outer = elements(shapes[0].slice(0, axis));
  const strides = parts.map((part, index) => {
    if (outer > 0 && part.length % outer === 0) return part.length / outer;
    throw new GraftError(
      "internal",
      `cannot join part ${index} of ${variable.name}: ${part.length} bytes in ${outer} rows`,
    );
  });
  const row = strides.reduce((sum, stride) => sum + stride, 0);
  const joined = new Uint8Array(outer * row);
  for (let index = 0, at = 0; index < outer; index++) {
    parts.forEach((part, which) => {
      joined.set(part.subarray(index * strides[which], (index + 1) * strides[which]), at);
      at += strides[which];
    });
  }
  return joined;
}

/** Slices of a C-ordered tensor. */
function take(
  bytes: Uint8Array,
  { axis, indices, shape }: Extract<Value, { from: "take" }>,
): Uint8Array {
  const outer = elements(shape.slice(0, axis));
  const slice = bytes.length / Math.max(1, outer * shape[axis]);
  const taken = new Uint8Array(outer * indices.length * slice);
  for (let row = 0, at = 0; row < outer; row++)
    for (const index of indices) {
      const start = (row * shape[axis] + index) * slice;
      taken.set(bytes.subarray(start, start + slice), at);
      at += slice;
    }
  return taken;
}

function sums(
  numbers: Float32Array,
  { axis, terms, shape }: Extract<Value, { from: "sum" }>,
): Float32Array {
  const outer = elements(shape.slice(0, axis));
  const inner = elements(shape.slice(axis + 1));
  const result = new Float32Array(outer * terms.length * inner);
  for (let row = 0; row < outer; row++)
    terms.forEach((indices, place) => {
      const to = (row * terms.length + place) * inner;
      for (const index of indices) {
        const from = (row * shape[axis] + index) * inner;
        for (let at = 0; at < inner; at++) result[to + at] += numbers[from + at];
      }
    });
  return result;
}

function scaled(
  numbers: Float32Array,
  { axis, factors, shape }: Extract<Value, { from: "scale" }>,
): Float32Array {
  const inner = elements(shape.slice(axis + 1));
  return numbers.map((number, index) => number * factors[Math.floor(index / inner) % shape[axis]]);
}

/** The bytes of a C-ordered tensor in another order of axes. */
function transposed(
  bytes: Uint8Array,
  { permutation, shape }: Extract<Value, { from: "transpose" }>,
): Uint8Array {
  const size = bytes.length / Math.max(1, elements(shape));
  const strides = shape.map((_, axis) => elements(shape.slice(axis + 1)) * size);
  const result = new Uint8Array(bytes.length);
  let to = 0;
  const walk = (place: number, from: number): void => {
    if (place === permutation.length) {
      result.set(bytes.subarray(from, from + size), to);
      to += size;
      return;
    }
    const axis = permutation[place];
    for (let index = 0; index < shape[axis]; index++) walk(place + 1, from + index * strides[axis]);
  };
  walk(0, 0);
  return result;
}
