// Convolution and pooling. TensorFlow.js computes channels last; channels first is transposed around it.
import type { DataFormat, Padding } from "../graph/catalogue";
import type { Kernel } from "./kernel";
import { tf, type Tensor } from "./tf";

const NCHW_TO_NHWC = [0, 2, 3, 1];
const NHWC_TO_NCHW = [0, 3, 1, 2];

function channelsLast(x: Tensor, format: DataFormat, compute: (x: tf.Tensor4D) => Tensor): Tensor {
  if (format === "NHWC") return compute(x as tf.Tensor4D);
  return tf.transpose(compute(tf.transpose(x as tf.Tensor4D, NCHW_TO_NHWC)), NHWC_TO_NCHW);
}

const pad = (padding: Padding) => (padding === "SAME" ? "same" : "valid");

export const Conv2D: Kernel<"Conv2D"> = (
  [x, kernel],
  { strides, padding, dilations, dataFormat },
) =>
  channelsLast(x, dataFormat, (image) =>
    tf.conv2d(image, kernel as tf.Tensor4D, [...strides], pad(padding), "NHWC", [...dilations]),
  );

export const DepthwiseConv2D: Kernel<"DepthwiseConv2D"> = (
  [x, kernel],
  { strides, padding, dilations, dataFormat },
) =>
  channelsLast(x, dataFormat, (image) =>
    tf.depthwiseConv2d(image, kernel as tf.Tensor4D, [...strides], pad(padding), "NHWC", [
      ...dilations,
    ]),
  );

export const MaxPool: Kernel<"MaxPool"> = ([x], { window, strides, padding, dataFormat }) =>
  channelsLast(x, dataFormat, (image) =>
    tf.maxPool(image, [...window], [...strides], pad(padding)),
  );

export const AvgPool: Kernel<"AvgPool"> = ([x], { window, strides, padding, dataFormat }) =>
  channelsLast(x, dataFormat, (image) =>
    tf.avgPool(image, [...window], [...strides], pad(padding)),
  );
