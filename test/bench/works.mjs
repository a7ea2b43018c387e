// The works that are measured: one entry each. README.md says in plain words what they are for.
//   kind        train: every layer trains · featurize: outputs of the frozen layers · job: a whole run in a fresh process ·
//               retrain: frozen layers, bottlenecks and epochs, in one process
//   input       shape of one sample
//   frozen      how many of the layers are frozen; the output of the last of them is the bottleneck
//   data        clusters: seeded Gaussian clusters, 30 % of the labels at random · digits: scikit-learn's, 28×28
//   batch       samples per training step, or per forward pass of a peer
//   epochs      timed ones; in `train` one before them and one after them are not timed
//   unit        what `seconds` measures

const dense = (name, units, relu = true) => ({ type: "dense", name, units, relu });
const conv = (name, kernel, filters, { stride = 1, relu = true } = {}) => ({
  type: "conv",
  name,
  kernel,
  filters,
  stride,
  relu,
});
const lstm = (name, units) => ({ type: "lstm", name, units });
const batchNorm = (name) => ({ type: "batchNorm", name, relu: true });
const maxPool = (name) => ({ type: "maxPool", name });
const flatten = { type: "flatten", name: "flatten" };
const meanPool = { type: "meanPool", name: "mean" };

const MNIST_CNN = [
  ...[conv("conv1", 5, 32), maxPool("pool1"), conv("conv2", 5, 64), maxPool("pool2")],
  ...[flatten, dense("fc1", 1024), dense("fc2", 10, false)],
];
const MINIQUARK = [
  ...[dense("hidden1", 300), dense("hidden2", 100), dense("hidden3", 50)],
  dense("outputs", 5, false),
];

/** Twenty 3×3 convolutions, each followed by a batch norm; the size halves where the filters double. */
const DEEP_CNN = Array.from({ length: 20 }, (_, index) => {
  const filters = index < 7 ? 16 : index < 14 ? 32 : 64;
  const stride = index === 7 || index === 14 ? 2 : 1;
  return [
    conv(`conv${index + 1}`, 3, filters, { stride, relu: false }),
    batchNorm(`norm${index + 1}`),
  ];
}).flat();

export const WORKS = {
  "head-100-50-5": {
    kind: "train",
    input: [100],
    layers: [dense("hidden", 50), dense("outputs", 5, false)],
    ...{ data: "clusters", samples: 10_000, batch: 50, epochs: 10, learningRate: 0.003 },
    unit: "one epoch of 200 steps",
    peers: ["tf1", "keras", "dl4j", "tfjs-node", "matmul"],
  },
  "head-2048-128-5": {
    kind: "train",
    input: [2048],
    layers: [dense("hidden", 128), dense("outputs", 5, false)],
    ...{ data: "clusters", samples: 5_000, batch: 100, epochs: 5, learningRate: 0.0003 },
    unit: "one epoch of 50 steps",
    peers: ["tf1", "keras", "matmul"],
  },
  "lstm-20-8-32-5": {
    kind: "train",
    input: [20, 8],
    layers: [lstm("lstm", 32), dense("outputs", 5, false)],
    ...{ data: "clusters", samples: 2_000, batch: 50, epochs: 5, learningRate: 0.02 },
    unit: "one epoch of 40 steps",
    peers: ["tf1", "keras"],
  },
  "featurize-miniquark": {
    kind: "featurize",
    ...{ input: [500], layers: MINIQUARK, frozen: 2 },
    ...{ data: "clusters", samples: 10_000, batch: 1000 },
    unit: "10,000 samples",
    peers: ["keras", "tf-function"],
  },
  "featurize-mnist-cnn": {
    kind: "featurize",
    ...{ input: [28, 28, 1], layers: MNIST_CNN, frozen: 6 },
    ...{ data: "digits", samples: 1_000, batch: 50 },
    unit: "1,000 samples",
    peers: ["keras", "tf-function"],
  },
  "featurize-deep-cnn": {
    kind: "featurize",
    input: [32, 32, 3],
    layers: [...DEEP_CNN, meanPool, dense("outputs", 10, false)],
    frozen: DEEP_CNN.length + 1,
    ...{ data: "clusters", samples: 400, batch: 50 },
    unit: "400 samples",
    peers: ["keras", "tf-function"],
  },
  "finetune-mnist-cnn": {
    kind: "train",
    ...{ input: [28, 28, 1], layers: MNIST_CNN },
    ...{ data: "digits", samples: 500, batch: 50, epochs: 2, learningRate: 0.01 },
    unit: "one epoch of 10 steps",
    peers: ["tf1"],
  },
  "job-miniquark": {
    kind: "job",
    ...{ input: [500], layers: MINIQUARK, frozen: 2 },
    ...{ data: "clusters", samples: 10_000, batch: 50, epochs: 20, learningRate: 0.01 },
    unit: "the whole job: process start, 20 epochs on bottlenecks, saved",
    peers: ["tf1", "keras"],
  },
  "digits-cached-vs-uncached": {
    kind: "retrain",
    ...{ input: [28, 28, 1], layers: MNIST_CNN, frozen: 6 },
    ...{ data: "digits", samples: 500, batch: 50, epochs: 5, learningRate: 0.01 },
    unit: "5 epochs of the last layer, bottlenecks included",
    peers: ["uncached"],
  },
};

/** Layers that do not train. */
export const frozenLayers = ({ layers, frozen = 0 }) =>
  layers.slice(0, frozen).filter(({ type }) => ["dense", "conv", "batchNorm"].includes(type));
