// TensorFlow checkpoints as zips of Deeplearning4j: they compute what TensorFlow recorded, or are refused by name.
import { access, mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { convert } from "../../../src/engine/convert";
import { createZip } from "../../../src/engine/formats/dl4j/create";
import { openCheckpoint } from "../../../src/engine/formats/table";
import { isFrozen, type Model, type Node } from "../../../src/engine/graph/model";
import { evaluate } from "../../../src/engine/graph/value";
import { executorOn } from "../executor";
import { expectClose, fixture, FIXTURES, type Recorded } from "../fixture";
import { outputsOf } from "../formats/dl4j/running";
import { GRU_CELL, handmade, LSTM_CELL, node, PRODUCT } from "../handmade";
import { stored } from "../surgery/run";
import { KERNEL, NETWORKS, samplesFor } from "./networks";

let folder: string;
beforeAll(async () => {
  await executorOn("cpu");
  folder = await mkdtemp(join(tmpdir(), "graft-convert-"));
});
afterAll(() => rm(folder, { recursive: true, force: true }));

interface Expected {
  readonly prefix: string;
  readonly forward: {
    readonly X?: Recorded;
    readonly x?: Recorded;
    readonly activations: Readonly<Record<string, Recorded>>;
  };
}

describe.each([
  ["b1_mini_v2", "outputs"],
  ["b2_cnn_digits", "y_conv"],
  ["b2_cnn_digits_batchnorm", "y_conv"],
])("%s", (name, output) => {
  test("computes what TensorFlow recorded", async () => {
    const { expected, floats } = fixture<Expected>(name);
    const zip = join(folder, `${name}.zip`);
    await convert(join(FIXTURES, name, expected.prefix), "dl4j", zip);
    const checkpoint = await openCheckpoint(zip);
    const model = await checkpoint.model();
    const { X, x = X!, activations } = expected.forward;
    const feeds = { [model.roles.inputs[0]]: { shape: x.shape, values: floats(x) } };
    const [found] = await outputsOf(model, checkpoint.read, feeds, [model.roles.output!]);
    expect(found.shape).toEqual(activations[output].shape);
    expectClose(found.values, floats(activations[output]), 1e-5);
    await checkpoint.close();
  });
});

test("a conversion that is stopped leaves nothing", async () => {
  const zip = join(folder, "stopped.zip");
  const source = join(FIXTURES, "b1_mini_v2", fixture<Expected>("b1_mini_v2").expected.prefix);
  const stopped = convert(source, "dl4j", zip, AbortSignal.abort());
  await expect(stopped).rejects.toMatchObject({ code: "cancelled" });
  await expect(access(zip)).rejects.toThrow();
});

const LAST_STEP = [
  node("last", "Slice", ["lstm"], {
    begin: [null, -1, null],
    end: [null, null, null],
    strides: [1, 1, 1],
  }),
  node("row", "Squeeze", ["last"], { axes: [1] }),
];

/** An LSTM of sequences with lengths; `row` makes one row of its steps. */
const withLengths = (row: readonly Node[]): Model =>
  handmade({
    fed: { x: [-1, 5, 3], lengths: [-1] },
    weights: { kernel: [7, 16], bias: [16], W: [4, 2] },
    nodes: [
      node("lengths", "Placeholder", [], { dtype: "int32" }),
      node("steps", "SequenceMask", ["lengths", "x"], { timeMajor: false }),
      node("lstm", "LSTM", ["x", "[kernel]", "[bias]", "steps"], {
        ...{ ...LSTM_CELL, takes: [...KERNEL, "mask"] },
      }),
      ...row,
      node("out", "MatMul", ["row", "[W]"], PRODUCT),
    ],
    roles: { output: "out" },
  });

/** Placeholders that are no samples, beside a sequence x. */
const BESIDE: Readonly<Record<string, readonly [Model, RegExp]>> = {
  "a probability of keeping that has a value": [
    handmade({
      fed: { x: [-1, 5, 3], keep: [] },
      weights: { kernel: [7, 16], bias: [16], W: [4, 2] },
      nodes: [
        node("keep", "Placeholder", [], { dtype: "float32", value: 0.75 }),
        node("dropout", "Dropout", ["x"], { keepProbabilityFrom: "keep" }),
        node("lstm", "LSTM", ["dropout", "[kernel]", "[bias]"], {
          ...{ ...LSTM_CELL, takes: KERNEL },
        }),
        ...LAST_STEP,
        node("out", "MatMul", ["row", "[W]"], PRODUCT),
      ],
      roles: { output: "out" },
    }),
    /no loss/,
  ],
  "a probability of keeping that is 1 where none is fed": [
    handmade({
      fed: { x: [-1, 5, 3], keep: [] },
      weights: { kernel: [7, 16], bias: [16] },
      nodes: [
        node("keep", "Placeholder", [], { dtype: "float32", value: 1 }),
        node("dropout", "Dropout", ["x"], { keepProbabilityFrom: "keep" }),
        node("lstm", "LSTM", ["dropout", "[kernel]", "[bias]"], {
          ...{ ...LSTM_CELL, takes: KERNEL },
        }),
        ...LAST_STEP,
      ],
      roles: { output: "row" },
    }),
    /dropout dropout is left out: its rate is fed/,
  ],
  "lengths, and the last step whatever they are": [
    withLengths([...LAST_STEP]),
    /takes the last step before it as row/,
  ],
  "lengths, and the last step by them": [
    withLengths([node("row", "LastStep", ["lstm", "steps"], { timeMajor: false })]),
    /takes a mask .* where lengths was fed/,
  ],
};

test.each(Object.entries(BESIDE))("a sequence with %s", async (title, [model, note]) => {
  const zip = join(folder, `${title}.zip`);
  const read = (name: string) => Promise.resolve(new Uint8Array(stored(model, name).buffer));
  const { notes } = await createZip(model, zip, (variable) => evaluate(variable, read, 0));
  expect(notes.join("\n")).toMatch(note);
  const checkpoint = await openCheckpoint(zip);
  const saved = await checkpoint.model();
  const x = samplesFor(model);
  // All steps are there.
  const lengths = { shape: [4], values: [5, 5, 5, 5] };
  const feeds = { x, ...(model.nodes.has("lengths") && { lengths }) };
  const [before] = await outputsOf(model, read, feeds, [model.roles.output!]);
  const [input] = saved.roles.inputs;
  const [after] = await outputsOf(saved, checkpoint.read, { [input]: x }, [saved.roles.output!]);
  expectClose(after.values, before.values, 1e-6);
  await checkpoint.close();
});

describe.each(Object.entries(NETWORKS))("%s", (title, model) => {
  test("computes the same, in the zip too", async () => {
    const zip = join(folder, `${title}.zip`);
    const read = (name: string) => Promise.resolve(new Uint8Array(stored(model, name).buffer));
    await createZip(model, zip, (variable) => evaluate(variable, read, 0));
    const checkpoint = await openCheckpoint(zip);
    const saved = await checkpoint.model();
    const x = samplesFor(model);
    const [before] = await outputsOf(model, read, { x }, [model.roles.output!]);
    const feeds = { [saved.roles.inputs[0]]: x };
    const [after] = await outputsOf(saved, checkpoint.read, feeds, [saved.roles.output!]);
    expect(after.shape).toEqual(before.shape);
    expectClose(after.values, before.values, 1e-6);
    await checkpoint.close();
  });
});

const dense = (more: Partial<Parameters<typeof handmade>[0]>): Model =>
  handmade({
    fed: { x: [-1, 5, 3] },
    weights: { kernel: [7, 16], bias: [16], projection: [4, 2], W: [3, 4], g: [7, 8], c: [7, 4] },
    nodes: [],
    ...more,
  });

const REFUSED: Readonly<Record<string, readonly [Model, RegExp]>> = {
  "a projection": [
    dense({
      weights: { kernel: [5, 16], bias: [16], projection: [4, 2] },
      nodes: [
        node("lstm", "LSTM", ["x", "[kernel]", "[bias]", "[projection]"], {
          ...{ ...LSTM_CELL, takes: [...KERNEL, "projection"] },
        }),
      ],
      roles: { output: "lstm" },
    }),
    /lstm cannot be written .* projects its output/,
  ],
  "a GRU": [
    dense({
      nodes: [
        node("gru", "GRU", ["x", "[g]", "[c]"], {
          ...GRU_CELL,
          takes: ["gateKernel", "candidateKernel"],
        }),
      ],
      roles: { output: "gru" },
    }),
    /gru cannot be written .* it is a GRU/,
  ],
  "an op that there is not": [
    handmade({
      fed: { x: [-1, 3] },
      weights: { W: [3, 4] },
      nodes: [
        node("product", "MatMul", ["x", "[W]"], PRODUCT),
        node("exp", "Exp", ["product"], {}),
      ],
      roles: { output: "exp" },
    }),
    /exp cannot be written .* it is a Exp/,
  ],
  "images that are turned": [
    handmade({
      fed: { x: [-1, 2, 6, 6] },
      weights: { W: [3, 3, 2, 4] },
      nodes: [
        node("last", "Transpose", ["x"], { permutation: [0, 2, 3, 1] }),
        node("conv", "Conv2D", ["last", "[W]"], {
          ...{ strides: [1, 1], padding: "SAME", dilations: [1, 1], dataFormat: "NHWC" },
        }),
        node("mean", "Mean", ["conv"], { axes: [1, 2], keepDims: false }),
      ],
      roles: { output: "mean" },
    }),
    /last cannot be written .* Transpose, which moves the channels .* Go on from that zip/,
  ],
};

test.each(Object.entries(REFUSED))(
  "%s is refused, and nothing is written",
  async (title, [model, message]) => {
    const zip = join(folder, `${title}.zip`);
    const written = createZip(model, zip, async () => new Uint8Array());
    await expect(written).rejects.toMatchObject({
      code: "unsupported-op",
      message: expect.stringMatching(message) as string,
    });
    await expect(access(zip)).rejects.toThrow();
  },
);

test("what is frozen stays so", async () => {
  const { expected, open } = fixture<Expected>("b1_mini_v2");
  const source = await open(expected.prefix);
  const model = await source.model();
  const variables = new Map(
    [...model.variables].map(([name, variable]) => [
      name,
      name.startsWith("hidden1/") ? { ...variable, trainable: [] } : variable,
    ]),
  );
  const zip = join(folder, "frozen.zip");
  await createZip({ ...model, variables }, zip, (variable) => evaluate(variable, source.read, 0));
  const saved = await openCheckpoint(zip);
  const frozen = [...(await saved.model()).variables.values()].filter(isFrozen);
  expect(frozen.map(({ name }) => name)).toEqual(["0_W", "0_b"]);
  await Promise.all([source.close(), saved.close()]);
});
