// Convolutions in ONNX Runtime's blocked layout: [images, channels / block, height, width, block], the shape of a value
// staying [images, channels, height, width]. Its operators for it run several times as fast as the standard ones, but
// ONNX Runtime turns to them by itself only where the kernel is a constant, which it is not while it trains.
import type { Value } from "../graph";
import type { Recorder } from "../recorder";

const DOMAIN = "com.microsoft.nchwc";
export const BLOCKED_CONV = `${DOMAIN}::Conv`;

export interface Window {
  readonly strides: readonly number[];
  readonly dilations: readonly number[];
  /** Top, left, bottom, right. */
  readonly pads: readonly number[];
}

const float = (shape: readonly number[]) => ({ dtype: "float32", shape }) as const;

const reorderInput = (recorder: Recorder, x: Value): Value =>
  recorder.emit(`${DOMAIN}::ReorderInput`, [x], x);

const convolve = (
  recorder: Recorder,
  x: Value,
  kernel: Value,
  shape: readonly number[],
  window: Window,
): Value => {
  const kernel_shape = kernel.shape.slice(2);
  const attributes = { ...window, kernel_shape, group: 1 };
  return recorder.emit(BLOCKED_CONV, [x, kernel], float(shape), attributes);
};

/** From a kernel of [height, width, in, out] to blocks: [out / block, in / block, height · width, block, block]. */
function blockedKernel(recorder: Recorder, kernel: Value, block: number): Value {
  const [height, width, from, to] = kernel.shape;
  const apart = [height * width, from / block, block, to / block, block];
  const turned = recorder.reorder(recorder.reshape(kernel, apart), [3, 1, 0, 2, 4]);
  return recorder.reshape(turned, [to, from, height, width]);
}

/**
 * The convolution of `x`, [images, in, height, width], with a kernel of [height, width, in, out]; channels are
 * multiples of the block. `shape` is the result's, channels first too.
 */
export function blockedConvolution(
  recorder: Recorder,
  x: Value,
  kernel: Value,
  shape: readonly number[],
  window: Window,
  block: number,
): Value {
  const blocks = blockedKernel(recorder, kernel, block);
  const value = convolve(recorder, reorderInput(recorder, x), blocks, shape, window);
  return recorder.emit(`${DOMAIN}::ReorderOutput`, [value], value, { channels: shape[1] });
}

/** Zeros around and behind `value`; where a number is negative, what is there is cut off. */
function pad(recorder: Recorder, value: Value, before: number[], after: number[]): Value {
  if ([...before, ...after].every((count) => count === 0)) return value;
  const shape = value.shape.map((length, axis) => length + before[axis] + after[axis]);
  return recorder.emit(
    "Pad",
    [value, recorder.graph.integers([...before, ...after])],
    float(shape),
  );
}

/**
 * The gradient by the kernel, [height, width, in, out]: `x`, [images, in, height, width], convolved with `dy`,
 * [images, out, height, width], as kernel, with images and channels in each other's place. `out` is a multiple of the
 * block; images are filled up to one.
 */
export function blockedCorrelation(
  recorder: Recorder,
  x: Value,
  dy: Value,
  kernelShape: readonly number[],
  { pads: [top, left, bottom, right], ...window }: Window,
  block: number,
): Value {
  const [height, width, from, to] = kernelShape;
  const [images, , rows, columns] = dy.shape;
  const full = Math.ceil(images / block) * block;
  const missing = full - images;
  // Padded beforehand: the operator takes a slow way wherever its window, as large as an image here, meets padding.
  const turned = recorder.reorder(x, [1, 0, 2, 3]);
  const whole = pad(recorder, turned, [0, 0, top, left], [0, missing, bottom, right]);
  const gradient = pad(recorder, reorderInput(recorder, dy), [0, 0, 0, 0], [missing, 0, 0, 0]);
  const apart = [full / block, block, to / block, rows * columns, block];
  const blocks = recorder.reorder(recorder.reshape(gradient, apart), [2, 0, 3, 1, 4]);
  const kernel = recorder.reshape(blocks, [to, full, rows, columns]);
  const shape = [from, to, height, width];
  const unpadded = { ...window, pads: [0, 0, 0, 0] };
  const value = convolve(recorder, reorderInput(recorder, whole), kernel, shape, unpadded);
  const result = recorder.reshape(value, [from, to / block, height, width, block]);
  return recorder.reshape(recorder.reorder(result, [2, 3, 0, 1, 4]), kernelShape);
}
