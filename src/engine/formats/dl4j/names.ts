// Class names of DL4J. Up to 1.0.0-alpha a configuration wraps each object into its type's short name,
// { "gravesLSTM": { … } }; later ones have it as "@class". Both are told by the class's name without its package.
// The short names: org.deeplearning4j.nn.conf.serde.legacy.LegacyJsonFormat.

const NAMES: Readonly<Record<string, Readonly<Record<string, string>>>> = {
  layer: {
    autoEncoder: "AutoEncoder",
    convolution: "ConvolutionLayer",
    convolution1d: "Convolution1DLayer",
    gravesLSTM: "GravesLSTM",
    gravesBidirectionalLSTM: "GravesBidirectionalLSTM",
    output: "OutputLayer",
    rnnoutput: "RnnOutputLayer",
    loss: "LossLayer",
    dense: "DenseLayer",
    subsampling: "SubsamplingLayer",
    subsampling1d: "Subsampling1DLayer",
    batchNormalization: "BatchNormalization",
    localResponseNormalization: "LocalResponseNormalization",
    embedding: "EmbeddingLayer",
    activation: "ActivationLayer",
    dropout: "DropoutLayer",
    GlobalPooling: "GlobalPoolingLayer",
    zeroPadding: "ZeroPaddingLayer",
    zeroPadding1d: "ZeroPadding1DLayer",
    ElementWiseMult: "ElementWiseMultiplicationLayer",
  },
  preprocessor: {
    cnnToFeedForward: "CnnToFeedForwardPreProcessor",
    cnnToRnn: "CnnToRnnPreProcessor",
    composableInput: "ComposableInputPreProcessor",
    feedForwardToCnn: "FeedForwardToCnnPreProcessor",
    feedForwardToRnn: "FeedForwardToRnnPreProcessor",
    rnnToFeedForward: "RnnToFeedForwardPreProcessor",
    rnnToCnn: "RnnToCnnPreProcessor",
  },
  activation: {
    Cube: "ActivationCube",
    ELU: "ActivationELU",
    HardSigmoid: "ActivationHardSigmoid",
    HardTanh: "ActivationHardTanH",
    Identity: "ActivationIdentity",
    LReLU: "ActivationLReLU",
    leakyrelu: "ActivationLReLU",
    RationalTanh: "ActivationRationalTanh",
    RectifiedTanh: "ActivationRectifiedTanh",
    SELU: "ActivationSELU",
    SWISH: "ActivationSwish",
    ReLU: "ActivationReLU",
    RReLU: "ActivationRReLU",
    Sigmoid: "ActivationSigmoid",
    Softmax: "ActivationSoftmax",
    SoftPlus: "ActivationSoftPlus",
    SoftSign: "ActivationSoftSign",
    TanH: "ActivationTanH",
  },
  loss: {
    BinaryXENT: "LossBinaryXENT",
    XENT: "LossBinaryXENT",
    CosineProximity: "LossCosineProximity",
    COSINE_PROXIMITY: "LossCosineProximity",
    Hinge: "LossHinge",
    HINGE: "LossHinge",
    KLD: "LossKLD",
    KL_DIVERGENCE: "LossKLD",
    MAE: "LossMAE",
    MEAN_ABSOLUTE_ERROR: "LossMAE",
    L1: "LossL1",
    MAPE: "LossMAPE",
    MCXENT: "LossMCXENT",
    MSE: "LossMSE",
    L2: "LossL2",
    SQUARED_LOSS: "LossL2",
    MSLE: "LossMSLE",
    NegativeLogLikelihood: "LossNegativeLogLikelihood",
    NEGATIVELOGLIKELIHOOD: "LossNegativeLogLikelihood",
    Poisson: "LossPoisson",
    POISSON: "LossPoisson",
    SquaredHinge: "LossSquaredHinge",
    SQUARED_HINGE: "LossSquaredHinge",
    FMeasure: "LossFMeasure",
  },
  /** Their short names, if any, are those of their classes. */
  vertex: {},
  updater: {},
};

export type Family = "layer" | "preprocessor" | "activation" | "loss" | "vertex" | "updater";

/** The class that `short` stands for in old configurations; the short name itself where they are the same. */
export function classOfShort(family: Family, short: string): string {
  const key = short.toLowerCase();
  const found = Object.entries(NAMES[family]).find(([name]) => name.toLowerCase() === key);
  return found === undefined ? short : found[1];
}

/** The short name of a class, for a configuration that has short names. */
export function shortOfClass(family: Family, type: string): string {
  const found = Object.entries(NAMES[family]).find(([, name]) => name === type);
  return found === undefined ? type : found[0];
}

/** "DenseLayer" of "org.deeplearning4j.nn.conf.layers.DenseLayer"; of an inner class, the inner one's. */
export const withoutPackage = (name: string): string =>
  name.slice(Math.max(name.lastIndexOf("."), name.lastIndexOf("$")) + 1);
