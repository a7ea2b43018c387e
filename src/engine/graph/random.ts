// The one source of randomness: counter-based, so that any number can be had without those before it.
// Philox4x32-10 (Salmon et al., "Parallel random numbers: as easy as 1, 2, 3", SC'11).
// A stream is named by what it is for; the same seed and name give the same numbers on every machine.

const MULTIPLIER_0 = 0xd2511f53;
const MULTIPLIER_1 = 0xcd9e8d57;
const WEYL_0 = 0x9e3779b9;
const WEYL_1 = 0xbb67ae85;
const ROUNDS = 10;

/** High 32 bits of the 64-bit product of two 32-bit integers, in integers that stay within 32 bits. */
function multiplyHigh(a: number, b: number): number {
  const aLow = a & 0xffff;
  const aHigh = a >>> 16;
  const bLow = b & 0xffff;
  const bHigh = b >>> 16;
  const middle = (Math.imul(aHigh, bLow) + (Math.imul(aLow, bLow) >>> 16)) | 0;
  const carried = (Math.imul(aLow, bHigh) + (middle & 0xffff)) | 0;
  return (Math.imul(aHigh, bHigh) + (middle >>> 16) + (carried >>> 16)) | 0;
}

/** One Philox4x32-10 block: four 32-bit numbers out of a 128-bit counter and a 64-bit key. */
export function philox(
  counter: readonly [number, number, number, number],
  key: readonly [number, number],
): number[] {
  const block = Uint32Array.from(counter);
  philoxInto(block, key);
  return [...block];
}

/** Replaces a counter by its block. */
function philoxInto(block: Uint32Array, key: readonly [number, number]): void {
  let c0 = block[0] | 0;
  let c1 = block[1] | 0;
  let c2 = block[2] | 0;
  let c3 = block[3] | 0;
  let k0 = key[0] | 0;
  let k1 = key[1] | 0;
  for (let round = 0; round < ROUNDS; round++) {
    const high0 = multiplyHigh(MULTIPLIER_0, c0);
    const low0 = Math.imul(MULTIPLIER_0, c0);
    const high1 = multiplyHigh(MULTIPLIER_1, c2);
    const low1 = Math.imul(MULTIPLIER_1, c2);
    c0 = high1 ^ c1 ^ k0;
    c1 = low1;
    c2 = high0 ^ c3 ^ k1;
    c3 = low0;
    k0 = (k0 + WEYL_0) | 0;
    k1 = (k1 + WEYL_1) | 0;
  }
  block[0] = c0;
  block[1] = c1;
  block[2] = c2;
  block[3] = c3;
}

/** FNV-1a over UTF-8, 32 bits: spreads stream names over the counter space. */
function hashName(name: string, basis: number): number {
  let hash = basis;
  for (const byte of new TextEncoder().encode(name))
    hash = Math.imul(hash ^ byte, 0x01000193) >>> 0;
  return hash;
}

/** A stream of random numbers named by its purpose. */
export interface RandomStream {
  /** Uniform in [0, 2³²). */
  uint32(): number;
  /** Uniform in [0, 1), 24 bits: every value is exact in float32. */
  uniform(): number;
  /** Standard normal (Box–Muller). */
  normal(): number;
  /** Uniform integer in [0, limit), without bias. */
  below(limit: number): number;
}

/**
 * The stream for `purpose`, e.g. `["shuffle", phase, epoch]`. Equal seeds and purposes give equal numbers;
 * different purposes give independent ones.
 */
export function randomStream(seed: number, purpose: readonly (string | number)[]): RandomStream {
  const name = purpose.join("\u0000");
  const key = [seed >>> 0, Math.floor(seed / 2 ** 32) >>> 0] as const;
  const high = hashName(name, 0x811c9dc5);
  const low = hashName(name, 0x6c62272e);
  const block = new Uint32Array(4);
  let used = 4;
  let counter = 0;
  const uint32 = () => {
    if (used === 4) {
      block[0] = counter;
      block[1] = counter / 2 ** 32;
      block[2] = low;
      block[3] = high;
      philoxInto(block, key);
      counter++;
      used = 0;
    }
    return block[used++];
  };
  const uniform = () => (uint32() >>> 8) / 2 ** 24;
  let spare: number | undefined;
  return {
    uint32,
    uniform,
    normal() {
      if (spare !== undefined) {
        const value = spare;
        spare = undefined;
        return value;
      }
      const radius = Math.sqrt(-2 * Math.log(1 - uniform()));
      const angle = 2 * Math.PI * uniform();
      spare = radius * Math.sin(angle);
      return radius * Math.cos(angle);
    },
    below(limit) {
      // Lemire's way: the high half of a product, drawn again where the low half would favour a number.
      let value = uint32();
      let low = Math.imul(value, limit) >>> 0;
      if (low < limit) {
        const unfair = 2 ** 32 % limit;
        while (low < unfair) {
          value = uint32();
          low = Math.imul(value, limit) >>> 0;
        }
      }
      return multiplyHigh(value, limit) >>> 0;
    },
  };
}

/** The first `count` uniform numbers in [0, 1) of a stream. */
export function uniforms(
  seed: number,
  purpose: readonly (string | number)[],
  count: number,
): Float32Array {
  const random = randomStream(seed, purpose);
  const numbers = new Float32Array(count);
  for (let index = 0; index < count; index++) numbers[index] = random.uniform();
  return numbers;
}

/** A uniformly random permutation of 0 … n−1 (Fisher–Yates). */
export function permutation(n: number, random: RandomStream): Int32Array {
  const order = new Int32Array(n);
  for (let index = 0; index < n; index++) order[index] = index;
  for (let last = n - 1; last > 0; last--) {
    const other = random.below(last + 1);
    const moved = order[last];
    order[last] = order[other];
    order[other] = moved;
  }
  return order;
}
