// Samples for networks of Deeplearning4j, in its order of axes: the same in every run.
import type { JavaArray } from "./dl4j";

/** Numbers between −1 and 1. */
export function numbers(...shape: readonly number[]): JavaArray {
  const count = shape.reduce((product, size) => product * size, 1);
  return { shape, values: Array.from({ length: count }, (_, at) => ((at * 37) % 101) / 50 - 1) };
}

/** Class `row % classes` for each row; of every step, where there are steps. */
export function classes(rows: number, count: number, steps?: number): JavaArray {
  const shape = steps === undefined ? [rows, count] : [rows, count, steps];
  const length = steps ?? 1;
  const values = new Array<number>(rows * count * length).fill(0);
  for (let row = 0; row < rows; row++)
    for (let step = 0; step < length; step++)
      values[(row * count + (row % count)) * length + step] = 1;
  return { shape, values };
}
