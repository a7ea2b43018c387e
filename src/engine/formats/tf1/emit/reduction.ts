// Reductions, and what metrics are made of.
import type { OpName } from "../../../graph/catalogue";
import * as attribute from "./attributes";
import { INT32, integer, integers, result, typeOf, type Emit } from "./emission";

export const reduction =
  (op: Extract<OpName, "Mean" | "Sum" | "Max" | "Min">): Emit<typeof op> =>
  (to, { axes, keepDims }) =>
    result(to, op, [to.inputs[0]!, integers(to, "reduction_indices", axes)], {
      T: typeOf(to, to.inputs[0]!),
      Tidx: INT32,
      keep_dims: attribute.flag(keepDims),
    });

export const argMax: Emit<"ArgMax"> = (to, { axis }) =>
  result(to, "ArgMax", [to.inputs[0]!, integer(to, "dimension", axis)], {
    T: typeOf(to, to.inputs[0]!),
    Tidx: INT32,
  });

/** Its type is that of the targets; predictions are float32. */
export const inTopK: Emit<"InTopK"> = (to, { k }) =>
  result(to, "InTopK", to.inputs, {
    T: typeOf(to, to.inputs[1]!),
    k: attribute.integer(k),
  });
