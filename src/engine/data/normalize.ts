// Samples through the normalizer that a checkpoint carries, as Nd4j computes it.
import { GraftError } from "../../protocol/errors";
import type { Normalizer } from "../graph/normalizer";
import { countText, dimsText } from "./array";

/** One whose numbers are known. */
type Known = Exclude<Normalizer, { readonly kind: "unknown" }>;

/**
 * Normalizes `data`, of `shape` [samples, …], in place. `mask` [samples × time]: padded steps become zero. Throws
 * `data-shape` where the features are not the normalizer's, `data-format` where its numbers are not known.
 */
export function normalize(
  data: Float32Array,
  shape: readonly number[],
  normalizer: Normalizer,
  input: string,
  mask?: Uint8Array,
): void {
  const { scale, offset, axis } = applied(normalizer, shape, input);
  const inner = shape.slice(axis + 1).reduce((a, b) => a * b, 1);
  for (let at = 0; at < data.length; at++) {
    const feature = Math.floor(at / inner) % scale.length;
    data[at] = data[at]! * scale[feature]! + offset[feature]!;
  }
  if (mask === undefined) return;
  const row = data.length / mask.length;
  mask.forEach((present, step) => {
    if (present === 0) data.fill(0, step * row, (step + 1) * row);
  });
}

/** How `normalizer` changes samples of `shape` [samples, …]. Throws as `normalize` does. */
export function applied(normalizer: Normalizer, shape: readonly number[], input: string) {
  if (normalizer.kind === "unknown")
    throw new GraftError(
      "data-format",
      `The checkpoint carries a normalizer that Graft cannot apply: ${normalizer.reason.replace(/\.$/, "")}. Normalize the data as it does, and write "normalize": false, or --no-normalize on the command line.`,
    );
  const { scale, offset } = linear(normalizer);
  const axis = featureAxis(shape, scale.length);
  if (axis !== undefined) return { scale, offset, axis };
  throw new GraftError(
    "data-shape",
    `The checkpoint's normalizer is for ${countText(scale.length, "feature")}; input ${input} has samples of ${dimsText(shape.slice(1))}. Bind other data, or write "normalize": false, or --no-normalize on the command line.`,
  );
}

/** "standardized by the checkpoint's normalizer" */
export const normalizerText = ({ kind }: Normalizer): string =>
  ({
    standardize: "standardized by the checkpoint's normalizer",
    minMax: "scaled by the checkpoint's normalizer",
    unknown: "the checkpoint's normalizer is not one that Graft applies",
  })[kind];

/** x · scale + offset */
function linear(normalizer: Known): { scale: readonly number[]; offset: readonly number[] } {
  if (normalizer.kind === "standardize") {
    const scale = normalizer.std.map((std) => 1 / std);
    return { scale, offset: normalizer.mean.map((mean, i) => -mean * scale[i]!) };
  }
  const { min, max, from, to } = normalizer;
  const scale = min.map((least, i) => (to - from) / (max[i]! - least));
  return { scale, offset: min.map((least, i) => from - least * scale[i]!) };
}

/** Images of a network with a normalizer have their channels first, all else its features last. */
function featureAxis(shape: readonly number[], features: number): number | undefined {
  const last = shape.length - 1;
  if (features === 1 || (shape.length === 4 && shape[1] === features)) return 1;
  return shape[last] === features ? last : undefined;
}
