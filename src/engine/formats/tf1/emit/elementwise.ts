// Ops that work element by element.
import type { OpName } from "../../../graph/catalogue";
import { numberOf } from "../dtypes";
import { tensorType } from "../patch/types";
import * as attribute from "./attributes";
import { cast, result, typeOf, type Emission, type Emit } from "./emission";

/** An op of one type: all inputs are of the first one's. */
export const elementwise =
  <Op extends OpName>(op: string): Emit<Op> =>
  (to) => {
    const inputs = sameType(to, to.inputs);
    return result(to, op, inputs, { T: typeOf(to, inputs[0]!) });
  };

/** Of two tensors, which may broadcast, or of more of one shape. */
export const add: Emit<"Add"> = (to) => {
  const inputs = sameType(to, to.inputs);
  const T = typeOf(to, inputs[0]!);
  return inputs.length === 2
    ? result(to, "Add", inputs, { T })
    : result(to, "AddN", inputs, { T, N: attribute.integer(inputs.length) });
};

/** TensorFlow compares and adds numbers of one type only. */
function sameType(to: Emission, [first, ...rest]: readonly string[]): string[] {
  const type = tensorType(to.graph, first!);
  return [first!, ...rest.map((tensor) => cast(to, tensor, type))];
}

export const leakyRelu: Emit<"LeakyRelu"> = (to, { alpha }) =>
  result(to, "LeakyRelu", to.inputs, {
    T: typeOf(to, to.inputs[0]!),
    alpha: attribute.float(alpha),
  });

export const castTo: Emit<"Cast"> = (to, { to: dtype }) =>
  result(to, "Cast", to.inputs, {
    SrcT: typeOf(to, to.inputs[0]!),
    DstT: attribute.ofType(dtype),
  });

/** The first version takes a condition per row, or one for all; the second broadcasts. */
export const select: Emit<"Select"> = (to, { rows }) => {
  const [condition, ...branches] = to.inputs;
  const values = sameType(to, branches);
  const inputs = [cast(to, condition!, numberOf("bool")), ...values];
  return result(to, rows ? "Select" : "SelectV2", inputs, { T: typeOf(to, values[0]!) });
};
