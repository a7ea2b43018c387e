// Samples in memory, and mini-batches of them as tensors.
import { elements, type Shape } from "../graph/model";
import { tf, type Tensor } from "../ops/tf";

/** What is fed to one node, for every sample. */
export interface SampleArray {
  readonly node: string;
  /** Shape of one sample. */
  readonly shape: Shape;
  readonly data: Float32Array | Int32Array;
}

/** The rows of `array` at `indices`, as one typed array: a view where they lie one after the other. Not to be written to. */
export function gatherRows(
  array: SampleArray,
  indices: ArrayLike<number>,
): Float32Array | Int32Array {
  const width = elements(array.shape);
  const length = indices.length * width;
  if (areConsecutive(indices)) {
    const from = (indices[0] ?? 0) * width;
    return array.data.subarray(from, from + length);
  }
  const rows =
    array.data instanceof Float32Array ? new Float32Array(length) : new Int32Array(length);
  for (let row = 0; row < indices.length; row++) {
    const from = indices[row] * width;
    rows.set(array.data.subarray(from, from + width), row * width);
  }
  return rows;
}

function areConsecutive(indices: ArrayLike<number>): boolean {
  for (let row = 1; row < indices.length; row++)
    if (indices[row] !== indices[0] + row) return false;
  return true;
}

/** Feeds for the samples at `indices`, by node. */
export function gather(
  arrays: readonly SampleArray[],
  indices: ArrayLike<number>,
): Map<string, Tensor> {
  const feeds = new Map<string, Tensor>();
  for (const array of arrays) {
    const rows = gatherRows(array, indices);
    const dtype = rows instanceof Float32Array ? "float32" : "int32";
    feeds.set(array.node, tf.tensor(rows, [indices.length, ...array.shape], dtype));
  }
  return feeds;
}

/** Consecutive slices of `order`, each of `size` but the last, which holds what remains. */
export function* batches(order: Int32Array, size: number): Generator<Int32Array> {
  for (let start = 0; start < order.length; start += size)
    yield order.subarray(start, Math.min(start + size, order.length));
}
