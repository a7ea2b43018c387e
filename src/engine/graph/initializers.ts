// Fresh numbers for new units and layers, with the formulas of TensorFlow's initializers.
import { elements, type Initializer, type Shape } from "./model";
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

const FILL: Record<Exclude<Initializer, "identity">, (fan: Fan, random: RandomStream) => number> = {
  zeros: () => 0,
  ones: () => 1,
  // Glorot & Bengio 2010: U(−a, a), a = √(6 / (fan in + fan out)); what `fully_connected` starts from.
  glorotUniform: (fan, random) => (2 * random.uniform() - 1) * Math.sqrt(6 / (fan.in + fan.out)),
  // He et al. 2015: truncated N(0, 2 / fan in).
  heNormal: (fan, random) =>
    (truncatedNormal(random) * Math.sqrt(2 / fan.in)) / TRUNCATED_DEVIATION,
};

/** Fresh float32 numbers in C order. `fan`: the number of inputs and outputs of one unit. */
export function initialize(
  initializer: Initializer,
  shape: Shape,
  fan: Fan,
  random: RandomStream,
): Float32Array {
  if (initializer === "identity") return identity(shape);
  const fill = FILL[initializer];
  return Float32Array.from({ length: elements(shape) }, () => fill(fan, random));
}

/** A kernel [..., in, out] that passes input i on as unit i: of a convolution, the window's centre. */
function identity(shape: Shape): Float32Array {
  const numbers = new Float32Array(elements(shape));
  const [inputs, units] = shape.slice(-2);
  const window = shape.slice(0, -2);
  const centre = window.reduce((at, size) => at * size + Math.floor((size - 1) / 2), 0);
  for (let unit = 0; unit < Math.min(inputs, units); unit++)
    numbers[(centre * inputs + unit) * units + unit] = 1;
  return numbers;
}
