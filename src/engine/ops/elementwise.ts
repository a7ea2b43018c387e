// Arithmetic, activation functions and comparisons, element by element.
import type { DType } from "../../protocol/checkpoint";
import type { OpName } from "../graph/catalogue";
import { abs, maximum, minimum, relu6, selu, stopGradient } from "./gradients";
import type { Kernel } from "./kernel";
import { tf, type Tensor } from "./tf";

const unary =
  <Op extends OpName>(compute: (x: Tensor) => Tensor): Kernel<Op> =>
  ([x]) =>
    compute(x);

const binary =
  <Op extends OpName>(compute: (a: Tensor, b: Tensor) => Tensor): Kernel<Op> =>
  ([a, b]) =>
    compute(a, b);

export const Add: Kernel<"Add"> = (inputs) =>
  inputs.slice(1).reduce((sum, x) => tf.add(sum, x), inputs[0]);
export const Sub = binary<"Sub">(tf.sub);
export const Mul = binary<"Mul">(tf.mul);
export const Div = binary<"Div">(tf.div);
export const Maximum = binary<"Maximum">(maximum);
export const Minimum = binary<"Minimum">(minimum);
export const Pow = binary<"Pow">(tf.pow);
export const SquaredDifference = binary<"SquaredDifference">((a, b) => tf.square(tf.sub(a, b)));

export const Relu = unary<"Relu">(tf.relu);
export const Relu6 = unary<"Relu6">(relu6);
export const Elu = unary<"Elu">(tf.elu);
export const Selu = unary<"Selu">(selu);
export const LeakyRelu: Kernel<"LeakyRelu"> = ([x], { alpha }) => tf.leakyRelu(x, alpha);
export const Sigmoid = unary<"Sigmoid">(tf.sigmoid);
export const Tanh = unary<"Tanh">(tf.tanh);
export const Softplus = unary<"Softplus">(tf.softplus);
export const Softmax = unary<"Softmax">((x) => tf.softmax(x));
export const LogSoftmax = unary<"LogSoftmax">((x) => tf.logSoftmax(x));
export const Exp = unary<"Exp">(tf.exp);
export const Log = unary<"Log">(tf.log);
export const Log1p = unary<"Log1p">(tf.log1p);
export const Neg = unary<"Neg">(tf.neg);
export const Abs = unary<"Abs">(abs);
export const Square = unary<"Square">(tf.square);
export const Sqrt = unary<"Sqrt">(tf.sqrt);
export const Rsqrt = unary<"Rsqrt">(tf.rsqrt);
export const Floor = unary<"Floor">(tf.floor);
export const Identity = unary<"Identity">((x) => x);

export const StopGradient = unary<"StopGradient">(stopGradient);

/** The element types that TensorFlow.js computes with. */
export const tensorType = (dtype: DType): "bool" | "int32" | "float32" =>
  dtype === "bool" ? "bool" : /^u?int/.test(dtype) ? "int32" : "float32";

export const Cast: Kernel<"Cast"> = ([x], { to }) => tf.cast(x, tensorType(to));

export const Equal = binary<"Equal">((a, b) => tf.equal(a, tf.cast(b, a.dtype)));
export const Greater = binary<"Greater">(tf.greater);
export const GreaterEqual = binary<"GreaterEqual">(tf.greaterEqual);
export const Less = binary<"Less">(tf.less);
export const Select: Kernel<"Select"> = ([condition, a, b], { rows }) => {
  const rank = Math.max(a.rank, b.rank);
  const perRow = rows && condition.rank === 1 && rank > 1;
  const shaped = perRow
    ? tf.reshape(condition, [condition.size, ...new Array<number>(rank - 1).fill(1)])
    : condition;
  return tf.where(tf.cast(shaped, "bool"), a, b);
};
