// Small networks by hand, their numbers, and what they compute: for edits that change the graph.
import type { Layer, Model, Node, Shape } from "../../../src/engine/graph/model";
import { elements } from "../../../src/engine/graph/model";
import { cut } from "../../../src/engine/graph/cut";
import { uniforms } from "../../../src/engine/graph/random";
import { evaluate, type ReadStored } from "../../../src/engine/graph/value";
import { INFERENCE } from "../../../src/engine/ops/kernel";
import { pathTo, run } from "../../../src/engine/ops/run";
import { tf } from "../../../src/engine/ops/tf";
import { applyRecipe } from "../../../src/engine/recipe/apply";
import { RecipeSchema } from "../../../src/engine/recipe/schema";
import type { Executor } from "../../../src/engine/train/executor";
import { usedVariables } from "../../../src/engine/graph/order";
import { load, startingValues } from "../../../src/engine/train/live";
import { Score } from "../../../src/engine/train/metrics";
import { runPhase } from "../../../src/engine/train/phase";
import { inMemory } from "../../../src/engine/train/source";
import { trainables } from "../../../src/engine/train/trainables";
import { tensorsOf } from "../executor";
import { handmade, node, PRODUCT } from "../handmade";

export const SAMPLES = 4;
const CLASSES = 3;
const NORM = { epsilon: 0.01, momentum: 0.9, unbiased: true, dataFormat: "NHWC" } as const;
const CONV = {
  strides: [1, 1],
  padding: "SAME",
  dataFormat: "NHWC",
  dilations: [1, 1],
} as const;
const POOL = { window: [2, 2], strides: [2, 2], padding: "VALID", dataFormat: "NHWC" } as const;

type Weights = Readonly<Record<string, Shape>>;

const layer = (
  name: string,
  kind: string,
  ops: readonly string[],
  of: readonly string[],
): Layer => ({
  name,
  kind,
  nodes: ops.map((op) => `${name}/${op}`),
  variables: of.map((variable) => `${name}/${variable}`),
  output: `${name}/${ops.at(-1)}`,
});

/** `name`: dense, relu unless it is the last. */
const dense = (name: string, from: string, activation = "Relu"): Node[] => [
  node(`${name}/MatMul`, "MatMul", [from, `[${name}/w]`], PRODUCT),
  node(`${name}/BiasAdd`, "BiasAdd", [`${name}/MatMul`, `[${name}/b]`], { dataFormat: "NHWC" }),
  ...(activation === ""
    ? []
    : [node(`${name}/${activation}`, activation as "Relu", [`${name}/BiasAdd`], {})]),
];
const denseLayer = (name: string, activation = "Relu") =>
  layer(
    name,
    "dense",
    ["MatMul", "BiasAdd", ...(activation === "" ? [] : [activation])],
    ["w", "b"],
  );

const conv = (name: string, from: string, activation = "Relu"): Node[] => [
  node(`${name}/Conv2D`, "Conv2D", [from, `[${name}/w]`], CONV),
  node(`${name}/BiasAdd`, "BiasAdd", [`${name}/Conv2D`, `[${name}/b]`], { dataFormat: "NHWC" }),
  ...(activation === ""
    ? []
    : [node(`${name}/${activation}`, activation as "Relu", [`${name}/BiasAdd`], {})]),
];
const convLayer = (name: string, activation = "Relu") =>
  layer(
    name,
    "conv2d",
    ["Conv2D", "BiasAdd", ...(activation === "" ? [] : [activation])],
    ["w", "b"],
  );

function network(
  input: Shape,
  weights: Weights,
  nodes: readonly Node[],
  layers: readonly Layer[],
  penalized?: string,
): Model {
  const penalty = [
    node("square", "L2Loss", [`[${penalized}]`], {}),
    node("factor", "Const", [], { dtype: "float32", shape: [], values: [0.01] }),
    node("penalty", "Mul", ["square", "factor"], {}),
    node("loss", "Add", ["mean", "penalty"], {}),
  ];
  const loss = penalized === undefined ? "mean" : "loss";
  return handmade({
    fed: { x: input, y: [-1, CLASSES] },
    weights,
    nodes: [
      ...nodes,
      node("each", "SoftmaxCrossEntropy", ["out/BiasAdd", "y"], {}),
      node("mean", "Mean", ["each"], { axes: [0], keepDims: false }),
      ...(penalized === undefined ? [] : penalty),
    ],
    layers,
    roles: { output: "out/BiasAdd", labels: "y", loss },
  });
}

/** Two hidden layers, and a penalty on the second one's kernel. */
export const perceptron = (activation = "Relu"): Model =>
  network(
    [-1, 5],
    {
      ...{ "hidden1/w": [5, 4], "hidden1/b": [4], "hidden2/w": [4, 6], "hidden2/b": [6] },
      ...{ "out/w": [6, CLASSES], "out/b": [CLASSES] },
    },
    [
      ...dense("hidden1", "x", activation),
      ...dense("hidden2", `hidden1/${activation}`),
      ...dense("out", "hidden2/Relu", ""),
    ],
    [denseLayer("hidden1", activation), denseLayer("hidden2"), denseLayer("out", "")],
    "hidden2/w",
  );

/** A convolution with batch norm, pooling, another convolution, flattened. */
export function convolutional(): Model {
  const model = network(
    [-1, 6, 6, 2],
    {
      ...{ "conv1/w": [3, 3, 2, 4], "conv1/b": [4] },
      ...{ "norm/gamma": [4], "norm/beta": [4], "norm/mean": [4], "norm/variance": [4] },
      ...{ "conv2/w": [3, 3, 4, 4], "conv2/b": [4], "out/w": [36, CLASSES], "out/b": [CLASSES] },
    },
    [
      ...conv("conv1", "x", ""),
      node(
        "norm/BatchNorm",
        "BatchNorm",
        ["conv1/BiasAdd", "[norm/gamma]", "[norm/beta]", "[norm/mean]", "[norm/variance]"],
        NORM,
      ),
      node("norm/Relu", "Relu", ["norm/BatchNorm"], {}),
      node("pool", "MaxPool", ["norm/Relu"], POOL),
      ...conv("conv2", "pool"),
      node("flat", "Reshape", ["conv2/Relu"], { shape: [-1, 36] }),
      ...dense("out", "flat", ""),
    ],
    [
      convLayer("conv1", ""),
      layer("norm", "batchNorm", ["BatchNorm", "Relu"], ["gamma", "beta", "mean", "variance"]),
      convLayer("conv2"),
      denseLayer("out", ""),
    ],
  );
  const variables = new Map(model.variables);
  for (const name of ["norm/mean", "norm/variance"])
    variables.set(name, { ...variables.get(name)!, role: "statistic", trainable: [] });
  return { ...model, variables };
}

/** conv1 + conv2(conv1), averaged over the image. */
export const residual = (): Model =>
  network(
    [-1, 6, 6, 2],
    {
      ...{ "conv1/w": [3, 3, 2, 4], "conv1/b": [4], "conv2/w": [3, 3, 4, 4], "conv2/b": [4] },
      ...{ "out/w": [4, CLASSES], "out/b": [CLASSES] },
    },
    [
      ...conv("conv1", "x"),
      ...conv("conv2", "conv1/Relu"),
      node("sum", "Add", ["conv1/Relu", "conv2/Relu"], {}),
      node("average", "Mean", ["sum"], { axes: [1, 2], keepDims: false }),
      ...dense("out", "average", ""),
    ],
    [convLayer("conv1"), convLayer("conv2"), denseLayer("out", "")],
  );

/** Two branches, joined. */
export const joined = (): Model =>
  network(
    [-1, 5],
    {
      ...{ "a/w": [5, 4], "a/b": [4], "b/w": [5, 2], "b/b": [2] },
      ...{ "out/w": [6, CLASSES], "out/b": [CLASSES] },
    },
    [
      ...dense("a", "x"),
      ...dense("b", "x", "Tanh"),
      node("both", "Concat", ["a/Relu", "b/Tanh"], { axis: 1 }),
      ...dense("out", "both", ""),
    ],
    [denseLayer("a"), denseLayer("b", "Tanh"), denseLayer("out", "")],
  );

/** Numbers between −½ and ½ that `name` decides; between ½ and 3/2 for what norms multiply or divide by. */
export function numbersFor(name: string, count: number): Float32Array {
  const from = /(gamma|variance)$/.test(name) ? 0.5 : -0.5;
  return uniforms(7, ["test", name], count).map((value) => value + from);
}

/** What `source` stores. */
export const storedIn =
  (source: Model): ReadStored =>
  async (name) =>
    new Uint8Array(numbersFor(name, elements(source.variables.get(name)!.shape)).buffer);

export const apply = (model: Model, ...edits: object[]) =>
  applyRecipe(model, RecipeSchema.parse({ checkpoint: "m", edits }));

/** The edited model; a problem fails the test. */
export function edited(model: Model, ...edits: object[]): Model {
  const { model: after, problems } = apply(model, ...edits);
  if (problems.length > 0) throw new Error(problems[0].message);
  return after;
}

/** The message of the one problem that an edit has. */
export const refusal = (model: Model, ...edits: object[]): string => {
  const { problems } = apply(model, ...edits);
  if (problems.length !== 1) throw new Error(`${problems.length} problems`);
  return problems[0].message;
};

/** A variable's numbers. */
export async function valueOf(model: Model, read: ReadStored, name: string): Promise<number[]> {
  const bytes = await evaluate(model.variables.get(name)!, read, 1);
  return [...new Float32Array(bytes.slice().buffer)];
}

const inputs = (model: Model) => {
  const shape = model.shapes.get("x")!.slice(1);
  return { node: "x", shape, data: numbersFor("x", SAMPLES * elements(shape)) };
};

/** What the network computes for the samples, on the backend that is set. */
export async function logits(model: Model, read: ReadStored): Promise<number[]> {
  const used = usedVariables(model);
  const live = load(used, await startingValues(used, read, 1));
  return tf.tidy(() => {
    const { shape, data } = inputs(model);
    const feeds = new Map([["x", tf.tensor(data, [SAMPLES, ...shape])]]);
    const path = pathTo(model, [model.roles.output!]);
    return [...run(path, feeds, tensorsOf(live), INFERENCE)[0].dataSync()];
  });
}

/** Numbers of every variable before and after three steps. */
export async function trained(model: Model, read: ReadStored, executor: Executor) {
  const { train } = RecipeSchema.parse({
    checkpoint: "m",
    train: [{ epochs: 3, batch: SAMPLES, optimizer: { momentum: { learningRate: 0.1 } } }],
  });
  const used = usedVariables(model);
  const live = load(used, await startingValues(used, read, 1));
  const before = new Map([...live.names()].map((name) => [name, [...live.get(name)]]));
  const classes = model.shapes.get(model.roles.output!)!.at(-1)!;
  const labels = new Float32Array(SAMPLES * classes);
  for (let row = 0; row < SAMPLES; row++) labels[row * classes + (row % classes)] = 1;
  const order = Int32Array.from({ length: SAMPLES }, (_, index) => index);
  const losses: number[] = [];
  await runPhase(
    {
      index: 0,
      phase: train[0],
      model,
      cut: cut(model, [model.roles.loss!, model.roles.output!]),
      source: inMemory([inputs(model), { node: "y", shape: [classes], data: labels }]),
      window: SAMPLES,
      targets: { labels: order },
      classes: [],
      split: { training: order, validation: new Int32Array(0) },
      executor,
      live,
      training: trainables(model, train[0]),
      scalars: new Map(),
      seed: 1,
    },
    { epoch: 0, step: 0, score: new Score() },
    {
      step: (_epoch, _step, _steps, loss) => void losses.push(loss),
      epoch: async () => {},
      stopRequested: () => false,
      turn: async () => {},
    },
  );
  const after = new Map([...live.names()].map((name) => [name, [...live.get(name)]]));
  return { before, after, losses };
}
