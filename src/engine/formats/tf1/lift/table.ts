// What each TensorFlow op is lifted into. An op that is not here, or whose lifter gives up, becomes an opaque node.
import { addN, cast, clip, divide, leakyRelu, plainOp } from "./elementwise";
import {
  batchMatMul,
  biasAdd,
  conv2D,
  conv2DTranspose,
  depthwiseConv2D,
  gather,
  matMul,
  pooling,
} from "./dense";
import { constant, passes, passesAll, pipeline, placeholder, variable } from "./input";
import { merge, switchOp } from "./control";
import { mulOrDropout, selectOrDropout } from "./dropout";
import type { Lifter } from "./lifting";
import { reshapeOrPerStep, softmax, sparseSoftmax } from "./loss";
import { addOrBatchNorm, fusedBatchNorm } from "./normalization";
import { argMax, inTopK, reduction } from "./reduction";
import { castOrMask } from "./rnn/mask";
import { gatherNd, gatherOrRelevant } from "./rnn/relevant";
import { reverse, reverseSequence } from "./rnn/reverse";
import { gathered, swapped } from "./rnn/sequence";
import { concat, ensureShape, expandDims, oneHot, pad, reshape, squeeze, transpose } from "./shape";
import { tensordot } from "./tensordot";
import { pack, slice, split, stridedSlice, tile, unpack } from "./parts";

const TABLE: Readonly<Record<string, Lifter>> = {
  // Sources
  Placeholder: placeholder,
  PlaceholderV2: placeholder,
  PlaceholderWithDefault: placeholder,
  IteratorGetNext: pipeline("output_types", "output_shapes"),
  QueueDequeueV2: pipeline("component_types", "component_shapes"),
  QueueDequeueManyV2: pipeline("component_types", "component_shapes"),
  QueueDequeueUpToV2: pipeline("component_types", "component_shapes"),
  Const: constant,
  VariableV2: variable,
  Variable: variable,
  VarHandleOp: variable,
  ReadVariableOp: passes,

  // Ops that change nothing
  Identity: passes,
  RefIdentity: passes,
  Snapshot: passes,
  PreventGradient: passes,
  CheckNumerics: passes,
  Print: passes,
  IdentityN: passesAll,
  EnsureShape: ensureShape,
  // Their value is the variable's; what they change is training.
  Assign: passes,
  AssignAdd: passes,
  AssignSub: passes,

  Switch: switchOp,
  RefSwitch: switchOp,
  Merge: merge,
  RefMerge: merge,

  MatMul: matMul,
  BatchMatMulV2: batchMatMul,
  BiasAdd: biasAdd,
  BiasAddV1: biasAdd,
  Conv2D: conv2D,
  DepthwiseConv2dNative: depthwiseConv2D,
  Conv2DBackpropInput: conv2DTranspose,
  MaxPool: pooling("MaxPool"),
  MaxPoolV2: pooling("MaxPool"),
  AvgPool: pooling("AvgPool"),
  Gather: gatherOrRelevant(gather),
  GatherV2: gatherOrRelevant(gather),
  GatherNd: gatherNd,
  ResourceGather: gather,
  FusedBatchNorm: fusedBatchNorm,
  FusedBatchNormV2: fusedBatchNorm,
  FusedBatchNormV3: fusedBatchNorm,

  Add: addOrBatchNorm,
  AddV2: addOrBatchNorm,
  AddN: addN,
  Sub: plainOp("Sub"),
  Mul: mulOrDropout,
  Div: divide,
  RealDiv: divide,
  DivNoNan: divide,
  Maximum: plainOp("Maximum"),
  Minimum: plainOp("Minimum"),
  Pow: plainOp("Pow"),
  SquaredDifference: plainOp("SquaredDifference"),
  Equal: plainOp("Equal"),
  Greater: plainOp("Greater"),
  GreaterEqual: plainOp("GreaterEqual"),
  Less: plainOp("Less"),
  Select: selectOrDropout,
  SelectV2: selectOrDropout,
  ClipByValue: clip,

  Relu: plainOp("Relu"),
  Relu6: plainOp("Relu6"),
  Elu: plainOp("Elu"),
  Selu: plainOp("Selu"),
  LeakyRelu: leakyRelu,
  Sigmoid: plainOp("Sigmoid"),
  Tanh: plainOp("Tanh"),
  Softplus: plainOp("Softplus"),
  Softmax: plainOp("Softmax"),
  LogSoftmax: plainOp("LogSoftmax"),
  Exp: plainOp("Exp"),
  Log: plainOp("Log"),
  Log1p: plainOp("Log1p"),
  Neg: plainOp("Neg"),
  Abs: plainOp("Abs"),
  Square: plainOp("Square"),
  Sqrt: plainOp("Sqrt"),
  Rsqrt: plainOp("Rsqrt"),
  Floor: plainOp("Floor"),
  StopGradient: plainOp("StopGradient"),
  Cast: castOrMask(cast),

  Reshape: reshapeOrPerStep((lifting, node) => tensordot(lifting, node) ?? reshape(lifting, node)),
  Transpose: swapped(transpose),
  TensorArrayGatherV3: gathered,
  ReverseV2: reverse,
  ReverseSequence: reverseSequence,
  ConcatV2: concat(false),
  Concat: concat(true),
  Slice: slice,
  StridedSlice: stridedSlice,
  Split: split,
  SplitV: split,
  Pack: pack,
  Unpack: unpack,
  Tile: tile,
  Squeeze: squeeze,
  ExpandDims: expandDims,
  Pad: pad,
  PadV2: pad,
  OneHot: oneHot,

  Mean: reduction("Mean"),
  Sum: reduction("Sum"),
  Max: reduction("Max"),
  Min: reduction("Min"),
  ArgMax: argMax,
  InTopK: inTopK,
  InTopKV2: inTopK,

  SparseSoftmaxCrossEntropyWithLogits: sparseSoftmax,
  SoftmaxCrossEntropyWithLogits: softmax,
  L2Loss: plainOp("L2Loss"),
};

/** Names come from a file: "constructor" is no op. */
export const lifterOf = (op: string): Lifter | undefined =>
  Object.hasOwn(TABLE, op) ? TABLE[op] : undefined;
