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
  const along = fromStart(axis, shapeOf(x).length);
  const all = { axis: along, batchAxis: along === 0 ? 1 : 0 };
  return make(lifting, node, "Reverse", all, [x]);
};

/** ReverseSequence(x, lengths): of each sample as many steps as it has. */
export const reverseSequence: Lifter = (lifting, node) => {
  const axis = attributes.integer(node, "seq_dim");
  if (axis === undefined) return undefined;
  const batchAxis = attributes.integer(node, "batch_dim") ?? 0;
  const inputs = inputsOf(lifting, node);
  const [x] = inputs;
  const batch = x.kind === "node" ? { batch: x.batch } : {};
  return make(lifting, node, "Reverse", { axis, batchAxis }, inputs, batch);
};
