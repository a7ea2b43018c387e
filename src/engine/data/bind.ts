// The recipe's data bound to the graph: which array feeds which input, as what, and the labels as class indices.
import { GraftError } from "../../protocol/errors";
import { countText, infoText, listText, rowCount } from "./array";
import { assignSources } from "./assign";
import { type BoundInput, convertInput, type ModelInput } from "./inputs";
import { classIndices, targetValues } from "./labels";
import type { Data, Source } from "./schema";
import { type Loaded, loadSource, sourceFile } from "./sources";

/** What the loss compares the output with. */
export type LabelTarget =
  /** One class per sample: the output has so many units. */
  | { readonly kind: "classes"; readonly classes: number }
  /** Numbers of the output's shape [-1, …]: mean squared error, or elementwise sigmoid. */
  | { readonly kind: "values"; readonly shape: readonly number[] };

export interface BoundData {
  /** By the input's name. */
  readonly inputs: ReadonlyMap<string, BoundInput>;
  /** Class indices, or the values of a "values" target in C order. */
  readonly labels: Int32Array | Float32Array;
  /** Name of each class, by index; empty for values. */
  readonly classes: readonly string[];
  readonly samples: number;
  /** "X: X_train.npy, 896 × 64 float32", a line per input and one for the labels. */
  readonly bound: readonly string[];
}

/** Reads the data of a recipe in the folder `base` and binds it to `inputs` and the loss' `target`. */
export async function bindData(
  data: Data,
  base: string,
  inputs: readonly ModelInput[],
  target: LabelTarget,
): Promise<BoundData> {
  const sources = assignSources(data.inputs, inputs);
  const labels = await loadSource(data.labels, base, {
    values: target.kind === "values" && data.classes === undefined ? "numbers" : "labels",
  });
  const samples = rowCount(labels.array);
  if (samples === 0) {
    throw new GraftError(
      "data-missing",
      `${labels.name} holds no labels (${infoText(labels.array)}). Name a file with a label for each sample.`,
    );
  }

  const boundInputs = new Map<string, BoundInput>();
  const bound: string[] = [];
  for (const [input, source] of sources) {
    const except = labelColumns(data.labels, source, base);
    const loaded = await loadSource(source, base, { except });
    const { how, ...values } = convertInput(loaded.array, loaded.name, input);
    if (rowCount(loaded.array) !== samples) {
      throw new GraftError(
        "data-shape",
        `${title(loaded)} has ${countText(rowCount(loaded.array), "sample")}, the labels ${title(labels)} ${samples.toLocaleString("en-US")}. Each sample needs one label, in the same order.`,
      );
    }
    boundInputs.set(input.name, values);
    const only = inputs.length === 1 ? " (the only input)" : "";
    bound.push(`${input.name}: ${title(loaded)}, ${how}${only}`);
  }

  const { values, classes } = bindLabels(labels, target, data.classes);
  const meaning = classes.length > 0 ? ` → ${listText(classes)}` : "";
  bound.push(`labels: ${title(labels)}, ${infoText(labels.array)}${meaning}`);
  return { inputs: boundInputs, labels: values, classes, samples, bound };
}

const title = ({ name, note }: Loaded): string => (note === undefined ? name : `${name} (${note})`);

/** Columns of the input's file that hold the labels. */
function labelColumns(labels: Source, input: Source, base: string): readonly string[] {
  if (typeof labels === "string" || labels.columns === undefined) return [];
  if (sourceFile(labels, base) !== sourceFile(input, base)) return [];
  return typeof labels.columns === "string" ? [labels.columns] : labels.columns;
}

function bindLabels(
  { array, name }: Loaded,
  target: LabelTarget,
  classes: readonly string[] | undefined,
): { values: Int32Array | Float32Array; classes: readonly string[] } {
  if (target.kind === "classes") {
    const labels = classIndices(array, name, target.classes, classes);
    return { values: labels.indices, classes: labels.classes };
  }
  if (classes === undefined)
    return { values: targetValues(array, name, target.shape), classes: [] };
  // One sigmoid unit tells two classes apart.
  const units = target.shape.slice(1).reduce((a, b) => a * b, 1);
  if (units !== 1 || classes.length !== 2) {
    throw new GraftError(
      "data-shape",
      `The loss compares numbers with an output of ${units}, so "classes" (${classes.length}) has no meaning here. Remove it.`,
    );
  }
  const labels = classIndices(array, name, 2, classes);
  return { values: Float32Array.from(labels.indices), classes };
}
