// Cross entropies, as TensorFlow's own functions spell them.
import * as attribute from "./attributes";
import {
  INT32,
  integer,
  integers,
  result,
  step,
  typeOf,
  type Attributes,
  type Emission,
  type Emit,
} from "./emission";

export const sparseSoftmax: Emit<"SparseSoftmaxCrossEntropy"> = (to) =>
  perRow(to, "SparseSoftmaxCrossEntropyWithLogits", {
    T: typeOf(to, to.inputs[0]!),
    Tlabels: typeOf(to, to.inputs[1]!),
  });

/** max(x, 0) − x·z + log1p(exp(−|x|)), with choices in place of max and |x|: at x = 0 they have the right gradient. */
export const sigmoid: Emit<"SigmoidCrossEntropy"> = (to) => {
  const [x, z] = to.inputs as [string, string];
  const T: Attributes = { T: typeOf(to, x) };
  const add = (name: string, op: string, inputs: readonly string[], attributes = T) =>
    step(to, name, op, inputs, attributes);
  const zeros = add("zeros_like", "ZerosLike", [x]);
  const positive = add("GreaterEqual", "GreaterEqual", [x, zeros]);
  const relu = add("Select", "Select", [positive, x, zeros]);
  const minusAbs = add("Select_1", "Select", [positive, add("Neg", "Neg", [x]), x]);
  const product = add("mul", "Mul", [x, z]);
  const linear = add("sub", "Sub", [relu, product]);
  const log = add("Log1p", "Log1p", [add("Exp", "Exp", [minusAbs])]);
  return result(to, "Add", [linear, log], T);
};

/** Labels are of the logits' type. */
export const softmax: Emit<"SoftmaxCrossEntropy"> = (to) =>
  perRow(to, "SoftmaxCrossEntropyWithLogits", { T: typeOf(to, to.inputs[0]!) });

/** TensorFlow's ops take rows of logits: those of all steps, of which each gets its own loss again. */
function perRow(to: Emission, op: string, attributes: Attributes): string {
  const [logits, labels] = to.inputs as [string, string];
  const rank = to.inputShapes[0]?.length ?? 2;
  if (rank < 3) return result(to, op, to.inputs, attributes);
  const sizes = step(to, "Shape", "Shape", [logits], { T: typeOf(to, logits), out_type: INT32 });
  const part = (suffix: string, begin: number, size: number): string => {
    const bounds = [
      integers(to, `${suffix}/begin`, [begin]),
      integers(to, `${suffix}/size`, [size]),
    ];
    return step(to, suffix, "Slice", [sizes, ...bounds], { T: INT32, Index: INT32 });
  };
  const all = integers(to, "all", [-1]);
  // Computed, so that it follows another number of classes.
  const rows = step(
    to,
    "rows",
    "ConcatV2",
    [all, part("classes", rank - 1, 1), integer(to, "axis", 0)],
    {
      T: INT32,
      N: attribute.integer(2),
      Tidx: INT32,
    },
  );
  const reshaped = (suffix: string, tensor: string, target: string): string =>
    step(to, suffix, "Reshape", [tensor, target], { T: typeOf(to, tensor), Tshape: INT32 });
  const areIndices = to.inputShapes[1]?.length === rank - 1;
  const inputs = [
    reshaped("Reshape", logits, rows),
    reshaped("Reshape_1", labels, areIndices ? all : rows),
  ];
  const losses = step(to, "losses", op, inputs, attributes);
  const target = part("Slice", 0, rank - 1);
  return result(to, "Reshape", [losses, target], { T: typeOf(to, logits), Tshape: INT32 });
}
