// `graft predict` against the activations that real TensorFlow recorded: layers, ops, and the logits.
import * as fs from "node:fs";
import * as os from "node:os";
import * as path from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { readNpy, writeNpy } from "../../src/engine/data/npy";
import { tf1 } from "../../src/engine/formats/tf1/index";
import { encodeMetaGraph, readMetaGraph } from "../../src/engine/formats/tf1/meta";
import { storedName, type Variable } from "../../src/engine/graph/model";
import { predict } from "../../src/engine/predict";
import { expectClose, FIXTURES, fixture, type Recorded } from "./fixture";
import { as, op } from "./import/source";

let folder: string;
beforeAll(() => {
  folder = fs.mkdtempSync(path.join(os.tmpdir(), "graft-predict-"));
});
afterAll(() => fs.rmSync(folder, { recursive: true, force: true }));

interface Expected {
  readonly prefix: string;
  readonly forward: { readonly activations: Record<string, Recorded> } & Record<string, unknown>;
}

/** What to ask for, by a recorded activation: a layer's name, an op's, or nothing for the logits. */
const MLP = { hidden1: "hidden1", hidden2: "hidden2/Relu", outputs: undefined };
const CNN = {
  h_pool1: "MaxPool",
  h_fc1: "Relu_2",
  h_fc1_drop: "dropout/SelectV2",
  y_conv: undefined,
};
const CASES: [string, string, Record<string, string | undefined>][] = [
  ["b1_mini_v2", "X", { ...MLP, hidden3: "hidden3" }],
  ["b1_mini_v1", "X", { ...MLP, hidden3: "hidden3" }],
  ["b1_mini_resource", "X", { ...MLP, hidden3: "hidden3/Relu:0" }],
  ["b1_miniquark_full_v2", "X", { ...MLP, hidden3: "hidden3" }],
  ["b2_cnn_digits", "x", { ...CNN, h_conv1: "Variable" }],
  ["b2_cnn_digits_named_noslots", "x", { ...CNN, h_conv1: "conv1" }],
  ["b2_cnn_digits_resource", "x", CNN],
  ["b2_cnn_digits_batchnorm", "x", { ...CNN, h_conv1: "bn1", h_conv2: "Relu_1" }],
];

const cnn = fixture<Expected>("b2_cnn_digits");

describe.each(CASES)("%s", (name, input, asked) => {
  const { expected, floats } = fixture<Expected>(name);

  test.each(Object.entries(asked))("%s", async (key, layer) => {
    const x = expected.forward[input] as Recorded;
    const file = path.join(folder, `${name}-X.npy`);
    const output = path.join(folder, `${name}-${key}.npy`);
    await writeNpy(file, { shape: x.shape, dtype: "float32", data: floats(x) });
    const checkpoint = path.join(FIXTURES, name, expected.prefix);
    const result = await predict({ checkpoint, input: file, output, layer, backend: "auto" });
    const recorded = expected.forward.activations[key];
    const written = await readNpy(output);
    expect(written).toMatchObject({ shape: recorded.shape, dtype: "float32" });
    expect(result.shape).toEqual(recorded.shape);
    expectClose(written.data as Float32Array, floats(recorded), 1e-5);
  });
});

test.each([
  ["b1_mini_v2", "hidden2", "hidden2", "outputs"],
  ["b2_cnn_digits", "MaxPool", "h_pool1", "y_conv"],
])("%s from what %s yields", async (name, from, given, key) => {
  const { expected, floats } = fixture<Expected>(name);
  const { activations } = expected.forward;
  const input = path.join(folder, `${name}-features.npy`);
  const { shape } = activations[given];
  await writeNpy(input, { shape, dtype: "float32", data: floats(activations[given]) });
  const output = path.join(folder, `${name}-from.npy`);
  const checkpoint = path.join(FIXTURES, name, expected.prefix);
  await predict({ checkpoint, input, output, from, backend: "auto" });
  const written = await readNpy(output);
  expectClose(written.data as Float32Array, floats(activations[key]), 1e-5);
});

test("the output file is there whole or not at all", async () => {
  const checkpoint = path.join(FIXTURES, "b1_mini_v2/my_model_final.ckpt");
  const wrong = path.join(folder, "wrong.npy");
  await writeNpy(wrong, { shape: [2, 3], dtype: "float32", data: new Float32Array(6) });
  const output = path.join(folder, "never.npy");
  const failed = predict({ checkpoint, input: wrong, output, backend: "auto" });
  await expect(failed).rejects.toMatchObject({ code: "data-shape" });
  expect(fs.existsSync(output)).toBe(false);
});

test("a scalar that the graph has not is refused with those that it has", async () => {
  const checkpoint = path.join(FIXTURES, "b2_cnn_digits", cnn.expected.prefix);
  const file = path.join(folder, "b2_cnn_digits-fed.npy");
  const x = cnn.expected.forward["x"] as Recorded;
  await writeNpy(file, { shape: x.shape, dtype: "float32", data: cnn.floats(x) });
  const output = path.join(folder, "fed.npy");
  const fed = (feeds: Record<string, number>) =>
    predict({ checkpoint, input: file, output, backend: "auto", feeds });
  await expect(fed({ keep: 1 })).rejects.toMatchObject({
    code: "unknown-node",
    message: expect.stringContaining("keep_prob") as string,
  });
  await fed({ keep_prob: 0.5 });
  const written = await readNpy(output);
  // Dropout does nothing here, whatever it is fed.
  const { y_conv: logits } = cnn.expected.forward.activations;
  expectClose(written.data as Float32Array, cnn.floats(logits), 1e-5);
});

test("what has its steps first comes with the samples first", async () => {
  const name = "b2_lstm_basic";
  const { expected, floats } = fixture<Expected>(name);
  const copied = path.join(folder, name);
  fs.cpSync(path.join(FIXTURES, name), copied, { recursive: true });
  const checkpoint = path.join(copied, expected.prefix);
  const meta = await readMetaGraph(`${checkpoint}.meta`);
  const steps = meta.graphDef!.node.find(({ op }) => op === "TensorArrayGatherV3")!.name;
  meta.graphDef!.node.push(op("steps_first", "Tanh", [steps], { T: as.type(1) }));
  fs.writeFileSync(`${checkpoint}.meta`, encodeMetaGraph(meta));
  const x = expected.forward["x"] as Recorded;
  const outputs = expected.forward["rnn_outputs"] as Recorded;
  const input = path.join(folder, `${name}-x.npy`);
  await writeNpy(input, { shape: x.shape, dtype: "float32", data: floats(x) });
  const output = path.join(folder, `${name}-steps.npy`);
  const asked = {
    checkpoint,
    input,
    output,
    layer: steps,
    layout: "NTF",
    backend: "auto",
  } as const;
  const { shape } = await predict(asked);
  expect(shape).toEqual(outputs.shape);
  expectClose((await readNpy(output)).data as Float32Array, floats(outputs), 1e-5);
});

test("weights that are NaN are told, with their number", async () => {
  const { expected, floats, open } = fixture<Expected>("b1_mini_v2");
  const x = expected.forward["X"] as Recorded;
  const input = path.join(folder, "nan-X.npy");
  await writeNpy(input, { shape: x.shape, dtype: "float32", data: floats(x) });
  const name = "hidden2/biases";
  const folderOf = path.join(folder, "nan");
  fs.cpSync(path.join(FIXTURES, "b1_mini_v2"), folderOf, { recursive: true });
  const checkpoint = path.join(folderOf, "nan.ckpt");
  const source = await open();
  const read = async (variable: Variable): Promise<Uint8Array> => {
    const bytes = await source.read(storedName(variable));
    if (variable.name !== name) return bytes;
    const numbers = new Float32Array(Uint8Array.from(bytes).buffer);
    numbers.fill(Number.NaN, 0, 2);
    return new Uint8Array(numbers.buffer);
  };
  await tf1.save(source, await source.model(), checkpoint, read);
  await source.close();
  const asked = (layer: string) => ({
    ...{ checkpoint, input, layer },
    ...{ output: path.join(folder, "nan.npy"), backend: "auto" as const },
  });
  await expect(predict(asked("hidden2"))).rejects.toMatchObject({
    code: "diverged",
    message: expect.stringMatching(
      /^hidden2\/biases has NaN in place of 2 of its \d+ numbers/,
    ) as string,
  });
  // What lies before it does not depend on it.
  await predict(asked("hidden1"));
});
