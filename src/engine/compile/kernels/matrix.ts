// Matrix products, look-ups in tables, and what brings their gradients back.
import { elements } from "../../graph/model";
import type {
  BatchMatMulAttrs,
  GatherV2Attrs,
  OneHotAttrs,
  TensorInfo,
  UnsortedSegmentSumAttrs,
} from "@tensorflow/tfjs-core";
import { tf } from "../../ops/tf";
import type { Value } from "../graph";
import { elementType, Untraceable, type Recorder } from "../recorder";
import type { Rule, Rules } from "./rule";

const swapped = (rank: number): number[] => {
  const perm = Array.from({ length: rank }, (_, axis) => axis);
  return [...perm.slice(0, -2), rank - 1, rank - 2];
};

const BatchMatMul: Rule<"a" | "b", BatchMatMulAttrs> = (
  recorder,
  { a, b },
  { transposeA, transposeB },
) => {
  const rows = a.shape.at(transposeA ? -1 : -2)!;
  const columns = b.shape.at(transposeB ? -2 : -1)!;
  const left = recorder.plain(a);
  const right = recorder.plain(b);
  const dtype = "float32";
  if (a.shape.length === 2 && b.shape.length === 2) {
    const transposed = { transA: Number(transposeA), transB: Number(transposeB) };
    const shape = [rows, columns];
    return recorder.result(
      shape,
      recorder.emit("Gemm", [left, right], { dtype, shape }, transposed),
    );
  }
  const batch = tf.backend_util.assertAndGetBroadcastShape(
    a.shape.slice(0, -2),
    b.shape.slice(0, -2),
  );
  const shape = [...batch, rows, columns];
  const turn = (value: Value, turned: boolean) =>
    turned ? recorder.reorder(value, swapped(value.shape.length)) : value;
  const inputs = [turn(left, transposeA), turn(right, transposeB)];
  return recorder.result(shape, recorder.emit("MatMul", inputs, { dtype, shape }));
};

const GatherV2: Rule<"x" | "indices", GatherV2Attrs> = (
  recorder,
  { x, indices },
  { axis, batchDims },
) => {
  if (batchDims !== 0) throw new Untraceable("a gather with batch axes");
  const place = axis < 0 ? axis + x.shape.length : axis;
  const shape = [...x.shape.slice(0, place), ...indices.shape, ...x.shape.slice(place + 1)];
  const inputs = [recorder.plain(x), recorder.plain(indices)];
  const value = recorder.emit(
    "Gather",
    inputs,
    { dtype: elementType(x.dtype), shape },
    { axis: place },
  );
  return recorder.result(shape, value);
};

/** Adds rows of x up by segment: the gradient of a look-up. */
const UnsortedSegmentSum: Rule<"x" | "segmentIds", UnsortedSegmentSumAttrs> = (
  recorder,
  { x, segmentIds },
  { numSegments },
) => {
  const shape = [numSegments, ...x.shape.slice(1)];
  const dtype = elementType(x.dtype);
  const zeros = recorder.graph.constant(new Float32Array(elements(shape)), "float32", shape);
  const ids = recorder.cast(recorder.plain(segmentIds), "int64");
  const rows = recorder.reshape(ids, [x.shape[0], 1]);
  const inputs = [zeros, rows, recorder.plain(x)];
  const value = recorder.emit("ScatterND", inputs, { dtype, shape }, { reduction: "add" });
  return recorder.result(shape, value);
};

const OneHot: Rule<"indices", OneHotAttrs> = (
  recorder: Recorder,
  { indices },
  { depth, onValue, offValue, dtype },
): TensorInfo => {
  const shape = [...indices.shape, depth];
  const { graph } = recorder;
  // Of all the types that ONNX allows, ONNX Runtime has these.
  const at = recorder.cast(recorder.plain(indices), "int32");
  const values = graph.constant(Float32Array.of(offValue, onValue), "float32", [2]);
  const inputs = [at, graph.scalar(depth, "int32"), values];
  const hot = recorder.emit("OneHot", inputs, { dtype: "float32", shape });
  return recorder.result(shape, recorder.cast(hot, elementType(dtype)), { dtype });
};

export const matrix: Rules = { BatchMatMul, GatherV2, UnsortedSegmentSum, OneHot };
