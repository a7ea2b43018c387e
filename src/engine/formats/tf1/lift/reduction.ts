// Reductions over axes that are known when the graph is read.
import * as attributes from "./attributes";
import { consumed, inputOf, isUnknownRank, make, numbersOf, shapeOf, type Lifter } from "./lifting";
import { fromStart } from "../../../graph/shapes";

export const reduction =
  (op: "Mean" | "Sum" | "Max" | "Min"): Lifter =>
  (lifting, node) => {
    const x = inputOf(lifting, node, 0);
    const listed = numbersOf(lifting, node, 1);
    if (listed === undefined) return undefined;
    // Over no axes: nothing to do, which losses of one number go through.
    if (listed.length === 0 && x.kind === "node") return x;
    const axes = isUnknownRank(x)
      ? listed
      : listed.map((axis) => fromStart(axis, shapeOf(x).length));
    const keepDims = attributes.flag(node, "keep_dims");
    const origin = consumed(lifting, node, [x]);
    return make(lifting, node, op, { axes, keepDims }, [x], { origin });
  };

export const argMax: Lifter = (lifting, node) => {
  const x = inputOf(lifting, node, 0);
  const [axis] = numbersOf(lifting, node, 1) ?? [];
  if (axis === undefined) return undefined;
  const counted = isUnknownRank(x) ? axis : fromStart(axis, shapeOf(x).length);
  return make(lifting, node, "ArgMax", { axis: counted }, [x]);
};

export const inTopK: Lifter = (lifting, node) => {
  const [k] =
    node.op === "InTopKV2" ? (numbersOf(lifting, node, 2) ?? []) : [attributes.integer(node, "k")];
  const [predictions, targets] = [inputOf(lifting, node, 0), inputOf(lifting, node, 1)];
  return k === undefined ? undefined : make(lifting, node, "InTopK", { k }, [predictions, targets]);
};
