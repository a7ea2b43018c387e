// Arrays that tell of sequences rather than hold them: which steps are there, and whose labels count. Their names say so.
import type { ArrayInfo } from "./array";
import type { NameHints } from "./names";
import type { Data, Source } from "./schema";

type StepPart = "mask" | "lengths" | "labelsMask";

const MASK = /^masks?$/;
const LENGTHS = /^(lengths?|lens)$/;

interface Named {
  readonly source: Source;
  readonly name: string;
  readonly info: ArrayInfo;
  readonly hints: NameHints;
}

/** Undefined for an array that could be samples or labels. */
export function stepPart({ info, hints }: Pick<Named, "info" | "hints">): StepPart | undefined {
  const says = (part: RegExp) => hints.words.some((word) => part.test(word));
  if (info.shape.length === 2 && says(MASK)) return hints.labels ? "labelsMask" : "mask";
  return info.shape.length === 1 && says(LENGTHS) ? "lengths" : undefined;
}

export interface StepParts {
  readonly data: Partial<Pick<Data, StepPart>>;
  /** "mask mask.npy" */
  readonly texts: readonly string[];
}

/**
 * What of `telling` goes with these labels: of the same split, and named alike. Steps are told once, and only where
 * the network can be told; a mask of labels only where each step has one.
 */
export function stepPartsOf(
  telling: readonly Named[],
  labels: Named,
  { canBeTold, perStep }: { readonly canBeTold: boolean; readonly perStep: boolean },
): StepParts {
  const beside = telling.filter(
    ({ hints }) => hints.split === labels.hints.split && ownStem(hints) === labels.hints.stem,
  );
  const find = (part: StepPart) => beside.find((one) => stepPart(one) === part);
  const steps = canBeTold ? (find("mask") ?? find("lengths")) : undefined;
  const counting = perStep && labels.info.shape.length > 1 ? find("labelsMask") : undefined;
  const found = [steps, counting].filter((one) => one !== undefined);
  return {
    data: Object.fromEntries(found.map((one) => [stepPart(one), one.source])),
    texts: found.map(
      (one) => `${stepPart(one) === "labelsMask" ? "labels mask" : stepPart(one)} ${one.name}`,
    ),
  };
}

const ownStem = ({ stem }: NameHints): string =>
  stem
    .split(" ")
    .filter((word) => !MASK.test(word) && !LENGTHS.test(word))
    .join(" ");
