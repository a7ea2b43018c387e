// The configuration of a network that has no layers yet, as 1.0.0-M2.1 writes it. One dense layer stands in it for the
// settings of those to come.
import type { Model, Node } from "../../graph/model";
import { parseConfiguration, type Configuration } from "./configuration";
import { json, stringify, type Plain } from "./json";
import type { ArrayHeader } from "./nd4j";

/** The rate of plain SGD, which a new network trains with. */
export const LEARNING_RATE = 0.01;

const LAYER: Plain = {
  "@class": "org.deeplearning4j.nn.conf.layers.DenseLayer",
  activationFn: { "@class": "org.nd4j.linalg.activations.impl.ActivationIdentity" },
  biasInit: 0,
  biasUpdater: null,
  constraints: null,
  gainInit: 1,
  gradientNormalization: "None",
  gradientNormalizationThreshold: 1,
  iupdater: { "@class": "org.nd4j.linalg.learning.config.Sgd", learningRate: LEARNING_RATE },
  nin: 1,
  nout: 1,
  // Of the sequences in the network: features before time.
  rnnDataFormat: "NCW",
  weightInitFn: { "@class": "org.deeplearning4j.nn.weights.WeightInitXavier" },
};

const SETTINGS = {
  cacheMode: "NONE",
  dataType: "FLOAT",
  epochCount: 0,
  iterationCount: 0,
  layer: null as Plain,
  maxNumLineSearchIterations: 5,
  miniBatch: true,
  minimize: true,
  optimizationAlgo: "STOCHASTIC_GRADIENT_DESCENT",
  seed: 0,
  stepFunction: null,
  variables: [],
};

const NETWORK = {
  backpropType: "Standard",
  cacheMode: "NONE",
  dataType: "FLOAT",
  epochCount: 0,
  inferenceWorkspaceMode: "ENABLED",
  iterationCount: 0,
  tbpttBackLength: 20,
  tbpttFwdLength: 20,
  trainingWorkspaceMode: "ENABLED",
  validateOutputLayerConfig: true,
};

const CONF = { ...SETTINGS, layer: LAYER, variables: ["W", "b"] };

/** A MultiLayerNetwork, or a ComputationGraph with these inputs. */
export const blankConfiguration = (isChain: boolean, inputs: readonly string[]): Configuration =>
  parseConfiguration("a new network", stringify(json(isChain ? chain() : graph(inputs))));

/** DL4J reads the keys in order, and "confs" before what it sets in each of them. */
const chain = (): Plain => ({ confs: [CONF], inputPreProcessors: {}, ...NETWORK });

const graph = (inputs: readonly string[]): Plain => ({
  ...NETWORK,
  defaultConfiguration: SETTINGS,
  networkInputs: [...inputs],
  networkOutputs: ["layer"],
  topologicalOrder: [],
  topologicalOrderStr: [...inputs, "layer"],
  vertexInputs: { layer: [inputs[0]] },
  vertices: {
    layer: {
      "@class": "org.deeplearning4j.nn.conf.graph.LayerVertex",
      layerConf: CONF,
      outputVertex: false,
      preProcessor: null,
    },
  },
});

/** A network of nothing but the inputs of `model`. */
export function inputsOf(model: Model): Model {
  const nodes = model.roles.inputs.map((name): [string, Node] => [name, model.nodes.get(name)!]);
  return {
    nodes: new Map(nodes),
    variables: new Map(),
    layers: [],
    roles: { inputs: model.roles.inputs },
    shapes: new Map(nodes.map(([name]) => [name, model.shapes.get(name)!])),
    aliases: new Map(),
  };
}

/** A flat vector of float32 as 1.0.0-M2.1 writes it. */
export const BLANK_HEADER: ArrayHeader = {
  dtype: "float32",
  shape: [0],
  order: "c",
  style: {
    allocation: "MIXED_DATA_TYPES",
    shapeAllocation: "MIXED_DATA_TYPES",
    shapeType: "LONG",
    // ND4J's flag of float32.
    flags: 0x2000,
    elementWiseStride: 1,
    unitStrides: false,
  },
};
