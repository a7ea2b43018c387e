// The catalogue of ops that every format is lifted into, with their attributes.
// Semantics are TensorFlow's; shapes of inputs and the gradient are in `ops/`, one rule per op.
import type { DType } from "../../protocol/checkpoint";

export type Padding = "SAME" | "VALID";
export type DataFormat = "NHWC" | "NCHW";

interface Window2D {
  /** Height and width. */
  readonly strides: readonly [number, number];
  readonly padding: Padding;
  readonly dataFormat: DataFormat;
}

interface Convolution extends Window2D {
  readonly dilations: readonly [number, number];
}

interface Pooling extends Window2D {
  readonly window: readonly [number, number];
}

interface Reduction {
  readonly axes: readonly number[];
  readonly keepDims: boolean;
}

/** What the gates and the cell of a recurrent layer pass their sums through. */
export type RecurrentActivation =
  | "tanh"
  | "sigmoid"
  | "hardSigmoid"
  | "relu"
  | "relu6"
  | "leakyRelu"
  | "elu"
  | "selu"
  | "softplus"
  | "softsign"
  | "identity";

/** What an LSTM reads beside its sequence. `graph/recurrent.ts` gives the shapes. */
export type LSTMInput =
  | "kernel"
  | "recurrentKernel"
  | "joinedKernel"
  | "bias"
  | "peepholeInput"
  | "peepholeForget"
  | "peepholeOutput"
  | "projection"
  | "initialH"
  | "initialC"
  | "mask";

/** Input gate, forget gate, candidate of the cell, output gate. */
export type LSTMGate = "i" | "f" | "c" | "o";

export type GRUInput =
  "gateKernel" | "gateBias" | "candidateKernel" | "candidateBias" | "initialH" | "mask";

/** Reset gate, update gate. */
export type GRUGate = "r" | "u";

interface Recurrent<Input> {
  /** What each input after the sequence is, in order. */
  readonly takes: readonly Input[];
  /** Of the candidate, and of an LSTM's cell before it leaves through the output gate. */
  readonly activation: RecurrentActivation;
  readonly gateActivation: RecurrentActivation;
  /** Where the mask is 0 the output is 0, and the state stays what it was (hold: TensorFlow) or becomes 0 (reset: DL4J). */
  readonly masked: "hold" | "reset";
  /** Sequences are [time, batch, features]; else [batch, time, features]. */
  readonly timeMajor: boolean;
}

type None = Readonly<Record<never, never>>;

export interface OpAttributes {
  /** Fed by the caller. `value` is used when nothing is fed (PlaceholderWithDefault). */
  Placeholder: { readonly dtype: DType; readonly value?: number };
  /** Numbers of a small constant, in C order. */
  Const: {
    readonly dtype: DType;
    readonly shape: readonly number[];
    readonly values: readonly number[];
  };

  /** Inputs: a, b. Of more than two axes of a, each row of the last is multiplied with the matrix b. */
  MatMul: { readonly transposeA: boolean; readonly transposeB: boolean };
  /** Inputs: x, bias. */
  BiasAdd: { readonly dataFormat: DataFormat };
  /** Inputs: x (in `dataFormat`), kernel [height, width, in, out]. */
  Conv2D: Convolution;
  /** Inputs: x, kernel [height, width, in, multiplier]. */
  DepthwiseConv2D: Convolution;
  /** Inputs: x, kernel [height, width, out, in]. Images of `outputSize` (height, width), of which a Conv2D would make x. */
  Conv2DTranspose: Window2D & { readonly outputSize: readonly [number, number] };
  MaxPool: Pooling;
  AvgPool: Pooling;
  /** Inputs: x, gamma, beta, moving mean, moving variance; the channel axis follows `dataFormat`, or is the last. `momentum` of the moving statistics. */
  BatchNorm: {
    readonly epsilon: number;
    readonly momentum: number;
    /** Whether the moving variance follows the unbiased variance of a batch: TensorFlow's fused op, and no other. */
    readonly unbiased: boolean;
    readonly dataFormat: DataFormat;
    /** What the last input is, where it is not the variance: log₁₀ of the standard deviation (DL4J). */
    readonly keeps?: "log10Deviation";
  };
  /** Inputs: a sequence, and what `takes` says. The output of each step. See Hochreiter and Schmidhuber, 1997; Gers, 2002 (peepholes). */
  LSTM: Recurrent<LSTMInput> & {
    /** Which block of columns is whose, in every kernel and in the bias. */
    readonly gates: readonly LSTMGate[];
    /** Peepholes that stand as further columns behind the gates in the recurrent kernel (DL4J's GravesLSTM). */
    readonly peepholeColumns: readonly LSTMGate[];
    /** Added to the forget gate beside its bias. */
    readonly forgetBias: number;
    /** The cell, and the projection, stay within ± this; null: no bound. */
    readonly cellClip: number | null;
    readonly projectionClip: number | null;
  };
  /** Inputs: a sequence, and what `takes` says. The reset gate applies before the product, as in Cho et al., 2014. */
  GRU: Recurrent<GRUInput> & { readonly gates: readonly GRUGate[] };
  /** Inputs: x, and optionally lengths [batch], up to which each sample is turned round. */
  Reverse: { readonly axis: number; readonly batchAxis: number };
  /** Inputs: a sequence, and optionally a mask [batch, time]. The last step that is there: [batch, features]. */
  LastStep: { readonly timeMajor: boolean };
  /** Inputs: lengths [batch], a sequence. [batch, time]: 1 where a step is there, 0 behind the end. */
  SequenceMask: { readonly timeMajor: boolean };

  /** The rate is a number, or comes from a scalar placeholder as rate or as keep probability. */
  Dropout:
    | { readonly rate: number }
    | { readonly rateFrom: string }
    | { readonly keepProbabilityFrom: string };

  Add: None;
  Sub: None;
  Mul: None;
  Div: None;
  Maximum: None;
  Minimum: None;
  Pow: None;
  SquaredDifference: None;

  Relu: None;
  Relu6: None;
  Elu: None;
  Selu: None;
  LeakyRelu: { readonly alpha: number };
  Sigmoid: None;
  Tanh: None;
  Softplus: None;
  Softmax: None;
  LogSoftmax: None;
  Exp: None;
  Log: None;
  Log1p: None;
  Neg: None;
  Abs: None;
  Square: None;
  Sqrt: None;
  Rsqrt: None;
  Floor: None;
  Identity: None;
  StopGradient: None;
  Cast: { readonly to: DType };

  /** Target shape; -1 is the batch or whatever remains. */
  Reshape: { readonly shape: readonly number[] };
  Transpose: { readonly permutation: readonly number[] };
  Concat: { readonly axis: number };
  /** Per axis, with Python's rules: negative numbers count from the end, null is as far as the axis goes. */
  Slice: {
    readonly begin: readonly (number | null)[];
    readonly end: readonly (number | null)[];
    readonly strides: readonly number[];
  };
  /** How often each axis is repeated. */
  Tile: { readonly multiples: readonly number[] };
  Squeeze: { readonly axes: readonly number[] };
  ExpandDims: { readonly axis: number };
  /** Before and after, per axis, flattened. */
  Pad: { readonly paddings: readonly number[] };
  /** Inputs: table, indices. */
  Gather: { readonly axis: number };
  OneHot: { readonly depth: number; readonly on: number; readonly off: number };

  Mean: Reduction;
  Sum: Reduction;
  Max: Reduction;
  Min: Reduction;
  ArgMax: { readonly axis: number };
  Equal: None;
  Greater: None;
  GreaterEqual: None;
  Less: None;
  /** Inputs: condition, a, b. A vector of conditions chooses whole rows (TensorFlow's Select), or broadcasts (SelectV2). */
  Select: { readonly rows: boolean };
  /** Inputs: predictions, targets; true where the target is among the k largest. */
  InTopK: { readonly k: number };

  /** Inputs: logits [batch, classes], labels [batch] of class indices; one loss per sample. Per step: [batch, time, classes], [batch, time]. */
  SparseSoftmaxCrossEntropy: None;
  /** Inputs: logits, labels, both [batch, classes] or [batch, time, classes]; one loss per sample, or per step. */
  SoftmaxCrossEntropy: None;
  /** Inputs: logits, labels of the same shape; elementwise. */
  SigmoidCrossEntropy: None;
  /** Half the sum of squares. */
  L2Loss: None;

  /** Known by its type only: shown and kept, but a path through it cannot run. */
  Opaque: { readonly type: string };
}

export type OpName = keyof OpAttributes;
