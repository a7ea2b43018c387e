// The recipe's samples bound to the network's inputs: which array feeds which, in which layout, and which steps are there.
import { GraftError } from "../../protocol/errors";
import type { ModelInput } from "../graph/inputs";
import { elements } from "../graph/model";
import type { Normalizer } from "../graph/normalizer";
import { countText, infoText, listText, rowCount } from "./array";
import { assignSources } from "./assign";
import { type BoundInput, boundShape, convertInput } from "./inputs";
import {
  chooseLayout,
  type Layout,
  LAYOUT_TEXT,
  type SequenceArray,
  swapTimeAndFeatures,
} from "./layout";
import { normalize, normalizerText } from "./normalize";
import type { InputData, Source } from "./schema";
import { padSteps } from "./sequences";
import { type Loaded, type LoadedInfo, loadSource } from "./sources";
import { lengthsOf, maskOf, readLengths, readMask } from "./steps";

export interface BoundInputs {
  /** By the input's name. */
  readonly inputs: ReadonlyMap<string, BoundInput>;
  readonly samples: number;
  /** Steps of the sequences, padding included; absent where samples are none. */
  readonly steps?: number;
  /** Which of them are there, [samples, steps]; absent where all are. */
  readonly mask?: Uint8Array;
  /** How the arrays of sequences lie; absent where there are none of rank 3. */
  readonly layout?: Layout;
  /** Of the sequences that came by themselves, whatever their padding. */
  readonly lengths?: SequenceLengths;
  /** What the samples are counted in: "X_train.npy". */
  readonly first: string;
  /** "X: X_train.npy, 896 × 64 float32", a line per input. */
  readonly bound: readonly string[];
}

interface SequenceLengths {
  readonly name: string;
  readonly lengths: Int32Array;
}

export interface InputsContext {
  /** Of the network; undefined where it has none. */
  readonly normalizer?: Normalizer | undefined;
  /** Columns of a source's file that are no samples. */
  readonly except?: (source: Source) => readonly string[];
  /** Arrays that have the same layout: labels of steps. */
  readonly beside?: readonly SequenceArray[];
  /** Whether what is asked for has a row per step: those of padding are no one's. */
  readonly givesSteps?: boolean;
}

/**
 * Reads what `data` names in the folder `base`, and binds it to `inputs`. Lengths and masks that `data` does not name
 * follow from the sequences.
 */
export async function bindInputs(
  data: InputData,
  base: string,
  inputs: readonly ModelInput[],
  { normalizer, except = () => [], beside = [], givesSteps = false }: InputsContext = {},
): Promise<BoundInputs> {
  const named: { input: ModelInput; loaded: Loaded }[] = [];
  for (const [input, source] of assignSources(data.inputs, inputs))
    named.push({ input, loaded: await loadSource(source, base, { except: except(source) }) });
  const [first] = named as [(typeof named)[0]];
  for (const { input } of named) refuseTimeFirst(input);
  const samples = rowCount(first.loaded.array);
  for (const { loaded } of named) checkSamples(loaded, first.loaded);

  const arrays = [...named.flatMap(({ input, loaded }) => sequenceArray(loaded, input)), ...beside];
  const layout = chooseLayout(data.layout, arrays);
  const pads = data.lengths !== undefined || data.mask !== undefined;
  const arranged = named.map(({ input, loaded }) => arrange(input, loaded, layout, pads));
  const steps = commonSteps(arranged);
  const mask = await readSteps(data, base, arranged, samples, steps);
  const all = arranged.map((each) => converted(each, mask));

  const values = new Map(all.map(({ input, value }) => [input.name, value]));
  const only = inputs.filter(({ part }) => part === undefined).length === 1;
  const bound = all.map(
    ({ input, loaded, how }) =>
      `${input.name}: ${title(loaded)}, ${how}${only && input.part === undefined ? " (the only input)" : ""}`,
  );
  if (normalizer !== undefined && data.normalize !== false)
    bound.push(normalizeOnly(all, normalizer, mask));
  if (steps !== undefined) {
    for (const input of inputs) {
      const value = values.has(input.name) ? undefined : valueOfPart(input, mask, samples, steps);
      if (value === undefined) continue;
      values.set(input.name, value);
      const all = `all ${steps} steps of each sequence are there`;
      bound.push(`${input.name}: ${mask === undefined ? all : "the steps that are there"}`);
    }
    if (!givesSteps && mask !== undefined) refuseUnseenPadding(inputs);
  }
  const own = ownLengths(all);
  return {
    inputs: values,
    samples,
    bound,
    first: title(first.loaded),
    ...(own && { lengths: own }),
    ...(steps !== undefined && { steps }),
    ...(mask !== undefined && { mask }),
    ...(layout !== undefined && arrays.length > 0 && { layout }),
  };
}

/** "X_train.npy (12 sequences)" */
export const title = ({ name, note }: Pick<Loaded, "name" | "note">): string =>
  note === undefined ? name : `${name} (${note})`;

/** What was loaded for an input, its axes as the input takes them. */
interface Arranged {
  readonly input: ModelInput;
  readonly loaded: Loaded;
  readonly array: Loaded["array"];
  readonly shape: readonly number[];
  /** Where the array was read as sequences. */
  readonly layout: Layout | undefined;
}

/** With its values. */
interface Converted extends Arranged {
  readonly value: BoundInput;
  /** "10 × 3 × 20 float32, [samples, features, time] → 10 × 20 × 3 float32" */
  readonly how: string;
}

/** An array whose layout has to be found out; none where the file tells it, or there is but one. */
export const sequenceArray = (
  { array, name, layout }: Pick<LoadedInfo, "array" | "name" | "layout">,
  input: ModelInput,
): SequenceArray[] =>
  input.sequence && input.shape.length === 3 && array.shape.length === 3 && layout === undefined
    ? [{ name, shape: array.shape, wanted: input.shape }]
    : [];

/** `pads`: sequences may be shorter than a fixed number of steps of the input. */
function arrange(
  input: ModelInput,
  loaded: Loaded,
  chosen: Layout | undefined,
  pads: boolean,
): Arranged {
  const isOpen = sequenceArray(loaded, input).length > 0;
  const layout = loaded.layout ?? (isOpen ? chosen : undefined);
  let array = layout === "NFT" ? swapTimeAndFeatures(loaded.array) : loaded.array;
  const steps = paddedSteps(array.shape, input, pads || loaded.lengths !== undefined);
  if (steps !== undefined) array = padSteps(array, steps);
  const shape = boundShape(array, loaded.name, input);
  return { input, loaded, array, shape, layout };
}

/** `mask`: steps that are there; what stands for others need be no numbers. */
function converted(arranged: Arranged, mask: Uint8Array | undefined): Converted {
  const { input, loaded, array, layout, shape } = arranged;
  const perStep = elements(shape.slice(2));
  const counts = (index: number) =>
    !input.sequence || mask === undefined || mask[Math.floor(index / perStep)] === 1;
  const { how, ...value } = convertInput(array, loaded.name, input, counts);
  if (layout === undefined) return { ...arranged, value, how };
  const [before, after] = [infoText(loaded.array), how.split(" → ").at(-1)!];
  const told = `${before}, ${LAYOUT_TEXT[layout]}${before === after ? "" : ` → ${after}`}`;
  return { ...arranged, value, how: told };
}

/** Steps that an array with time first is padded to; undefined where it has them. `mayPad`: sequences may be shorter. */
export function paddedSteps(
  shape: readonly number[],
  input: ModelInput,
  mayPad: boolean,
): number | undefined {
  const [, steps = -1] = input.shape;
  const isShort = mayPad && input.sequence === true && shape.length > 1 && shape[1]! < steps;
  return isShort ? steps : undefined;
}

export function refuseTimeFirst({ name, timeFirst }: ModelInput): void {
  if (!timeFirst) return;
  throw new GraftError(
    "data-shape",
    `The graph takes ${name} as [time, batch, features]; Graft feeds batches first. Save the checkpoint from a graph that transposes ${name} itself.`,
  );
}

export function checkSamples(loaded: LoadedInfo, first: LoadedInfo): void {
  const [own, samples] = [rowCount(loaded.array), rowCount(first.array)];
  if (own === samples) return;
  throw new GraftError(
    "data-shape",
    `${title(first)} has ${countText(samples, "sample")}, ${title(loaded)} ${own.toLocaleString("en-US")}. Each sample has a row in both.`,
  );
}

/** Steps of the sequences, padding included; undefined where there are none. Throws `data-shape` where they differ. */
export function commonSteps(
  all: readonly { input: ModelInput; loaded: LoadedInfo; shape: readonly number[] }[],
): number | undefined {
  const sequences = all.filter(({ input }) => input.sequence);
  const [first, ...others] = sequences.map(({ shape }) => shape[1]!);
  const other = others.findIndex((steps) => steps !== first);
  if (other < 0) return first;
  const [a, b] = [sequences[0]!, sequences[other + 1]!];
  throw new GraftError(
    "data-shape",
    `The sequences of ${a.loaded.name} have ${countText(first!, "step")}, those of ${b.loaded.name} ${others[other]}. Give all inputs the same number of steps, with padding and a mask.`,
  );
}

/** The steps that are there, as the recipe, the sequences or a named input says; undefined where all are. */
async function readSteps(
  { mask, lengths }: InputData,
  base: string,
  all: readonly Arranged[],
  samples: number,
  steps: number | undefined,
): Promise<Uint8Array | undefined> {
  if (steps === undefined) {
    if (mask === undefined && lengths === undefined) return undefined;
    throw takesNoSequences(mask === undefined ? "lengths" : "mask");
  }
  const own = ownLengths(all);
  if (own !== undefined && (mask !== undefined || lengths !== undefined))
    throw saidTwice(own, mask === undefined ? "lengths" : "mask");
  if (own !== undefined) return maskOf(own.lengths, steps);
  if (mask !== undefined) return orNone(readMask(await loadSource(mask, base), samples, steps));
  if (lengths !== undefined)
    return maskOf(readLengths(await loadSource(lengths, base), samples, steps), steps);
  const given = all.find(({ input }) => input.part === "lengths" || input.part === "mask");
  if (given === undefined) return undefined;
  return given.input.part === "mask"
    ? orNone(readMask(given.loaded, samples, steps))
    : maskOf(readLengths(given.loaded, samples, steps), steps);
}

export const takesNoSequences = (field: string): GraftError =>
  new GraftError(
    "data-shape",
    `The network takes no sequences, so "${field}" says nothing. Remove it.`,
  );

export const saidTwice = ({ name }: SequenceLengths, field: string): GraftError =>
  new GraftError(
    "data-shape",
    `${name} has sequences with lengths of their own; "${field}" says them again. Remove it.`,
  );

const orNone = (mask: Uint8Array): Uint8Array | undefined => (mask.includes(0) ? mask : undefined);

/** Lengths of the sequences that came by themselves. Throws `data-shape` where those of two inputs differ. */
export function ownLengths(
  all: readonly { input: ModelInput; loaded: LoadedInfo }[],
): SequenceLengths | undefined {
  const own = all.flatMap(({ input, loaded }) =>
    input.sequence && loaded.lengths ? [{ name: title(loaded), lengths: loaded.lengths }] : [],
  );
  for (const each of own) refuseOtherLengths(own[0]!, each);
  return own[0];
}

/** Sequences that belong together have the same steps. */
export function refuseOtherLengths(first: SequenceLengths, other: SequenceLengths): void {
  const differs = other.lengths.findIndex((length, row) => length !== first.lengths[row]);
  if (differs < 0) return;
  throw new GraftError(
    "data-shape",
    `Sequence ${differs} (counted from 0) has ${countText(first.lengths[differs]!, "step")} in ${first.name}, and ${other.lengths[differs]} in ${other.name}.`,
  );
}

/** What an input that tells of sequences is fed; undefined where nothing need be said, or it is no such input. */
function valueOfPart(
  { name, part, dtype, optional }: ModelInput,
  mask: Uint8Array | undefined,
  samples: number,
  steps: number,
): BoundInput | undefined {
  if (part === undefined || part === "labelsMask" || (optional && mask === undefined))
    return undefined;
  const present = mask ?? new Uint8Array(samples * steps).fill(1);
  const isFloat = dtype.startsWith("float");
  const values = part === "lengths" ? lengthsOf(present, steps, name) : present;
  const shape = part === "lengths" ? [samples] : [samples, steps];
  return { shape, data: isFloat ? Float32Array.from(values) : Int32Array.from(values) };
}

/** Padding that the network cannot tell from steps would be learned. */
export function refuseUnseenPadding(inputs: readonly ModelInput[]): void {
  if (inputs.some(({ part }) => part !== undefined)) return;
  throw new GraftError(
    "data-shape",
    "The sequences have different lengths, and the network takes neither lengths nor a mask: it would read the padding as steps. Use sequences of one length.",
  );
}

/** A normalizer is for the one input that has features. Returns what it did. */
function normalizeOnly(
  all: readonly Converted[],
  normalizer: Normalizer,
  mask: Uint8Array | undefined,
): string {
  const own = all.filter(({ input }) => input.part === undefined);
  const [{ input, value }] = own as [Converted];
  if (own.length > 1 || !(value.data instanceof Float32Array))
    throw new GraftError(
      "data-shape",
      `The checkpoint's normalizer is for one input of numbers; the network has ${listText(own.map((each) => each.input.name))}. Normalize the data before, and write "normalize": false, or --no-normalize on the command line.`,
    );
  normalize(value.data, value.shape, normalizer, input.name, input.sequence ? mask : undefined);
  return `${input.name}: ${normalizerText(normalizer)}`;
}
