// Cross entropies, as TensorFlow's own functions spell them.
import { result, step, typeOf, type Attributes, type Emit } from "./emission";

export const sparseSoftmax: Emit<"SparseSoftmaxCrossEntropy"> = (to) =>
  result(to, "SparseSoftmaxCrossEntropyWithLogits", to.inputs, {
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
  result(to, "SoftmaxCrossEntropyWithLogits", to.inputs, { T: typeOf(to, to.inputs[0]!) });
