// Evaluates the lazy values of variables: the only place where a plan becomes numbers.
import type { DType } from "../../protocol/checkpoint";
import { GraftError } from "../../protocol/errors";
import { fromFloat32 } from "./dtypes";
import { initialize } from "./initializers";
import { elements, type Value, type Variable } from "./model";
import { randomStream } from "./random";

/** Little-endian bytes, in C order, of the tensor that the checkpoint stores under `name`. */
export type ReadStored = (name: string) => Promise<Uint8Array>;

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
      return read(value.name);
    case "initializer": {
      const random = randomStream(seed, ["initializer", variable.name, value.key]);
      const fan = { in: value.fanIn, out: value.fanOut };
      const numbers = initialize(value.initializer, elements(value.shape), fan, random);
      return fromFloat32(numbers, variable.dtype);
    }
    case "concat": {
      const parts: Uint8Array[] = [];
      for (const part of value.parts) parts.push(await evaluateValue(part, variable, read, seed));
      return concatenate(parts, value.shapes, value.axis, variable);
    }
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
