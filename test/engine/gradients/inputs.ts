// Inputs of gradient cases: numbers by pattern, the same everywhere.

/** How the numbers of an input come about. */
export type Pattern =
  /** Both signs, no two alike. */
  | "mixed"
  | "positive"
  | "negative"
  | "constant"
  | "zeros"
  /** −1, 0, 1 and 2, many times. */
  | "ties"
  /** Around the places where activation functions bend, and far out. */
  | "edges"
  /** Sums to 1 along the last axis. */
  | "shares"
  | readonly number[];

export interface Input {
  readonly shape: readonly number[];
  readonly dtype: "float32" | "int32" | "bool";
  readonly pattern: Pattern;
  /** Has a gradient. */
  readonly moves: boolean;
}

const EDGES = [-100, -20, -3, -1, -0.5, 0, 0.5, 1, 3, 5.5, 6, 6.5, 20, 100];

const wave = (index: number, seed: number): number => Math.sin(1.7 * index + 2.3 * seed + 0.4);

const NAMED = {
  mixed: (index, seed) => wave(index, seed) + 0.3 * wave(index * index, seed + 1),
  positive: (index, seed) => 1.1 + wave(index, seed),
  negative: (index, seed) => -1.1 + wave(index, seed),
  constant: () => 0.75,
  zeros: () => 0,
  ties: (index, seed) => Math.floor(2 * wave(index * 3, seed) + 0.5),
  edges: (index) => EDGES[index % EDGES.length]!,
} as const satisfies Record<string, (index: number, seed: number) => number>;

const count = (shape: readonly number[]) => shape.reduce((product, size) => product * size, 1);

function numbers(shape: readonly number[], pattern: Pattern, seed: number): number[] {
  if (typeof pattern === "object") return [...pattern];
  const make = (each: keyof typeof NAMED) =>
    Array.from({ length: count(shape) }, (_, index) => Math.fround(NAMED[each](index, seed)));
  if (pattern !== "shares") return make(pattern);
  const parts = make("positive");
  const width = shape.at(-1)!;
  return parts.map((part, index) => {
    const row = index - (index % width);
    return Math.fround(part / parts.slice(row, row + width).reduce((sum, each) => sum + each));
  });
}

/** An input that the gradient is taken of. */
export const x = (shape: readonly number[], pattern: Pattern = "mixed"): Input => ({
  shape,
  dtype: "float32",
  pattern,
  moves: true,
});

/** An input that stays as it is. */
export const fixed = (
  dtype: Input["dtype"],
  shape: readonly number[],
  pattern: Pattern,
): Input => ({ shape, dtype, pattern, moves: false });

/** The numbers of input `index` of a case, in C order: two inputs of the same pattern differ. */
export const valuesOf = ({ shape, pattern }: Input, index: number): number[] =>
  numbers(shape, pattern, index + 1);

/** Weights of a case's outputs: what the gradient comes back from. */
export const weights = (size: number): Float32Array =>
  Float32Array.from({ length: size }, (_, index) => 0.2 + wave(index, 5));

/** Uniform numbers in [0, 1). */
export const uniform = (size: number): Float32Array =>
  Float32Array.from({ length: size }, (_, index) => Math.abs(Math.sin(12.9 * index + 1)) % 1);
