// A dense layer for each step of sequences whose number of steps only a run knows: TensorFlow's tensordot, which works out
// the shapes of its matrices as it runs.
import { isTransposed } from "./dense";
import {
  consumed,
  inputOf,
  isUnknownRank,
  make,
  numbersOf,
  sameValue,
  shapeOf,
  type Lifter,
  type Lifting,
  type Meaning,
} from "./lifting";
import { integersOf } from "./shape";
import { inputNode, type SourceNode } from "./source";

/** Reshape(MatMul(Reshape(x, [rows, features]), kernel), [batch, time, units]): one product over x, [batch, time, features]. */
export const tensordot: Lifter = (lifting, node) => {
  const product = inputNode(lifting.graph, node, 0);
  if (product?.op !== "MatMul" || isTransposed(product)) return undefined;
  const rows = inputNode(lifting.graph, product, 0);
  if (rows?.op !== "Reshape") return undefined;
  const ordered = inputNode(lifting.graph, rows, 0);
  const isOrdered =
    ordered?.op === "Transpose" && numbersOf(lifting, ordered, 1)?.join() === "0,1,2";
  const x = inputOf(lifting, isOrdered ? ordered : rows, 0);
  if (isUnknownRank(x) || shapeOf(x).length !== 3) return undefined;
  const sizes = integersOf(lifting, rows, 1);
  if (sizes?.length !== 2 || sizes[1] !== shapeOf(x)[2]) return undefined;
  const target = inputNode(lifting.graph, node, 1);
  if (target?.op !== "ConcatV2" || !startsAs(lifting, target, x)) return undefined;
  const kernel = inputOf(lifting, product, 1);
  const units = numbersOf(lifting, target, 1);
  if (target.inputs.length !== 3 || units?.join() !== String(shapeOf(kernel)[1])) return undefined;
  const origin = consumed(lifting, node, [x, kernel]);
  const how = { transposeA: false, transposeB: false };
  return make(lifting, node, "MatMul", how, [x, kernel], { origin });
};

/** Whether a shape begins with the first two sizes of `x`. */
function startsAs(lifting: Lifting, target: SourceNode, x: Meaning): boolean {
  const gather = inputNode(lifting.graph, target, 0);
  if (gather === undefined || !/^Gather(V2)?$/.test(gather.op)) return false;
  const shape = inputNode(lifting.graph, gather, 0);
  return (
    shape?.op === "Shape" &&
    sameValue(inputOf(lifting, shape, 0), x) &&
    numbersOf(lifting, gather, 1)?.join() === "0,1"
  );
}
