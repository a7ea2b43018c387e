// Batch norm: normalized by the batch while the graph trains, by the moving statistics else, and ops that move these.
import type { OpAttributes } from "../../../graph/catalogue";
import { numberOf } from "../dtypes";
import { parseInput, type PatchedGraph } from "../patch/graph";
import { isVariable } from "../patch/ops";
import { tensorType } from "../patch/types";
import * as attribute from "./attributes";
import {
  constant,
  floatType,
  INT32,
  integers,
  notWritable,
  result,
  step,
  typeOf,
  type Attributes,
  type Emission,
  type Emit,
} from "./emission";

type Norm = OpAttributes["BatchNorm"];

/** What training normalizes by, and the result. */
interface InTraining {
  readonly value: string;
  readonly mean: string;
  readonly variance: string;
}

export const batchNorm: Emit<"BatchNorm"> = (to, norm) => {
  const [x, , , mean, variance] = to.inputs as [string, string, string, string, string];
  // The fused op takes images of float32 only.
  const fused = norm.unbiased && to.inputShapes[0]?.length === 4;
  const { training, inference } = (fused ? byFusedOp : bySteps)(to, norm);
  follow(to, "moving_mean", mean, training.mean, norm.momentum);
  follow(to, "moving_variance", variance, training.variance, norm.momentum);
  return result(to, "Select", [to.mode(), training.value, inference], {
    T: typeOf(to, x),
  });
};

interface Both {
  readonly training: InTraining;
  readonly inference: string;
}

function byFusedOp(to: Emission, { epsilon, dataFormat }: Norm): Both {
  const [x, gamma, beta] = to.inputs;
  if (tensorType(to.graph, x!) !== numberOf("float32"))
    throw notWritable(to, "TensorFlow's fused batch norm takes float32 only");
  const norm = (suffix: string, statistics: readonly string[], training: boolean) =>
    step(to, suffix, "FusedBatchNorm", [x!, gamma!, beta!, ...statistics], {
      T: attribute.ofType("float32"),
      epsilon: attribute.float(epsilon),
      data_format: attribute.text(dataFormat),
      is_training: attribute.flag(training),
    });
  const none = constant(to, "none", "float32", [0], []);
  const value = norm("batch", [none, none], true);
  return {
    training: { value, mean: `${value}:1`, variance: `${value}:2` },
    inference: norm("moving", to.inputs.slice(3), false),
  };
}

/** As tf.nn.moments and tf.nn.batch_normalization do it. */
function bySteps(to: Emission, { epsilon, dataFormat }: Norm): Both {
  const [x, gamma, beta, movingMean, movingVariance] = to.inputs as [
    string,
    string,
    string,
    string,
    string,
  ];
  const rank = to.inputShapes[0]?.length;
  if (rank === undefined || (dataFormat === "NCHW" && rank > 2))
    throw notWritable(to, "without the fused op, channels must be the last axis");
  const T: Attributes = { T: typeOf(to, x) };
  const dtype = floatType(to, x);
  const reduce: Attributes = { ...T, Tidx: INT32, keep_dims: attribute.flag(false) };
  const axes = integers(
    to,
    "moments/axes",
    Array.from({ length: rank - 1 }, (_, axis) => axis),
  );
  const mean = step(to, "moments/mean", "Mean", [x, axes], reduce);
  const center = step(to, "moments/StopGradient", "StopGradient", [mean], T);
  const squares = step(to, "moments/SquaredDifference", "SquaredDifference", [x, center], T);
  const variance = step(to, "moments/variance", "Mean", [squares, axes], reduce);
  const norm = (scope: string, mean: string, variance: string): string => {
    const add = (name: string, op: string, inputs: readonly string[]) =>
      step(to, `${scope}/${name}`, op, inputs, T);
    const spread = add("add", "Add", [
      variance,
      constant(to, `${scope}/epsilon`, dtype, [], [epsilon]),
    ]);
    const factor = add("mul", "Mul", [add("Rsqrt", "Rsqrt", [spread]), gamma]);
    const shift = add("sub", "Sub", [beta, add("mul_2", "Mul", [mean, factor])]);
    return add("add_1", "Add", [add("mul_1", "Mul", [x, factor]), shift]);
  };
  return {
    training: { value: norm("batch", mean, variance), mean, variance },
    inference: norm("moving", movingMean, movingVariance),
  };
}

/** statistic −= (statistic − seen) · (1 − momentum) */
function follow(
  to: Emission,
  scope: string,
  statistic: string,
  seen: string,
  momentum: number,
): void {
  const variable = variableBehind(to.graph, statistic);
  if (variable === undefined) return;
  const type = typeOf(to, statistic);
  const rate = constant(to, `${scope}/decay`, floatType(to, statistic), [], [1 - momentum]);
  const difference = step(to, `${scope}/sub`, "Sub", [statistic, seen], { T: type });
  const move = step(to, `${scope}/mul`, "Mul", [difference, rate], { T: type });
  const isResource = to.graph.nodes.get(variable)!.op === "VarHandleOp";
  const update = step(
    to,
    `${scope}/AssignMovingAvg`,
    isResource ? "AssignSubVariableOp" : "AssignSub",
    [variable, move],
    isResource ? { dtype: type } : { T: type },
  );
  to.update(update);
}

/** The variable whose value a tensor is. */
function variableBehind(graph: PatchedGraph, tensor: string): string | undefined {
  let node = graph.nodes.get(parseInput(tensor).node);
  while (node?.op === "Identity" || node?.op === "ReadVariableOp") node = graph.inputNode(node, 0);
  return isVariable(node) ? node?.name : undefined;
}
