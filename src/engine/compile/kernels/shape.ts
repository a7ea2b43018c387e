// Ops that move elements without changing them.
import { sameShape } from "../../graph/model";
import type {
  ExpandDimsAttrs,
  PackAttrs,
  PadV2Attrs,
  ReshapeAttrs,
  ReverseAttrs,
  SliceAttrs,
  SplitVAttrs,
  StridedSliceAttrs,
  TensorInfo,
  TileAttrs,
  TransposeAttrs,
  UnpackAttrs,
} from "@tensorflow/tfjs-core";
import { tf } from "../../ops/tf";
import type { Value } from "../graph";
import {
  axesIn,
  elementType,
  shapeIn,
  TO_CHANNELS_FIRST,
  TO_CHANNELS_LAST,
  type Layout,
  type Recorder,
} from "../recorder";
import { commonLayout } from "./elementwise";
import type { Rule, Rules } from "./rule";

const dtypeOf = (info: TensorInfo) => ({ dtype: info.dtype });

function reshaped(recorder: Recorder, x: TensorInfo, shape: readonly number[]): TensorInfo {
  if (sameShape(x.shape, shape)) return recorder.alias(x);
  return recorder.result(shape, recorder.reshape(recorder.plain(x), shape), dtypeOf(x));
}

const Reshape: Rule<"x", ReshapeAttrs> = (recorder, { x }, { shape }) =>
  reshaped(recorder, x, tf.util.inferFromImplicitShape([...shape], tf.util.sizeFromShape(x.shape)));

const ExpandDims: Rule<"input", ExpandDimsAttrs> = (recorder, { input }, { dim }) => {
  const shape = [...input.shape];
  shape.splice(dim < 0 ? dim + shape.length + 1 : dim, 0, 1);
  return reshaped(recorder, input, shape);
};

/** Between the two orders of channels nothing is moved: only what the numbers are taken for changes. */
const Transpose: Rule<"x", TransposeAttrs> = (recorder, { x }, { perm }) => {
  const shape = perm.map((axis) => x.shape[axis]);
  if (recorder.layout(x) === "channelsFirst" && sameShape(perm, TO_CHANNELS_FIRST))
    return recorder.result(shape, recorder.channelsFirst(x), dtypeOf(x));
  const value = recorder.plain(x);
  if (sameShape(perm, TO_CHANNELS_LAST))
    return recorder.result(shape, value, { ...dtypeOf(x), layout: "channelsFirst" });
  return recorder.result(shape, recorder.reorder(value, perm), dtypeOf(x));
};

const Concat: Rule<string, { axis: number }> = (recorder, all, { axis }) => {
  const inputs = Object.values(all);
  const [place] = tf.util.parseAxisParam(axis, inputs[0].shape);
  const shapes = inputs.map((each) => each.shape);
  const shape = tf.backend_util.computeOutShape(shapes, place);
  const layout = commonLayout(recorder, inputs, shape);
  const parts = inputs
    .filter((each) => tf.util.sizeFromShape(each.shape) > 0)
    .map((each) => recorder.inLayout(each, layout));
  const [at] = axesIn(layout, [place]);
  const type = { dtype: elementType(inputs[0].dtype), shape: shapeIn(layout, shape) };
  const value = recorder.emit("Concat", parts, type, { axis: at });
  return recorder.result(shape, value, { ...dtypeOf(inputs[0]), layout });
};

const Pack: Rule<string, PackAttrs> = (recorder, all, { axis }) => {
  const inputs = Object.values(all);
  const place = axis < 0 ? axis + inputs[0].shape.length + 1 : axis;
  const wide = inputs.map((input) => ExpandDims(recorder, { input }, { dim: place }) as TensorInfo);
  return Concat(recorder, Object.fromEntries(wide.entries()), { axis: place });
};

/** The part [begin, end) of each axis, in steps. */
function sliced(
  recorder: Recorder,
  x: TensorInfo,
  begin: readonly number[],
  end: readonly number[],
  strides: readonly number[] = begin.map(() => 1),
): TensorInfo {
  const layout = recorder.layout(x);
  const shape = begin.map((from, axis) => Math.ceil((end[axis] - from) / strides[axis]));
  const cut = shape.flatMap((length, axis) => (length === x.shape[axis] ? [] : [axis]));
  if (cut.length === 0) return recorder.alias(x);
  const { graph } = recorder;
  const of = (numbers: readonly number[]) => graph.integers(cut.map((axis) => numbers[axis]));
  const inputs = [recorder.inLayout(x, layout), of(begin), of(end)];
  inputs.push(graph.integers(axesIn(layout, cut)), of(strides));
  const type = { dtype: elementType(x.dtype), shape: shapeIn(layout, shape) };
  return recorder.result(shape, recorder.emit("Slice", inputs, type), { ...dtypeOf(x), layout });
}

const Slice: Rule<"x", SliceAttrs> = (recorder, { x }, attributes) => {
  const [begin, sizes] = tf.slice_util.parseSliceParams(
    { shape: x.shape } as never,
    attributes.begin,
    attributes.size,
  );
  const end = begin.map((from, axis) => from + sizes[axis]);
  return sliced(recorder, x, begin, end);
};

const StridedSlice: Rule<"x", StridedSliceAttrs> = (recorder, { x }, attributes) => {
  const { begin, end, strides, beginMask, endMask } = attributes;
  const { ellipsisMask, newAxisMask, shrinkAxisMask } = attributes;
  const info = tf.slice_util.sliceInfo(
    x.shape,
    begin,
    end,
    strides,
    beginMask,
    endMask,
    ellipsisMask,
    newAxisMask,
    shrinkAxisMask,
  );
  const part = sliced(recorder, x, info.begin, info.end, info.strides);
  return reshaped(recorder, part, info.finalShape);
};

const SplitV: Rule<"x", SplitVAttrs> = (recorder, { x }, { numOrSizeSplits, axis }) => {
  const [place] = tf.util.parseAxisParam(axis, x.shape);
  const sizes = tf.backend_util.prepareSplitSize(x as never, numOrSizeSplits, place);
  if (sizes.length === 1) return [recorder.alias(x)];
  const layout = recorder.layout(x);
  const shapes = sizes.map((length) => x.shape.with(place, length));
  const types = shapes.map((shape) => ({
    dtype: elementType(x.dtype),
    shape: shapeIn(layout, shape),
  }));
  const inputs = [recorder.inLayout(x, layout), recorder.graph.integers(sizes)];
  const [at] = axesIn(layout, [place]);
  const parts = recorder.graph.emitAll("Split", inputs, types, { axis: at });
  return parts.map((part, index) =>
    recorder.result(shapes[index], part, { ...dtypeOf(x), layout }),
  );
};

const Unpack: Rule<"value", UnpackAttrs> = (recorder, { value: x }, { axis }) => {
  const [place] = tf.util.parseAxisParam(axis, x.shape);
  const count = x.shape[place];
  const parts = SplitV(recorder, { x }, { numOrSizeSplits: count, axis: place }) as TensorInfo[];
  const shape = x.shape.filter((_, each) => each !== place);
  return parts.map((part) => reshaped(recorder, part, shape));
};

const PadV2: Rule<"x", PadV2Attrs> = (recorder, { x }, { paddings, constantValue }) => {
  if (paddings.every(([before, after]) => before + after === 0)) return recorder.alias(x);
  const shape = x.shape.map((length, axis) => length + paddings[axis][0] + paddings[axis][1]);
  const layout: Layout = recorder.layout(x);
  const ordered = shapeIn(
    layout,
    x.shape.map((_, axis) => axis),
  ).map((axis) => paddings[axis]);
  const amounts = [...ordered.map(([before]) => before), ...ordered.map(([, after]) => after)];
  const { graph } = recorder;
  const fill = graph.scalar(constantValue, x.dtype as "float32");
  const type = { dtype: elementType(x.dtype), shape: shapeIn(layout, shape) };
  const inputs = [recorder.inLayout(x, layout), graph.integers(amounts), fill];
  return recorder.result(shape, recorder.emit("Pad", inputs, type), { ...dtypeOf(x), layout });
};

const Tile: Rule<"x", TileAttrs> = (recorder, { x }, { reps }) => {
  if (reps.every((count) => count === 1)) return recorder.alias(x);
  const shape = x.shape.map((length, axis) => length * reps[axis]);
  const type = { dtype: elementType(x.dtype), shape };
  // What is spread for an operator that would do so by itself need not be.
  if (reps.every((count, axis) => count === 1 || x.shape[axis] === 1))
    return recorder.result(shape, recorder.expand(recorder.plain(x), shape), dtypeOf(x));
  const inputs: Value[] = [recorder.plain(x), recorder.graph.integers(reps)];
  return recorder.result(shape, recorder.emit("Tile", inputs, type), dtypeOf(x));
};

const Reverse: Rule<"x", ReverseAttrs> = (recorder, { x }, { dims }) => {
  const axes = tf.util.parseAxisParam(dims, x.shape);
  const { graph } = recorder;
  const each = (number: number) => graph.integers(axes.map(() => number));
  const inputs = [recorder.plain(x), each(-1), each(-(2 ** 31)), graph.integers(axes), each(-1)];
  const type = { dtype: elementType(x.dtype), shape: x.shape };
  return recorder.result(x.shape, recorder.emit("Slice", inputs, type), dtypeOf(x));
};

export const shapes: Rules = {
  Reshape,
  ExpandDims,
  Transpose,
  Concat,
  Pack,
  Unpack,
  Slice,
  StridedSlice,
  SplitV,
  PadV2,
  Tile,
  Reverse,
};
