// Activation functions of recurrent layers, each with its derivative.
import type { RecurrentActivation } from "../graph/catalogue";
import { tf, type Tensor } from "./tf";

export interface Activation {
  readonly value: (x: Tensor) => Tensor;
  /** The derivative, told from what the function gave. */
  readonly slope: (y: Tensor) => Tensor;
}

const within = (y: Tensor, low: number, high: number): Tensor =>
  tf.cast(tf.logicalAnd(tf.greater(y, low), tf.less(y, high)), "float32");

const LEAK = 0.01;
const SELU_SCALE = 1.0507009873554805;
const SELU_ALPHA = 1.673263242354377;

export const ACTIVATIONS: { readonly [Name in RecurrentActivation]: Activation } = {
  tanh: { value: tf.tanh, slope: (y) => tf.sub(1, tf.square(y)) },
  sigmoid: { value: tf.sigmoid, slope: (y) => tf.mul(y, tf.sub(1, y)) },
  /** Keras' and DL4J's piecewise linear sigmoid. */
  hardSigmoid: {
    value: (x) => tf.clipByValue(tf.add(tf.mul(x, 0.2), 0.5), 0, 1),
    slope: (y) => tf.mul(within(y, 0, 1), 0.2),
  },
  relu: { value: tf.relu, slope: (y) => tf.cast(tf.greater(y, 0), "float32") },
  relu6: { value: tf.relu6, slope: (y) => within(y, 0, 6) },
  leakyRelu: {
    value: (x) => tf.leakyRelu(x, LEAK),
    slope: (y) => tf.where(tf.greater(y, 0), tf.onesLike(y), LEAK),
  },
  elu: { value: tf.elu, slope: (y) => tf.where(tf.less(y, 0), tf.add(y, 1), tf.onesLike(y)) },
  selu: {
    value: tf.selu,
    slope: (y) => tf.where(tf.less(y, 0), tf.add(y, SELU_SCALE * SELU_ALPHA), SELU_SCALE),
  },
  softplus: { value: tf.softplus, slope: (y) => tf.neg(tf.expm1(tf.neg(y))) },
  softsign: {
    value: (x) => tf.div(x, tf.add(tf.abs(x), 1)),
    slope: (y) => tf.square(tf.sub(1, tf.abs(y))),
  },
  identity: { value: tf.clone, slope: tf.onesLike },
};
