// What headers tell of data that does not fit: the same words as the run that reads it, and nothing of data that fits.
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, test } from "vitest";
import { bindData, type Network } from "../../../src/engine/data/bind";
import { describeData } from "../../../src/engine/data/describe";
import { encodeNpy, writeNpy } from "../../../src/engine/data/npy";
import { DataSchema } from "../../../src/engine/data/schema";
import type { ModelInput } from "../../../src/engine/graph/inputs";
import { errorOf, floats, longs, temporaryFolder, texts } from "./helpers";
import { zipFile } from "./zip";

const input = (name: string, shape: readonly number[], more: object = {}): ModelInput => ({
  ...{ name, shape, dtype: "float32" },
  ...more,
});
const MASK = input("mask", [-1, -1], { part: "mask", optional: true });

const rows: Network = { inputs: [input("X", [-1, 4])], target: { kind: "classes", classes: 3 } };
const values: Network = { inputs: rows.inputs, target: { kind: "values", shape: [-1, 2] } };
const two: Network = { ...rows, inputs: [...rows.inputs, input("Z", [-1, 2])] };
const steps: Network = {
  inputs: [input("X", [-1, -1, 4], { sequence: true }), MASK],
  target: { kind: "classes", classes: 3, steps: -1 },
};
const last: Network = { ...steps, target: { kind: "classes", classes: 3 } };
const unmasked: Network = { ...last, inputs: steps.inputs.slice(0, 1) };
const twoSequences: Network = {
  ...last,
  inputs: [...steps.inputs, input("Z", [-1, -1, 4], { sequence: true })],
};
const normalized: Network = { ...rows, normalizer: { kind: "standardize", mean: [0], std: [1] } };
const other: Network = {
  ...rows,
  normalizer: { kind: "standardize", mean: [0, 0, 0], std: [1, 1, 1] },
};
const unknown: Network = { ...rows, normalizer: { kind: "unknown", reason: "it is Java" } };
const turned: Network = { ...rows, inputs: [input("X", [-1, -1, 4], { timeFirst: true })] };

const folder = temporaryFolder();
for (const [name, array] of Object.entries({
  "x.npy": floats([6, 4]),
  "wide.npy": floats([6, 5]),
  "five.npy": floats([5, 4]),
  "z.npy": floats([6, 2]),
  "words.npy": texts(["a", "b", "c", "d", "e", "f"]),
  "seq.npy": floats([6, 7, 4]),
  "nft.npy": floats([6, 4, 7]),
  "seq5.npy": floats([6, 7, 5]),
  "y.npy": longs([0, 1, 2, 0, 1, 2]),
  "y5.npy": longs([0, 1, 2, 0, 1]),
  "hot4.npy": floats([6, 4]),
  "cube.npy": floats([6, 3, 2]),
  "ysteps.npy": longs(
    Array.from({ length: 42 }, (_, at) => at % 3),
    [6, 7],
  ),
  "y6steps.npy": longs(
    Array.from({ length: 36 }, (_, at) => at % 3),
    [6, 6],
  ),
  "mask6.npy": longs(
    Array.from({ length: 36 }, () => 1),
    [6, 6],
  ),
  "mask.npy": longs(
    Array.from({ length: 42 }, () => 1),
    [6, 7],
  ),
  "hotlast.npy": floats([6, 3, 7]),
  "short.npy": floats([6, 6, 4]),
  "y0.npy": longs([]),
  "y2.npy": longs([1, 2]),
}))
  await writeNpy(join(folder.path, name), array);
const sequence = (steps: number) => Buffer.concat(encodeNpy(floats([steps, 4])));
folder.write(
  "own.npz",
  zipFile([
    { name: "x_0.npy", content: sequence(2) },
    { name: "x_1.npy", content: sequence(3) },
  ]),
);
writeFileSync(join(folder.path, "wide.csv"), "a,b,c,d,e\n1,2,3,4,5\n1,2,3,4,5\n");
writeFileSync(join(folder.path, "both.csv"), "a,b,c,d,y\n1,2,3,4,0\n1,2,3,4,2\n");

const both = (columns: string) => ({ file: "both.csv", columns });

/** Where it is told, the network, the data. */
const WRONG: readonly (readonly [string, string, Network, object])[] = [
  ["features", "inputs", rows, { inputs: "wide.npy", labels: "y.npy" }],
  ["text for numbers", "inputs", rows, { inputs: "words.npy", labels: "y.npy" }],
  [
    "a part that a file has not",
    "inputs",
    rows,
    { inputs: { file: "x.npy", array: "X" }, labels: "y.npy" },
  ],
  ["columns that are not there", "labels", rows, { inputs: "x.npy", labels: both("z") }],
  [
    "the second of two inputs",
    "inputs/Z",
    two,
    { inputs: { X: "x.npy", Z: "wide.npy" }, labels: "y.npy" },
  ],
  [
    "samples of inputs",
    "inputs/Z",
    two,
    { inputs: { X: "five.npy", Z: "z.npy" }, labels: "y5.npy" },
  ],
  ["samples and labels", "labels", rows, { inputs: "x.npy", labels: "y5.npy" }],
  ["one-hot rows of other classes", "labels", rows, { inputs: "x.npy", labels: "hot4.npy" }],
  ["labels of too many axes", "labels", rows, { inputs: "x.npy", labels: "cube.npy" }],
  ["numbers for each output", "labels", values, { inputs: "x.npy", labels: "y.npy" }],
  ["features of sequences", "inputs", steps, { inputs: "seq5.npy", labels: "ysteps.npy" }],
  ["a layout", "inputs", steps, { inputs: "seq.npy", layout: "NFT", labels: "ysteps.npy" }],
  ["labels in another layout", "inputs", steps, { inputs: "seq.npy", labels: "hotlast.npy" }],
  ["steps of labels", "labels", steps, { inputs: "seq.npy", labels: "y6steps.npy" }],
  [
    "steps of a mask",
    "mask",
    steps,
    { inputs: "seq.npy", mask: "mask6.npy", labels: "ysteps.npy" },
  ],
  ["lengths", "lengths", steps, { inputs: "seq.npy", lengths: "y5.npy", labels: "ysteps.npy" }],
  ["a mask for rows", "mask", rows, { inputs: "x.npy", mask: "mask.npy", labels: "y.npy" }],
  ["a normalizer of other features", "inputs", other, { inputs: "x.npy", labels: "y.npy" }],
  ["a normalizer that cannot be applied", "inputs", unknown, { inputs: "x.npy", labels: "y.npy" }],
  ["time before samples", "inputs", turned, { inputs: "seq.npy", labels: "y.npy" }],
  ["no labels", "labels", rows, { inputs: "x.npy", labels: "y0.npy" }],
  [
    "labels that count, of one output",
    "labelsMask",
    last,
    { inputs: "seq.npy", labels: "y.npy", labelsMask: "mask.npy" },
  ],
  [
    "labels that count, for rows",
    "labelsMask",
    rows,
    { inputs: "x.npy", labels: "y.npy", labelsMask: "y.npy" },
  ],
  [
    "steps of two inputs",
    "inputs/Z",
    twoSequences,
    { inputs: { X: "seq.npy", Z: "short.npy" }, labels: "y.npy" },
  ],
  [
    "lengths beside sequences that have their own",
    "lengths",
    last,
    { inputs: { file: "own.npz", array: "x_*" }, labels: "y2.npy", lengths: "y2.npy" },
  ],
  [
    "padding that the network cannot tell",
    "inputs",
    unmasked,
    { inputs: { file: "own.npz", array: "x_*" }, labels: "y2.npy" },
  ],
  [
    "one label a sequence, where the loss counts all steps",
    "labels",
    steps,
    { inputs: "seq.npy", labels: "y.npy" },
  ],
];

describe("what does not fit is told before anything is read", () => {
  test.each(WRONG)("%s", async (_, where, network, given) => {
    const data = DataSchema.parse(given);
    const { misfits } = await describeData(data, folder.path, network);
    const [{ path, error }] = misfits as [(typeof misfits)[0]];
    expect(misfits).toHaveLength(1);
    expect(path.join("/")).toBe(where);
    const later = await errorOf(() => bindData(data, folder.path, network));
    expect(later).toBe(`${error.code}: ${error.message}`);
  });

  test("the columns of a table", async () => {
    const data = DataSchema.parse({ inputs: "wide.csv", labels: both("y") });
    const { misfits } = await describeData(data, folder.path, rows);
    expect(misfits.map(({ error }) => error.message)).toEqual([
      "wide.csv has samples of shape 5 (float64, any × 5); input X takes shape 4. Choose other data, or another input.",
    ]);
  });
});

test.each([
  ["rows", rows, { inputs: "x.npy", labels: "y.npy" }],
  ["numbers", values, { inputs: "x.npy", labels: "z.npy" }],
  ["a table with the labels", rows, { inputs: "both.csv", labels: both("y") }],
  ["two inputs", two, { inputs: { "X:0": "x.npy", Z: "z.npy" }, labels: "y.npy" }],
  ["sequences", steps, { inputs: "seq.npy", labels: "ysteps.npy", mask: "mask.npy" }],
  ["sequences, features first", steps, { inputs: "nft.npy", labels: "ysteps.npy" }],
  [
    "one label a sequence",
    {
      ...steps,
      inputs: [...steps.inputs, { ...MASK, name: "labelsMask", part: "labelsMask" as const }],
    },
    { inputs: "seq.npy", labels: "y.npy" },
  ],
  ["a normalizer", normalized, { inputs: "x.npy", labels: "y.npy" }],
])("nothing is told of data that fits: %s", async (_, network, given) => {
  const data = DataSchema.parse(given);
  expect((await describeData(data, folder.path, network)).misfits).toEqual([]);
  await bindData(data, folder.path, network);
});
