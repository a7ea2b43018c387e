// Products, convolutions, their biases, pooling and lookups.
import type { DataFormat, OpAttributes } from "../../../graph/catalogue";
import * as attribute from "./attributes";
import {
  INT32,
  integer,
  integers,
  notWritable,
  result,
  step,
  typeOf,
  type Attributes,
  type Emit,
} from "./emission";

/** TensorFlow's MatMul takes matrices only. */
export const matMul: Emit<"MatMul"> = (to, { transposeA, transposeB }) => {
  const T = typeOf(to, to.inputs[0]!);
  if ((to.inputShapes[0]?.length ?? 2) > 2)
    return result(to, "BatchMatMulV2", to.inputs, { T, adj_y: attribute.flag(transposeB) });
  return result(to, "MatMul", to.inputs, {
    T,
    transpose_a: attribute.flag(transposeA),
    transpose_b: attribute.flag(transposeB),
  });
};

export const biasAdd: Emit<"BiasAdd"> = (to, { dataFormat }) =>
  result(to, "BiasAdd", to.inputs, {
    T: typeOf(to, to.inputs[0]!),
    data_format: attribute.text(dataFormat),
  });

export const convolution =
  (op: string): Emit<"Conv2D" | "DepthwiseConv2D"> =>
  (to, attributes) => {
    const { dilations, dataFormat } = attributes;
    // TensorFlow before 1.6 does not know the attribute.
    const dilated = dilations.some((rate) => rate !== 1);
    return result(to, op, to.inputs, {
      T: typeOf(to, to.inputs[0]!),
      ...window(attributes),
      ...(dilated && { dilations: perAxis(dilations, dataFormat) }),
    });
  };

/** The gradient of a convolution, whose sizes are those of the result: the batch is that of the input. */
export const conv2DTranspose: Emit<"Conv2DTranspose"> = (to, attributes) => {
  const [x, kernel] = to.inputs as [string, string];
  const [height, width] = attributes.outputSize;
  const channels = to.inputShapes[1]?.[2];
  if (channels === undefined) throw notWritable(to, "the size of its kernel is not known");
  const T = typeOf(to, x);
  const shape = step(to, "Shape", "Shape", [x], { T, out_type: INT32 });
  const first = [0, 1, 1].map((at, index) => integers(to, `batch/${index}`, [at]));
  const batch = step(to, "batch", "StridedSlice", [shape, ...first], {
    T: INT32,
    Index: INT32,
    shrink_axis_mask: attribute.integer(1),
  });
  const sizes = (
    attributes.dataFormat === "NCHW" ? [channels, height, width] : [height, width, channels]
  ).map((size, index) => integer(to, `size/${index}`, size));
  const target = step(to, "sizes", "Pack", [batch, ...sizes], {
    T: INT32,
    N: attribute.integer(4),
    axis: attribute.integer(0),
  });
  return result(to, "Conv2DBackpropInput", [target, kernel, x], { T, ...window(attributes) });
};

export const pooling =
  (op: string): Emit<"MaxPool" | "AvgPool"> =>
  (to, attributes) =>
    result(to, op, to.inputs, {
      T: typeOf(to, to.inputs[0]!),
      ...window(attributes),
      ksize: perAxis(attributes.window, attributes.dataFormat),
    });

const window = ({
  strides,
  padding,
  dataFormat,
}: Pick<OpAttributes["Conv2D"], "strides" | "padding" | "dataFormat">): Attributes => ({
  strides: perAxis(strides, dataFormat),
  padding: attribute.text(padding),
  data_format: attribute.text(dataFormat),
});

const perAxis = ([height, width]: readonly [number, number], format: DataFormat) =>
  attribute.integers(format === "NCHW" ? [1, 1, height, width] : [1, height, width, 1]);

export const gather: Emit<"Gather"> = (to, { axis }) =>
  result(to, "GatherV2", [...to.inputs, integer(to, "axis", axis)], {
    Tparams: typeOf(to, to.inputs[0]!),
    Tindices: typeOf(to, to.inputs[1]!),
    Taxis: INT32,
  });
