// Activations, gradients, steps and whole retraining runs that real TensorFlow recorded.
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import type { Checkpoint } from "../../../src/engine/formats/format";
import { cut } from "../../../src/engine/graph/cut";
import type { Model } from "../../../src/engine/graph/model";
import { reinfer } from "../../../src/engine/graph/reinfer";
import { pathTo } from "../../../src/engine/ops/run";
import { RecipeSchema } from "../../../src/engine/recipe/schema";
import { freezeWeights, unfreezeWeights } from "../../../src/engine/surgery/freeze";
import { replaceOutput } from "../../../src/engine/surgery/replaceOutput";
import { usedVariables } from "../../../src/engine/graph/order";
import { load, startingValues, type LiveVariables } from "../../../src/engine/train/live";
import { Score } from "../../../src/engine/train/metrics";
import { runPhase } from "../../../src/engine/train/phase";
import { inMemory } from "../../../src/engine/train/source";
import type { SampleArray } from "../../../src/engine/train/samples";
import { trainables } from "../../../src/engine/train/trainables";
import type { Executor } from "../../../src/engine/train/executor";
import { executorOn } from "../executor";
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

// Real TensorFlow is the oracle of both: the reference, and what runs unless another backend is chosen.
const on = <Name extends string>(names: readonly Name[]) =>
  names.flatMap((name) =>
    (["cpu", "compiled"] as const).map((backend) => [name, backend] as const),
  );

const cases = new Map(CASES);
describe.each(on([...cases.keys()]))("%s, on %s", (name, backend) => {
  const { input, labels, ops } = cases.get(name)!;
  const { expected, open, floats, integers } = fixture<Expected>(name);
  let checkpoint: Checkpoint;
  let model: Model;
  let executor: Executor;
  beforeAll(async () => {
    checkpoint = await open();
    model = await checkpoint.model();
    executor = await executorOn(backend);
  });
  afterAll(() => checkpoint.close());

  const x = expected.forward[input] as Recorded;
  const y = expected.forward[labels] as Recorded;
  const arrays = () => [
    samples(model.roles.inputs[0], x, floats(x)),
    samples(model.roles.labels!, y, integers(y)),
  ];
  const all = () => Int32Array.from({ length: y.shape[0] }, (_, row) => row);
  const fetch = async (op: string) => {
    const path = pathTo(model, [op]);
    const read = new Set(path.nodes.map((node) => node.name));
    const live = await loaded(checkpoint, model);
    const forward = executor.forward({ path, live, moving: new Set(), scalars: SCALARS });
    const fed = arrays().filter((array) => read.has(array.node));
    const [fetched] = await forward.run(fed, all());
    await forward.release();
    return fetched;
  };

  test.each(Object.entries(ops))("%s is what TensorFlow computed", async (key, op) => {
    const { shape, data } = await fetch(op);
    const recorded = expected.forward.activations[key];
    expect(shape).toEqual(recorded.shape);
    expectClose(data, floats(recorded), TOLERANCE);
  });

  test("the loss is TensorFlow's", async () => {
    expectClose((await fetch(model.roles.loss!)).data, [expected.forward.loss], TOLERANCE);
  });

  // Of the network of real size only hashes were kept.
  const isRecorded = Object.values(expected.gradients).every((each) => each.file !== undefined);
  const testRecorded = isRecorded ? test : () => {};
  testRecorded("gradients and one SGD step are TensorFlow's", async () => {
    const live = await loaded(checkpoint, model);
    const before = await loaded(checkpoint, model);
    // With a learning rate of 1 a step moves by the gradient itself.
    const training = trainables(model, { optimizer: { sgd: { learningRate: 1 } } });
    expect(
      training
        .map((each) => each.name)
        .filter((each) => each in expected.gradients)
        .sort(),
    ).toEqual(Object.keys(expected.gradients).sort());
    const steps = executor.training({
      path: pathTo(model, [model.roles.loss!, model.roles.output!]),
      live,
      batch: y.shape[0],
      training,
      statistics: [],
      mode: { training: () => false, trainedChannels: () => undefined, scalars: SCALARS },
      random: () => new Float32Array(),
    });
    await steps.run(arrays(), all(), { epoch: 0, step: 0, updates: 0 });
    await steps.release();
    for (const [key, recorded] of Object.entries(expected.gradients)) {
      const after = live.get(key);
      const start = before.get(key);
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
  readonly backend: "cpu" | "compiled";
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
      targets: { labels },
      classes: [],
      split: { training: new Int32Array(count), validation: new Int32Array() },
      executor: await executorOn(request.backend),
      live,
      training: trainables(model, phase),
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

const TRANSFERRED = on(["b1_mini_v2", "b1_miniquark_full_v2"]);
describe.each(TRANSFERRED)("the transfer of %s, on %s", (name, backend) => {
  const { expected, open, floats, integers } = fixture<Expected>(name);
  const recorded = expected.transfer!;

  test.each(["cached", "uncached"])("%s gives TensorFlow's losses and weights", async (how) => {
    const checkpoint = await open();
    const source = await checkpoint.model();
    const replaced = replaceOutput.apply(
      source,
      { classes: recorded.new_classes },
      "edit 1",
      new Map(),
    );
    const model = reinfer(freezeWeights(replaced, "hidden[12]"));
    const live = await loaded(checkpoint, model);
    live.set("outputs/weights", floats(recorded.init_weights));
    live.set("outputs/biases", floats(recorded.init_biases));
    const array =
      how === "cached"
        ? samples("hidden2/Relu", recorded.bottleneck_hidden2, floats(recorded.bottleneck_hidden2))
        : samples("X", recorded.X, floats(recorded.X));
    expect(cut(model, [model.roles.loss!, model.roles.output!]).bottlenecks).toEqual([
      "hidden2/Relu",
    ]);
    const losses = await retrain({
      backend,
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
      expectClose(live.get(key.replace("new_outputs", "outputs")), floats(final), TOLERANCE);
    await checkpoint.close();
  });
});

const RETRAINED = CASES.map(([name]) => name).filter((name) => name.startsWith("b2_"));
describe.each(on(RETRAINED))("retraining %s, on %s", (name, backend) => {
  const { expected, open, floats, integers } = fixture<Expected>(name);
  const recorded = expected.retrain!;

  test.each(["last_layer", "last_two_layers"] as const)(
    "%s gives TensorFlow's losses and weights",
    async (what) => {
      const { trained, loss_per_step, final } = recorded[what];
      const checkpoint = await open();
      const frozen = freezeWeights(await checkpoint.model(), ".*");
      const model = unfreezeWeights(frozen, trained);
      const live = await loaded(checkpoint, model);
      const losses = await retrain({
        backend,
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
        expectClose(live.get(key), floats(value), TOLERANCE);
      await checkpoint.close();
    },
  );
});
