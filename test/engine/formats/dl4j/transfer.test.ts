// The transfer learning that real Deeplearning4j recorded: TransferLearning.Builder's networks, trained on here as there.
import { describe, expect, test } from "vitest";
import { openCheckpoint } from "../../../../src/engine/formats/table";
import { cut } from "../../../../src/engine/graph/cut";
import type { Model } from "../../../../src/engine/graph/model";
import { usedVariables } from "../../../../src/engine/graph/order";
import { RecipeSchema } from "../../../../src/engine/recipe/schema";
import { load, startingValues, type LiveVariables } from "../../../../src/engine/train/live";
import { Score } from "../../../../src/engine/train/metrics";
import { runPhase } from "../../../../src/engine/train/phase";
import type { SampleArray } from "../../../../src/engine/train/samples";
import { inMemory } from "../../../../src/engine/train/source";
import { trainables } from "../../../../src/engine/train/trainables";
import { executorOn } from "../../executor";
import { expectClose, fixture as recordedFixture, type Recorded } from "../../fixture";
import { fixture } from "../tf1/fixtures";

type Tensors = Readonly<Record<string, Recorded>>;

interface Training {
  readonly zip: string;
  readonly arrays: (model: Model) => readonly SampleArray[];
  readonly epochs: number;
  readonly batch: number;
  readonly learningRate: number;
  readonly backend: "cpu" | "compiled";
}

/** Trains the samples in the order of the file; the loss of each step, and what became of the variables. */
async function trained(request: Training): Promise<{ losses: number[]; live: LiveVariables }> {
  const { zip, epochs, batch, learningRate, backend } = request;
  const checkpoint = await openCheckpoint(fixture(zip));
  const model = await checkpoint.model();
  const variables = usedVariables(model);
  const live = load(variables, await startingValues(variables, (name) => checkpoint.read(name), 1));
  await checkpoint.close();
  const arrays = request.arrays(model);
  const optimizer = { sgd: { learningRate } };
  const phase = RecipeSchema.parse({ checkpoint: "x", train: [{ epochs, batch, optimizer }] })
    .train[0];
  const count = arrays[0].data.length / arrays[0].shape.reduce((a, b) => a * b, 1);
  const losses: number[] = [];
  await runPhase(
    {
      ...{ index: 0, phase, model, live, window: count, classes: [], seed: 1 },
      cut: cut(model, [model.roles.loss!, model.roles.output!]),
      source: inMemory(arrays),
      targets: { labels: new Int32Array(count) },
      split: { training: new Int32Array(count), validation: new Int32Array() },
      executor: await executorOn(backend),
      training: trainables(model, phase),
      scalars: new Map(),
      order: () => Int32Array.from({ length: count }, (_, index) => index),
    },
    { epoch: 0, step: 0, score: new Score() },
    {
      step: (_epoch, _step, _steps, loss) => void losses.push(loss),
      epoch: async () => {},
      stopRequested: () => false,
      turn: async () => {},
    },
  );
  return { losses, live };
}

const BACKENDS = ["cpu", "compiled"] as const;

describe.each(BACKENDS)("two layers frozen and three classes, on %s", (backend) => {
  const { expected, floats } = recordedFixture<{
    readonly X: Recorded;
    readonly Y3: Recorded;
    readonly featurized_batch0: Recorded;
    readonly learning_rate: number;
    readonly batch: number;
    readonly score_first_batch: number;
    readonly transfer_after_one_fit: Tensors;
    readonly featurized_after_4_epochs_in_order: Tensors;
  }>("b5_dl4j_transfer_mini");
  const [X, Y] = [floats(expected.X), floats(expected.Y3)];
  const settings = {
    ...{ zip: "b5_dl4j_transfer_mini/transfer_before_fit.zip", backend },
    ...{ batch: expected.batch, learningRate: expected.learning_rate },
  };
  const labels = ({ roles }: Model, data: Float32Array): SampleArray => ({
    ...{ node: roles.labels!, shape: [3], data },
  });

  test("one step of fit", async () => {
    const { losses, live } = await trained({
      ...settings,
      epochs: 1,
      arrays: (model) => [
        { node: model.roles.inputs[0], shape: [50], data: X.slice(0, 50 * 50) },
        labels(model, Y.slice(0, 50 * 3)),
      ],
    });
    expectClose(losses, [expected.score_first_batch], 1e-6);
    for (const [name, tensor] of Object.entries(expected.transfer_after_one_fit))
      expectClose(live.get(name), floats(tensor), 1e-6, name);
  });

  test("one step of fitFeaturized: from the outputs of the frozen layers", async () => {
    const { live } = await trained({
      ...settings,
      epochs: 1,
      arrays: (model) => {
        const { bottlenecks } = cut(model, [model.roles.loss!, model.roles.output!]);
        expect(bottlenecks).toEqual([model.aliases.get("1")]);
        const data = floats(expected.featurized_batch0);
        return [{ node: bottlenecks[0], shape: [10], data }, labels(model, Y.slice(0, 50 * 3))];
      },
    });
    for (const [name, tensor] of Object.entries(expected.transfer_after_one_fit))
      expectClose(live.get(name), floats(tensor), 1e-6, name);
  });

  test("four epochs", async () => {
    const { live } = await trained({
      ...settings,
      epochs: 4,
      arrays: (model) => [{ node: model.roles.inputs[0], shape: [50], data: X }, labels(model, Y)],
    });
    for (const [name, tensor] of Object.entries(expected.featurized_after_4_epochs_in_order))
      expectClose(live.get(name), floats(tensor), 1e-5, name);
  });
});

describe.each(BACKENDS)("a graph that is frozen up to a merge, on %s", (backend) => {
  const key = "transfer_after_one_sgd_fit_lr0.05";
  const { expected, floats } = recordedFixture<
    Readonly<Record<`transfer_batch_${"left" | "right" | "y"}`, Recorded>> &
      Readonly<Record<typeof key, Tensors>>
  >("b5_dl4j_graph_merge");

  test("one step of fit", async () => {
    const samples = (node: string, recorded: Recorded): SampleArray => ({
      ...{ node, shape: recorded.shape.slice(1), data: floats(recorded) },
    });
    const { live } = await trained({
      ...{ zip: "b5_dl4j_graph_merge/transfer_frozen_merge_before_fit.zip", backend },
      ...{ epochs: 1, batch: 50, learningRate: 0.05 },
      arrays: ({ roles }) => [
        samples("left", expected.transfer_batch_left),
        samples("right", expected.transfer_batch_right),
        samples(roles.labels!, expected.transfer_batch_y),
      ],
    });
    for (const [name, tensor] of Object.entries(expected[key]))
      expectClose(live.get(name), floats(tensor), 1e-6, name);
  });
});
