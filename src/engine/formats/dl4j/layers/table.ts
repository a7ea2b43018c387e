// The layers of DL4J: a line for each class, with what its layer is called here and how it becomes nodes. What has no
// line, or no way to become nodes, is an opaque node.
import { thawed } from "../configuration";
import { inner } from "../parameters";
import type { Typed } from "../typed";
import { activated, activationOf } from "./activations";
import * as convolution from "./convolution";
import * as dense from "./dense";
import { dropped } from "./dropout";
import { opaqueLayer, type LiftLayer, type Site } from "./lifting";
import * as recurrent from "./recurrent";

interface LayerKind {
  /** What the layer is called in lists. */
  readonly kind: string;
  readonly lift?: LiftLayer;
  /** Of a wrapper: the field with the layer in it, which gives the kind, and how both are lifted. */
  readonly wraps?: { readonly field: string; readonly lift: recurrent.Wrapping };
}

/** How many axes the input of a layer has, batch included; undefined where it takes any. */
export const inputRank = (layer: Typed): number | undefined => {
  const { type } = layer;
  const wraps = LAYERS[type]?.wraps;
  return RANKS[type] ?? (wraps && inputRank(inner(layer, wraps.field)));
};

/** Whether a layer compares its output with labels. */
export const isOutputLayer = ({ type }: Typed): boolean =>
  /(Output|Loss)Layer$/.test(type) && Object.hasOwn(LAYERS, type);

/** What a layer is called; with what it wraps. */
export function kindOf(layer: Typed): string {
  const known = Object.hasOwn(LAYERS, layer.type) ? LAYERS[layer.type] : undefined;
  if (known === undefined) return layer.type;
  if (known.wraps === undefined) return known.kind;
  const within = kindOf(inner(layer, known.wraps.field));
  return known.kind === "" ? within : `${known.kind} ${within}`;
}

export const liftLayer: LiftLayer = (site, x) => {
  const known = Object.hasOwn(LAYERS, site.layer.type) ? LAYERS[site.layer.type] : undefined;
  const lift = known?.wraps ? known.wraps.lift(liftLayer) : (known?.lift ?? opaqueLayer);
  return lift(site, x);
};

/** Which steps are there behind a layer; undefined where that is not known. */
export function maskBehind(site: Site, mask: string): string | undefined {
  const { type } = thawed(site.layer);
  if (/^(Convolution|Subsampling|Pooling)1D/.test(type))
    return convolution.slidingMask(
      { ...site, layer: { ...site.layer, ...thawed(site.layer) } },
      mask,
    );
  return /(1D|1DLayer|RepeatVector)$/.test(type) ? undefined : mask;
}

const activation: LiftLayer = (site, x) =>
  activated(site, dropped(site, x), activationOf(site.layer));

const LAYERS: Readonly<Record<string, LayerKind>> = {
  DenseLayer: { kind: "dense", lift: dense.dense },
  OutputLayer: { kind: "output", lift: dense.dense },
  RnnOutputLayer: { kind: "rnnOutput", lift: dense.dense },
  CenterLossOutputLayer: { kind: "centerLossOutput", lift: dense.dense },
  LossLayer: { kind: "loss", lift: activation },
  RnnLossLayer: { kind: "rnnLoss", lift: activation },
  CnnLossLayer: { kind: "cnnLoss" },
  AutoEncoder: { kind: "autoEncoder", lift: dense.dense },
  EmbeddingLayer: { kind: "embedding", lift: dense.embedding },
  EmbeddingSequenceLayer: { kind: "embeddingSequence", lift: dense.embeddingSequence },
  ElementWiseMultiplicationLayer: { kind: "elementWise", lift: dense.elementWise },
  PReLULayer: { kind: "prelu", lift: dense.prelu },
  ActivationLayer: { kind: "activation", lift: activation },
  DropoutLayer: { kind: "dropout", lift: dropped },

  ConvolutionLayer: { kind: "convolution", lift: convolution.convolution },
  Convolution2D: { kind: "convolution", lift: convolution.convolution },
  Convolution1DLayer: { kind: "convolution1D", lift: convolution.convolution1D },
  Convolution1D: { kind: "convolution1D", lift: convolution.convolution1D },
  DepthwiseConvolution2D: { kind: "depthwiseConvolution", lift: convolution.depthwise },
  SeparableConvolution2D: { kind: "separableConvolution", lift: convolution.separable },
  Deconvolution2D: { kind: "deconvolution", lift: convolution.deconvolution },
  SubsamplingLayer: { kind: "subsampling", lift: convolution.subsampling },
  Pooling2D: { kind: "subsampling", lift: convolution.subsampling },
  Subsampling1DLayer: { kind: "subsampling1D", lift: convolution.subsampling1D },
  Pooling1D: { kind: "subsampling1D", lift: convolution.subsampling1D },
  GlobalPoolingLayer: { kind: "globalPooling", lift: convolution.globalPooling },
  ZeroPaddingLayer: { kind: "zeroPadding", lift: convolution.zeroPadding },
  ZeroPadding1DLayer: { kind: "zeroPadding1D", lift: convolution.zeroPadding1D },
  Cropping2D: { kind: "cropping", lift: convolution.cropping },
  Upsampling2D: { kind: "upsampling", lift: convolution.upsampling },
  BatchNormalization: { kind: "batchNormalization", lift: convolution.batchNorm },

  LSTM: { kind: "LSTM", lift: recurrent.lstm },
  GravesLSTM: { kind: "gravesLSTM", lift: recurrent.gravesLstm },
  GravesBidirectionalLSTM: {
    kind: "gravesBidirectionalLSTM",
    lift: recurrent.gravesBidirectionalLstm,
  },
  SimpleRnn: { kind: "simpleRnn", lift: recurrent.simpleRnn },
  RepeatVector: { kind: "repeatVector", lift: recurrent.repeatVector },

  Bidirectional: {
    kind: "bidirectional",
    wraps: { field: "fwd", lift: recurrent.bidirectional },
  },
  LastTimeStep: {
    kind: "last step of",
    wraps: { field: "underlying", lift: recurrent.lastTimeStep },
  },
  TimeDistributed: {
    kind: "",
    wraps: { field: "underlying", lift: recurrent.wrapped("underlying") },
  },
  FrozenLayer: { kind: "", wraps: { field: "layer", lift: recurrent.wrapped("layer") } },
  FrozenLayerWithBackprop: {
    kind: "",
    wraps: { field: "underlying", lift: recurrent.wrapped("underlying") },
  },
};

const RANKS: Readonly<Record<string, number>> = {
  DenseLayer: 2,
  OutputLayer: 2,
  LossLayer: 2,
  AutoEncoder: 2,
  ElementWiseMultiplicationLayer: 2,
  EmbeddingLayer: 2,
  RepeatVector: 2,
  EmbeddingSequenceLayer: 3,
  RnnOutputLayer: 3,
  RnnLossLayer: 3,
  LSTM: 3,
  GravesLSTM: 3,
  GravesBidirectionalLSTM: 3,
  SimpleRnn: 3,
  TimeDistributed: 3,
  Convolution1DLayer: 3,
  Convolution1D: 3,
  Subsampling1DLayer: 3,
  Pooling1D: 3,
  ZeroPadding1DLayer: 3,
  ConvolutionLayer: 4,
  Convolution2D: 4,
  DepthwiseConvolution2D: 4,
  SeparableConvolution2D: 4,
  Deconvolution2D: 4,
  SubsamplingLayer: 4,
  Pooling2D: 4,
  ZeroPaddingLayer: 4,
  Cropping2D: 4,
  Upsampling2D: 4,
};
