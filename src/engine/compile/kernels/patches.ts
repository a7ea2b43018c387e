// The gradient by the kernel of a convolution of few channels, as matrix products. ONNX Runtime is slow at the convolution
// that it is otherwise, with a kernel as large as the image.
import { elements } from "../../graph/model";
import type { Value } from "../graph";
import type { Recorder } from "../recorder";
import type { Window } from "./blocked";

/** Channels up to which products are faster. */
const NARROW = 8;
/** Numbers in the patches of a batch at most. */
const MOST = 4 * 2 ** 20;

const float = (shape: readonly number[]) => ({ dtype: "float32", shape }) as const;

/** Whether the patches of `dy`'s size, [images, out, rows, columns], are few for a kernel of [height, width, in, out]. */
export function fitsPatches(
  [images, , rows, columns]: readonly number[],
  [height, width, from]: readonly number[],
): boolean {
  return from <= NARROW && images * rows * columns * height * width * from <= MOST;
}

/**
 * For `x`, [images, in, height, width], and `dy`, [images, out, rows, columns]: for each image the product of its patches
 * and `dy`, and the sum of these.
 */
export function patchedCorrelation(
  recorder: Recorder,
  x: Value,
  dy: Value,
  [height, width, from, to]: readonly number[],
  window: Window,
): Value {
  const [images, , rows, columns] = dy.shape;
  const places = height * width;
  // A kernel for each place of the window: 1 there, and 0 elsewhere.
  const unitShape = [from * places, 1, height, width];
  const units = Float32Array.from({ length: elements(unitShape) }, (_, index) =>
    Number(Math.floor(index / places) % places === index % places),
  );
  const kernel = recorder.graph.constant(units, "float32", unitShape);
  const type = float([images, from * places, rows, columns]);
  const patches = recorder.emit("Conv", [x, kernel], type, { ...window, group: from });
  const gradients = recorder.reshape(dy, [images, to, rows * columns]);
  const inputs = [
    recorder.reshape(patches, [images, from * places, rows * columns]),
    recorder.reorder(gradients, [0, 2, 1]),
  ];
  const products = recorder.emit("MatMul", inputs, float([images, from * places, to]));
  const axes = recorder.graph.integers([0]);
  const sum = recorder.emit("ReduceSum", [products, axes], float([from * places, to]), {
    keepdims: 0,
  });
  return recorder.reorder(recorder.reshape(sum, [from, height, width, to]), [1, 2, 0, 3]);
}
