// Convolution and pooling, channels last, whose gradients TensorFlow.js lacks or has wrong.
import type { Padding } from "../graph/catalogue";
import { graded } from "./graded";
import { tf, type Tensor } from "./tf";

export type Pair = readonly [number, number];
type Pads = readonly [before: number, after: number];

export const pad = (padding: Padding) => (padding === "SAME" ? "same" : "valid");

/** What TensorFlow adds before and after an axis. */
function padsOf(size: number, window: number, stride: number, padding: Padding): Pads {
  if (padding === "VALID") return [0, 0];
  const total = Math.max((Math.ceil(size / stride) - 1) * stride + window - size, 0);
  return [Math.floor(total / 2), Math.ceil(total / 2)];
}

const padImages = (x: Tensor, rows: Pads, columns: Pads): tf.Tensor4D =>
  tf.pad(x, [[0, 0], [...rows], [...columns], [0, 0]]) as tf.Tensor4D;

/** Around the gradient of the output, so that a convolution with the turned kernel yields that of the input. */
const around = ([before, after]: Pads, window: number): Pads => [
  window - 1 - before,
  window - 1 - after,
];

/**
 * What both gradients of a dilated convolution need. Its strides are 1: TensorFlow.js takes no others with dilation.
 */
function geometry(x: Tensor, kernel: Tensor, dilations: Pair, padding: Padding) {
  const windows = dilations.map((rate, axis) => (kernel.shape[axis] - 1) * rate + 1);
  const [rows, columns] = windows.map((window, axis) =>
    padsOf(x.shape[axis + 1], window, 1, padding),
  );
  return {
    padInput: (images: Tensor) => padImages(images, rows, columns),
    padGradient: (dy: Tensor) =>
      padImages(dy, around(rows, windows[0]), around(columns, windows[1])),
  };
}

/** Inputs [batch, height, width, in] and [height, width, in, out]. */
export function dilatedConv2d(
  image: Tensor,
  weights: Tensor,
  dilations: Pair,
  padding: Padding,
): Tensor {
  const rates: [number, number] = [...dilations];
  const convolve = (x: Tensor, kernel: Tensor, how: "same" | "valid") =>
    tf.conv2d(x as tf.Tensor4D, kernel as tf.Tensor4D, 1, how, "NHWC", rates);
  return graded(
    (x, kernel) => [convolve(x, kernel, pad(padding)), x, kernel],
    (dy, x, kernel) => {
      const { padInput, padGradient } = geometry(x, kernel, dilations, padding);
      const turned = tf.transpose(tf.reverse(kernel, [0, 1]), [0, 1, 3, 2]);
      // The kernel's: inputs as a batch of channels, the gradient as a kernel, and the dilation as stride.
      const channels = tf.transpose(padInput(x), [3, 1, 2, 0]);
      const asKernel = tf.transpose(dy as tf.Tensor4D, [1, 2, 0, 3]);
      const slope = tf.conv2d(channels, asKernel, rates, "valid");
      return [convolve(padGradient(dy), turned, "valid"), tf.transpose(slope, [1, 2, 0, 3])];
    },
  )(image, weights);
}

/** Inputs [batch, height, width, in] and [height, width, in, multiplier]. */
export function dilatedDepthwiseConv2d(
  image: Tensor,
  weights: Tensor,
  dilations: Pair,
  padding: Padding,
): Tensor {
  const rates: [number, number] = [...dilations];
  const convolve = (x: Tensor, kernel: Tensor, how: "same" | "valid") =>
    tf.depthwiseConv2d(x as tf.Tensor4D, kernel as tf.Tensor4D, 1, how, "NHWC", rates);
  return graded(
    (x, kernel) => [convolve(x, kernel, pad(padding)), x, kernel],
    (dy, x, kernel) => {
      const [batch, height, width, depth] = x.shape;
      const [rows, columns, , multiplier] = kernel.shape;
      const outputs = depth * multiplier;
      const { padInput, padGradient } = geometry(x, kernel, dilations, padding);
      const turned = tf.reshape(tf.reverse(kernel, [0, 1]), [rows, columns, outputs, 1]);
      const spread = convolve(padGradient(dy), turned, "valid");
      // The kernel's: every channel of every sample is a channel, and the samples are summed.
      const padded = tf.transpose(padInput(x), [1, 2, 0, 3]);
      const channels = tf.reshape(padded, [1, ...padded.shape.slice(0, 2), batch * depth]);
      const asKernel = tf.reshape(tf.transpose(dy, [1, 2, 0, 3]), [
        ...dy.shape.slice(1, 3),
        batch * depth,
        multiplier,
      ]);
      const slope = tf.depthwiseConv2d(
        channels as tf.Tensor4D,
        asKernel as tf.Tensor4D,
        rates,
        "valid",
      );
      return [
        tf.sum(tf.reshape(spread, [batch, height, width, depth, multiplier]), -1),
        tf.reshape(tf.sum(tf.reshape(slope, [rows, columns, batch, outputs]), 2), kernel.shape),
      ];
    },
  )(image, weights);
}

/** A pool with TensorFlow's padding, and its gradient. */
export function avgPoolSame(image: Tensor, window: Pair, strides: Pair): Tensor {
  const [rows, columns] = window.map((size, axis) =>
    padsOf(image.shape[axis + 1], size, strides[axis], "SAME"),
  );
  return [...rows, ...columns].some((added) => added > 0)
    ? paddedAvgPool(image, window, strides, rows, columns)
    : tf.avgPool(image as tf.Tensor4D, [...window], [...strides], "valid");
}

/**
 * TensorFlow averages over the part of a window that lies on the image; TensorFlow.js does too, but its gradient divides
 * by the whole window. So the gradient here is that of a pool over padded images.
 */
function paddedAvgPool(
  image: Tensor,
  window: Pair,
  strides: Pair,
  rows: Pads,
  columns: Pads,
): Tensor {
  const [batch, height, width, depth] = image.shape;
  return graded(
    (x) => [tf.avgPool(x as tf.Tensor4D, [...window], [...strides], "same")],
    (dy) => {
      const [, down, across] = dy.shape;
      const byRow = wholePerPart(down, height, window[0], strides[0], rows[0]);
      const byColumn = wholePerPart(across, width, window[1], strides[1], columns[0]);
      const scale = tf.tensor4d(
        byRow.flatMap((row) => byColumn.map((column) => row * column)),
        [1, down, across, 1],
      );
      const padded = [batch, height + rows[0] + rows[1], width + columns[0] + columns[1], depth];
      const gradient: Tensor = tf
        .engine()
        .runKernel(
          "AvgPoolGrad",
          { dy: tf.mul(dy, scale), input: tf.zeros(padded) },
          { filterSize: [...window], strides: [...strides], pad: "valid" },
        );
      return [tf.slice(gradient, [0, rows[0], columns[0], 0], [batch, height, width, depth])];
    },
  )(image);
}

/** For each window along an axis: its size over that of its part on the image. */
const wholePerPart = (
  count: number,
  size: number,
  window: number,
  stride: number,
  before: number,
): number[] =>
  Array.from({ length: count }, (_, index) => {
    const start = index * stride - before;
    return window / (Math.min(start + window, size) - Math.max(start, 0));
  });
