// Matrix products, biases and table look-ups.
import type { Kernel } from "./kernel";
import { tf } from "./tf";

export const MatMul: Kernel<"MatMul"> = ([a, b], { transposeA, transposeB }) => {
  if (a.rank <= 2 || b.rank > 2) return tf.matMul(a, b, transposeA, transposeB);
  const rows = tf.reshape(a, [-1, a.shape.at(-1)!]);
  const product = tf.matMul(rows, b, false, transposeB);
  return tf.reshape(product, a.shape.with(-1, product.shape[1]!));
};

export const BiasAdd: Kernel<"BiasAdd"> = ([x, bias], { dataFormat }) =>
  dataFormat === "NCHW" && x.rank > 2
    ? tf.add(x, tf.reshape(bias, [1, -1, ...x.shape.slice(2).map(() => 1)]))
    : tf.add(x, bias);

export const Gather: Kernel<"Gather"> = ([table, indices], { axis }) =>
  tf.gather(table, tf.cast(indices, "int32"), axis);

/** As integers first: the wasm backend writes the bits of integers whatever type it is asked for. */
export const OneHot: Kernel<"OneHot"> = ([indices], { depth, on, off }) => {
  const hot = tf.cast(tf.oneHot(tf.cast(indices, "int32"), depth, 1, 0, "int32"), "float32");
  return on === 1 && off === 0 ? hot : tf.where(tf.cast(hot, "bool"), on, off);
};
