// Which samples train and which only measure.
import { permutation, randomStream } from "../graph/random";

export interface Split {
  readonly training: Int32Array;
  readonly validation: Int32Array;
}

/** `fraction` of the samples, chosen by the seed, is kept out of training; at least one of each where both are wanted. */
export function split(samples: number, fraction: number, seed: number): Split {
  const kept =
    fraction === 0 || samples < 2
      ? 0
      : Math.min(samples - 1, Math.max(1, Math.round(samples * fraction)));
  const order = permutation(samples, randomStream(seed, ["validation split"]));
  return {
    validation: order.slice(0, kept).sort(),
    training: order.slice(kept).sort(),
  };
}

/** Neighbours in a window of the shuffle come from so many places. */
const BLOCKS_PER_WINDOW = 256;

/**
 * The order in which an epoch uses the training samples: a random permutation of all, where `window` holds them. Of more,
 * blocks of consecutive samples are shuffled, and then the samples of each window, so that a window is read in few pieces.
 * The order depends on nothing but the arguments: it is the same for cached and uncached training.
 */
export function epochOrder(
  training: Int32Array,
  seed: number,
  phase: number,
  epoch: number,
  window: number,
): Int32Array {
  const random = randomStream(seed, ["shuffle", phase, epoch]);
  if (training.length <= window)
    return permutation(training.length, random).map((place) => training[place]);
  const size = Math.ceil(window / BLOCKS_PER_WINDOW);
  const order = new Int32Array(training.length);
  let filled = 0;
  for (const block of permutation(Math.ceil(training.length / size), random)) {
    const samples = training.subarray(block * size, (block + 1) * size);
    order.set(samples, filled);
    filled += samples.length;
  }
  for (let start = 0; start < order.length; start += window) {
    const part = order.slice(start, start + window);
    order.set(
      permutation(part.length, random).map((place) => part[place]),
      start,
    );
  }
  return order;
}
