// Gradients where those of TensorFlow.js are not TensorFlow's: at the bends of activation functions, at ties, and where
// one side is broadcast. Written in its own ops, so that they run on every backend and can be traced.
import { graded } from "./graded";
import { tf, type Tensor } from "./tf";

const where = (condition: Tensor, dy: Tensor): Tensor => tf.mul(dy, tf.cast(condition, "float32"));

/** The gradient of what was broadcast from `shape`: summed over the axes that were stretched. */
function sumTo(shape: readonly number[], gradient: Tensor): Tensor {
  const axes = tf.broadcast_util.getReductionAxes([...shape], gradient.shape);
  return tf.reshape(axes.length > 0 ? tf.sum(gradient, axes) : gradient, [...shape]);
}

/** The larger, or the smaller, of two. At a tie the gradient is the first one's. */
const extreme = (
  compute: (a: Tensor, b: Tensor) => Tensor,
  isFirst: (a: Tensor, b: Tensor) => Tensor,
) =>
  graded(
    (a, b) => [compute(a, b), a, b],
    (dy, a, b) => {
      const chosen = isFirst(a, b);
      return [sumTo(a.shape, where(chosen, dy)), sumTo(b.shape, where(tf.logicalNot(chosen), dy))];
    },
  );
export const maximum = extreme(tf.maximum, tf.greaterEqual);
export const minimum = extreme(tf.minimum, tf.lessEqual);

/** The largest, or the smallest, along axes. Ties share the gradient. */
export function extremum(
  compute: (x: Tensor, axes: number[], keepDims: boolean) => Tensor,
  input: Tensor,
  axes: readonly number[],
  keepDims: boolean,
): Tensor {
  const over = [...axes];
  return graded(
    (x) => {
      const most = compute(x, over, true);
      return [keepDims ? tf.clone(most) : compute(x, over, false), x, most];
    },
    (dy, x, most) => {
      const isMost = tf.cast(tf.equal(x, most), "float32");
      const share = tf.div(tf.reshape(dy, most.shape), tf.sum(isMost, over, true));
      return [tf.mul(isMost, share)];
    },
  )(input);
}

/** An elementwise op with a gradient of its own, from its input and output. */
const elementwise = (
  compute: (x: Tensor) => Tensor,
  gradient: (dy: Tensor, x: Tensor, y: Tensor) => Tensor,
) =>
  graded(
    (x) => {
      const y = compute(x);
      return [y, x, y];
    },
    (dy, x, y) => [gradient(dy, x, y)],
  );

/** 0 at 0. */
export const abs = elementwise(tf.abs, (dy, x) => tf.mul(dy, tf.sign(x)));

/** 0 at 0 and at 6. */
export const relu6 = elementwise(tf.relu6, (dy, x) =>
  where(tf.logicalAnd(tf.greater(x, 0), tf.less(x, 6)), dy),
);

const SELU_SCALE = 1.0507009873554805;
const SELU_ALPHA = 1.673263242354377;

/** At 0 that of the right side. */
export const selu = elementwise(tf.selu, (dy, _, y) =>
  tf.mul(dy, tf.where(tf.less(y, 0), tf.add(y, SELU_SCALE * SELU_ALPHA), SELU_SCALE)),
);

export const stopGradient = elementwise(tf.clone, (dy) => tf.zerosLike(dy));

/** Repeats axes; the gradient is summed over the repetitions. TensorFlow.js' own takes no more than four axes. */
export const tile = (input: Tensor, multiples: readonly number[]): Tensor =>
  graded(
    (x) => [tf.tile(x, [...multiples])],
    (dy) => [
      multiples.reduce((sum, count, axis) => (count === 1 ? sum : folded(sum, axis, count)), dy),
    ],
  )(input);

/** The sum of the `count` parts that an axis consists of. */
function folded(x: Tensor, axis: number, count: number): Tensor {
  const shape = x.shape.with(axis, x.shape[axis] / count);
  const before = tf.util.sizeFromShape(shape.slice(0, axis));
  return tf.reshape(tf.sum(tf.reshape(x, [before, count, -1]), 1), shape);
}
