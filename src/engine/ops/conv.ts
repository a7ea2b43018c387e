// Convolution and pooling. TensorFlow.js computes channels last; channels first is transposed around it.
import type { DataFormat } from "../graph/catalogue";
import type { Kernel } from "./kernel";
import { tf, type Tensor } from "./tf";
import { avgPoolSame, dilatedConv2d, dilatedDepthwiseConv2d, pad } from "./windows";

const NCHW_TO_NHWC = [0, 2, 3, 1];
const NHWC_TO_NCHW = [0, 3, 1, 2];

function channelsLast(x: Tensor, format: DataFormat, compute: (x: tf.Tensor4D) => Tensor): Tensor {
  if (format === "NHWC") return compute(x as tf.Tensor4D);
  return tf.transpose(compute(tf.transpose(x as tf.Tensor4D, NCHW_TO_NHWC)), NHWC_TO_NCHW);
}

const isDilated = (dilations: readonly [number, number]) => Math.max(...dilations) > 1;

export const Conv2D: Kernel<"Conv2D"> = (
  [x, kernel],
  { strides, padding, dilations, dataFormat },
) =>
  channelsLast(x, dataFormat, (image) =>
    isDilated(dilations)
      ? dilatedConv2d(image, kernel, dilations, padding)
      : tf.conv2d(image, kernel as tf.Tensor4D, [...strides], pad(padding)),
  );

export const DepthwiseConv2D: Kernel<"DepthwiseConv2D"> = (
  [x, kernel],
  { strides, padding, dilations, dataFormat },
) =>
  channelsLast(x, dataFormat, (image) =>
    isDilated(dilations)
      ? dilatedDepthwiseConv2d(image, kernel, dilations, padding)
      : tf.depthwiseConv2d(image, kernel as tf.Tensor4D, [...strides], pad(padding)),
  );

export const Conv2DTranspose: Kernel<"Conv2DTranspose"> = (
  [x, kernel],
  { strides, padding, dataFormat, outputSize },
) =>
  channelsLast(x, dataFormat, (image) => {
    const weights = kernel as tf.Tensor4D;
    const shape = [image.shape[0], ...outputSize, weights.shape[2]] as const;
    return tf.conv2dTranspose(image, weights, [...shape], [...strides], pad(padding));
  });

export const MaxPool: Kernel<"MaxPool"> = ([x], { window, strides, padding, dataFormat }) =>
  channelsLast(x, dataFormat, (image) =>
    tf.maxPool(image, [...window], [...strides], pad(padding)),
  );

export const AvgPool: Kernel<"AvgPool"> = ([x], { window, strides, padding, dataFormat }) =>
  channelsLast(x, dataFormat, (image) =>
    padding === "SAME"
      ? avgPoolSame(image, window, strides)
      : tf.avgPool(image, [...window], [...strides], "valid"),
  );
