// When numbers that were computed in two ways count as equal: rounding adds up, and more so for larger numbers.

/** Times 1 + |number|. */
const TOLERANCE = 1e-5;

export const TOLERANCE_TEXT = `${TOLERANCE.toExponential()} × (1 + |number|)`;

export interface Difference {
  /** Largest absolute difference; infinite where a number is none. */
  readonly largest: number;
  readonly withinTolerance: boolean;
}

/** Both have as many numbers. */
export function difference(a: ArrayLike<number>, b: ArrayLike<number>): Difference {
  let largest = 0;
  let withinTolerance = true;
  for (let index = 0; index < b.length; index++) {
    const apart = Math.abs(a[index] - b[index]);
    // NaN compares false with everything.
    if (!(apart <= TOLERANCE * (1 + Math.abs(b[index])))) withinTolerance = false;
    largest = Number.isNaN(apart) ? Infinity : Math.max(largest, apart);
  }
  return { largest, withinTolerance };
}

/** "3.1e-8", "9.26"; "0" is exactly 0. */
export const apart = (value: number): string =>
  value > 0 && value < 1e-3 ? value.toExponential(1) : String(Number(value.toPrecision(3)));
