// The labels bound to what the loss compares: one per sample, or one per step of a sequence.
import { GraftError } from "../../protocol/errors";
import type { LabelTarget } from "../graph/target";
import { countText, type DataArray, dimsText, infoText } from "./array";
import { type Layout, type SequenceArray, swapTimeAndFeatures, withTimeFirst } from "./layout";
import {
  checkClassShape,
  checkValueShape,
  classIndices,
  type LabelRows,
  targetValues,
} from "./labels";
import { padSteps } from "./sequences";
import type { Loaded, LoadedInfo } from "./sources";
import { lastSteps } from "./steps";

export interface BoundLabels {
  /** Class indices, or the values of a "values" target in C order. */
  readonly labels: Int32Array | Float32Array;
  /** Labels of a sample: one, or one per step. */
  readonly labelsPerSample: number;
  /** Which of them count, [samples, steps]; absent where all do. */
  readonly labelsMask?: Uint8Array;
  /** Name of each class, by index; empty for values. */
  readonly classes: readonly string[];
}

/** The samples that labels belong to. */
interface Samples {
  readonly samples: number;
  readonly steps?: number;
  readonly mask?: Uint8Array;
  readonly layout?: Layout;
  /** Whether the loss can leave out steps. */
  readonly masksLabels: boolean;
  /** Labels of steps that count, as the recipe says. */
  readonly labelsMask?: Uint8Array;
}

/** The labels whose layout has to be found out: a row for each step, and the file does not say which axis is time. */
export function layoutOfLabels(
  labels: Pick<LoadedInfo, "array" | "name" | "layout">,
  target: LabelTarget,
): readonly SequenceArray[] {
  const { shape } = labels.array;
  const open = target.steps !== undefined && labels.layout === undefined && shape.length === 3;
  if (!open || shape.includes(1, 1)) return [];
  return [{ name: labels.name, shape, wanted: [-1, target.steps!, unitsOf(target)] }];
}

/** Throws `data-shape`, `data-format` or `label-out-of-range` for labels that the loss cannot take. */
export function bindLabels(
  loaded: Loaded,
  target: LabelTarget,
  classes: readonly string[] | undefined,
  samples: Samples,
): BoundLabels {
  if (target.steps === undefined) {
    if (samples.labelsMask !== undefined) throw labelsNoSteps();
    const array = loaded.lengths === undefined ? loaded.array : oneForEach(loaded);
    const bound = valuesOf({ ...loaded, array }, target, classes);
    return { ...bound, labelsPerSample: 1 };
  }
  const steps = samples.steps ?? (target.steps < 0 ? (loaded.array.shape[1] ?? 1) : target.steps);
  const { array, perStep } = stepLabels(loaded, target, samples.layout, steps);
  if (perStep) {
    const mask = samples.labelsMask ?? samples.mask;
    const rows = array.shape[0]! * steps;
    const flat = { ...array, shape: [rows, ...array.shape.slice(2)] } as DataArray;
    const bound = valuesOf({ ...loaded, array: flat }, target, classes, {
      counts: (row) => mask === undefined || mask[row] === 1,
      text: (row) =>
        `sequence ${Math.floor(row / steps)}, step ${row % steps} (both counted from 0)`,
    });
    return { ...bound, labelsPerSample: steps, ...(mask && { labelsMask: mask }) };
  }
  checkLastSteps(loaded, steps, { ...samples, saysLabelsMask: samples.labelsMask !== undefined });
  return atLastSteps(valuesOf({ ...loaded, array }, target, classes), steps, samples);
}

export const labelsNoSteps = (): GraftError =>
  new GraftError(
    "data-shape",
    'The network has one output for each sample, and none for steps, so "labelsMask" says nothing. Remove it.',
  );

/** As [samples, steps, …], or, where each sequence has one label, as [samples, …]. */
function stepLabels(
  loaded: Loaded,
  target: LabelTarget,
  layout: Layout | undefined,
  steps: number,
): { array: DataArray; perStep: boolean } {
  const { array: given, name, lengths } = loaded;
  const units = unitsOf(target);
  const isEither = target.kind === "classes" && steps === units && lengths === undefined;
  if (isEither && isOneHotRows(given, steps))
    throw new GraftError(
      "data-ambiguous",
      `${name} is ${infoText(given)}: a one-hot row for each sequence, or a class for each of ${countText(steps, "step")}. Give classes by number: ${dimsText([given.shape[0]!])} for one per sequence, ${dimsText([...given.shape, 1])} for one per step.`,
    );
  const { turned, shape, perStep } = arrangement(loaded, target, layout, steps);
  const array = { ...(turned ? swapTimeAndFeatures(given) : given), shape } as DataArray;
  if (!perStep) return { array, perStep };
  const isShort = lengths !== undefined && shape[1]! < steps;
  return { array: isShort ? padSteps(array, steps) : array, perStep };
}

/**
 * How labels of a network of steps lie: whether the axes behind the samples change places, the shape that they have
 * then, before any padding, and whether each step has a label.
 */
function arrangement(
  { array: given, name, layout: own, lengths }: LoadedInfo,
  target: LabelTarget,
  layout: Layout | undefined,
  steps: number,
): { turned: boolean; shape: readonly number[]; perStep: boolean } {
  const units = unitsOf(target);
  const isOpen = given.shape.length === 3 && !given.shape.includes(1, 1);
  const turned = isOpen && (own ?? layout) === "NFT";
  // Axes of one are none.
  const [samples = 0, ...rest] = withTimeFirst(given.shape, turned ? "NFT" : undefined);
  const shape = [samples, ...rest.filter((size) => size !== 1)];
  const [, first, second = 1] = shape;
  const hasSteps = first === steps || (lengths !== undefined && first! < steps);
  if (hasSteps && (second === 1 || second === units)) return { turned, shape, perStep: true };
  if (shape.length === 1 && steps === 1) return { turned, shape: [samples, 1], perStep: true };
  if (shape.length === 1 || (shape.length === 2 && first === units))
    return { turned, shape, perStep: false };
  throw new GraftError(
    "data-shape",
    `${name} is ${infoText(given)}; the network gives ${countText(units, "number")} for each of ${countText(steps, "step")}. Expected a label per step, ${dimsText([samples, steps])}${units > 1 ? ` (or rows of ${units})` : ""}, or one per sequence, ${dimsText([samples])}.`,
  );
}

/** Numbers that the network gives for each step. */
const unitsOf = (target: LabelTarget): number =>
  target.kind === "classes" ? target.classes : (target.shape[2] ?? 1);

/** Throws what `bindLabels` does, as far as it can be told before the labels are read. */
export function checkLabels(
  labels: LoadedInfo,
  target: LabelTarget,
  classes: readonly string[] | undefined,
  {
    steps: own,
    layout,
    ...beside
  }: {
    readonly steps: number | undefined;
    readonly layout: Layout | undefined;
    readonly masksLabels: boolean;
    readonly saysLabelsMask: boolean;
  },
): void {
  const { array } = labels;
  if (target.steps === undefined) {
    if (labels.lengths === undefined) checkShape(labels, target, classes);
    return;
  }
  const steps = own ?? (target.steps < 0 ? (array.shape[1] ?? 1) : target.steps);
  const { shape, perStep } = arrangement(labels, target, layout, steps);
  if (!perStep) checkLastSteps(labels, steps, { ...beside, samples: shape[0]! });
  const rows = perStep ? [shape[0]! * steps, ...shape.slice(2)] : shape;
  checkShape({ ...labels, array: { ...array, shape: rows } }, target, classes);
}

/** What `valuesOf` takes. */
function checkShape(
  { array, name }: Pick<LoadedInfo, "array" | "name">,
  target: LabelTarget,
  classes: readonly string[] | undefined,
): void {
  if (target.kind === "classes") checkClassShape(array, name, target.classes);
  else if (classes === undefined) checkValueShape(array, name, valueRow(target));
  else checkClassShape(array, name, 2);
}

/** [-1, …]: the numbers that a sample, or a step, is compared with. */
const valueRow = ({ shape, steps }: LabelTarget & { readonly kind: "values" }) => [
  -1,
  ...shape.slice(steps === undefined ? 1 : 2),
];

/** Whether an array is rows of so many numbers, each a single 1 among zeros. */
function isOneHotRows({ shape, data }: DataArray, width: number): boolean {
  const [rows = 0, columns, ...rest] = shape;
  if (width === 1 || columns !== width || rest.length > 0) return false;
  return Array.from({ length: rows }, (_, row) => {
    const own = Array.from<unknown, number>(data.slice(row * width, (row + 1) * width), Number);
    return own.filter((value) => value === 1).length === 1 && own.filter(Boolean).length === 1;
  }).every(Boolean);
}

/** Throws `data-shape` where one label for a sequence cannot be that of its last step, or is said to be twice. */
function checkLastSteps(
  { name }: Pick<LoadedInfo, "name">,
  steps: number,
  {
    samples,
    masksLabels,
    saysLabelsMask,
  }: Pick<Samples, "samples" | "masksLabels"> & { readonly saysLabelsMask: boolean },
): void {
  if (masksLabels && !saysLabelsMask) return;
  throw new GraftError(
    "data-shape",
    masksLabels
      ? `${name} has one label for each sequence, which is that of its last step; "labelsMask" says it again. Remove it.`
      : `${name} has one label for each sequence; the network gives an output for each of ${steps} steps, and its loss takes no mask that leaves the others out. Expected a label per step, ${dimsText([samples, steps])}.`,
  );
}

/** The label of a sequence is that of its last step; those before do not count. */
function atLastSteps(
  bound: Omit<BoundLabels, "labelsPerSample">,
  steps: number,
  { samples, mask }: Samples,
): BoundLabels {
  const width = bound.labels.length / samples;
  const length = samples * steps * width;
  const all =
    bound.labels instanceof Int32Array ? new Int32Array(length) : new Float32Array(length);
  const counts = new Uint8Array(samples * steps);
  lastSteps(mask, samples, steps).forEach((step, sample) => {
    if (step < 0) return;
    const place = sample * steps + step;
    counts[place] = 1;
    all.set(bound.labels.subarray(sample * width, (sample + 1) * width), place * width);
  });
  return { labels: all, classes: bound.classes, labelsPerSample: steps, labelsMask: counts };
}

/** Of sequences of labels, where the network has one output for a sequence: the label that all their steps have. */
function oneForEach({ array, lengths, name }: Loaded): DataArray {
  const [samples = 0, steps = 1, ...rest] = array.shape;
  if (rest.length > 0)
    throw new GraftError("data-shape", `${name} is ${infoText(array)}; expected one label each.`);
  lengths!.forEach((length, sample) => {
    const own = array.data.slice(sample * steps, sample * steps + length);
    if (own.every((value: unknown) => value === own[0])) return;
    throw new GraftError(
      "data-shape",
      `${name} has different labels in the steps of sequence ${sample} (counted from 0); the network gives one output for a sequence. Expected the same label in all its steps, or one.`,
    );
  });
  const data = array.data.filter((_: unknown, place: number) => place % steps === 0);
  return { ...array, shape: [samples], data } as DataArray;
}

function valuesOf(
  { array, name }: Pick<Loaded, "array" | "name">,
  target: LabelTarget,
  classes: readonly string[] | undefined,
  rows?: LabelRows,
): Omit<BoundLabels, "labelsPerSample"> {
  if (target.kind === "classes") {
    const labels = classIndices(array, name, target.classes, classes, rows);
    return { labels: labels.indices, classes: labels.classes };
  }
  const row = valueRow(target);
  if (classes === undefined) return { labels: targetValues(array, name, row, rows), classes: [] };
  // One sigmoid unit tells two classes apart.
  const units = row.slice(1).reduce((a, b) => a * b, 1);
  if (units !== 1 || classes.length !== 2) {
    throw new GraftError(
      "data-shape",
      `The loss compares numbers with an output of ${units}, so "classes" (${classes.length}) has no meaning here. Remove it.`,
    );
  }
  const labels = classIndices(array, name, 2, classes, rows);
  return { labels: Float32Array.from(labels.indices), classes };
}
