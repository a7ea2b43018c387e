// What networks of real zips compute, against what Deeplearning4j recorded.
import { readFileSync } from "node:fs";
import { beforeAll, describe, expect, test } from "vitest";
import { openCheckpoint } from "../../../../src/engine/formats/table";
import { executorOn } from "../../executor";
import { expectClose } from "../../fixture";
import { fixture } from "../tf1/fixtures";
import { nodeOf, outputsOf, type Numbers } from "./running";
import { expectedOf, OLD_VERSIONS } from "./zips";

beforeAll(async () => {
  await executorOn("cpu");
});

interface Recorded {
  readonly file: string;
  readonly shape: readonly number[];
}

/** Inputs, and what is recorded of vertices, by their keys in expected.json. */
interface Case {
  readonly zip: string;
  readonly inputs: Readonly<Record<string, string>>;
  readonly outputs: Readonly<Record<string, string>>;
}

const CASES: readonly Case[] = [
  { zip: "mlp_iris/model.zip", inputs: { input: "input" }, outputs: { "2": "output" } },
  { zip: "cnn_digits/model.zip", inputs: { input: "input" }, outputs: { "5": "output" } },
  {
    zip: "lstm/model.zip",
    inputs: { input: "input" },
    outputs: { "0": "lstm_output", "1": "output" },
  },
  {
    zip: "lstm/widened_14_function_preserving.zip",
    inputs: { input: "input" },
    outputs: { "1": "output" },
  },
  {
    zip: "lstm/added_layer_frozen0.zip",
    inputs: { input: "input" },
    outputs: { "2": "added_layer_output" },
  },
  {
    zip: "graves_lstm/model.zip",
    inputs: { input: "input" },
    outputs: { "0": "lstm_output", "1": "output" },
  },
  {
    zip: "graves_lstm/widened_14_function_preserving.zip",
    inputs: { input: "input" },
    outputs: { "1": "output" },
  },
  {
    zip: "graves_lstm/added_layer_frozen0.zip",
    inputs: { input: "input" },
    outputs: { "2": "added_layer_output" },
  },
  {
    zip: "graph_merge/model.zip",
    inputs: { left: "input_left", right: "input_right" },
    outputs: { out: "output" },
  },
];

const load = (zip: string, { file, shape }: Recorded): Numbers => {
  const bytes = Uint8Array.from(readFileSync(fixture(zip, "..", file)));
  return { shape, values: new Float32Array(bytes.buffer) };
};

describe.each(CASES)("$zip", ({ zip, inputs, outputs }) => {
  test("every recorded activation", async () => {
    const path = `b5_dl4j_${zip}`;
    const expected = expectedOf(path);
    const checkpoint = await openCheckpoint(fixture(path));
    const model = await checkpoint.model();
    const feeds = Object.entries(inputs).map(
      ([name, key]) => [name, load(path, expected[key] as Recorded)] as const,
    );
    const wanted = new Map(
      Object.entries(outputs).map(([vertex, key]) => [vertex, expected[key] as Recorded]),
    );
    const all = (expected["activations"] ?? {}) as Record<string, Recorded>;
    // In a chain, 0 is the input and i what layer i − 1 hands on.
    const isChain = inputs["input"] !== undefined;
    for (const [key, recorded] of Object.entries(all))
      wanted.set(isChain ? (key === "0" ? "input" : String(Number(key) - 1)) : key, recorded);
    const nodes = [...wanted.keys()].map((vertex) => nodeOf(model, vertex));
    const found = await outputsOf(model, checkpoint.read, Object.fromEntries(feeds), nodes);
    [...wanted].forEach(([vertex, recorded], index) => {
      expect(found[index].shape, vertex).toEqual(recorded.shape);
      expectClose(found[index].values, load(path, recorded).values as Float32Array, 1e-5, vertex);
    });
    await checkpoint.close();
  });
});

interface Old {
  readonly input: Numbers | readonly Numbers[];
  readonly output: Numbers;
}

describe.each(OLD_VERSIONS)("Deeplearning4j %s", (version) => {
  test.each(["graves_lstm", "conv", "graph"])("%s.zip", async (name) => {
    const path = fixture("dl4j_old", version, `${name}.zip`);
    const { input, output } = JSON.parse(readFileSync(path.replace(/zip$/, "json"), "utf8")) as Old;
    const checkpoint = await openCheckpoint(path);
    const model = await checkpoint.model();
    const fed = [input].flat() as readonly Numbers[];
    const feeds = Object.fromEntries(
      model.roles.inputs.map((each, index) => [each, fed[index] ?? fed[0]]),
    );
    const last = [...model.aliases.keys()].at(-1)!;
    const [found] = await outputsOf(model, checkpoint.read, feeds, [nodeOf(model, last)]);
    expect(found.shape).toEqual(output.shape);
    expectClose(found.values, Float32Array.from(output.values), 1e-5, last);
    await checkpoint.close();
  });
});
