// A step, and what it is given, on graphs made by hand.
import { expect, test } from "vitest";
import { cut } from "../../../src/engine/graph/cut";
import { elements, type Model } from "../../../src/engine/graph/model";
import { tf } from "../../../src/engine/ops/tf";
import { Dropout } from "../../../src/engine/ops/normalization";
import { INFERENCE } from "../../../src/engine/ops/kernel";
import { RecipeSchema } from "../../../src/engine/recipe/schema";
import { LiveVariables } from "../../../src/engine/train/live";
import { Score } from "../../../src/engine/train/metrics";
import { runPhase } from "../../../src/engine/train/phase";
import { inMemory } from "../../../src/engine/train/source";
import type { SampleArray } from "../../../src/engine/train/samples";
import { trainables } from "../../../src/engine/train/trainables";
import { executorOn } from "../executor";
import { handmade, node, PRODUCT } from "../handmade";

const X: SampleArray = { node: "x", shape: [2], data: Float32Array.of(1, 2, 3, 4) };
const Y: SampleArray = { node: "y", shape: [1], data: Float32Array.of(1, 0) };

async function oneEpoch(model: Model, arrays: readonly SampleArray[], learningRate = 0.5) {
  const optimizer = { sgd: { learningRate } };
  const { train } = RecipeSchema.parse({ checkpoint: "m", train: [{ epochs: 1, optimizer }] });
  const live = new LiveVariables();
  for (const { name, shape } of model.variables.values())
    live.add(name, shape, new Float32Array(elements(shape)).fill(1));
  const losses: number[] = [];
  const order = Int32Array.of(0, 1);
  await runPhase(
    {
      index: 0,
      phase: train[0],
      model,
      cut: cut(model, [model.roles.loss!, model.roles.output!]),
      source: inMemory([...arrays, Y]),
      window: 2,
      targets: { labels: Float32Array.of(1, 0) },
      classes: [],
      split: { training: order, validation: order },
      executor: await executorOn("compiled"),
      live,
      training: trainables(model, train[0]),
      scalars: new Map(),
      seed: 1,
      order: () => order,
    },
    { epoch: 0, step: 0, score: new Score() },
    {
      step: (_epoch, _step, _steps, loss) => void losses.push(loss),
      epoch: async (_epoch, _score, validation) => void losses.push(validation!.loss),
      stopRequested: () => false,
      turn: async () => {},
    },
  );
  return { losses, live };
}

const regression = (loss: ReturnType<typeof node>[]) =>
  handmade({
    fed: { x: [-1, 2], y: [-1, 1] },
    weights: { w: [2, 1] },
    nodes: [
      node("out", "MatMul", ["x", "[w]"], PRODUCT),
      node("squares", "SquaredDifference", ["out", "y"], {}),
      ...loss,
    ],
    roles: { output: "out", labels: "y", loss: loss.at(-1)?.name ?? "squares" },
  });

test("of a loss that is no scalar the sum is minimized, as TensorFlow does", async () => {
  const sum = node("loss", "Sum", ["squares"], { axes: [0, 1], keepDims: false });
  const scalar = await oneEpoch(regression([sum]), [X], 0.01);
  const vector = await oneEpoch(regression([]), [X], 0.01);
  expect(vector.losses).toEqual(scalar.losses);
  expect(vector.live.get("w")).toEqual(scalar.live.get("w"));
});

test("an array that the trained part does not read is not put on the backend", async () => {
  const model = regression([node("loss", "Mean", ["squares"], { axes: [0, 1], keepDims: false })]);
  // The samples behind bottlenecks may be large; a proxy tells whether they are touched.
  const touched = new Proxy(X.data, {
    get: () => {
      throw new Error("the samples were read");
    },
  });
  const { losses } = await oneEpoch(model, [
    { ...X },
    { node: "image", shape: [2], data: touched },
  ]);
  expect(losses).toHaveLength(2);
});

test("dropout keeps where the uniform number is at least the rate, and scales what it keeps", async () => {
  await executorOn("cpu");
  const dropout = (attributes: object, scalars = new Map<string, number>()) =>
    [
      ...Dropout([tf.tensor([1, 2, 3, 4])], attributes as never, {} as never, {
        ...INFERENCE,
        scalars,
        training: () => true,
        random: () => tf.tensor([0.1, 0.25, 0.2499, 0.9]),
      }).dataSync(),
    ].map((value) => Math.fround(value));
  const kept = [0, 2 / 0.75, 0, 4 / 0.75].map(Math.fround);
  expect(dropout({ rate: 0.25 })).toEqual(kept);
  expect(dropout({ keepProbabilityFrom: "k" }, new Map([["k", 0.75]]))).toEqual(kept);
  expect(dropout({ rateFrom: "r" }, new Map([["r", 0.25]]))).toEqual(kept);
  expect(dropout({ rate: 0 })).toEqual([1, 2, 3, 4]);
  // A keep_prob of 0 or 2 would train on NaN or on noise.
  for (const wrong of [0, -1, 2, NaN])
    expect(() => dropout({ keepProbabilityFrom: "k" }, new Map([["k", wrong]]))).toThrow(/keep/);
});
