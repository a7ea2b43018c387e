// Zips of Deeplearning4j as TensorFlow checkpoints: they compute what Deeplearning4j recorded.
import { readFileSync } from "node:fs";
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, expect, test } from "vitest";
import { convert } from "../../../src/engine/convert";
import { openCheckpoint } from "../../../src/engine/formats/table";
import type { Tensor2D } from "@tensorflow/tfjs-core";
import { tf } from "../../../src/engine/ops/tf";
import { executorOn } from "../executor";
import { expectClose } from "../fixture";
import { outputsOf, type Numbers } from "../formats/dl4j/running";
import { entriesOf, expectedOf, OLD_VERSIONS, zipped } from "../formats/dl4j/zips";
import { fixture } from "../formats/tf1/fixtures";

let folder: string;
beforeAll(async () => {
  await executorOn("cpu");
  folder = await mkdtemp(join(tmpdir(), "graft-convert-"));
});
afterAll(() => rm(folder, { recursive: true, force: true }));

interface Case {
  readonly zip: string;
  readonly inputs: readonly Numbers[];
  readonly output: Numbers;
}

/** Numbers in a file beside a zip. */
function recorded(zip: string, key: string): Numbers {
  const { file, shape } = expectedOf(zip)[key] as { file: string; shape: readonly number[] };
  const bytes = Uint8Array.from(readFileSync(fixture(zip, "..", file)));
  return { shape, values: new Float32Array(bytes.buffer) };
}

const RECORDED: Readonly<Record<string, readonly string[]>> = {
  "b5_dl4j_mlp_iris/model.zip": ["input"],
  "b5_dl4j_cnn_digits/model.zip": ["input"],
  "b5_dl4j_graph_merge/model.zip": ["input_left", "input_right"],
  "b5_dl4j_lstm/model.zip": ["input"],
  "b5_dl4j_graves_lstm/model.zip": ["input"],
};

const OLD = OLD_VERSIONS.flatMap((version) =>
  ["conv", "graph", "graves_lstm"].map((name): Case => {
    const zip = `dl4j_old/${version}/${name}.zip`;
    const text = readFileSync(fixture(zip.replace(/zip$/, "json")), "utf8");
    const { input, output } = JSON.parse(text) as { input: Numbers | Numbers[]; output: Numbers };
    return { zip, inputs: [input].flat(), output };
  }),
);

const CASES: readonly Case[] = [
  ...Object.entries(RECORDED).map(([zip, keys]) => ({
    zip,
    inputs: keys.map((key) => recorded(zip, key)),
    output: recorded(zip, "output"),
  })),
  ...OLD,
];

/** A row for each sample, or for each step of each sample. */
function rowsOf({ shape, values }: Numbers): Tensor2D {
  const x = tf.tensor(Float32Array.from(values), [...shape]);
  const rows = shape.length === 3 ? tf.transpose(x, [0, 2, 1]) : x;
  return tf.reshape(rows, [-1, shape[1]]);
}

test.each(CASES)("$zip", async ({ zip, inputs, output }) => {
  const as = join(folder, zip.replaceAll("/", "_"));
  await convert(fixture(zip), "tf1", as);
  const checkpoint = await openCheckpoint(as);
  const model = await checkpoint.model();
  const feeds = Object.fromEntries(
    model.roles.inputs.map((name, at) => [name, inputs[at] ?? inputs[0]]),
  );
  const [found] = await outputsOf(model, checkpoint.read, feeds, [model.roles.output!]);
  // What Deeplearning4j gives out is behind the activation function of the output layer.
  const source = await openCheckpoint(fixture(zip));
  const isSoftmax = [...(await source.model()).nodes.values()].some(({ op }) => op === "Softmax");
  const logits = rowsOf(found);
  const wanted = rowsOf(output);
  expect(logits.shape).toEqual(wanted.shape);
  expectClose((isSoftmax ? tf.softmax(logits) : logits).dataSync(), wanted.dataSync(), 1e-5);
  await Promise.all([checkpoint.close(), source.close()]);
});

/** A zip as `as`, with penalties on all weights and biases but those of batch norms. */
async function penalized(zip: string, as: string): Promise<void> {
  const entries = await entriesOf(fixture(zip));
  const text = Buffer.from(entries.get("configuration.json")!).toString("utf8");
  const { confs, ...rest } = JSON.parse(text) as { confs: { layer: Record<string, unknown> }[] };
  const penalty = (kind: "L1" | "L2", value: number) => ({
    "@class": `org.nd4j.linalg.learning.regularization.${kind}Regularization`,
    [kind.toLowerCase()]: { "@class": "org.nd4j.linalg.schedule.FixedSchedule", value },
  });
  const all = [penalty("L2", L2), penalty("L1", L1)];
  for (const { layer } of confs)
    if (!(layer["@class"] as string).endsWith("BatchNormalization"))
      Object.assign(layer, { regularization: all, regularizationBias: all });
  entries.set("configuration.json", Buffer.from(JSON.stringify({ confs, ...rest })));
  await writeFile(as, await zipped(entries));
}
const [L2, L1] = [0.5, 0.25];

test.each([
  ["b5_dl4j_cnn_digits/model.zip", "input"],
  ["b5_dl4j_lstm/model.zip", "input"],
  ["b5_dl4j_graves_lstm/model.zip", "input"],
])("penalties on weights that get another form: %s", async (zip, key) => {
  const penal = join(folder, "penalized.zip");
  await penalized(zip, penal);
  const losses: number[] = [];
  for (const [at, file] of [fixture(zip), penal].entries()) {
    const as = join(folder, `penalized-${at}.ckpt`);
    await convert(file, "tf1", as);
    const checkpoint = await openCheckpoint(as);
    const model = await checkpoint.model();
    const input = recorded(zip, key);
    const { shape, values } = recorded(zip, "output");
    const { inputs, labels, loss } = model.roles;
    // A softmax' own output serves for labels.
    const feeds = { [inputs[0]]: input, [labels!]: { shape, values } };
    const [found] = await outputsOf(model, checkpoint.read, feeds, [loss!]);
    losses.push(found.values[0]);
    await checkpoint.close();
  }
  const source = await openCheckpoint(fixture(zip));
  let penalty = 0;
  for (const { name, role } of (await source.model()).variables.values()) {
    if (role !== "weight" || /_(gamma|beta)$/.test(name)) continue;
    const weights = new Float32Array(Uint8Array.from(await source.read(name)).buffer);
    for (const w of weights) penalty += (L2 / 2) * w * w + L1 * Math.abs(w);
  }
  await source.close();
  expect(penalty).toBeGreaterThan(1);
  expect((losses[1] - losses[0]) / penalty).toBeCloseTo(1, 5);
});

test("what a normalizer did is said, with its numbers", async () => {
  const zip = "b5_dl4j_mlp_iris/model_with_normalizer.zip";
  const { notes } = await convert(fixture(zip), "tf1", join(folder, "normalized.ckpt"));
  const [, mean, std] = /mean = (\[.*?\]) and std = (\[.*?\])/.exec(notes.join("\n"))!;
  for (const [key, text] of Object.entries({ normalizer_mean: mean, normalizer_std: std }))
    expectClose(JSON.parse(text) as number[], recorded(zip, key).values, 1e-6);
});
