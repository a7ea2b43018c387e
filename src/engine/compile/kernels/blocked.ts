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

/** Multiply-adds in the time of copying one number into another order. */
const PER_COPY = 100;

/**
 * Into how many parts to cut the rows of `dy`, each part as if it were an image of its own. Images are filled up to whole
 * blocks: of 50 in blocks of 16 a fifth of the work is for nothing, of 2 · 50 a tenth. But parts of `x` overlap.
 */
function partsOf(
  [images, out, rows, columns]: readonly number[],
  [height, width]: readonly number[],
  block: number,
): number {
  const cost = (parts: number) => {
    const products = (rows / parts) * columns * height * width * out;
    const copied = (rows / parts + height - 1) * (columns + width - 1);
    return Math.ceil((images * parts) / block) * (products / PER_COPY + copied);
  };
  let best = 1;
  for (let parts = 2; parts <= rows; parts++)
    if (rows % parts === 0 && cost(parts) < cost(best)) best = parts;
  return best;
}

/**
 * The gradient by the kernel, [height, width, in, out]: `x`, [images, in, height, width], convolved with `dy`,
 * [images, out, height, width], as kernel, with images and channels in each other's place. `out` is a multiple of the
 * block; images, or equal parts of them, are filled up to one.
 */
export function blockedCorrelation(
  recorder: Recorder,
  x: Value,
  dy: Value,
  kernelShape: readonly number[],
  { pads, ...window }: Window,
  block: number,
): Value {
  const [height, width, from, to] = kernelShape;
  const parts = partsOf(dy.shape, kernelShape, block);
  const kernel = gradientParts(recorder, dy, parts, block);
  const [, full, rows] = kernel.shape;
  const [step] = window.dilations;
  const reached = (rows - 1) * step + (height - 1) * window.strides[0] + 1;
  const cut = imageParts(recorder, x, pads, { parts, step: rows * step, reached });
  const missing = full - cut.shape[1];
  const image = reorderInput(recorder, pad(recorder, cut, [0, 0, 0, 0], [0, missing, 0, 0]));
  const shape = [from, to, height, width];
  const value = convolve(recorder, image, kernel, shape, { ...window, pads: [0, 0, 0, 0] });
  const result = recorder.reshape(value, [from, to / block, height, width, block]);
  return recorder.reshape(recorder.reorder(result, [2, 3, 0, 1, 4]), kernelShape);
}

/** From [images, out, rows, columns] to a blocked kernel of [out, images · parts, rows / parts, columns], filled up. */
function gradientParts(recorder: Recorder, dy: Value, parts: number, block: number): Value {
  const [images, to, allRows, columns] = dy.shape;
  const rows = allRows / parts;
  const apart = [images, to / block, parts, rows * columns * block];
  const split = recorder.reshape(reorderInput(recorder, dy), apart);
  const count = images * parts;
  const turned = recorder.reshape(recorder.reorder(split, [0, 2, 1, 3]), [
    count,
    to,
    rows,
    columns,
  ]);
  const full = Math.ceil(count / block) * block;
  const filled = pad(recorder, turned, [0, 0, 0, 0], [full - count, 0, 0, 0]);
  const blocks = recorder.reshape(filled, [full / block, block, to / block, rows * columns, block]);
  return recorder.reshape(recorder.reorder(blocks, [2, 0, 3, 1, 4]), [to, full, rows, columns]);
}

/**
 * From [images, in, height, width] to [in, images · parts, reached, width], padded: the rows that the windows of each part
 * reach, a part's a `step` after those of the one before. The operator takes a slow way wherever its window, as large as
 * an image here, meets padding.
 */
function imageParts(
  recorder: Recorder,
  x: Value,
  [top, left, bottom, right]: readonly number[],
  { parts, step, reached }: { parts: number; step: number; reached: number },
): Value {
  const turned = recorder.reorder(x, [1, 0, 2, 3]);
  const whole = pad(recorder, turned, [0, 0, top, left], [0, 0, bottom, right]);
  if (parts === 1) return whole;
  const [from, images, , width] = whole.shape;
  const rows = Array.from({ length: parts }, (_, part) =>
    Array.from({ length: reached }, (__, row) => part * step + row),
  ).flat();
  const inputs = [whole, recorder.graph.integers(rows)];
  const cut = recorder.emit("Gather", inputs, float([from, images, rows.length, width]), {
    axis: 2,
  });
  return recorder.reshape(cut, [from, images * parts, reached, width]);
}
