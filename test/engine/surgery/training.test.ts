// Networks with other inputs and outputs train: compiled as on the cpu, and what is frozen stays bit for bit.
import { beforeAll, describe, expect, test } from "vitest";
import type { Model } from "../../../src/engine/graph/model";
import { withLoss } from "../../../src/engine/graph/loss";
import type { Executor } from "../../../src/engine/train/executor";
import { trainedVariables } from "../../../src/engine/graph/order";
import { beginning, bitsOf, numbersOf, startOf, train } from "../compile/network";
import { executorOn } from "../executor";
import { expectClose } from "../fixture";
import { classifier, headless, mobileNet, sparseLoss, squeezeNet, twoHeads } from "./heads";
import { lessonOf } from "./lesson";
import { edited } from "./run";

const mlp = () => classifier(sparseLoss("outputs/BiasAdd"));

const CASES: readonly (readonly [string, () => Model, readonly object[]])[] = [
  ["SqueezeNet with other classes", squeezeNet, [{ replaceOutput: { classes: 2 } }]],
  ["MobileNet with other classes", mobileNet, [{ replaceOutput: { classes: 5 } }]],
  [
    "one head of two",
    twoHeads,
    [{ freeze: "hidden" }, { replaceOutput: { classes: 4, output: "parity" } }],
  ],
  [
    "pooling and a dense layer behind a feature map",
    headless,
    [{ freeze: "conv1" }, { replaceOutput: { classes: 2, head: "pooling" } }],
  ],
  [
    "pooling and a dense layer, channels first",
    () => headless(true),
    [{ replaceOutput: { classes: 2, head: "pooling", activation: "softmax" } }],
  ],
  [
    "a new output in the place of the old one",
    mlp,
    [{ freeze: "hidden" }, { replaceOutput: { classes: 2, connections: "replace" } }],
  ],
  ["one-hot rows", mlp, [{ replaceOutput: { classes: 2, loss: "softmaxCrossEntropy" } }]],
  [
    "several classes at once",
    mlp,
    [{ replaceOutput: { classes: 2, loss: "sigmoidCrossEntropy", activation: "sigmoid" } }],
  ],
  [
    "a regression",
    mlp,
    [{ replaceOutput: { classes: 1, loss: "meanSquaredError", activation: "none" } }],
  ],
  ["a squared error of shares", mlp, [{ replaceOutput: { classes: 3, loss: "meanSquaredError" } }]],
  ["four channels", squeezeNet, [{ setInput: { channels: 4 } }]],
  ["one channel", squeezeNet, [{ freeze: "conv1" }, { setInput: { channels: 1 } }]],
  [
    "classes behind features",
    mlp,
    [{ setOutputs: { outputs: "hidden" } }, { replaceOutput: { classes: 2, head: "dense" } }],
  ],
  [
    "beside the old network",
    mlp,
    [{ addUnits: { layer: "hidden", units: 2, keepOldBranch: true, train: "new" } }],
  ],
  [
    "beside the old network, all of it",
    squeezeNet,
    [{ addUnits: { layer: "conv1", units: 2, keepOldBranch: true } }],
  ],
];

let cpu: Executor;
let compiled: Executor;
beforeAll(async () => {
  cpu = await executorOn("cpu");
  compiled = await executorOn("compiled");
});

const lessonFor = (model: Model) =>
  lessonOf(model, {
    samples: 10,
    optimizer: { momentum: { learningRate: 0.05 } },
    epochs: 3,
    batch: 4,
  });

describe.each(CASES)("%s", (_, made, edits) => {
  test("trains", async () => {
    const { model: after, problems } = edited(made(), ...edits);
    expect(problems).toEqual([]);
    const lesson = lessonFor(withLoss(after));
    const start = startOf(lesson.model);
    const [slow, fast] = [beginning(lesson), beginning(lesson)];
    const losses = await train(cpu, lesson, slow);
    expectClose(await train(compiled, lesson, fast), losses, 1e-5);
    expect(losses.every(Number.isFinite)).toBe(true);
    const [expected, found] = [numbersOf(slow), numbersOf(fast)];
    for (const [name, numbers] of Object.entries(expected))
      expectClose(found[name], numbers, 1e-5, name);
    const moving = new Set(trainedVariables(lesson.model).map(({ name }) => name));
    for (const name of start.names())
      for (const { live } of [slow, fast])
        expect([name, bitsOf(live.get(name)) !== bitsOf(start.get(name))]).toEqual([
          name,
          moving.has(name),
        ]);
  });
});
