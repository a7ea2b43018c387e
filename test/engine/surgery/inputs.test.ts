// Other input channels: where every weight goes, by index arithmetic, and what the network computes then.
import { beforeAll, describe, expect, test } from "vitest";
import type { Model } from "../../../src/engine/graph/model";
import { evaluate } from "../../../src/engine/graph/value";
import { INFERENCE } from "../../../src/engine/ops/kernel";
import { pathTo, run } from "../../../src/engine/ops/run";
import { tf } from "../../../src/engine/ops/tf";
import { executorOn } from "../executor";
import { node } from "../handmade";
import { classifier, conv, dense, network, sparseLoss, squeezeNet } from "./heads";
import { built } from "./networks";
import { edited, largestDifference, numbersOf, stored } from "./run";

beforeAll(async () => {
  await executorOn("cpu");
});

function after(model: Model, ...edits: readonly object[]): Model {
  const { model: result, problems } = edited(model, ...edits);
  expect(problems).toEqual([]);
  return result;
}
const refusal = (model: Model, ...edits: readonly object[]): string => {
  const { problems } = edited(model, ...edits);
  expect(problems).toHaveLength(1);
  return problems[0].message;
};

/** The logits of samples that the caller makes. */
async function logitsOf(source: Model, model: Model, x: tf.Tensor): Promise<Float32Array> {
  const values = await numbersOf(source, model);
  const variables = new Map(
    [...values].map(([name, numbers]) => [
      name,
      tf.tensor(numbers, [...model.variables.get(name)!.shape]),
    ]),
  );
  const path = pathTo(model, [model.roles.output!]);
  return run(path, new Map([["x", x]]), variables, INFERENCE)[0].dataSync() as Float32Array;
}

/** conv1's kernel [3, 3, 3, 4] as [pixel][channel][unit]. */
const kernel = (at: number, channel: number, unit: number): number =>
  stored(squeezeNet(), "conv1/w")[(at * 3 + channel) * 4 + unit];

const mean = (at: number, unit: number) =>
  (kernel(at, 0, unit) + kernel(at, 1, unit) + kernel(at, 2, unit)) / 3;

describe("the kernel of the first convolution", () => {
  test.each<[string, object, number, (at: number, channel: number, unit: number) => number]>([
    ["4 by the mean", { channels: 4 }, 4, (at, c, u) => (c < 3 ? kernel(at, c, u) : mean(at, u))],
    ["4 by zero", { channels: 4, how: "zero" }, 4, (at, c, u) => (c < 3 ? kernel(at, c, u) : 0)],
    [
      "5 by copies: the first two are there twice",
      { channels: 5, how: "repeat" },
      5,
      (at, c, u) => kernel(at, c % 3, u) / (c % 3 < 2 ? 2 : 1),
    ],
    ["1, grey from colour", { channels: 1 }, 1, (at, _, u) => 3 * mean(at, u)],
    ["2, the first ones", { channels: 2 }, 2, kernel],
  ])("%s", async (_, spec, channels, expected) => {
    const model = squeezeNet();
    const now = after(model, { setInput: spec });
    expect(now.shapes.get("x")).toEqual([-1, 5, 5, channels]);
    expect(now.variables.get("conv1/w")!.shape).toEqual([3, 3, channels, 4]);
    const numbers = (await numbersOf(model, now)).get("conv1/w")!;
    const wanted = numbers.map((_, index) =>
      expected(Math.floor(index / 4 / channels), Math.floor(index / 4) % channels, index % 4),
    );
    expect(largestDifference(numbers, wanted)).toBeLessThan(1e-7);
    // Weights that stay, stay bit for bit.
    numbers.forEach((number, index) => {
      const channel = Math.floor(index / 4) % channels;
      if (channel < 3 && !("how" in spec && spec.how === "repeat") && channels > 1)
        expect(number).toBe(kernel(Math.floor(index / 4 / channels), channel, index % 4));
    });
    for (const [name, { value }] of now.variables)
      if (name !== "conv1/w") expect(value).toEqual({ from: "stored", name });
  });
});

describe("the network computes what it did", () => {
  const colour = () => tf.randomUniform([2, 5, 5, 3], -1, 1, "float32", 7);

  test("of grey images, what it computed of them in three equal channels", async () => {
    const model = squeezeNet();
    const grey = tf.randomUniform([2, 5, 5, 1], -1, 1, "float32", 7);
    const now = after(model, { setInput: { channels: 1 } });
    const [a, b] = [
      await logitsOf(model, now, grey),
      await logitsOf(model, model, tf.tile(grey, [1, 1, 1, 3])),
    ];
    expect(largestDifference(a, b)).toBeLessThan(1e-6);
  });

  test("of copied channels, what it computed of one of each", async () => {
    const model = squeezeNet();
    const now = after(model, { setInput: { channels: 6, how: "repeat" } });
    const x = colour();
    const [a, b] = [
      await logitsOf(model, now, tf.concat([x, x], 3)),
      await logitsOf(model, model, x),
    ];
    expect(largestDifference(a, b)).toBeLessThan(1e-6);
  });

  test("whatever a channel holds that counts for nothing", async () => {
    const model = squeezeNet();
    const now = after(model, { setInput: { channels: 4, how: "zero" } });
    const x = colour();
    const more = tf.concat([x, tf.ones([2, 5, 5, 1])], 3);
    const [a, b] = [await logitsOf(model, now, more), await logitsOf(model, model, x)];
    expect(largestDifference(a, b)).toBeLessThan(1e-6);
  });
});

describe("wherever the channels are", () => {
  test("channels first", async () => {
    const model = built({
      image: true,
      channelsFirst: true,
      steps: [{ kind: "convBatchNorm", units: 2 }],
    });
    const now = after(model, { setInput: { channels: 1 } });
    expect(now.shapes.get("x")).toEqual([-1, 1, 5, 5]);
    const grey = tf.randomUniform([2, 1, 5, 5], -1, 1, "float32", 7);
    const [a, b] = [
      await logitsOf(model, now, grey),
      await logitsOf(model, model, tf.tile(grey, [1, 3, 1, 1])),
    ];
    expect(largestDifference(a, b)).toBeLessThan(1e-6);
  });

  /** Pixels in a row, as the tutorials feed them; a dense layer, or a reshape and a convolution, reads them. */
  const pixels = (channels: number) =>
    network(
      [
        node("image", "Reshape", ["x"], { shape: [-1, 2, 2, channels] }),
        ...conv("conv1", "image"),
        node("flat", "Reshape", ["conv1/Relu"], { shape: [-1, 8] }),
        ...dense("outputs", "flat"),
        ...sparseLoss("outputs/BiasAdd"),
      ],
      { "conv1/w": [3, 3, channels, 2], "conv1/b": [2], "outputs/w": [8, 3], "outputs/b": [3] },
      { output: "outputs/BiasAdd", labels: "y", loss: "loss" },
      { x: [-1, 4 * channels], y: [-1] },
    );

  test.each([1, 3])("in rows of pixels of %d channels that are reshaped", async (channels) => {
    const model = pixels(channels);
    const now = after(model, { setInput: { channels: 2 * channels, how: "repeat" } });
    expect(now.shapes.get("x")).toEqual([-1, 8 * channels]);
    expect(now.shapes.get("image")).toEqual([-1, 2, 2, 2 * channels]);
    const x = tf.randomUniform([2, 2, 2, channels], -1, 1, "float32", 7);
    const rows = (each: tf.Tensor) => tf.reshape(each, [2, -1]);
    const [a, b] = [
      await logitsOf(model, now, rows(tf.concat([x, x], 3))),
      await logitsOf(model, model, rows(x)),
    ];
    expect(largestDifference(a, b)).toBeLessThan(1e-6);
  });

  test("images that are flattened for a dense layer", async () => {
    const model = network(
      [
        node("flat", "Reshape", ["x"], { shape: [-1, 12] }),
        ...dense("outputs", "flat"),
        ...sparseLoss("outputs/BiasAdd"),
      ],
      { "outputs/w": [12, 3], "outputs/b": [3] },
      { output: "outputs/BiasAdd", labels: "y", loss: "loss" },
      { x: [-1, 2, 2, 3], y: [-1] },
    );
    const now = after(model, { setInput: { channels: 1 } });
    expect(now.variables.get("outputs/w")!.shape).toEqual([4, 3]);
    const grey = tf.randomUniform([2, 2, 2, 1], -1, 1, "float32", 7);
    const [a, b] = [
      await logitsOf(model, now, grey),
      await logitsOf(model, model, tf.tile(grey, [1, 1, 1, 3])),
    ];
    expect(largestDifference(a, b)).toBeLessThan(1e-6);
  });

  test("features of a dense layer", () => {
    const now = after(classifier(sparseLoss("outputs/BiasAdd")), {
      setInput: { channels: 6, how: "zero" },
    });
    expect(now.shapes.get("x")).toEqual([-1, 6]);
    expect(now.variables.get("hidden/w")!.shape).toEqual([6, 5]);
  });

  test("channels that are added to units: those units change with them", () => {
    const model = built({
      image: true,
      channelsFirst: false,
      steps: [{ kind: "residual", units: 1 }],
    });
    expect(after(model, { setInput: { channels: 4 } }).variables.get("conv0/w")!.shape).toEqual([
      3, 3, 4, 4,
    ]);
  });
});

test("what is frozen stays frozen, unit by unit", () => {
  const model = squeezeNet();
  const set = { setInput: { channels: 4 } };
  const frozen = after(model, { freeze: "conv1" }, set).variables.get("conv1/w")!;
  expect(frozen.trainable).toEqual([]);
  const partly = after(model, { freeze: { layer: "conv1", units: "0-1" } }, set);
  expect(partly.variables.get("conv1/w")!.trainable).toEqual([
    { start: [0, 0, 0, 2], size: [3, 3, 4, 2] },
  ]);
  expect(after(model, set).variables.get("conv1/w")!.trainable).toEqual([
    { start: [0, 0, 0, 0], size: [3, 3, 4, 4] },
  ]);
});

test("a norm of the input gets the mean of its numbers for new channels", async () => {
  const norm = ["gamma", "beta", "mean", "variance"];
  const model = network(
    [
      node("norm/BatchNorm", "BatchNorm", ["x", ...norm.map((each) => `[norm/${each}]`)], {
        epsilon: 0.001,
        momentum: 0.9,
        unbiased: false,
        dataFormat: "NHWC",
      }),
      ...conv("conv1", "norm/BatchNorm"),
    ],
    {
      "conv1/w": [3, 3, 2, 4],
      "conv1/b": [4],
      "norm/w": [1, 1],
      ...Object.fromEntries(norm.map((each) => [`norm/${each}`, [2]])),
    },
    { output: "conv1/Relu" },
    { x: [-1, 5, 5, 2] },
  );
  const now = await numbersOf(model, after(model, { setInput: { channels: 3, how: "zero" } }));
  for (const each of norm) {
    const [a, b] = stored(model, `norm/${each}`);
    expect(now.get(`norm/${each}`)![2]).toBeCloseTo((a + b) / 2, 6);
    expect([...now.get(`norm/${each}`)!.slice(0, 2)]).toEqual([a, b]);
  }
});

test("an optimizer's state keeps its numbers for old channels, and is zero for new ones", async () => {
  const model = squeezeNet();
  const slot = "conv1/w/Momentum";
  const withSlot: Model = {
    ...model,
    variables: new Map(model.variables).set(slot, {
      ...model.variables.get("conv1/w")!,
      name: slot,
      value: { from: "stored", name: slot },
      role: "slot",
      of: "conv1/w",
      trainable: [],
    }),
  };
  const now = after(withSlot, { setInput: { channels: 5, how: "repeat" } }).variables.get(slot)!;
  expect(now.shape).toEqual([3, 3, 5, 4]);
  const read = (name: string) => Promise.resolve(new Uint8Array(stored(withSlot, name).buffer));
  const numbers = new Float32Array((await evaluate(now, read, 1)).slice().buffer);
  const old = stored(withSlot, slot);
  // Of the first two channels there are copies, and weights of another size: only the third goes on as it was.
  numbers.forEach((number, index) => {
    const [at, channel, unit] = [Math.floor(index / 20), Math.floor(index / 4) % 5, index % 4];
    expect(number).toBe(channel === 2 ? old[(at * 3 + channel) * 4 + unit] : 0);
  });
});

describe("is refused, and says why", () => {
  test("as many channels as there are", () => {
    expect(refusal(squeezeNet(), { setInput: { channels: 3 } })).toBe("x has 3 channels already.");
  });

  test("channels that nothing weighs", () => {
    const model = network(
      [
        node("grey", "Mean", ["x"], { axes: [3], keepDims: false }),
        node("flat", "Reshape", ["grey"], { shape: [-1, 4] }),
        ...dense("outputs", "flat"),
        ...sparseLoss("outputs/BiasAdd"),
      ],
      { "outputs/w": [4, 3], "outputs/b": [3] },
      { output: "outputs/BiasAdd", labels: "y", loss: "loss" },
      { x: [-1, -1, -1, 3], y: [-1] },
    );
    expect(refusal(model, { setInput: { channels: 1 } })).toMatch(
      /^No dense, convolution or recurrent layer reads the channels of x alone/,
    );
  });

  test("an input that there is not", () => {
    expect(refusal(squeezeNet(), { setInput: { channels: 4, input: "z" } })).toBe(
      "There is no placeholder z. The inputs are x.",
    );
  });
});

test("says what it did", () => {
  expect(
    edited(squeezeNet(), { freeze: "conv1" }, { setInput: { channels: 1 } }).edits.at(-1),
  ).toMatchObject({
    sentence:
      "x has 1 channel instead of 3; conv1 3×3, 3 → 4 becomes 3×3, 1 → 4; 15 numbers will train in all.",
    layers: ["conv1"],
  });
});
