// What the headers of a recipe's data tell, before anything is read: how many samples, the sizes of one, and what does
// not fit the network.
import { GraftError } from "../../protocol/errors";
import type { ModelInput } from "../graph/inputs";
import type { LabelTarget } from "../graph/target";
import { infoText, rowCount } from "./array";
import { assignSources, isSource, keyOf } from "./assign";
import { checkLabelCount, checkLabelsThere, labelColumns, type Network } from "./bind";
import {
  checkSamples,
  commonSteps,
  ownLengths,
  paddedSteps,
  refuseTimeFirst,
  refuseUnseenPadding,
  saidTwice,
  sequenceArray,
  takesNoSequences,
  title,
} from "./bindInputs";
import { checkLabels, labelsNoSteps, layoutOfLabels } from "./bindLabels";
import { headerOf } from "./header";
import { boundShape } from "./inputs";
import { chooseLayout, type Layout, LAYOUT_TEXT, withTimeFirst } from "./layout";
import { applied } from "./normalize";
import type { Data } from "./schema";
import type { LoadedInfo } from "./sources";
import { checkNumbers } from "./steps";

export interface DataDescription {
  readonly samples?: number;
  /** Of sequences. */
  readonly steps?: number;
  /** Shape of one sample, by input, where headers tell it. */
  readonly shapes: ReadonlyMap<string, readonly number[]>;
  /** How arrays of sequences are read. */
  readonly facts: readonly string[];
  readonly misfits: readonly Misfit[];
}

/** What would stop a run, as far as headers tell it. */
export interface Misfit {
  readonly error: GraftError;
  /** Where, under the recipe's data: ["inputs", "X"]. */
  readonly path: readonly string[];
}

/** Without a `target` where the network has no loss. */
export type Described = Omit<Network, "target"> & { readonly target: LabelTarget | undefined };

/**
 * What headers tell of the data of a recipe in the folder `base`, for a network. Throws `data-missing` or `unknown-node`
 * where inputs have no data.
 */
export async function describeData(
  data: Data,
  base: string,
  network: Described,
): Promise<DataDescription> {
  const { inputs, target } = network;
  const misfits = new Misfits();
  const labels = await misfits.check(["labels"], () =>
    headerOf(data.labels, base, { values: "labels", except: [] }),
  );
  const given: Given[] = [];
  for (const [input, source] of assignSources(data.inputs, inputs)) {
    const path = isSource(data.inputs) ? ["inputs"] : ["inputs", keyOf(data.inputs, input.name)];
    const except = labelColumns(data.labels, source, base);
    const header = await misfits.check(path, () => {
      refuseTimeFirst(input);
      return headerOf(source, base, { values: "numbers", except });
    });
    if (header !== undefined) given.push({ input, path, header });
  }
  const open = given.flatMap(({ input, header }) => sequenceArray(header, input));
  const beside = labels && target ? layoutOfLabels(labels, target) : [];
  const layout = await misfits.check(["inputs"], () => ({
    chosen: chooseLayout(data.layout, [...open, ...beside]),
  }));
  // Which axis is what must be known for the rest.
  if (layout === undefined) return { shapes: new Map(), facts: [], misfits: misfits.all };

  const { shapes, facts, steps } = await describeInputs(
    data,
    given,
    network,
    layout.chosen,
    misfits,
  );
  const first = given.find(({ header }) => rowCount(header.array) >= 0)?.header;
  if (first !== undefined) await checkSteps(data, base, network, { given, first, steps }, misfits);
  if (labels !== undefined && target !== undefined)
    await misfits.check(["labels"], () => {
      const samples = rowCount(labels.array);
      checkLabelsThere(labels);
      if (first !== undefined && samples >= 0)
        checkLabelCount(labels, { samples: rowCount(first.array), first: title(first) });
      checkLabels(labels, target, data.classes, {
        ...{ steps, layout: layout.chosen },
        masksLabels: inputs.some(({ part }) => part === "labelsMask"),
        saysLabelsMask: data.labelsMask !== undefined,
      });
    });
  const samples = [labels, first].find((each) => each && rowCount(each.array) >= 0);
  return {
    ...{ shapes, facts, misfits: misfits.all },
    ...(steps !== undefined && { steps }),
    ...(samples !== undefined && { samples: rowCount(samples.array) }),
  };
}

/** What is wrong, each by itself. */
class Misfits {
  readonly all: Misfit[] = [];

  /** What `what` yields; undefined where it throws. */
  async check<T>(path: readonly string[], what: () => T | Promise<T>): Promise<T | undefined> {
    try {
      return await what();
    } catch (error) {
      if (!(error instanceof GraftError)) throw error;
      this.all.push({ path, error });
      return undefined;
    }
  }
}

/** What an input is given. */
interface Given {
  readonly input: ModelInput;
  readonly path: readonly string[];
  readonly header: LoadedInfo;
}

async function describeInputs(
  data: Data,
  given: readonly Given[],
  { inputs, normalizer }: Described,
  chosen: Layout | undefined,
  misfits: Misfits,
): Promise<Pick<DataDescription, "shapes" | "facts" | "steps">> {
  const shapes = new Map<string, readonly number[]>();
  const facts: string[] = [];
  const says = data.mask ?? data.lengths;
  const sequences: { input: ModelInput; loaded: LoadedInfo; shape: readonly number[] }[] = [];
  const [first] = given;
  for (const { input, path, header } of given)
    await misfits.check(path, () => {
      const { array, name, lengths } = header;
      const layout =
        header.layout ?? (sequenceArray(header, input).length > 0 ? chosen : undefined);
      if (layout !== undefined)
        facts.push(`${input.name}: ${name}, ${infoText(array)}, read as ${LAYOUT_TEXT[layout]}`);
      if (rowCount(array) >= 0 && rowCount(first!.header.array) >= 0)
        checkSamples(header, first!.header);
      const before = withTimeFirst(array.shape, layout);
      const padded = paddedSteps(before, input, (says ?? lengths) !== undefined);
      const shape = padded === undefined ? before : before.with(1, padded);
      const bound = boundShape({ ...array, shape }, name, input);
      const [, ...sample] = bound;
      const own = { input, loaded: header, shape: bound };
      commonSteps([...sequences.slice(0, 1), own]);
      if (input.sequence) sequences.push(own);
      shapes.set(input.name, sample);
      if (normalizer !== undefined && data.normalize !== false && input.part === undefined)
        applied(normalizer, [-1, ...sample], input.name);
    });
  const steps = sequences[0]?.shape[1];
  if (steps !== undefined)
    for (const { name, part, optional } of inputs)
      if (part !== undefined && !shapes.has(name) && (!optional || says !== undefined))
        shapes.set(name, part === "lengths" ? [] : [steps]);
  return { shapes, facts, ...(steps !== undefined && { steps }) };
}

/** What the data says of steps. */
async function checkSteps(
  data: Data,
  base: string,
  { inputs, target }: Described,
  {
    given,
    first,
    steps,
  }: {
    readonly given: readonly Given[];
    readonly first: LoadedInfo;
    readonly steps: number | undefined;
  },
  misfits: Misfits,
): Promise<void> {
  const samples = rowCount(first.array);
  const own = await misfits.check(["inputs"], () => {
    const lengths = ownLengths(given.map(({ input, header }) => ({ input, loaded: header })));
    if (lengths?.lengths.some((length) => length !== steps)) refuseUnseenPadding(inputs);
    return lengths;
  });
  for (const field of ["mask", "lengths", "labelsMask"] as const) {
    const source = data[field];
    if (source === undefined) continue;
    await misfits.check([field], async () => {
      if (field === "labelsMask") {
        if (target !== undefined && target.steps === undefined) throw labelsNoSteps();
      } else if (!inputs.some(({ sequence }) => sequence)) throw takesNoSequences(field);
      else if (own !== undefined) throw saidTwice(own, field);
      const header = await headerOf(source, base, { values: "numbers", except: [] });
      if (header === undefined || steps === undefined) return;
      if (rowCount(header.array) >= 0)
        checkNumbers(header, field === "lengths" ? [samples] : [samples, steps]);
    });
  }
}
