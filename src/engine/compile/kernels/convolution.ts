// Convolutions and their gradients. TensorFlow.js gives kernels as [height, width, in, out]; ONNX takes
// [out, in, height, width] and images channels first.
import type {
  Conv2DAttrs,
  Conv2DBackpropFilterAttrs,
  Conv2DBackpropInputAttrs,
  DepthwiseConv2dNativeAttrs,
  DepthwiseConv2dNativeBackpropFilterAttrs,
  DepthwiseConv2dNativeBackpropInputAttrs,
  TensorInfo,
} from "@tensorflow/tfjs-core";
import { tf } from "../../ops/tf";
import type { Value } from "../graph";
import { shapeIn, Untraceable, type Recorder } from "../recorder";
import { blockedConvolution, blockedCorrelation, type Window } from "./blocked";
import { fitsPatches, patchedCorrelation } from "./patches";
import type { Rule, Rules } from "./rule";

type Info = tf.backend_util.Conv2DInfo;

/** From [height, width, in, out] to [out, in, height, width]. */
const KERNEL = [3, 2, 0, 1];

type Geometry = Pick<Conv2DAttrs, "strides" | "pad" | "dimRoundingMode"> &
  Partial<Pick<Conv2DAttrs, "dataFormat" | "dilations">>;

function conv2DInfo(
  x: readonly number[],
  filter: readonly number[],
  { strides, pad, dataFormat, dimRoundingMode, dilations }: Geometry,
  depthwise = false,
): Info {
  const format = tf.backend_util.convertConv2DDataFormat(dataFormat ?? "NHWC");
  if (format !== "channelsLast") throw new Untraceable("a convolution with channels first");
  return tf.backend_util.computeConv2DInfo(
    x as [number, number, number, number],
    filter as [number, number, number, number],
    strides,
    dilations ?? 1,
    pad,
    dimRoundingMode,
    depthwise,
    format,
  );
}

const window = ({
  strideHeight,
  strideWidth,
  dilationHeight,
  dilationWidth,
  padInfo,
}: Info): Window => ({
  strides: [strideHeight, strideWidth],
  dilations: [dilationHeight, dilationWidth],
  pads: [padInfo.top, padInfo.left, padInfo.bottom, padInfo.right],
});

function image(recorder: Recorder, shape: readonly number[], value: Value): TensorInfo {
  return recorder.result(shape, value, { layout: "channelsFirst" });
}

/** The block, where the channels of a convolution fill blocks on both sides. */
const blockOf = ({ block }: Recorder, { inChannels, outChannels }: Info): number | undefined =>
  block !== undefined && inChannels % block === 0 && outChannels % block === 0 ? block : undefined;

const float = (shape: readonly number[]) => ({ dtype: "float32", shape }) as const;

const Conv2D: Rule<"x" | "filter", Conv2DAttrs> = (recorder, { x, filter }, attributes) => {
  const info = conv2DInfo(x.shape, filter.shape, attributes);
  const shape = shapeIn("channelsFirst", info.outShape);
  const images = recorder.channelsFirst(x);
  const kernel = recorder.plain(filter);
  const block = blockOf(recorder, info);
  // A constant kernel is left to ONNX Runtime, which also joins what follows to the convolution.
  const value =
    block !== undefined && kernel.constant === undefined
      ? blockedConvolution(recorder, images, kernel, shape, window(info), block)
      : recorder.emit("Conv", [images, recorder.reorder(kernel, KERNEL)], float(shape), {
          ...window(info),
        });
  return image(recorder, info.outShape, value);
};

/** Rows and columns of the input that no window reached. */
export const outputPadding = (info: Info): number[] => {
  const missed = (length: number, out: number, stride: number, kernel: number, pads: number) =>
    length + pads - ((out - 1) * stride + kernel);
  const { inHeight, outHeight, strideHeight, effectiveFilterHeight, padInfo } = info;
  const { inWidth, outWidth, strideWidth, effectiveFilterWidth } = info;
  const vertical = padInfo.top + padInfo.bottom;
  const horizontal = padInfo.left + padInfo.right;
  return [
    missed(inHeight, outHeight, strideHeight, effectiveFilterHeight, vertical),
    missed(inWidth, outWidth, strideWidth, effectiveFilterWidth, horizontal),
  ];
};

/** Spreads `dy` over the input: the gradient of a convolution by its image. `kernel` is [out, in / group, height, width]. */
function spread(
  recorder: Recorder,
  dy: TensorInfo,
  kernel: Value,
  info: Info,
  group: number,
): TensorInfo {
  const type = float(shapeIn("channelsFirst", info.inShape));
  const missed = outputPadding(info);
  const fits = missed.every((count, axis) => {
    const stride = axis === 0 ? info.strideHeight : info.strideWidth;
    return count >= 0 && count < stride;
  });
  if (!fits) throw new Untraceable("a convolution whose stride leaps over its kernel");
  const value = recorder.emit("ConvTranspose", [recorder.channelsFirst(dy), kernel], type, {
    ...window(info),
    group,
    output_padding: missed,
  });
  return image(recorder, info.inShape, value);
}

const Conv2DBackpropInput: Rule<"dy" | "filter", Conv2DBackpropInputAttrs> = (
  recorder,
  { dy, filter },
  attributes,
) => {
  const info = conv2DInfo(attributes.inputShape, filter.shape, attributes);
  const kernel = recorder.plain(filter);
  const block = blockOf(recorder, info);
  if (block === undefined || info.strideHeight !== 1 || info.strideWidth !== 1)
    return spread(recorder, dy, recorder.reorder(kernel, KERNEL), info, 1);
  const shape = shapeIn("channelsFirst", info.inShape);
  const gradient = recorder.channelsFirst(dy);
  const back = turned(recorder, kernel);
  const value = blockedConvolution(recorder, gradient, back, shape, backWindow(info), block);
  return image(recorder, info.inShape, value);
};

/** A kernel that takes `dy` back to the image: upside down, left to right, with in and out in each other's place. */
function turned(recorder: Recorder, kernel: Value): Value {
  const [height, width, from, to] = kernel.shape;
  const flat = recorder.reshape(kernel, [height * width, from, to]);
  const backwards = Array.from(
    { length: height * width },
    (_, place) => height * width - 1 - place,
  );
  const inputs = [flat, recorder.graph.integers(backwards)];
  const flipped = recorder.emit("Gather", inputs, flat, { axis: 0 });
  return recorder.reshape(recorder.reorder(flipped, [0, 2, 1]), [height, width, to, from]);
}

/** How a turned kernel goes over `dy`, for strides of 1. */
const backWindow = (info: Info): Window => {
  const { top, left, bottom, right } = info.padInfo;
  const [height, width] = [info.effectiveFilterHeight - 1, info.effectiveFilterWidth - 1];
  return { ...window(info), pads: [height - top, width - left, height - bottom, width - right] };
};

/** How `dy` goes over the image as kernel: what was a stride is a dilation. A negative pad cuts off rows that no window reached. */
function correlation(info: Info): Window {
  const { strides, dilations, pads } = window(info);
  const [bottom, right] = outputPadding(info);
  return {
    strides: dilations,
    dilations: strides,
    pads: [pads[0], pads[1], pads[2] - bottom, pads[3] - right],
  };
}

/** A convolution of the image with `dy` as kernel, with batch and channels in each other's place. */
function correlate(
  recorder: Recorder,
  x: Value,
  dy: Value,
  info: Info,
  shape: readonly number[],
  group: number,
): Value {
  const { pads, ...steps } = correlation(info);
  // ONNX Runtime pads by nothing less than zero.
  const cut = pads.map((pad) => Math.min(pad, 0));
  const [rows, columns] = [x.shape[2] + cut[2], x.shape[3] + cut[3]];
  const { graph } = recorder;
  const whole =
    cut[2] === 0 && cut[3] === 0
      ? x
      : recorder.emit(
          "Slice",
          [x, graph.integers([0, 0]), graph.integers([rows, columns]), graph.integers([2, 3])],
          float([x.shape[0], x.shape[1], rows, columns]),
        );
  return recorder.emit("Conv", [whole, dy], float(shape), {
    ...steps,
    pads: pads.map((pad) => Math.max(pad, 0)),
    group,
  });
}

/** Images are filled up to whole blocks: below this, blocked is slower than plain, of one image seven times. */
const fillsHalf = (images: number, block: number): boolean =>
  images >= (Math.ceil(images / block) * block) / 2;

const SWAP = [1, 0, 2, 3];

const Conv2DBackpropFilter: Rule<"x" | "dy", Conv2DBackpropFilterAttrs> = (
  recorder,
  { x, dy },
  attributes,
) => {
  const { filterShape } = attributes;
  const [height, width, from, to] = filterShape;
  const info = conv2DInfo(x.shape, filterShape, attributes);
  const block = blockOf(recorder, info);
  if (block !== undefined && fillsHalf(info.batchSize, block)) {
    const [whole, gradient] = [recorder.channelsFirst(x), recorder.channelsFirst(dy)];
    const steps = correlation(info);
    const value = blockedCorrelation(recorder, whole, gradient, filterShape, steps, block);
    return recorder.result(filterShape, value);
  }
  if (fitsPatches(shapeIn("channelsFirst", dy.shape), filterShape)) {
    const [image, gradient] = [recorder.channelsFirst(x), recorder.channelsFirst(dy)];
    const value = patchedCorrelation(recorder, image, gradient, filterShape, window(info));
    return recorder.result(filterShape, value);
  }
  const images = recorder.reorder(recorder.channelsFirst(x), SWAP);
  const gradients = recorder.reorder(recorder.channelsFirst(dy), SWAP);
  const shape = [from, to, height, width];
  const value = correlate(recorder, images, gradients, info, shape, 1);
  return recorder.result(filterShape, recorder.reorder(value, [2, 3, 0, 1]));
};

/** From [height, width, in, multiplier] to [in · multiplier, 1, height, width]. */
function depthwiseKernel(recorder: Recorder, filter: TensorInfo): Value {
  const [height, width, from, times] = filter.shape;
  const turned = recorder.reorder(recorder.plain(filter), [2, 3, 0, 1]);
  return recorder.reshape(turned, [from * times, 1, height, width]);
}

const DepthwiseConv2dNative: Rule<"x" | "filter", DepthwiseConv2dNativeAttrs> = (
  recorder,
  { x, filter },
  attributes,
) => {
  const info = conv2DInfo(x.shape, filter.shape, attributes, true);
  const type = float(shapeIn("channelsFirst", info.outShape));
  const inputs = [recorder.channelsFirst(x), depthwiseKernel(recorder, filter)];
  const value = recorder.emit("Conv", inputs, type, { ...window(info), group: info.inChannels });
  return image(recorder, info.outShape, value);
};

const DepthwiseConv2dNativeBackpropInput: Rule<
  "dy" | "filter",
  DepthwiseConv2dNativeBackpropInputAttrs
> = (recorder, { dy, filter }, attributes) => {
  const info = conv2DInfo(attributes.inputShape, filter.shape, attributes, true);
  return spread(recorder, dy, depthwiseKernel(recorder, filter), info, info.inChannels);
};

const DepthwiseConv2dNativeBackpropFilter: Rule<
  "x" | "dy",
  DepthwiseConv2dNativeBackpropFilterAttrs
> = (recorder, { x, dy }, attributes) => {
  const { filterShape } = attributes;
  const [height, width, from, times] = filterShape;
  const info = conv2DInfo(x.shape, filterShape, attributes, true);
  const [batch, channels, rows, columns] = shapeIn("channelsFirst", x.shape);
  const turned = recorder.reorder(recorder.channelsFirst(x), SWAP);
  const images = recorder.reshape(turned, [1, channels * batch, rows, columns]);
  const gradients = recorder.reorder(recorder.channelsFirst(dy), SWAP);
  const shape = [1, from * times, height, width];
  const value = correlate(recorder, images, gradients, info, shape, from);
  const apart = recorder.reshape(value, [from, times, height, width]);
  return recorder.result(filterShape, recorder.reorder(apart, [2, 3, 0, 1]));
};

export const convolutions: Rules = {
  Conv2D,
  Conv2DBackpropInput,
  Conv2DBackpropFilter,
  DepthwiseConv2dNative,
  DepthwiseConv2dNativeBackpropInput,
  DepthwiseConv2dNativeBackpropFilter,
};
