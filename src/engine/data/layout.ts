// The order of a sequence array's axes: which of the two behind the samples is time. Found where one order alone fits the
// network, said by the recipe where both do; never guessed.
import { GraftError } from "../../protocol/errors";
import { type DataArray, dimsText, viewOf } from "./array";

/** N samples, T time steps, F features. Inside a network it is NTF; Deeplearning4j's arrays are NFT. */
export const LAYOUTS = ["NTF", "NFT"] as const;

export type Layout = (typeof LAYOUTS)[number];

export const LAYOUT_TEXT: Readonly<Record<Layout, string>> = {
  NTF: "[samples, time, features]",
  NFT: "[samples, features, time]",
};

/** An array of sequences, and the shape that takes it: [-1, time, features]; -1 is open. */
export interface SequenceArray {
  readonly name: string;
  readonly shape: readonly number[];
  readonly wanted: readonly number[];
}

/** The orders in which an array's sizes fit. */
export function layoutsOf({ shape, wanted }: Omit<SequenceArray, "name">): readonly Layout[] {
  const [, time, features] = wanted as readonly [number, number, number];
  const fits = (steps: number, width: number): boolean =>
    (time < 0 || time === steps) && (features < 0 || features === width);
  const [, a, b] = shape as readonly [number, number, number];
  // One number a sequence reads the same in both.
  if (a === 1 && b === 1) return fits(1, 1) ? ["NTF"] : [];
  return [...(fits(a, b) ? ["NTF" as const] : []), ...(fits(b, a) ? ["NFT" as const] : [])];
}

/**
 * The one order of all arrays: what is `said`, or what alone fits. Undefined where there is none to find out. Throws
 * `data-ambiguous` where both fit, `data-shape` where what is said does not.
 */
export function chooseLayout(
  said: Layout | undefined,
  arrays: readonly SequenceArray[],
): Layout | undefined {
  if (said !== undefined) {
    const misfit = arrays.find((array) => !layoutsOf(array).includes(said));
    if (misfit === undefined) return said;
    throw new GraftError(
      "data-shape",
      `${misfit.name} is ${dimsText(misfit.shape)}; as ${LAYOUT_TEXT[said]}, which the layout ${said} says, it does not fit ${wantedText(misfit)}. ${adviceFor(misfit, arrays)}`,
    );
  }
  const [first] = arrays;
  if (first === undefined) return undefined;
  const common = LAYOUTS.filter((each) => arrays.every((one) => layoutsOf(one).includes(each)));
  if (common.length === 1) return common[0];
  if (common.length > 1) {
    throw new GraftError(
      "data-ambiguous",
      `${first.name} is ${dimsText(first.shape)}, and the network takes ${wantedText(first)}: it fits as ${LAYOUT_TEXT.NTF} and as ${LAYOUT_TEXT.NFT}. Say which layout it has, NTF or NFT: "layout" in a recipe, --layout on the command line.`,
    );
  }
  const none = arrays.find((array) => layoutsOf(array).length === 0);
  // What fits in no order is told by whoever converts it.
  if (none !== undefined) return undefined;
  const [one, two] = LAYOUTS.map((each) => arrays.find((a) => layoutsOf(a)[0] === each)!);
  throw new GraftError(
    "data-shape",
    `${one!.name} fits as ${LAYOUT_TEXT.NTF} only, ${two!.name} as ${LAYOUT_TEXT.NFT} only. Transpose one of them: all arrays of a recipe have one layout.`,
  );
}

/** What helps an array that does not fit in the order that was said: another order, if all arrays fit in it. */
function adviceFor(misfit: SequenceArray, arrays: readonly SequenceArray[]): string {
  const [other] = layoutsOf(misfit);
  if (other === undefined) return "Choose other data.";
  return arrays.every((array) => layoutsOf(array).includes(other))
    ? `As ${LAYOUT_TEXT[other]} it does: say the layout ${other}.`
    : `It lies as ${LAYOUT_TEXT[other]}. Transpose it: all arrays have one layout, labels among them.`;
}

const wantedText = ({ wanted: [, time, features] }: SequenceArray): string =>
  `sequences of ${features! < 0 ? "any number of" : features} features${time! < 0 ? "" : ` and ${time} steps`}`;

/** The shape of an array of rank 3 with time before features. */
export const withTimeFirst = (
  shape: readonly number[],
  layout: Layout | undefined,
): readonly number[] => (layout === "NFT" ? [shape[0]!, shape[2]!, shape[1]!] : shape);

/** Swaps the last two axes of an array of rank 3. */
export function swapTimeAndFeatures<A extends DataArray>(array: A): A {
  const [samples, rows, columns] = array.shape as readonly [number, number, number];
  const swap = <T>(from: ArrayLike<T>, to: { [index: number]: T }): void => {
    for (let sample = 0, at = 0; sample < samples; sample++)
      for (let column = 0; column < columns; column++)
        for (let row = 0; row < rows; row++)
          to[at++] = from[(sample * rows + row) * columns + column]!;
  };
  const shape = withTimeFirst(array.shape, "NFT");
  if (array.dtype === "string") {
    const data: string[] = [];
    swap(array.data as readonly string[], data);
    return { ...array, shape, data };
  }
  const { data: before, dtype } = array as Exclude<DataArray, { dtype: "string" }>;
  const data = viewOf(dtype, new ArrayBuffer(before.byteLength));
  swap<number | bigint>(before, data as { [index: number]: number | bigint });
  return { ...array, shape, data };
}
