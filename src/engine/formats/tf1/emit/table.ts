// How each op of the catalogue is written into a TensorFlow graph, so that the importer lifts it to the same node again.
import type { OpName } from "../../../graph/catalogue";
import { biasAdd, conv2DTranspose, convolution, gather, matMul, pooling } from "./dense";
import { dropout } from "./dropout";
import { add, castTo, elementwise, leakyRelu, select } from "./elementwise";
import { notWritable, type Emit } from "./emission";
import { constantNode, placeholder } from "./input";
import { sigmoid, softmax, sparseSoftmax } from "./loss";
import { batchNorm } from "./normalization";
import { argMax, inTopK, reduction } from "./reduction";
import { gru } from "./rnn/gru";
import { lstm } from "./rnn/lstm";
import { lastStep, reverse, sequenceMask } from "./rnn/steps";
import { concat, expandDims, oneHot, pad, reshape, slice, squeeze, tile, transpose } from "./shape";

export const EMITTERS: { readonly [Op in OpName]: Emit<Op> } = {
  Placeholder: placeholder,
  Const: constantNode,

  MatMul: matMul,
  BiasAdd: biasAdd,
  Conv2D: convolution("Conv2D"),
  DepthwiseConv2D: convolution("DepthwiseConv2dNative"),
  Conv2DTranspose: conv2DTranspose,
  MaxPool: pooling("MaxPool"),
  AvgPool: pooling("AvgPool"),
  Gather: gather,
  BatchNorm: batchNorm,
  Dropout: dropout,
  LSTM: lstm,
  GRU: gru,
  Reverse: reverse,
  LastStep: lastStep,
  SequenceMask: sequenceMask,

  Add: add,
  Sub: elementwise("Sub"),
  Mul: elementwise("Mul"),
  Div: elementwise("RealDiv"),
  Maximum: elementwise("Maximum"),
  Minimum: elementwise("Minimum"),
  Pow: elementwise("Pow"),
  SquaredDifference: elementwise("SquaredDifference"),
  Equal: elementwise("Equal"),
  Greater: elementwise("Greater"),
  GreaterEqual: elementwise("GreaterEqual"),
  Less: elementwise("Less"),
  Select: select,

  Relu: elementwise("Relu"),
  Relu6: elementwise("Relu6"),
  Elu: elementwise("Elu"),
  Selu: elementwise("Selu"),
  LeakyRelu: leakyRelu,
  Sigmoid: elementwise("Sigmoid"),
  Tanh: elementwise("Tanh"),
  Softplus: elementwise("Softplus"),
  Softmax: elementwise("Softmax"),
  LogSoftmax: elementwise("LogSoftmax"),
  Exp: elementwise("Exp"),
  Log: elementwise("Log"),
  Log1p: elementwise("Log1p"),
  Neg: elementwise("Neg"),
  Abs: elementwise("Abs"),
  Square: elementwise("Square"),
  Sqrt: elementwise("Sqrt"),
  Rsqrt: elementwise("Rsqrt"),
  Floor: elementwise("Floor"),
  Identity: elementwise("Identity"),
  StopGradient: elementwise("StopGradient"),
  Cast: castTo,

  Reshape: reshape,
  Transpose: transpose,
  Concat: concat,
  Slice: slice,
  Tile: tile,
  Squeeze: squeeze,
  ExpandDims: expandDims,
  Pad: pad,
  OneHot: oneHot,

  Mean: reduction("Mean"),
  Sum: reduction("Sum"),
  Max: reduction("Max"),
  Min: reduction("Min"),
  ArgMax: argMax,
  InTopK: inTopK,

  SparseSoftmaxCrossEntropy: sparseSoftmax,
  SoftmaxCrossEntropy: softmax,
  SigmoidCrossEntropy: sigmoid,
  L2Loss: elementwise("L2Loss"),

  Opaque: (to, { type }) => {
    throw notWritable(to, `it is a ${type}, an op that Graft only knows by its type`);
  },
};
