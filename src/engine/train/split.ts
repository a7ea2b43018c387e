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

/** The order in which an epoch uses the training samples. */
export function epochOrder(
  training: Int32Array,
  seed: number,
  phase: number,
  epoch: number,
): Int32Array {
  const order = permutation(training.length, randomStream(seed, ["shuffle", phase, epoch]));
  return order.map((place) => training[place]);
}
