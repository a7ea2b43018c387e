// What DL4J does between layers of different kinds: rows, sequences, images. Sequences of rows are rows to a layer that
// takes each step by itself, so nothing happens between them.
import { typedItems, whole, type Typed } from "../typed";
import { formatOf } from "./convolution";
import { add, hasRank, opaque, shapeAt, type Place } from "./lifting";

type Rule = (place: Place, x: string, preprocessor: Typed) => string;

/** `x` behind a preprocessor. */
export function preprocessed(place: Place, x: string, preprocessor: Typed): string {
  const { type } = preprocessor;
  const rule = Object.hasOwn(PREPROCESSORS, type) ? PREPROCESSORS[type] : undefined;
  return rule === undefined ? opaque(place, type, [x]) : rule(place, x, preprocessor);
}

export interface ImageSize {
  readonly channels: number;
  readonly height: number;
  readonly width: number;
}

export const imageSize = (preprocessor: Typed): ImageSize => ({
  channels: whole(preprocessor, "numChannels", 0, 0),
  height: whole(preprocessor, "inputHeight", 0, 0),
  width: whole(preprocessor, "inputWidth", 0, 0),
});

/** Rows of an image's numbers, in the order in which the image has them. */
const toRows: Rule = (place, x, preprocessor) => {
  if (shapeAt(place, x).length === 2) return x;
  const { channels, height, width } = imageSize(preprocessor);
  return add(place, "Reshape", [x], { shape: [-1, channels * height * width || -1] });
};

const toImage: Rule = (place, x, preprocessor) => {
  if (shapeAt(place, x).length === 4) return x;
  const { channels, height, width } = imageSize(preprocessor);
  const shape =
    formatOf(preprocessor) === "NHWC" ? [height, width, channels] : [channels, height, width];
  return add(place, "Reshape", [x], { shape: [-1, ...shape] });
};

/** As it is, where it has as many axes as `layers` of its kind take. */
const unchanged =
  (rank: number): Rule =>
  (place, x, { type }) =>
    hasRank(place, x, rank) ? x : opaque(place, type, [x]);

const PREPROCESSORS: Readonly<Record<string, Rule>> = {
  CnnToFeedForwardPreProcessor: toRows,
  FeedForwardToCnnPreProcessor: toImage,
  RnnToFeedForwardPreProcessor: (_, x) => x,
  FeedForwardToRnnPreProcessor: unchanged(3),
  ComposableInputPreProcessor: (place, x, preprocessor) =>
    typedItems("preprocessor", preprocessor, "inputPreProcessors").reduce(
      (before, each) => preprocessed(place, before, each),
      x,
    ),
};
