// Checkpoints converted between TensorFlow 1 and Deeplearning4j, judged by both.
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { convert } from "../../src/engine/convert";
import type { Checkpoint } from "../../src/engine/formats/format";
import { createZip } from "../../src/engine/formats/dl4j/create";
import { openCheckpoint } from "../../src/engine/formats/table";
import { usedVariables } from "../../src/engine/graph/order";
import { evaluate } from "../../src/engine/graph/value";
import { NETWORKS, samplesFor } from "../engine/convert/networks";
import { executorOn } from "../engine/executor";
import { expectClose, fixture, FIXTURES, type Recorded } from "../engine/fixture";
import { outputsOf } from "../engine/formats/dl4j/running";
import { sha256 } from "../engine/formats/tf1/fixtures";
import { stored } from "../engine/surgery/run";
import {
  type Dl4j,
  type JavaArray,
  type JavaNetwork,
  type JavaOutput,
  startDl4j,
  withDl4j,
} from "./dl4j";
import { oracle, withTensorFlow } from "./python";

let folder: string;
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), "graft-convert-"));
});
afterAll(() => rm(folder, { recursive: true, force: true }));

interface Forward {
  readonly X?: Recorded;
  readonly x?: Recorded;
  readonly logits?: Recorded;
  readonly activations?: Readonly<Record<string, Recorded>>;
}

/** Sequences [batch, time, features] as Deeplearning4j has them, [batch, features, time]; or back. */
function turned({ shape, values }: JavaArray): JavaArray {
  if (shape.length !== 3) return { shape, values };
  const [batch, time, features] = shape;
  return {
    shape: [batch, features, time],
    values: values.map((_, at) => {
      const [step, row] = [at % time, Math.floor(at / time)];
      const [feature, sample] = [row % features, Math.floor(row / features)];
      return values[(sample * time + step) * features + feature];
    }),
  };
}

/** A checkpoint of TensorFlow with samples and the logits that TensorFlow recorded for them. */
interface Case {
  readonly name: string;
  /** The activation that they are; that of no name where they have their own. */
  readonly logits?: string;
  /** What its zip is. */
  readonly network: JavaNetwork["kind"];
  readonly layers: readonly string[];
  /** Whether it comes back with the bits that it had. */
  readonly isSame: boolean;
}

const CASES: readonly Case[] = [
  {
    name: "b1_mini_v2",
    logits: "outputs",
    network: "MultiLayerNetwork",
    layers: ["DenseLayer", "DenseLayer", "DenseLayer", "OutputLayer"],
    isSame: true,
  },
  {
    name: "b2_cnn_digits",
    logits: "y_conv",
    network: "ComputationGraph",
    layers: [
      ...["ConvolutionLayer", "SubsamplingLayer", "ConvolutionLayer", "SubsamplingLayer"],
      ...["DenseLayer", "OutputLayer"],
    ],
    isSame: true,
  },
  {
    name: "b2_cnn_digits_batchnorm",
    logits: "y_conv",
    network: "ComputationGraph",
    layers: [
      ...["ConvolutionLayer", "BatchNormalization", "ActivationLayer", "SubsamplingLayer"],
      ...["ConvolutionLayer", "BatchNormalization", "ActivationLayer", "SubsamplingLayer"],
      ...["DenseLayer", "OutputLayer"],
    ],
    isSame: true,
  },
  // The forget bias of the cell is added to the variable.
  {
    name: "b2_lstm_basic",
    network: "ComputationGraph",
    layers: ["LSTM", "OutputLayer"],
    isSame: false,
  },
  {
    name: "b2_lstm_multi",
    network: "ComputationGraph",
    layers: ["LSTM", "LSTM", "OutputLayer"],
    isSame: false,
  },
];

/** Rows of logits as probabilities. */
function softmax({ shape, values }: JavaArray): JavaArray {
  const classes = shape.at(-1)!;
  return {
    shape,
    values: values.map((value, at) => {
      const row = values.slice(at - (at % classes), at - (at % classes) + classes);
      const highest = Math.max(...row);
      const sum = row.reduce((all, each) => all + Math.exp(each - highest), 0);
      return Math.exp(value - highest) / sum;
    }),
  };
}

/** Class `row % classes` for each row. */
const oneHot = ([rows, classes]: readonly number[]): JavaArray => ({
  shape: [rows, classes],
  values: Array.from({ length: rows * classes }, (_, at) =>
    at % classes === Math.floor(at / classes) % classes ? 1 : 0,
  ),
});

/** Hashes of what the network reads, whatever it is called. */
async function contents(checkpoint: Checkpoint): Promise<readonly string[]> {
  const model = await checkpoint.model();
  const names = usedVariables(model).map((each) => each.name);
  const hashes = names.map(async (name) => sha256(await checkpoint.read(name)));
  return (await Promise.all(hashes)).sort();
}

withDl4j("a TensorFlow checkpoint as a zip", () => {
  let java: Dl4j;
  beforeAll(() => {
    java = startDl4j();
  });
  afterAll(() => java.close());

  describe.each(CASES)("$name", ({ name, logits, network, layers, isSame }) => {
    const { expected, open, floats } = fixture<{ forward: Forward; prefix: string }>(name);
    const { forward, prefix } = expected;
    const samples = (forward.X ?? forward.x)!;
    const inputs = [turned({ shape: samples.shape, values: [...floats(samples)] })];
    const recorded = logits === undefined ? forward.logits! : forward.activations![logits];
    const zip = () => join(folder, `${name}.zip`);

    test("Deeplearning4j computes what TensorFlow does", async () => {
      await convert(join(FIXTURES, name, prefix), "dl4j", zip());
      const loaded = await java.ask({ command: "load", path: zip() });
      expect(loaded.kind).toBe(network);
      expect(loaded.layers.map((layer) => layer.class)).toEqual(layers);
      const { outputs } = await java.ask<JavaOutput>({
        ...{ command: "output", path: zip(), inputs },
      });
      const wanted = softmax({ shape: recorded.shape, values: [...floats(recorded)] });
      expect(outputs[0].shape).toEqual(wanted.shape);
      expectClose(outputs[0].values, wanted.values, 1e-5);
    });

    test("Deeplearning4j trains it", async () => {
      const before = await java.ask({ command: "load", path: zip() });
      const labels = [oneHot(recorded.shape)];
      const after = await java.ask({
        ...{ command: "fit", path: zip(), inputs, labels, steps: 1 },
      });
      expect(after.score).toBeGreaterThan(0);
      // A bias before a batch norm has no effect.
      for (const [parameter, { values }] of Object.entries(after.parameters))
        if (parameter.endsWith("W"))
          expect(values, parameter).not.toEqual(before.parameters[parameter].values);
    });

    test("and back again", async () => {
      const again = join(folder, `${name}.ckpt`);
      await convert(zip(), "tf1", again);
      const [source, returned] = await Promise.all([open(prefix), openCheckpoint(again)]);
      const same = (await contents(returned)).join() === (await contents(source)).join();
      expect(same).toBe(isSame);
      await Promise.all([source.close(), returned.close()]);
    });
  });
});

withDl4j("a network in TensorFlow's form as a zip", () => {
  let java: Dl4j;
  beforeAll(async () => {
    await executorOn("cpu");
    java = startDl4j();
  });
  afterAll(() => java.close());

  test.each(Object.entries(NETWORKS))(
    "%s: Deeplearning4j computes the same",
    async (title, model) => {
      const path = join(folder, `${title}.zip`);
      const read = (name: string) => Promise.resolve(new Uint8Array(stored(model, name).buffer));
      await createZip(model, path, (variable) => evaluate(variable, read, 0));
      const x = samplesFor(model);
      const [wanted] = await outputsOf(model, read, { x }, [model.roles.output!]);
      const inputs = [{ shape: x.shape, values: Array.from(x.values) }];
      const { outputs } = await java.ask<JavaOutput>({ ...{ command: "output", path, inputs } });
      expect(outputs[0].shape).toEqual(wanted.shape);
      expectClose(outputs[0].values, wanted.values, 1e-5);
    },
  );
});

/** A zip of Deeplearning4j, and what was recorded of it. */
interface ZipCase {
  readonly zip: string;
  /** Keys of the recorded inputs by the network's. */
  readonly inputs: Readonly<Record<string, string>>;
}

const ZIPS: readonly ZipCase[] = [
  { zip: "b5_dl4j_mlp_iris", inputs: { input: "input" } },
  { zip: "b5_dl4j_cnn_digits", inputs: { input: "input" } },
  { zip: "b5_dl4j_graph_merge", inputs: { left: "input_left", right: "input_right" } },
  { zip: "b5_dl4j_lstm", inputs: { input: "input" } },
  { zip: "b5_dl4j_graves_lstm", inputs: { input: "input" } },
];

withTensorFlow("a zip as a TensorFlow checkpoint", () => {
  test.each(ZIPS)("$zip: TensorFlow computes what Deeplearning4j did", async ({ zip, inputs }) => {
    const { expected, floats } = fixture<Readonly<Record<string, Recorded>>>(zip);
    const prefix = join(folder, zip);
    await convert(join(FIXTURES, zip, "model.zip"), "tf1", prefix);
    const checkpoint = await openCheckpoint(prefix);
    const output = (await checkpoint.model()).roles.output!;
    await checkpoint.close();
    const feeds = Object.entries(inputs).map(([name, key]) => {
      const fed = turned({ shape: expected[key].shape, values: [...floats(expected[key])] });
      return [name, { dtype: "float32", ...fed }] as const;
    });
    const request = join(folder, `${zip}.json`);
    await writeFile(
      request,
      JSON.stringify({ feeds: Object.fromEntries(feeds), fetches: [output] }),
    );
    const { fetched } = await oracle<{ fetched: Readonly<Record<string, JavaArray>> }>(
      "run_graph.py",
      [prefix, request],
    );
    const recorded = expected["output"];
    const { shape, values } = turned({ shape: recorded.shape, values: [...floats(recorded)] });
    // The steps of all samples are rows to TensorFlow's loss.
    expect(fetched[output].shape.at(-1)).toBe(shape.at(-1));
    expectClose(softmax(fetched[output]).values, values, 1e-5);
  });
});
