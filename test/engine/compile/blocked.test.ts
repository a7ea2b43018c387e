// Convolutions in ONNX Runtime's blocked layout against those of TensorFlow.js' cpu backend.
import { fromBinary } from "@bufbuild/protobuf";
import { describe, expect, test } from "vitest";
import { ModelProtoSchema } from "../../../src/engine/compile/onnx/onnx_pb";
import { channelBlock } from "../../../src/engine/compile/probe";
import { traceForward } from "../../../src/engine/compile/program";
import { elements } from "../../../src/engine/graph/model";
import { pathTo } from "../../../src/engine/ops/run";
import { freezeWeights, unfreezeWeights } from "../../../src/engine/surgery/freeze";
import { LiveVariables } from "../../../src/engine/train/live";
import type { SampleArray } from "../../../src/engine/train/samples";
import { trainables } from "../../../src/engine/train/trainables";
import { nameOf, type Case } from "../gradients/case";
import { CONVOLUTIONS, convolutions, transposedConvolutions } from "../gradients/cases";
import { expectResult } from "../gradients/compare";
import { x } from "../gradients/inputs";
import { compiledGradients, gradients, valueAndGradients } from "../gradients/run";
import { executorOn } from "../executor";
import { expectClose } from "../fixture";
import { handmade, node } from "../handmade";

/** Sums of up to a thousand terms. */
const TOLERANCE = 5e-5;

const withImages = (each: Case, images: number): Case => ({
  ...each,
  inputs: [x([images, ...each.inputs[0].shape.slice(1)]), each.inputs[1]],
});

/** Channels are multiples of every block that there is, images are more than half of one and a few. */
const FILLING = [
  ...convolutions("Conv2D", CONVOLUTIONS, 16, 32),
  ...convolutions("Conv2D", [[[6, 5], 3, 1, 1]], 32, 16),
].map((each) => withImages(each, 9));

const [first] = FILLING;
const named = (each: Case, what = ""): [string, Case] => [`${nameOf(each)}${what}`, each];
const CASES = [
  ...FILLING.map((each) => named(each)),
  named(withImages(first, 1), ", one image"),
  named(withImages(first, 16), ", as many images as a block"),
  named(withImages(first, 17), ", one image more"),
  ...transposedConvolutions(16, 32).map((each) => named(withImages(each, 9))),
];

/** Too many channels for patches, and none that fill blocks. */
const OTHERS = convolutions("Conv2D", CONVOLUTIONS, 12, 16).map((each) => withImages(each, 9));
const block = await channelBlock();
await executorOn("cpu");

/** The operators of a kind in the program of a case's value and gradients: those that convolve. */
function operators(each: Case, kind = "Conv"): string[] {
  const types = new Map(each.inputs.map((type, index) => [`${index}`, type]));
  const { model } = traceForward(types, { block }, (fed) => {
    const results = valueAndGradients(each, [...fed.values()]);
    return new Map(results.map((tensor, index) => [`${index}`, tensor]));
  });
  return fromBinary(ModelProtoSchema, model).graph!.node.flatMap(({ domain, opType }) =>
    opType.startsWith(kind) ? [`${domain}::${opType}`] : [],
  );
}

const [{ attributes: WINDOW }] = convolutions("Conv2D", [[1, 1, 1, 1]], 1, 1) as Case<"Conv2D">[];
const NETWORK = handmade({
  fed: { x: [-1, 5, 4, 16] },
  weights: { first: [3, 3, 16, 32], second: [3, 3, 32, 16] },
  nodes: [
    node("conv1", "Conv2D", ["x", "[first]"], WINDOW),
    node("relu", "Relu", ["conv1"], {}),
    node("conv2", "Conv2D", ["relu", "[second]"], WINDOW),
    node("loss", "L2Loss", ["conv2"], {}),
  ],
  roles: { loss: "loss" },
});

const numbers = (count: number, scale: number) =>
  Float32Array.from({ length: count }, (_, index) => scale * Math.sin(index * index));
const start = (shape: readonly number[]) => numbers(elements(shape), 0.1);

/** The variables after some steps in which `names` train. */
async function trained(backend: "compiled" | "cpu", names: readonly string[]) {
  const executor = await executorOn(backend);
  const live = new LiveVariables();
  for (const { name, shape } of NETWORK.variables.values()) live.add(name, shape, start(shape));
  const model = unfreezeWeights(freezeWeights(NETWORK, ".*"), [...names]);
  const training = executor.training({
    path: pathTo(NETWORK, ["loss", "conv2"]),
    training: trainables(model, { optimizer: { sgd: { learningRate: 0.001 } } }),
    statistics: [],
    mode: { training: () => true, trainedChannels: () => undefined, scalars: new Map() },
    live,
    batch: 8,
    random: () => new Float32Array(),
  });
  const x: SampleArray = { node: "x", shape: [5, 4, 16], data: numbers(16 * 5 * 4 * 16, 1) };
  const order = Int32Array.from({ length: 16 }, (_, index) => index);
  for (let step = 0; step < 2;)
    step += (await training.run([x], order.subarray(8 * step), { epoch: 0, step, updates: step }))
      .length;
  await training.release();
  return live;
}

test.runIf(process.arch === "x64")("this processor has blocked operators", () => {
  expect([8, 16]).toContain(block);
});

describe.runIf(block !== undefined)("blocked", () => {
  test.each(CASES)("value and gradients of %s", async (_, each) => {
    expectResult(await compiledGradients(each, { block }), await gradients(each, "cpu"), TOLERANCE);
  });

  test("another block yields other numbers, so that the probe tells them apart", async () => {
    const [wide] = convolutions("Conv2D", [[[6, 5], 3, 1, 1]], 32, 32);
    const each = withImages(wide, 16);
    const other = await compiledGradients(each, { block: block === 16 ? 8 : 16 });
    const right = await gradients(each, "cpu");
    expectResult(await compiledGradients(each, { block }), right, TOLERANCE);
    expect(() => expectResult(other, right, TOLERANCE)).toThrow();
  });

  test("forward, by image and by kernel are all blocked where channels fill blocks", () => {
    const conv = "com.microsoft.nchwc::Conv";
    expect(operators(first)).toEqual([conv, conv, conv]);
    expect(operators(withImages(first, 1))).toEqual([conv, conv, "::Conv"]);
  });

  test.each([
    ["everything trains", ["first", "second"]],
    ["the second is frozen", ["first"]],
    ["the first is frozen", ["second"]],
  ])("training two convolutions moves them as on cpu: %s", async (_, names) => {
    const [moved, expected] = [await trained("compiled", names), await trained("cpu", names)];
    for (const { name, shape } of NETWORK.variables.values()) {
      expectClose(moved.get(name), expected.get(name), TOLERANCE, name);
      const from = start(shape);
      const far = moved.get(name).some((value, at) => Math.abs(value - from[at]) > 0.002);
      expect(far).toBe(names.includes(name));
    }
  });

  test.each(OTHERS.map((each) => named(each)))(
    "not blocked: value and gradients of %s",
    async (_, each) => {
      expectResult(
        await compiledGradients(each, { block }),
        await gradients(each, "cpu"),
        TOLERANCE,
      );
    },
  );

  test("the gradient by the kernel cuts rows into parts where that fills blocks", () => {
    const parts = (each: Case) => operators(each, "Gather").length;
    // Kernels are turned by a Gather too.
    const [deep] = convolutions("Conv2D", [[8, 3, 1, 1]], 16, 32);
    expect(parts(withImages(deep, 20))).toBe(parts(withImages(deep, 16)) + 1);
  });

  test("other channels are not", () => {
    const [other] = convolutions("Conv2D", CONVOLUTIONS, 16, 12);
    expect(operators(other)).toEqual(["::Conv", "::ConvTranspose", "::Conv"]);
  });
});
