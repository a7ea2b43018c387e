// Sequences turned round: what bidirectional_dynamic_rnn does before and after its backward cell.
import { fromStart } from "../../../../graph/shapes";
import * as attributes from "../attributes";
import {
  inputOf,
  inputsOf,
  isUnknownRank,
  make,
  numbersOf,
  shapeOf,
  type Lifter,
} from "../lifting";

/** ReverseV2(x, axes), along one axis. */
export const reverse: Lifter = (lifting, node) => {
  const x = inputOf(lifting, node, 0);
  const [axis, ...others] = numbersOf(lifting, node, 1) ?? [];
  if (axis === undefined || others.length > 0 || isUnknownRank(x)) return undefined;
  const rank = shapeOf(x).length;
  const along = fromStart(axis, rank);
  if (!isAxis(along, rank)) return undefined;
  const all = { axis: along, batchAxis: along === 0 ? 1 : 0 };
  return make(lifting, node, "Reverse", all, [x]);
};

/** ReverseSequence(x, lengths): of each sample as many steps as it has. */
export const reverseSequence: Lifter = (lifting, node) => {
  const axis = attributes.integer(node, "seq_dim");
  const batchAxis = attributes.integer(node, "batch_dim") ?? 0;
  const inputs = inputsOf(lifting, node);
  const [x] = inputs;
  if (axis === undefined || axis === batchAxis || isUnknownRank(x)) return undefined;
  const rank = shapeOf(x).length;
  if (!isAxis(axis, rank) || !isAxis(batchAxis, rank)) return undefined;
  const batch = x.kind === "node" ? { batch: x.batch } : {};
  return make(lifting, node, "Reverse", { axis, batchAxis }, inputs, batch);
};

const isAxis = (axis: number, rank: number): boolean => axis >= 0 && axis < rank;
