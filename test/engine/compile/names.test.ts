// Variables and nodes may have any name, those of a program's own values too.
import { beforeAll, describe, expect, test } from "vitest";
import type { Executor } from "../../../src/engine/train/executor";
import { pathTo } from "../../../src/engine/ops/run";
import type { SampleArray } from "../../../src/engine/train/samples";
import { executorOn } from "../executor";
import { expectClose } from "../fixture";
import { handmade, node, PRODUCT } from "../handmade";
import { beginning, numbersOf, startOf, train, type Lesson } from "./network";

const NAMES = [
  ...["v0", "v1", "c0", "c1", "0", "loss", "logits", "iteration", "iterations", "order"],
  ...["going", "goes on", "always", "steps before", "in:w", "out:w", "fed:x", "x", "y"],
];

let compiled: Executor;
let cpu: Executor;
beforeAll(async () => {
  cpu = await executorOn("cpu");
  compiled = await executorOn("compiled");
});

const X: SampleArray = { node: "x", shape: [2], data: Float32Array.of(1, 2, 3, 4, 5, 6) };
const Y: SampleArray = { node: "y", shape: [3], data: new Float32Array(9) };

const modelWith = (name: string) =>
  handmade({
    fed: { x: [-1, 2], y: [-1, 3] },
    weights: { w: [2, 3], [name]: [3] },
    nodes: [
      node("product", "MatMul", ["x", "[w]"], PRODUCT),
      node("out", "BiasAdd", ["product", `[${name}]`], { dataFormat: "NHWC" }),
      node("squares", "SquaredDifference", ["out", "y"], {}),
      node("mean", "Mean", ["squares"], { axes: [0, 1], keepDims: false }),
    ],
    roles: { output: "out", labels: "y", loss: "mean" },
  });

describe.each(NAMES)("a variable named %s", (name) => {
  test("trains as on the cpu", async () => {
    const lesson: Lesson = {
      model: modelWith(name),
      arrays: [X, Y],
      samples: 3,
      optimizer: { momentum: { learningRate: 0.1, momentum: 0.9 } },
      epochs: 2,
      batch: 2,
    };
    const [actual, expected] = [beginning(lesson), beginning(lesson)];
    await train(compiled, lesson, actual);
    await train(cpu, lesson, expected);
    for (const [key, values] of Object.entries(numbersOf(expected)))
      expectClose(numbersOf(actual)[key], values, 5e-6, key);
  });

  test("is used in a forward pass as on the cpu", async () => {
    const model = modelWith(name);
    const run = async (executor: Executor) => {
      const forward = executor.forward({
        path: pathTo(model, ["mean", "out"]),
        live: startOf(model),
        moving: new Set(["w", name]),
        scalars: new Map(),
      });
      const results = await forward.run([X, Y], Int32Array.of(0, 1, 2));
      await forward.release();
      return results.map(({ data }) => data);
    };
    const [actual, expected] = [await run(compiled), await run(cpu)];
    expect(actual).toHaveLength(2);
    actual.forEach((data, index) => expectClose(data, expected[index], 1e-6));
  });
});
