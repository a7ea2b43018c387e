// Activations, gradients, steps and whole retraining runs that real TensorFlow recorded.
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import type { Checkpoint } from "../../../src/engine/formats/format";
import { cut } from "../../../src/engine/graph/cut";
import type { Model } from "../../../src/engine/graph/model";
import { reinfer } from "../../../src/engine/graph/reinfer";
import { INFERENCE } from "../../../src/engine/ops/kernel";
import { pathTo, run } from "../../../src/engine/ops/run";
import { tf } from "../../../src/engine/ops/tf";
import { RecipeSchema } from "../../../src/engine/recipe/schema";
import { freezeWeights, unfreezeWeights } from "../../../src/engine/surgery/freeze";
import { replaceOutput } from "../../../src/engine/surgery/replaceOutput";
import { chooseBackend } from "../../../src/engine/train/backend";
import {
  load,
  startingValues,
  usedVariables,
  type LiveVariables,
} from "../../../src/engine/train/live";
import { Score } from "../../../src/engine/train/metrics";
import { optimizerRule } from "../../../src/engine/train/optimizers/table";
import { runPhase } from "../../../src/engine/train/phase";
import { inMemory } from "../../../src/engine/train/source";
import { trainedVariables } from "../../../src/engine/train/prepare";
import type { SampleArray } from "../../../src/engine/train/samples";
import { trainables, trainStep } from "../../../src/engine/train/step";
import { expectClose, fixture, type Recorded } from "../fixture";

type Tensors = Record<string, Recorded>;

interface Expected {
  readonly forward: { readonly loss: number; readonly activations: Tensors } & Record<
    string,
    unknown
  >;
  readonly gradients: Tensors;
  readonly sgd_step?: { readonly learning_rate: number; readonly all: Tensors };
  readonly transfer?: {
    readonly learning_rate: number;
    readonly batch: number;
    readonly epochs: number;
    readonly new_classes: number;
    readonly X: Recorded;
    readonly y: Recorded;
    readonly order: Recorded;
    readonly init_weights: Recorded;
    readonly init_biases: Recorded;
    readonly bottleneck_hidden2: Recorded;
    readonly loss_per_step: number[];
    readonly final: Tensors;
  };
  readonly retrain?: {
    readonly x: Recorded;
    readonly y: Recorded;
    readonly order: Recorded;
    readonly batch: number;
    readonly learning_rate: number;
    readonly bottleneck_h_fc1: Recorded;
  } & Record<
    "last_layer" | "last_two_layers",
    { trained: string[]; loss_per_step: number[]; final: Tensors }
  >;
}

/** The recorded activations of a fixture, as ops of its graph. */
const MLP = {
  input: "X",
  labels: "y",
  ops: {
    hidden1: "hidden1/Relu",
    hidden2: "hidden2/Relu",
    hidden3: "hidden3/Relu",
    outputs: "outputs/BiasAdd",
  },
};
const CNN = {
  input: "x",
  labels: "y",
  ops: {
    h_conv1: "Relu",
    h_pool1: "MaxPool",
    h_conv2: "Relu_1",
    h_pool2: "MaxPool_1",
    h_fc1: "Relu_2",
    y_conv: "add_3",
  },
};
const CASES: [name: string, { input: string; labels: string; ops: Record<string, string> }][] = [
  ["b1_mini_v2", MLP],
  ["b1_mini_v1", MLP],
  ["b1_mini_resource", MLP],
  ["b1_miniquark_full_v2", MLP],
  ["b2_cnn_digits", CNN],
  ["b2_cnn_digits_named_noslots", CNN],
  ["b2_cnn_digits_resource", CNN],
  ["b2_cnn_digits_batchnorm", CNN],
];
const SCALARS = new Map([["keep_prob", 1]]);
const TOLERANCE = 1e-5;

async function loaded(checkpoint: Checkpoint, model: Model): Promise<LiveVariables> {
  const variables = usedVariables(model);
  return load(variables, await startingValues(variables, (name) => checkpoint.read(name), 1));
}

const samples = (
  node: string,
  recorded: Recorded,
  data: Float32Array | Int32Array,
): SampleArray => ({
  node,
  shape: recorded.shape.slice(1),
  data,
});

describe.each(CASES)("%s", (name, { input, labels, ops }) => {
  const { expected, open, floats, integers } = fixture<Expected>(name);
  let checkpoint: Checkpoint;
  let model: Model;
  let live: LiveVariables;
  beforeAll(async () => {
    checkpoint = await open();
    model = await checkpoint.model();
    await chooseBackend("cpu", model, { trained: new Set() });
    live = await loaded(checkpoint, model);
  });
  afterAll(() => checkpoint.close());

  const x = expected.forward[input] as Recorded;
  const y = expected.forward[labels] as Recorded;
  const feeds = () =>
    new Map([
      [model.roles.inputs[0], tf.tensor(floats(x), [...x.shape])],
      [model.roles.labels!, tf.tensor(integers(y), [...y.shape], "int32")],
    ]);

  test.each(Object.entries(ops))("%s is what TensorFlow computed", (key, op) => {
    const path = pathTo(model, [op], new Set(model.roles.inputs));
    const [tensor] = run(path, feeds(), live.map, INFERENCE);
    const recorded = expected.forward.activations[key];
    expect(tensor.shape).toEqual(recorded.shape);
    expectClose(tensor.dataSync(), floats(recorded), TOLERANCE);
  });

  test("the loss is TensorFlow's", () => {
    const [loss] = run(pathTo(model, [model.roles.loss!]), feeds(), live.map, INFERENCE);
    expectClose(loss.dataSync(), [expected.forward.loss], TOLERANCE);
  });

  // Of the network of real size only hashes were kept.
  const isRecorded = Object.values(expected.gradients).every((each) => each.file !== undefined);
  const testRecorded = isRecorded ? test : () => {};
  testRecorded("gradients and one SGD step are TensorFlow's", async () => {
    const stepped = await loaded(checkpoint, model);
    const before = new Map([...stepped.map].map(([key, value]) => [key, value.dataSync()]));
    // With a learning rate of 1 a step moves by the gradient itself.
    const rule = optimizerRule({ sgd: { learningRate: 1 } });
    const training = trainables(trainedVariables(model), rule);
    expect(
      training
        .map((each) => each.name)
        .filter((each) => each in expected.gradients)
        .sort(),
    ).toEqual(Object.keys(expected.gradients).sort());
    const path = pathTo(model, [model.roles.loss!, model.roles.output!]);
    trainStep(path, feeds(), stepped, training, rule, { ...INFERENCE, scalars: SCALARS }, 1);
    for (const [key, recorded] of Object.entries(expected.gradients)) {
      const after = stepped.get(key).dataSync();
      const start = before.get(key)!;
      const gradient = floats(recorded);
      expectClose(
        after.map((value, at) => start[at] - value),
        gradient,
        TOLERANCE,
      );
      const full = expected.sgd_step?.all[key];
      if (full?.file !== undefined) {
        const rate = expected.sgd_step!.learning_rate;
        const moved = Float32Array.from(
          after,
          (value, at) => start[at] + rate * (value - start[at]),
        );
        expectClose(moved, floats(full), TOLERANCE);
      }
    }
  });
});

/** Trains as the recorded run did: its start, its order of samples, its learning rate. */
async function retrain(request: {
  readonly model: Model;
  readonly live: LiveVariables;
  readonly arrays: readonly SampleArray[];
  readonly labels: Int32Array;
  readonly order: Int32Array;
  readonly epochs: number;
  readonly batch: number;
  readonly learningRate: number;
}): Promise<number[]> {
  const { model, live, arrays, labels, order, epochs, batch, learningRate } = request;
  const optimizer = { sgd: { learningRate } };
  const phase = RecipeSchema.parse({ checkpoint: "x", train: [{ epochs, batch, optimizer }] })
    .train[0];
  const losses: number[] = [];
  const count = labels.length;
  await runPhase(
    {
      index: 0,
      phase,
      model,
      cut: cut(model, [model.roles.loss!, model.roles.output!]),
      source: inMemory([...arrays, { node: model.roles.labels!, shape: [], data: labels }]),
      window: count,
      targets: labels,
      classes: [],
      split: { training: new Int32Array(count), validation: new Int32Array() },
      live,
      training: trainables(trainedVariables(model), optimizerRule(optimizer)),
      scalars: SCALARS,
      seed: 1,
      order: (epoch) => order.subarray(epoch * count, (epoch + 1) * count),
    },
    { epoch: 0, step: 0, score: new Score() },
    {
      step: (_epoch, _step, _steps, loss) => void losses.push(loss),
      epoch: async () => {},
      stopRequested: () => false,
      turn: async () => {},
    },
  );
  return losses;
}

describe.each(["b1_mini_v2", "b1_miniquark_full_v2"])("the transfer of %s", (name) => {
  const { expected, open, floats, integers } = fixture<Expected>(name);
  const recorded = expected.transfer!;

  test.each(["cached", "uncached"])("%s gives TensorFlow's losses and weights", async (how) => {
    const checkpoint = await open();
    const source = await checkpoint.model();
    const replaced = replaceOutput.apply(source, { classes: recorded.new_classes }, "edit 1");
    const model = reinfer(freezeWeights(replaced, "hidden[12]"));
    await chooseBackend("cpu", model, { trained: new Set() });
    const live = await loaded(checkpoint, model);
    const shape = [...recorded.init_weights.shape];
    live.set("outputs/weights", tf.tensor(floats(recorded.init_weights), shape));
    live.set("outputs/biases", tf.tensor(floats(recorded.init_biases)));
    const array =
      how === "cached"
        ? samples("hidden2/Relu", recorded.bottleneck_hidden2, floats(recorded.bottleneck_hidden2))
        : samples("X", recorded.X, floats(recorded.X));
    expect(cut(model, [model.roles.loss!, model.roles.output!]).bottlenecks).toEqual([
      "hidden2/Relu",
    ]);
    const losses = await retrain({
      model,
      live,
      arrays: [array],
      labels: integers(recorded.y),
      order: integers(recorded.order),
      epochs: recorded.epochs,
      batch: recorded.batch,
      learningRate: recorded.learning_rate,
    });
    expectClose(losses, recorded.loss_per_step, TOLERANCE);
    for (const [key, final] of Object.entries(recorded.final))
      expectClose(
        live.get(key.replace("new_outputs", "outputs")).dataSync(),
        floats(final),
        TOLERANCE,
      );
    await checkpoint.close();
  });
});

const RETRAINED = CASES.map(([name]) => name).filter((name) => name.startsWith("b2_"));
describe.each(RETRAINED)("retraining %s", (name) => {
  const { expected, open, floats, integers } = fixture<Expected>(name);
  const recorded = expected.retrain!;

  test.each(["last_layer", "last_two_layers"] as const)(
    "%s gives TensorFlow's losses and weights",
    async (what) => {
      const { trained, loss_per_step, final } = recorded[what];
      const checkpoint = await open();
      const frozen = freezeWeights(await checkpoint.model(), ".*");
      const model = unfreezeWeights(frozen, trained);
      await chooseBackend("cpu", model, { trained: new Set() });
      const live = await loaded(checkpoint, model);
      const losses = await retrain({
        model,
        live,
        arrays: [samples(model.roles.inputs[0], recorded.x, floats(recorded.x))],
        labels: integers(recorded.y),
        order: integers(recorded.order),
        epochs: 3,
        batch: recorded.batch,
        learningRate: recorded.learning_rate,
      });
      expectClose(losses, loss_per_step, TOLERANCE);
      for (const [key, value] of Object.entries(final))
        expectClose(live.get(key).dataSync(), floats(value), TOLERANCE);
      await checkpoint.close();
    },
  );
});
