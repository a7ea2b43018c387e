// Recurrent networks train alike on every backend, over padded sequences as over each by itself, and on bottlenecks.
import { beforeAll, describe, expect, test, vi } from "vitest";
import { Session } from "../../../src/engine/compile/session";
import type { OpAttributes } from "../../../src/engine/graph/catalogue";
import { cut, sampleShape } from "../../../src/engine/graph/cut";
import type { Model } from "../../../src/engine/graph/model";
import { uniforms } from "../../../src/engine/graph/random";
import { pathTo } from "../../../src/engine/ops/run";
import { freezeWeights } from "../../../src/engine/surgery/freeze";
import type { Executor } from "../../../src/engine/train/executor";
import type { SampleArray } from "../../../src/engine/train/samples";
import { executorOn } from "../executor";
import { expectClose } from "../fixture";
import { GRU_CELL, handmade, LSTM_CELL, node, PRODUCT } from "../handmade";
import { beginning, bitsOf, numbersOf, startOf, train, type Lesson } from "./network";

const [FEATURES, UNITS, CLASSES] = [3, 4, 3];
const LENGTHS = [5, 2, 6, 1, 4];
const SAMPLES = LENGTHS.length;
const LONGEST = Math.max(...LENGTHS);

const BATCH_MAJOR = { timeMajor: false };
const TF1: OpAttributes["LSTM"] = {
  ...LSTM_CELL,
  takes: ["joinedKernel", "bias", "mask"],
};
const GRAVES: OpAttributes["LSTM"] = {
  ...LSTM_CELL,
  takes: ["kernel", "recurrentKernel", "bias", "mask"],
  gates: ["c", "f", "o", "i"],
  peepholeColumns: ["f", "o", "i"],
  forgetBias: 0,
  masked: "reset",
};

/** As of TensorFlow: an LSTM forwards and a GRU backwards; the last steps of both tell the class of the sequence. */
function bidirectional(time: number): Model {
  const kernel = [FEATURES + UNITS, 4 * UNITS];
  return handmade({
    fed: { x: [-1, time, FEATURES], lengths: [-1], y: [-1, CLASSES] },
    weights: {
      ...{ "a/kernel": kernel, "a/bias": [4 * UNITS] },
      ...{ "b/gates": [FEATURES + UNITS, 2 * UNITS], "b/gateBias": [2 * UNITS] },
      ...{
        "b/kernel": [FEATURES + UNITS, UNITS],
        "b/bias": [UNITS],
        "c/kernel": [2 * UNITS, CLASSES],
      },
    },
    nodes: [
      node("lengths", "Placeholder", [], { dtype: "int32" }),
      node("mask", "SequenceMask", ["lengths", "x"], BATCH_MAJOR),
      node("a", "LSTM", ["x", "[a/kernel]", "[a/bias]", "mask"], TF1),
      node("turned", "Reverse", ["x", "lengths"], { axis: 1, batchAxis: 0 }),
      node("b", "GRU", ["turned", "[b/gates]", "[b/gateBias]", "[b/kernel]", "[b/bias]", "mask"], {
        ...GRU_CELL,
        takes: ["gateKernel", "gateBias", "candidateKernel", "candidateBias", "mask"],
        masked: "hold",
      }),
      node("back", "Reverse", ["b", "lengths"], { axis: 1, batchAxis: 0 }),
      node("both", "Concat", ["a", "back"], { axis: 2 }),
      node("last", "LastStep", ["both", "mask"], BATCH_MAJOR),
      node("out", "MatMul", ["last", "[c/kernel]"], PRODUCT),
      node("entropy", "SoftmaxCrossEntropy", ["out", "y"], {}),
      node("loss", "Sum", ["entropy"], { axes: [0], keepDims: false }),
    ],
    roles: { inputs: ["x", "lengths"], labels: "y", output: "out", loss: "loss" },
  });
}

/** As of DL4J: two LSTMs with peepholes, and a class for each step. */
function perStep(time: number, dropout = 0): Model {
  const lstm = (name: string, from: string) =>
    node(name, "LSTM", [from, `[${name}/W]`, `[${name}/RW]`, `[${name}/b]`, "mask"], GRAVES);
  const recurrent = { RW: [UNITS, 4 * UNITS + 3], b: [4 * UNITS] };
  return handmade({
    fed: { x: [-1, time, FEATURES], mask: [-1, time], y: [-1, time, CLASSES] },
    weights: {
      ...{ "a/W": [FEATURES, 4 * UNITS], "a/RW": recurrent.RW, "a/b": recurrent.b },
      ...{ "b/W": [UNITS, 4 * UNITS], "b/RW": recurrent.RW, "b/b": recurrent.b },
      ...{ "c/W": [UNITS, CLASSES], "c/b": [CLASSES] },
    },
    nodes: [
      lstm("a", "x"),
      node("dropped", "Dropout", ["a"], { rate: dropout }),
      lstm("b", "dropped"),
      node("c", "MatMul", ["b", "[c/W]"], PRODUCT),
      node("out", "BiasAdd", ["c", "[c/b]"], { dataFormat: "NHWC" }),
      node("entropy", "SoftmaxCrossEntropy", ["out", "y"], {}),
      node("counted", "Mul", ["entropy", "mask"], {}),
      node("loss", "Sum", ["counted"], { axes: [0, 1], keepDims: false }),
    ],
    roles: { inputs: ["x", "mask"], labels: "y", output: "out", loss: "loss" },
  });
}

const NETWORKS = { bidirectional, perStep };
type NetworkName = keyof typeof NETWORKS;

/** Rows of uniform numbers for each step of each sequence: the same, however long all are made. */
function padded(name: string, width: number, lengths: readonly number[], from: number) {
  const time = Math.max(...lengths);
  const data = new Float32Array(lengths.length * time * width);
  lengths.forEach((length, sample) =>
    data.set(uniforms(9, [name, from + sample], length * width), sample * time * width),
  );
  return { node: name, shape: [time, width], data };
}

/** `lengths` of the sequences from `from` on. */
function arraysOf(name: NetworkName, lengths: readonly number[], from = 0): SampleArray[] {
  const time = Math.max(...lengths);
  const x = padded("x", FEATURES, lengths, from);
  if (name === "perStep") {
    const there = lengths.flatMap((length) =>
      Array.from({ length: time }, (_, step) => Number(step < length)),
    );
    const mask = { node: "mask", shape: [time], data: Float32Array.from(there) };
    return [x, mask, padded("y", CLASSES, lengths, from)];
  }
  const labels = lengths.flatMap((_, sample) => [...uniforms(9, ["y", from + sample], CLASSES)]);
  return [
    x,
    { node: "lengths", shape: [], data: Int32Array.from(lengths) },
    { node: "y", shape: [CLASSES], data: Float32Array.from(labels) },
  ];
}

const lessonOf = (name: NetworkName, more: Partial<Lesson> = {}): Lesson => ({
  model: NETWORKS[name](LONGEST),
  arrays: arraysOf(name, LENGTHS),
  samples: SAMPLES,
  optimizer: { momentum: { learningRate: 0.02, momentum: 0.9 } },
  epochs: 4,
  batch: 3,
  ...more,
});

async function trained(executor: Executor, lesson: Lesson) {
  const standing = beginning(lesson);
  const losses = await train(executor, lesson, standing);
  return { losses, numbers: numbersOf(standing) };
}

/** Absolute, and relative to the expected number. */
const TOLERANCE = 1e-5;

function expectSame(
  actual: Awaited<ReturnType<typeof trained>>,
  expected: Awaited<ReturnType<typeof trained>>,
): void {
  expectClose(actual.losses, expected.losses, TOLERANCE, "losses");
  for (const [name, values] of Object.entries(expected.numbers))
    expectClose(actual.numbers[name], values, TOLERANCE, name);
}

const executors = new Map<string, Executor>();
beforeAll(async () => {
  // The last one is TensorFlow.js' backend from then on.
  for (const backend of ["wasm", "compiled", "cpu"] as const)
    executors.set(backend, await executorOn(backend));
});

describe("buckets of length", () => {
  // Of mini-batches of four, one has to run all steps.
  const lengths = [3, 1, 2, 2, 4, 6, 5, 3, 40, 2, 1, 1, 9, 2, 20, 3];
  const lesson = lessonOf("perStep", {
    model: perStep(40, 0.4),
    arrays: arraysOf("perStep", lengths),
    samples: lengths.length,
    batch: 4,
    epochs: 3,
    order: Int32Array.from(lengths.keys()),
  });

  test("mini-batches of short sequences run fewer steps, and train as with all", async () => {
    const create = vi.spyOn(Session, "create");
    const expected = await trained(executors.get("cpu")!, lesson);
    expectSame(await trained(executors.get("compiled")!, lesson), expected);
    const sizes = create.mock.calls.map(([model]) => model.length).sort((a, b) => a - b);
    create.mockRestore();
    // The longest of each mini-batch are 3, 6, 40 and 20: programs of 5, 10, 40 and 20 steps.
    expect(sizes).toHaveLength(4);
    expect(sizes[3] / sizes[0]).toBeGreaterThan(4);
  });

  test("cut into other calls they train to the same bits", async () => {
    const bits = async (turnMs: number) => {
      const { numbers } = await trained(await executorOn("compiled", { turnMs }), lesson);
      return Object.values(numbers).map(bitsOf);
    };
    expect(await bits(0)).toEqual(await bits(1e9));
  });

  test.each(["b", "out"])("what %s gives is what it gives with all steps", async (fetch) => {
    const [actual] = await forward(executors.get("compiled")!, lesson, [fetch]);
    const [expected] = await forward(executors.get("cpu")!, lesson, [fetch]);
    expect(actual.shape).toEqual(expected.shape);
    expectClose(actual.data, expected.data, TOLERANCE);
  });
});

describe.each(Object.keys(NETWORKS) as NetworkName[])("%s", (name) => {
  test.each(["compiled", "wasm"] as const)("on %s trains as on the cpu", async (backend) => {
    const expected = await trained(executors.get("cpu")!, lessonOf(name));
    expect(expected.losses.at(-1)).toBeLessThan(expected.losses[0]);
    const executor = await executorOn(backend);
    expectSame(await trained(executor, lessonOf(name)), expected);
    await executorOn("cpu");
  });

  describe.each(["cpu", "compiled"])("on %s", (backend) => {
    test("padded sequences give what each gives by itself", async () => {
      const executor = executors.get(backend)!;
      const once = { optimizer: { sgd: { learningRate: 1 } }, epochs: 1 };
      const start = numbersOf(beginning(lessonOf(name, once)));
      const all = await trained(executor, lessonOf(name, { ...once, batch: SAMPLES }));
      const single = await Promise.all(
        LENGTHS.map((length, sample) =>
          trained(
            executor,
            lessonOf(name, {
              ...once,
              model: NETWORKS[name](length),
              arrays: arraysOf(name, [length], sample),
              samples: 1,
              batch: 1,
            }),
          ),
        ),
      );
      const sum = single.reduce((total, { losses }) => total + losses[0], 0);
      expectClose(all.losses, [sum], TOLERANCE, "loss");
      for (const [variable, before] of Object.entries(start)) {
        const moved = before.map((value, at) =>
          single.reduce((total, { numbers }) => total + numbers[variable][at] - value, 0),
        );
        expect(moved.some((each) => each !== 0)).toBe(true);
        const gradient = all.numbers[variable].map((value, at) => value - before[at]);
        expectClose(gradient, moved, TOLERANCE, variable);
      }
    });

    test("bottlenecks of each step train as what they are made of", async () => {
      const executor = executors.get(backend)!;
      const model = freezeWeights(NETWORKS[name](LONGEST), "a/.*");
      const lesson = lessonOf(name, { model });
      const { bottlenecks } = cut(model, [model.roles.loss!, model.roles.output!]);
      expect(bottlenecks.map((each) => sampleShape(model, each))).toContainEqual([LONGEST, UNITS]);
      const rows = await forward(executor, lesson, bottlenecks);
      const cached = { ...lesson, arrays: [...rows, ...lesson.arrays.slice(1)] };
      const expected = await trained(executor, lesson);
      expectSame(await trained(executor, cached), expected);
      expect(expected.losses.at(-1)).toBeLessThan(expected.losses[0]);
    });
  });
});

/** What the frozen part gives for every sample. */
async function forward(
  executor: Executor,
  { model, arrays }: Lesson,
  nodes: readonly string[],
): Promise<SampleArray[]> {
  const path = pathTo(model, nodes, new Set(model.roles.inputs));
  const inputs = arrays.filter((array) => model.roles.inputs.includes(array.node));
  const pass = executor.forward({
    path,
    live: startOf(model),
    moving: new Set(),
    scalars: new Map(),
  });
  const outputs = await pass.run(inputs, Int32Array.from(LENGTHS.keys()));
  await pass.release();
  return outputs.map(({ shape, data }, at) => ({ node: nodes[at], shape: shape.slice(1), data }));
}
