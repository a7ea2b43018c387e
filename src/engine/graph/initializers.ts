// Fresh numbers for new units and layers, with the formulas of TensorFlow's initializers.
import type { Initializer } from "./model";
import type { RandomStream } from "./random";

export interface Fan {
  readonly in: number;
  readonly out: number;
}

/** Truncated normal: values beyond two standard deviations are drawn again, as TensorFlow does. */
function truncatedNormal(random: RandomStream): number {
  let value = random.normal();
  while (Math.abs(value) > 2) value = random.normal();
  return value;
}

/** Standard deviation of a standard normal truncated at ±2; TensorFlow's variance scaling divides by it. */
const TRUNCATED_DEVIATION = 0.87962566103423978;

const FILL: Record<Initializer, (fan: Fan, random: RandomStream) => number> = {
  zeros: () => 0,
  ones: () => 1,
  // Glorot & Bengio 2010: U(−a, a), a = √(6 / (fan in + fan out)); what `fully_connected` starts from.
  glorotUniform: (fan, random) => (2 * random.uniform() - 1) * Math.sqrt(6 / (fan.in + fan.out)),
  // He et al. 2015: truncated N(0, 2 / fan in).
  heNormal: (fan, random) =>
    (truncatedNormal(random) * Math.sqrt(2 / fan.in)) / TRUNCATED_DEVIATION,
};

/** `count` fresh float32 numbers. `fan`: the number of inputs and outputs of one unit. */
export function initialize(
  initializer: Initializer,
  count: number,
  fan: Fan,
  random: RandomStream,
): Float32Array {
  const fill = FILL[initializer];
  return Float32Array.from({ length: count }, () => fill(fan, random));
}
