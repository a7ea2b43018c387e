// Ops that reduce axes.
import type { DataType, TensorInfo } from "@tensorflow/tfjs-core";
import { tf } from "../../ops/tf";
import type { ElementType } from "../graph";
import { axesIn, elementType, shapeIn } from "../recorder";
import type { Rule, Rules } from "./rule";

/** Max and min call their axes by another name, and sums of booleans count. */
interface ReductionAttributes {
  readonly axis?: number | number[];
  readonly reductionIndices?: number | number[];
  readonly keepDims: boolean;
}

const reduction =
  (op: string, dtypeOf: (dtype: DataType) => ElementType = elementType) =>
  (...[recorder, { x }, attributes]: Parameters<Rule<"x", ReductionAttributes>>): TensorInfo => {
    const { axis, reductionIndices, keepDims } = attributes;
    const axes = tf.util.parseAxisParam((axis ?? reductionIndices)!, x.shape);
    if (axes.length === 0) return recorder.alias(x);
    const dtype = dtypeOf(x.dtype);
    const kept = x.shape.map((length, place) => (axes.includes(place) ? 1 : length));
    const left = x.shape.filter((_, place) => !axes.includes(place));
    const layout = keepDims || inOrder(axes) ? recorder.layout(x) : "plain";
    const value = recorder.cast(recorder.inLayout(x, layout), dtype);
    const shape = keepDims ? shapeIn(layout, kept) : left;
    const places = recorder.graph.integers(axesIn(layout, axes).sort((a, b) => a - b));
    const reduced = recorder.emit(
      op,
      [value, places],
      { dtype, shape },
      { keepdims: Number(keepDims) },
    );
    return keepDims ? recorder.result(kept, reduced, { layout }) : recorder.result(left, reduced);
  };

/** Whether the axes that are left of [batch, height, width, channels] come in the same order when channels are second. */
const inOrder = (reduced: readonly number[]): boolean =>
  reduced.includes(3) || (reduced.includes(1) && reduced.includes(2));

const counted = (dtype: DataType): ElementType => (dtype === "bool" ? "int32" : elementType(dtype));

const argument =
  (op: string): Rule<"x", { axis: number }> =>
  (recorder, { x }, { axis }) => {
    const [place] = tf.util.parseAxisParam(axis, x.shape);
    const shape = x.shape.filter((_, each) => each !== place);
    const index = recorder.emit(
      op,
      [recorder.plain(x)],
      { dtype: "int64", shape },
      { axis: place, keepdims: 0 },
    );
    return recorder.result(shape, recorder.cast(index, "int32"));
  };

export const reductions: Rules = {
  Sum: reduction("ReduceSum", counted),
  Mean: reduction("ReduceMean"),
  Max: reduction("ReduceMax"),
  Min: reduction("ReduceMin"),
  Prod: reduction("ReduceProd", counted),
  ArgMax: argument("ArgMax"),
  ArgMin: argument("ArgMin"),
};
