// Where rows of all steps are to be sequences again, and the other way round.
import type { Vertex } from "../configuration";
import { inputRank } from "../layers/table";
import type { Group } from "./groups";
import type { WrittenLayer } from "./layer";
import type { Feed } from "./parts";

/**
 * How many axes Deeplearning4j gives to a layer of a group; undefined where it takes its input as it is. A batch norm knows
 * images and rows, and a new dropout layer masks rows alone: both get the rows of all steps.
 */
export function rankFor(group: Group, { type, fields }: WrittenLayer, feed: Feed) {
  const { vertex } = group;
  const isOfRows =
    type === "BatchNormalization" || (type === "DropoutLayer" && vertex === undefined);
  if (isOfRows) return feed.kind === "sequence" ? 2 : undefined;
  const own = vertex?.preprocessor && RANKS[vertex.preprocessor.type];
  const rank = inputRank({ type, fields, path: [] }) ?? own;
  if (rank !== undefined || feed.kind !== "steps") return rank;
  const isOfSequences = vertex ? !isReadBefore(vertex, feed) : type === "GlobalPoolingLayer";
  return isOfSequences ? 3 : undefined;
}

/** Of what a preprocessor makes. */
const RANKS: Readonly<Record<string, number>> = {
  RnnToFeedForwardPreProcessor: 2,
  FeedForwardToRnnPreProcessor: 3,
};

/** Whether a vertex that is no layer needs sequences in the place of rows of all steps: it has no preprocessor. */
export function needsSequences({ vertex }: Group, read: readonly Feed[]): boolean {
  const isAsBefore =
    vertex !== undefined &&
    read.every((feed) => isReadBefore(vertex, feed) && feed.kind === read[0].kind);
  return !isAsBefore && read.some(({ kind }) => kind === "steps");
}

/** Whether a vertex read the same vertex in the source, and so what it hands on as it is. */
const isReadBefore = ({ inputs }: Vertex, { from }: Feed): boolean =>
  typeof from !== "string" && from.source !== undefined && inputs.includes(from.source.name);
