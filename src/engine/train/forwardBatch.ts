// How many samples go through a network at once.
import { elements, type Model } from "../graph/model";
import type { Path } from "../ops/run";

/** Bytes that the largest activation of a batch may take. Larger batches no longer fit into the processor's cache. */
const ACTIVATION_BYTES = 16 * 2 ** 20;
/** More at once are not faster. */
const MOST = 1000;

/** As many samples as memory allows: the widest activation on the path decides. */
export function forwardBatch(model: Model, { nodes }: Path): number {
  const widths = nodes.map(({ name }) => {
    const sample = (model.shapes.get(name) ?? []).slice(1);
    // What is not known before it runs counts for nothing.
    return sample.every((length) => length >= 0) ? elements(sample) : 1;
  });
  const bytes = Math.max(1, ...widths) * Float32Array.BYTES_PER_ELEMENT;
  return Math.max(1, Math.min(MOST, Math.floor(ACTIVATION_BYTES / bytes)));
}
