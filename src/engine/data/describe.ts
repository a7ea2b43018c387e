// What the headers of a recipe's data tell, before anything is read: how many samples, and the sizes of one.
import { basename } from "node:path";
import { GraftError } from "../../protocol/errors";
import type { ModelInput } from "../graph/inputs";
import type { LabelTarget } from "../graph/target";
import { type ArrayInfo, infoText } from "./array";
import { assignSources } from "./assign";
import { sequenceArray } from "./bindInputs";
import { layoutOfLabels } from "./bindLabels";
import { fitSample } from "./inputs";
import { chooseLayout, type Layout, LAYOUT_TEXT, withTimeFirst } from "./layout";
import type { Data, Source } from "./schema";
import { paddedShape } from "./sequences";
import { describeSource, sequenceArrays, sourceFiles } from "./sources";

export interface DataDescription {
  readonly samples?: number;
  /** Of sequences. */
  readonly steps?: number;
  /** Shape of one sample, by input, where headers tell it. */
  readonly shapes: ReadonlyMap<string, readonly number[]>;
  /** How arrays of sequences are read. */
  readonly facts: readonly string[];
}

/** An array that has not been read. */
interface Header {
  readonly name: string;
  readonly array: ArrayInfo;
  readonly layout?: Layout;
}

/** Throws `data-ambiguous` or `data-shape` where the axes of sequences are not clear. `target`: undefined without a loss. */
export async function describeData(
  data: Data,
  base: string,
  inputs: readonly ModelInput[],
  target: LabelTarget | undefined,
): Promise<DataDescription> {
  const labels = await headerOf(data.labels, base);
  const headers: (readonly [ModelInput, Header])[] = [];
  for (const [input, source] of assignSources(data.inputs, inputs)) {
    const header = await headerOf(source, base);
    if (header !== undefined) headers.push([input, header]);
  }
  const open = headers.flatMap(([input, header]) => sequenceArray(header, input));
  const beside = labels && target ? layoutOfLabels(labels, target) : [];
  const chosen = chooseLayout(data.layout, [...open, ...beside]);
  const shapes = new Map<string, readonly number[]>();
  const facts: string[] = [];
  let steps: number | undefined;
  for (const [input, header] of headers) {
    const isOpen = sequenceArray(header, input).length > 0;
    const layout = header.layout ?? (isOpen ? chosen : undefined);
    const shape = withTimeFirst(header.array.shape, layout);
    const sample = fitSample({ ...header.array, shape }, input);
    if (sample !== null) shapes.set(input.name, sample);
    if (input.sequence) steps ??= sample?.[0];
    if (layout !== undefined)
      facts.push(
        `${input.name}: ${header.name}, ${infoText(header.array)}, read as ${LAYOUT_TEXT[layout]}`,
      );
  }
  if (steps !== undefined) {
    const says = data.mask ?? data.lengths;
    for (const { name, part, optional } of inputs)
      if (part !== undefined && !shapes.has(name) && (!optional || says !== undefined))
        shapes.set(name, part === "lengths" ? [] : [steps]);
  }
  const samples = (labels ?? headers[0]?.[1])?.array.shape[0];
  return {
    shapes,
    facts,
    ...(steps !== undefined && { steps }),
    ...(samples !== undefined && { samples }),
  };
}

/** What a file's header says of the array that `source` names; undefined where it has to be read for that. */
async function headerOf(source: Source, base: string): Promise<Header | undefined> {
  const [path, ...others] = sourceFiles(source, base) as [string, ...string[]];
  if (others.length > 0) return undefined;
  const description = await orUndefined(describeSource(path));
  if (description === undefined) return undefined;
  const file = basename(path);
  if (description.kind === "csv") return undefined;
  if (description.kind === "npy") return { name: file, array: description };
  const array = typeof source === "string" ? undefined : source.array;
  const { arrays } = description;
  const name = array ?? (arrays.size === 1 ? [...arrays.keys()][0] : undefined);
  if (name === undefined) return undefined;
  const several = await sequenceArrays(path, name);
  const title = `${name} in ${file}`;
  if (several === undefined) {
    const info = arrays.get(name);
    return info && { name: title, array: info };
  }
  const parts = several.map((each) => ({ name: each, array: arrays.get(each)! }));
  const { shape, layout } = paddedShape(parts, title);
  const { dtype } = parts[0]!.array;
  return { name: title, array: { shape, dtype }, ...(layout && { layout }) };
}

/** What cannot be read is told when it is. */
const orUndefined = <T>(promise: Promise<T>): Promise<T | undefined> =>
  promise.catch((error: unknown) => {
    if (error instanceof GraftError) return undefined;
    throw error;
  });
