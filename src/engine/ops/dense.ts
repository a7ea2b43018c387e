// Matrix products, biases and table look-ups.
import type { Kernel } from "./kernel";
import { tf } from "./tf";

export const MatMul: Kernel<"MatMul"> = ([a, b], { transposeA, transposeB }) =>
  tf.matMul(a, b, transposeA, transposeB);

export const BiasAdd: Kernel<"BiasAdd"> = ([x, bias], { dataFormat }) =>
  dataFormat === "NCHW" && x.rank > 2
    ? tf.add(x, tf.reshape(bias, [1, -1, ...x.shape.slice(2).map(() => 1)]))
    : tf.add(x, bias);

export const Gather: Kernel<"Gather"> = ([table, indices], { axis }) =>
  tf.gather(table, tf.cast(indices, "int32"), axis);

export const OneHot: Kernel<"OneHot"> = ([indices], { depth, on, off }) =>
  tf.oneHot(tf.cast(indices, "int32"), depth, on, off, "float32");
