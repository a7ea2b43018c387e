// The recipe's data bound to the graph: which array feeds which input, as what, and the labels as the loss compares them.
import { GraftError } from "../../protocol/errors";
import type { ModelInput } from "../graph/inputs";
import type { Normalizer } from "../graph/normalizer";
import type { LabelTarget } from "../graph/target";
import { countText, infoText, listText, rowCount } from "./array";
import { bindInputs, type BoundInputs, refuseOtherLengths, title } from "./bindInputs";
import { bindLabels, type BoundLabels, labelsNoSteps, layoutOfLabels } from "./bindLabels";
import type { Data, Source } from "./schema";
import { type LoadedInfo, loadSource, sourceFiles } from "./sources";
import { readMask } from "./steps";

/** `bound` has a line for the labels, too. */
export type BoundData = BoundInputs & BoundLabels;

/** What data is bound to. */
export interface Network {
  /** Those of the loss among them: a mask of labels. */
  readonly inputs: readonly ModelInput[];
  readonly target: LabelTarget;
  readonly normalizer?: Normalizer | undefined;
}

/** Reads the data of a recipe in the folder `base` and binds it to a network. */
export async function bindData(
  data: Data,
  base: string,
  { inputs, target, normalizer }: Network,
): Promise<BoundData> {
  const labels = await loadSource(data.labels, base, {
    values: target.kind === "values" && data.classes === undefined ? "numbers" : "labels",
  });
  checkLabelsThere(labels);
  const of = await bindInputs(data, base, inputs, {
    normalizer,
    except: (source) => labelColumns(data.labels, source, base),
    beside: layoutOfLabels(labels, target),
  });
  checkLabelCount(labels, of);
  const { lengths } = labels;
  const perStep = target.steps !== undefined && lengths?.some((length) => length > 1);
  if (perStep && lengths !== undefined && of.lengths !== undefined)
    refuseOtherLengths(of.lengths, { name: title(labels), lengths });
  const masks = inputs.filter(({ part }) => part === "labelsMask");
  const bound = bindLabels(labels, target, data.classes, {
    ...of,
    masksLabels: masks.length > 0,
    ...(await labelsMaskOf(data, base, of, { target, masks })),
  });
  const meaning = bound.classes.length > 0 ? ` → ${listText(bound.classes)}` : "";
  const line = `labels: ${title(labels)}, ${infoText(labels.array)}${meaning}`;
  const fed = new Map(of.inputs);
  const { labelsMask, labelsPerSample } = bound;
  for (const { name, optional } of masks) {
    if (fed.has(name) || (optional && labelsMask === undefined)) continue;
    const values = labelsMask ?? new Uint8Array(of.samples * labelsPerSample).fill(1);
    fed.set(name, { shape: [of.samples, labelsPerSample], data: Float32Array.from(values) });
  }
  return { ...of, ...bound, inputs: fed, bound: [...of.bound, line] };
}

export function checkLabelsThere({ array, name }: LoadedInfo): void {
  if (rowCount(array) !== 0) return;
  throw new GraftError(
    "data-missing",
    `${name} holds no labels (${infoText(array)}). Name a file with a label for each sample.`,
  );
}

export function checkLabelCount(
  labels: LoadedInfo,
  { samples, first }: Pick<BoundInputs, "samples" | "first">,
): void {
  const own = rowCount(labels.array);
  if (own === samples) return;
  throw new GraftError(
    "data-shape",
    `${first} has ${countText(samples, "sample")}, the labels ${title(labels)} ${own.toLocaleString("en-US")}. Each sample needs one label, in the same order.`,
  );
}

/** What the recipe says of the labels that count: by itself, or as data for the loss' own input. */
async function labelsMaskOf(
  { labelsMask }: Data,
  base: string,
  { inputs, samples, steps = 1 }: BoundInputs,
  { target, masks }: { target: LabelTarget; masks: readonly ModelInput[] },
): Promise<{ readonly labelsMask?: Uint8Array }> {
  if (labelsMask !== undefined && target.steps === undefined) throw labelsNoSteps();
  if (labelsMask !== undefined)
    return { labelsMask: readMask(await loadSource(labelsMask, base), samples, steps) };
  const named = masks.map(({ name }) => inputs.get(name)).find((each) => each !== undefined);
  // A loss may weigh them: what has any weight counts.
  return named === undefined
    ? {}
    : { labelsMask: Uint8Array.from(named.data, (weight) => Number(weight !== 0)) };
}

/** Columns of the input's file that hold the labels. */
export function labelColumns(labels: Source, input: Source, base: string): readonly string[] {
  if (typeof labels === "string" || labels.columns === undefined) return [];
  if (sourceFiles(labels, base).join("\n") !== sourceFiles(input, base).join("\n")) return [];
  return typeof labels.columns === "string" ? [labels.columns] : labels.columns;
}
