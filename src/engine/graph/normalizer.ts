// What samples went through before the network was trained on them: it belongs to the network as much as its weights do.

/** Numbers are per feature, or per channel of images; a single one is for all. */
export type Normalizer =
  /** (x − mean) / std */
  | {
      readonly kind: "standardize";
      readonly mean: readonly number[];
      readonly std: readonly number[];
    }
  | {
      readonly kind: "minMax";
      /** What the data had. */
      readonly min: readonly number[];
      readonly max: readonly number[];
      /** What it becomes. */
      readonly from: number;
      readonly to: number;
    }
  /** One that cannot be applied: data must not be fed as if there were none. */
  | { readonly kind: "unknown"; readonly reason: string };

/** Whether it has the same numbers for every feature, so that it goes with any number of them. */
export function fitsAnyFeatures(normalizer: Normalizer): boolean {
  switch (normalizer.kind) {
    case "standardize":
      return normalizer.mean.length === 1;
    case "minMax":
      return normalizer.min.length === 1;
    case "unknown":
      return false;
  }
}
