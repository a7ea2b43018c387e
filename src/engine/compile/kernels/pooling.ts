// Pooling and its gradients, channels first.
import { elements } from "../../graph/model";
import type {
  AvgPoolAttrs,
  AvgPoolGradAttrs,
  MaxPoolAttrs,
  MaxPoolGradAttrs,
} from "@tensorflow/tfjs-core";
import { tf } from "../../ops/tf";
import type { Value, ValueType } from "../graph";
import { shapeIn, type Recorder } from "../recorder";
import { outputPadding } from "./convolution";
import type { Rule, Rules } from "./rule";

type Info = tf.backend_util.Conv2DInfo;

function pool2DInfo(
  shape: readonly number[],
  { filterSize, strides, pad, dimRoundingMode }: MaxPoolAttrs,
): Info {
  const image = shape as [number, number, number, number];
  return tf.backend_util.computePool2DInfo(image, filterSize, strides, 1, pad, dimRoundingMode);
}

const window = ({ filterHeight, filterWidth, strideHeight, strideWidth, padInfo }: Info) => ({
  kernel_shape: [filterHeight, filterWidth],
  strides: [strideHeight, strideWidth],
  pads: [padInfo.top, padInfo.left, padInfo.bottom, padInfo.right],
});

const pooled = (info: Info): ValueType => ({
  dtype: "float32",
  shape: shapeIn("channelsFirst", info.outShape),
});

/** The largest number of each window, and where it lies in the image: the first of equal ones, as TensorFlow takes it. */
function maxAndPlace(recorder: Recorder, x: Value, info: Info): readonly Value[] {
  const type = pooled(info);
  const types: ValueType[] = [type, { dtype: "int64", shape: type.shape }];
  return recorder.graph.emitAll("MaxPool", [x], types, window(info));
}

const MaxPool: Rule<"x", MaxPoolAttrs> = (recorder, { x }, attributes) => {
  const info = pool2DInfo(x.shape, attributes);
  const [largest] = maxAndPlace(recorder, recorder.channelsFirst(x), info);
  return recorder.result(info.outShape, largest, { layout: "channelsFirst" });
};

const MaxPoolGrad: Rule<"dy" | "input", MaxPoolGradAttrs> = (
  recorder,
  { dy, input },
  attributes,
) => {
  const info = pool2DInfo(input.shape, attributes);
  const [, places] = maxAndPlace(recorder, recorder.channelsFirst(input), info);
  const shape = shapeIn("channelsFirst", info.inShape);
  const gradient = recorder.channelsFirst(dy);
  const apart = info.strideHeight >= info.filterHeight && info.strideWidth >= info.filterWidth;
  const value = apart
    ? unpool(recorder, gradient, places, shape, info)
    : scatter(recorder, gradient, places, shape);
  return recorder.result(info.inShape, value, { layout: "channelsFirst" });
};

/** Windows that do not overlap: each number has its own place. */
function unpool(
  recorder: Recorder,
  gradient: Value,
  places: Value,
  shape: readonly number[],
  info: Info,
): Value {
  const inputs = [gradient, places, recorder.graph.integers(shape)];
  return recorder.emit("MaxUnpool", inputs, { dtype: "float32", shape }, window(info));
}

/** Overlapping windows may have the same largest number: what comes from each is added up. */
function scatter(
  recorder: Recorder,
  gradient: Value,
  places: Value,
  shape: readonly number[],
): Value {
  const whole = elements(shape);
  const count = elements(gradient.shape);
  const inputs = [
    recorder.graph.constant(new Float32Array(whole), "float32", [whole]),
    recorder.reshape(places, [count]),
    recorder.reshape(gradient, [count]),
  ];
  const flat = recorder.emit(
    "ScatterElements",
    inputs,
    { dtype: "float32", shape: [whole] },
    { axis: 0, reduction: "add" },
  );
  return recorder.reshape(flat, shape);
}

const AvgPool: Rule<"x", AvgPoolAttrs> = (recorder, { x }, attributes) => {
  const info = pool2DInfo(x.shape, attributes);
  const value = recorder.emit("AveragePool", [recorder.channelsFirst(x)], pooled(info), {
    ...window(info),
    count_include_pad: 0,
  });
  return recorder.result(info.outShape, value, { layout: "channelsFirst" });
};

/** How many numbers of the image each window covers: padding does not count. */
function covered(info: Info): Float32Array {
  const along = (length: number, out: number, stride: number, window: number, before: number) =>
    Array.from({ length: out }, (_, index) => {
      const from = index * stride - before;
      return Math.min(from + window, length) - Math.max(from, 0);
    });
  const { inHeight, outHeight, strideHeight, filterHeight, padInfo } = info;
  const { inWidth, outWidth, strideWidth, filterWidth } = info;
  const rows = along(inHeight, outHeight, strideHeight, filterHeight, padInfo.top);
  const columns = along(inWidth, outWidth, strideWidth, filterWidth, padInfo.left);
  return Float32Array.from(rows.flatMap((height) => columns.map((width) => 1 / (height * width))));
}

/** Each window gives every number that it covers its share of the gradient. */
const AvgPoolGrad: Rule<"dy" | "input", AvgPoolGradAttrs> = (
  recorder,
  { dy, input },
  attributes,
) => {
  const info = pool2DInfo(input.shape, attributes);
  const { graph } = recorder;
  const { inChannels: channels, outHeight, outWidth, filterHeight, filterWidth } = info;
  const share = graph.constant(covered(info), "float32", [1, 1, outHeight, outWidth]);
  const gradient = recorder.channelsFirst(dy);
  const scaled = recorder.emit("Mul", [gradient, share], gradient);
  const kernelShape = [channels, 1, filterHeight, filterWidth];
  const ones = graph.constant(
    new Float32Array(elements(kernelShape)).fill(1),
    "float32",
    kernelShape,
  );
  const shape = shapeIn("channelsFirst", info.inShape);
  const { strideHeight, strideWidth, padInfo } = info;
  const value = recorder.emit(
    "ConvTranspose",
    [scaled, ones],
    { dtype: "float32", shape },
    {
      strides: [strideHeight, strideWidth],
      pads: [padInfo.top, padInfo.left, padInfo.bottom, padInfo.right],
      group: channels,
      output_padding: outputPadding(info),
    },
  );
  return recorder.result(info.inShape, value, { layout: "channelsFirst" });
};

export const pooling: Rules = { MaxPool, MaxPoolGrad, AvgPool, AvgPoolGrad };
