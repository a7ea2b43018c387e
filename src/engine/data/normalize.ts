// Samples through the normalizer that a checkpoint carries, as Nd4j computes it.
import { GraftError } from "../../protocol/errors";
import type { Normalizer } from "../graph/normalizer";
import { countText, dimsText } from "./array";

/** Normalizes `data`, of `shape` [samples, …], in place. `mask` [samples × time]: padded steps become zero. */
export function normalize(
  data: Float32Array,
  shape: readonly number[],
  normalizer: Normalizer,
  input: string,
  mask?: Uint8Array,
): void {
  const { scale, offset } = linear(normalizer);
  const axis = featureAxis(shape, scale.length);
  if (axis === undefined)
    throw new GraftError(
      "data-shape",
      `The checkpoint's normalizer is for ${countText(scale.length, "feature")}; input ${input} has samples of ${dimsText(shape.slice(1))}. Bind other data, or write "normalize": false.`,
    );
  const inner = shape.slice(axis + 1).reduce((a, b) => a * b, 1);
  const features = scale.length;
  for (let at = 0; at < data.length; at++) {
    const feature = features === 1 ? 0 : Math.floor(at / inner) % features;
    data[at] = data[at]! * scale[feature]! + offset[feature]!;
  }
  if (mask === undefined) return;
  const row = data.length / mask.length;
  mask.forEach((present, step) => {
    if (present === 0) data.fill(0, step * row, (step + 1) * row);
  });
}

/** "standardized with the checkpoint's normalizer" */
export const normalizerText = ({ kind }: Normalizer): string =>
  kind === "standardize"
    ? "standardized by the checkpoint's normalizer"
    : "scaled by the checkpoint's normalizer";

/** x · scale + offset; a feature that never varied is only shifted. */
function linear(normalizer: Normalizer): { scale: readonly number[]; offset: readonly number[] } {
  if (normalizer.kind === "standardize") {
    const scale = normalizer.std.map((std) => (std === 0 ? 1 : 1 / std));
    return { scale, offset: normalizer.mean.map((mean, i) => -mean * scale[i]!) };
  }
  const { min, max, from, to } = normalizer;
  const scale = min.map((least, i) => (to - from) / (max[i]! === least ? 1 : max[i]! - least));
  return { scale, offset: min.map((least, i) => from - least * scale[i]!) };
}

/** Images of a network with a normalizer have their channels first, all else its features last. */
function featureAxis(shape: readonly number[], features: number): number | undefined {
  const last = shape.length - 1;
  if (features === 1 || (shape.length === 4 && shape[1] === features)) return 1;
  return shape[last] === features ? last : undefined;
}
