// Sequences: in which order an array's axes are, which steps are there, and which label belongs to which step.
import { mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import type { DataArray } from "../../../src/engine/data/array";
import { bindData, type Network } from "../../../src/engine/data/bind";
import { swapTimeAndFeatures } from "../../../src/engine/data/layout";
import { encodeNpy, writeNpy } from "../../../src/engine/data/npy";
import { DataSchema } from "../../../src/engine/data/schema";
import { loadSource } from "../../../src/engine/data/sources";
import type { ModelInput } from "../../../src/engine/graph/inputs";
import { doubles, errorOf, floats, longs, temporaryFolder, texts } from "./helpers";
import { zipFile } from "./zip";

const X: ModelInput = { name: "x", shape: [-1, -1, 3], dtype: "float32", sequence: true };
const MASK: ModelInput = {
  name: "mask",
  shape: [-1, -1],
  dtype: "float32",
  part: "mask",
  optional: true,
};
const LABELS_MASK: ModelInput = { ...MASK, name: "labelsMask", part: "labelsMask" };
const LENGTHS: ModelInput = { name: "n", shape: [-1], dtype: "int32", part: "lengths" };

/** As a network of DL4J is: masks need not be fed. */
const dl4j = (classes = 2): Network => ({
  inputs: [X, MASK, LABELS_MASK],
  target: { kind: "classes", classes, steps: -1 },
});
/** As a graph of TensorFlow 1 is: the last output of sequences with lengths. */
const tf1: Network = { inputs: [X, LENGTHS], target: { kind: "classes", classes: 2 } };

const counting = (count: number): number[] => Array.from({ length: count }, (_, index) => index);

const folder = temporaryFolder();
const save = (name: string, array: DataArray): Promise<void> =>
  writeNpy(join(folder.path, name), array);
const csv = (name: string, lines: readonly string[]): void => {
  mkdirSync(join(folder.path, name, ".."), { recursive: true });
  writeFileSync(join(folder.path, name), `${lines.join("\n")}\n`);
};
const bind = (data: object, network: Network) =>
  bindData(DataSchema.parse(data), folder.path, network);

// Two sequences of 4 steps of 3 features, and the same with time last.
const ntf = floats([2, 4, 3], counting(24));
await save("ntf.npy", ntf);
await save("nft.npy", swapTimeAndFeatures(ntf));
await save("square.npy", floats([2, 3, 3], counting(18)));
await save("steps.npy", longs([0, 1, 1, 0, 1, 0, 0, 1], [2, 4]));
await save("last.npy", longs([0, 1]));
const hot = floats([2, 4, 2], [1, 0, 0, 1, 0, 1, 1, 0, 0, 1, 1, 0, 1, 0, 0, 1]);
await save("hot.npy", hot);
await save("hot_last.npy", swapTimeAndFeatures(hot));
await save("lengths.npy", longs([2, 4]));
await save("mask.npy", floats([2, 4], [1, 1, 0, 0, 1, 1, 1, 1]));
await save("gap.npy", floats([2, 4], [1, 0, 1, 0, 1, 1, 1, 1]));

describe("the axes of an array", () => {
  it("swaps the last two as index arithmetic does", () => {
    const turned = swapTimeAndFeatures(ntf);
    expect(turned.shape).toEqual([2, 3, 4]);
    for (let n = 0; n < 2; n++)
      for (let t = 0; t < 4; t++)
        for (let f = 0; f < 3; f++)
          expect(turned.data[(n * 3 + f) * 4 + t]).toBe(ntf.data[(n * 4 + t) * 3 + f]);
  });

  it.each([
    ["that fit as they are", "ntf.npy", "2 × 4 × 3 float32, [samples, time, features]"],
    [
      "that fit with time last",
      "nft.npy",
      "2 × 3 × 4 float32, [samples, features, time] → 2 × 4 × 3 float32",
    ],
  ])("%s", async (_, file, told) => {
    const found = await bind({ inputs: file, labels: "steps.npy" }, dl4j());
    expect(found.inputs.get("x")).toEqual({ shape: [2, 4, 3], data: ntf.data });
    expect(found).toMatchObject({ steps: 4, labelsPerSample: 4 });
    expect(found.bound[0]).toBe(`x: ${file}, ${told} (the only input)`);
    expect([...found.inputs.keys()]).toEqual(["x"]);
  });

  it("that fit in both orders have to be said", async () => {
    const data = { inputs: "square.npy", labels: "last.npy" };
    const network = { ...dl4j(), inputs: [X, MASK, LABELS_MASK] };
    expect(await errorOf(() => bind(data, network))).toBe(
      'data-ambiguous: square.npy is 2 × 3 × 3, and the network takes sequences of 3 features: it fits as [samples, time, features] and as [samples, features, time]. Say which layout it has, NTF or NFT: "layout" in a recipe, --layout on the command line.',
    );
    const [a, b] = await Promise.all(
      ["NTF", "NFT"].map((layout) => bind({ ...data, layout }, network)),
    );
    expect([...a!.inputs.get("x")!.data]).toEqual(counting(18));
    expect([...b!.inputs.get("x")!.data]).toEqual(
      [...a!.inputs.get("x")!.data].map(
        (_, at) => Math.floor(at / 9) * 9 + (at % 3) * 3 + (Math.floor(at / 3) % 3),
      ),
    );
  });

  it("labels that fit in one order only settle it", async () => {
    await save("square_labels.npy", floats([2, 2, 3], [1, 0, 0, 0, 1, 1, 0, 0, 1, 1, 1, 0]));
    const found = await bind({ inputs: "square.npy", labels: "square_labels.npy" }, dl4j());
    expect(found.layout).toBe("NFT");
    expect([...found.labels]).toEqual([0, 1, 1, 1, 1, 0]);
  });

  it("labels in the other order than the samples are told to be transposed", async () => {
    const data = { inputs: "ntf.npy", labels: "hot_last.npy", layout: "NTF" };
    expect(await errorOf(() => bind(data, dl4j()))).toBe(
      "data-shape: hot_last.npy is 2 × 2 × 4; as [samples, time, features], which the layout NTF says, it does not fit sequences of 2 features. It lies as [samples, features, time]. Transpose it: all arrays have one layout, labels among them.",
    );
  });

  it("what is said and does not fit is told with what does", async () => {
    const wrong = bind({ inputs: "nft.npy", labels: "steps.npy", layout: "NTF" }, dl4j());
    expect(await errorOf(() => wrong)).toBe(
      "data-shape: nft.npy is 2 × 3 × 4; as [samples, time, features], which the layout NTF says, it does not fit sequences of 3 features. As [samples, features, time] it does: say the layout NFT.",
    );
  });

  it("samples and labels have one order", async () => {
    const mixed = bind({ inputs: "ntf.npy", labels: "hot_last.npy" }, dl4j());
    expect(await errorOf(() => mixed)).toMatch(/^data-shape: ntf\.npy fits as .* only, hot_last/);
    const both = await bind({ inputs: "nft.npy", labels: "hot_last.npy" }, dl4j());
    expect([...both.labels]).toEqual([0, 1, 1, 0, 1, 0, 0, 1]);
  });

  it("what fits in neither is told as any array that does not fit", async () => {
    await save("other.npy", floats([2, 4, 5]));
    expect(await errorOf(() => bind({ inputs: "other.npy", labels: "steps.npy" }, dl4j()))).toMatch(
      /^data-shape: other\.npy has samples of shape 4 × 5 .* takes shape any × 3/,
    );
  });

  it("one number a step needs no axis of its own", async () => {
    await save("series.npy", floats([2, 4], counting(8)));
    const network = { ...dl4j(), inputs: [{ ...X, shape: [-1, -1, 1] }] };
    const found = await bind({ inputs: "series.npy", labels: "steps.npy" }, network);
    expect(found.inputs.get("x")!.shape).toEqual([2, 4, 1]);
  });
});

describe("labels of steps", () => {
  it.each([
    ["indices", "steps.npy", {}],
    ["one-hot rows", "hot.npy", {}],
  ])("%s", async (_, labels, more) => {
    const found = await bind({ inputs: "ntf.npy", labels, ...more }, dl4j());
    expect([...found.labels]).toEqual([0, 1, 1, 0, 1, 0, 0, 1]);
    expect(found).toMatchObject({ labelsPerSample: 4 });
    expect(found.labelsMask).toBeUndefined();
  });

  it("padding has none, whatever stands there", async () => {
    await save("padded.npy", longs([0, 1, 9, 9, 1, 0, 0, 1], [2, 4]));
    const data = { inputs: "ntf.npy", labels: "padded.npy" };
    const masked = await bind({ ...data, mask: "mask.npy" }, dl4j());
    expect([...masked.labels]).toEqual([0, 1, 0, 0, 1, 0, 0, 1]);
    expect([...masked.labelsMask!]).toEqual([1, 1, 0, 0, 1, 1, 1, 1]);
    expect(await errorOf(() => bind(data, dl4j()))).toMatch(/^label-out-of-range: padded\.npy/);
  });

  it("a label outside the classes is told by its sequence and step", async () => {
    await save("wrong.npy", longs([0, 1, 1, 0, 1, 0, 7, 1], [2, 4]));
    const data = { inputs: "ntf.npy", labels: "wrong.npy", classes: ["0", "1"] };
    expect(await errorOf(() => bind(data, dl4j()))).toMatch(
      /has the label "7" in sequence 1, step 2 \(both counted from 0\)/,
    );
  });

  it("one of a sequence is that of its last step, which alone counts", async () => {
    const data = { inputs: "ntf.npy", labels: "last.npy", lengths: "lengths.npy" };
    const found = await bind(data, dl4j());
    expect([...found.labels]).toEqual([0, 0, 0, 0, 0, 0, 0, 1]);
    expect([...found.labelsMask!]).toEqual([0, 1, 0, 0, 0, 0, 0, 1]);
    const unmasked = { ...dl4j(), inputs: [X, MASK] };
    expect(await errorOf(() => bind(data, unmasked))).toMatch(
      /^data-shape: last\.npy has one label for each sequence; the network gives an output for each of 4 steps/,
    );
  });

  it("numbers have the layout of the samples, too", async () => {
    const rows = counting(16).map((value) => value / 2);
    await save("numbers.npy", swapTimeAndFeatures(doubles(rows, [2, 4, 2])));
    const network: Network = {
      ...dl4j(),
      target: { kind: "values", shape: [-1, -1, 2], steps: -1 },
    };
    const found = await bind({ inputs: "nft.npy", labels: "numbers.npy" }, network);
    expect([...found.labels]).toEqual(rows);
  });

  it("those that count can be said", async () => {
    const data = { inputs: "ntf.npy", labels: "steps.npy", labelsMask: "gap.npy" };
    const found = await bind(data, dl4j());
    expect([...found.labelsMask!]).toEqual([1, 0, 1, 0, 1, 1, 1, 1]);
    expect(found.mask).toBeUndefined();
    const last = bind({ ...data, labels: "last.npy" }, tf1);
    expect(await errorOf(() => last)).toMatch(/^data-shape: .*"labelsMask" says nothing/);
  });

  it("a loss may weigh them: what has any weight counts", async () => {
    const weights = [0.5, 2, 0, 256, 1, 0, 0.25, 1];
    await save("weights.npy", floats([2, 4], weights));
    const inputs = { x: "ntf.npy", labelsMask: "weights.npy" };
    const found = await bind({ inputs, labels: "steps.npy" }, dl4j());
    expect([...found.labelsMask!]).toEqual([1, 1, 0, 1, 1, 0, 1, 1]);
    expect([...found.inputs.get("labelsMask")!.data]).toEqual(weights);
    expect([...found.labels]).toEqual([0, 1, 0, 0, 1, 0, 0, 1]);
  });

  it("one-hot rows of sequences with as many steps as classes are never taken for labels of steps", async () => {
    await save("rows.npy", longs([0, 1, 0, 0, 0, 0, 0, 1], [2, 4]));
    await save("column.npy", longs([0, 1, 0, 0, 0, 0, 0, 1], [2, 4, 1]));
    const data = { inputs: "ntf.npy", labels: "rows.npy" };
    expect(await errorOf(() => bind(data, dl4j(4)))).toBe(
      "data-ambiguous: rows.npy is 2 × 4 int64: a one-hot row for each sequence, or a class for each of 4 steps. Give classes by number: 2 for one per sequence, 2 × 4 × 1 for one per step.",
    );
    const column = await bind({ ...data, labels: "column.npy" }, dl4j(4));
    expect([...column.labels]).toEqual([0, 1, 0, 0, 0, 0, 0, 1]);
    const steps = await bind({ ...data, labels: "steps.npy" }, dl4j(4));
    expect([...steps.labels]).toEqual([0, 1, 1, 0, 1, 0, 0, 1]);
  });

  it("of another number of steps do not fit", async () => {
    await save("five.npy", longs(Array<number>(10).fill(0), [2, 5]));
    expect(await errorOf(() => bind({ inputs: "ntf.npy", labels: "five.npy" }, dl4j()))).toBe(
      "data-shape: five.npy is 2 × 5 int64; the network gives 2 numbers for each of 4 steps. Expected a label per step, 2 × 4 (or rows of 2), or one per sequence, 2.",
    );
  });
});

describe("the steps that are there", () => {
  const data = { inputs: "ntf.npy", labels: "last.npy" };

  it.each([
    ["lengths", { lengths: "lengths.npy" }],
    ["a mask", { mask: "mask.npy" }],
    ["lengths of the graph's own input", { inputs: { x: "ntf.npy", n: "lengths.npy" } }],
  ])("are told by %s", async (_, more) => {
    const found = await bind({ ...data, ...more }, tf1);
    expect(found.inputs.get("n")).toEqual({ shape: [2], data: Int32Array.of(2, 4) });
    expect([...found.mask!]).toEqual([1, 1, 0, 0, 1, 1, 1, 1]);
  });

  it.each([
    ["lengths", { lengths: "lengths.npy" }],
    ["a mask", { mask: "mask.npy" }],
  ])("become a mask, from %s", async (_, more) => {
    const found = await bind({ ...data, ...more }, dl4j());
    const mask = Float32Array.of(1, 1, 0, 0, 1, 1, 1, 1);
    expect(found.inputs.get("mask")).toEqual({ shape: [2, 4], data: mask });
  });

  it("are all of them where nothing is said, and the graph is told so", async () => {
    const found = await bind(data, tf1);
    expect([...found.inputs.get("n")!.data]).toEqual([4, 4]);
    expect(found.bound[1]).toBe("n: all 4 steps of each sequence are there");
  });

  it("fill a fixed number of steps", async () => {
    const network = { ...tf1, inputs: [{ ...X, shape: [-1, 6, 3] }, LENGTHS] };
    const found = await bind({ ...data, lengths: "lengths.npy" }, network);
    const { shape, data: values } = found.inputs.get("x")!;
    expect(shape).toEqual([2, 6, 3]);
    expect([...values.slice(0, 18)]).toEqual([...counting(12), 0, 0, 0, 0, 0, 0]);
    expect([...found.inputs.get("n")!.data]).toEqual([2, 4]);
    expect(await errorOf(() => bind(data, network))).toMatch(/^data-shape: ntf\.npy has samples/);
  });

  it.each<[string, object, Network, RegExp]>([
    [
      "a mask with gaps for lengths",
      { ...data, mask: "gap.npy" },
      tf1,
      /^data-format: Sequence 0 .* padding before or between its steps, and n takes lengths/,
    ],
    [
      "padding that the network cannot see",
      { ...data, lengths: "lengths.npy" },
      { ...tf1, inputs: [X] },
      /^data-shape: The sequences have different lengths, and the network takes neither/,
    ],
    [
      "lengths of a network without sequences",
      { ...data, inputs: "last.npy", lengths: "lengths.npy" },
      { ...tf1, inputs: [{ name: "x", shape: [-1, 1], dtype: "float32" }] },
      /^data-shape: The network takes no sequences, so "lengths" says nothing/,
    ],
    [
      "a mask of other numbers",
      { ...data, mask: "steps3.npy" },
      dl4j(),
      /^data-format: steps3\.npy has 3 for sequence 0, step 1 \(counted from 0\)/,
    ],
    [
      "a length beyond the steps",
      { ...data, lengths: "long.npy" },
      tf1,
      /^data-format: long\.npy has 5 for sequence 1 .* from 1 to 4/,
    ],
    [
      "lengths of other samples",
      { ...data, lengths: "three.npy" },
      tf1,
      /^data-shape: three\.npy is 3 int64; expected numbers, 2\./,
    ],
  ])("refuses %s", async (_, given, network, expected) => {
    await save("steps3.npy", longs([1, 3, 1, 1, 1, 1, 1, 1], [2, 4]));
    await save("long.npy", longs([2, 5]));
    await save("three.npy", longs([2, 2, 2]));
    expect(await errorOf(() => bind(given, network))).toMatch(expected);
  });
});

describe("sequences by themselves", () => {
  // Steps of sequence s: [10·s + t, t, 2·t]; sequence 0 has 2 steps, 1 has 3, 2 has 1.
  const lengths = [2, 3, 1];
  const row = (s: number, t: number): number[] => [10 * s + t, t, 2 * t];
  const label = (s: number, t: number): string => ["walk", "run"][(s + t) % 2]!;
  const steps = (s: number) => counting(lengths[s]!);
  // 2.csv comes before 10.csv.
  const names = ["1", "2", "10"];
  names.forEach((name, s) => {
    csv(
      `features/${name}.csv`,
      steps(s).map((t) => row(s, t).join(",")),
    );
    csv(
      `labels/${name}.csv`,
      steps(s).map((t) => label(s, t)),
    );
    csv(`one/${name}.csv`, [String(s % 2)]);
    csv(`both/${name}.csv`, [
      "a,b,c,kind",
      ...steps(s).map((t) => [...row(s, t), label(s, t)].join(",")),
    ]);
  });
  // Interleaved: rows of a sequence need not lie together.
  csv("all.csv", [
    "who,a,b,c,kind,whole",
    ...[0, 1, 2].flatMap((t) =>
      [0, 1, 2].flatMap((s) =>
        t < lengths[s]! ? [[`s${s}`, ...row(s, t), label(s, t), s % 2].join(",")] : [],
      ),
    ),
  ]);
  const padded = [0, 1, 2].flatMap((s) =>
    counting(3).flatMap((t) => (t < lengths[s]! ? row(s, t) : [0, 0, 0])),
  );
  const there = [1, 1, 0, 1, 1, 1, 1, 0, 0];
  const indices = [0, 1, 0, 1, 0, 1, 0, 0, 0];
  const classes = ["walk", "run"];

  const npz = (turned: boolean) =>
    zipFile(
      [
        ...lengths.map((length, s) => {
          const flat = floats(
            [1, length, 3],
            steps(s).flatMap((t) => row(s, t)),
          );
          const one = turned ? swapTimeAndFeatures(flat) : flat;
          return { name: `x_${names[s]}`, array: { ...one, shape: one.shape.slice(1) } };
        }),
        ...lengths.map((_, s) => ({
          name: `y_${names[s]}`,
          array: texts(steps(s).map((t) => label(s, t))),
        })),
      ].map(({ name, array }) => ({
        name: `${name}.npy`,
        content: Buffer.concat(encodeNpy(array)),
      })),
    );
  folder.write("sequences.npz", npz(false));
  folder.write("turned.npz", npz(true));

  it.each<[string, object]>([
    ["a folder for samples and one for labels", { inputs: "features", labels: "labels" }],
    [
      "a list of files",
      {
        inputs: { file: names.map((name) => `features/${name}.csv`) },
        labels: { file: names.map((name) => `labels/${name}.csv`) },
      },
    ],
    [
      "a folder with a column of labels",
      { inputs: "both", labels: { file: "both", columns: "kind" } },
    ],
    [
      "one file with a column for the sequence",
      {
        inputs: { file: "all.csv", sequence: "who", columns: ["a", "b", "c"] },
        labels: { file: "all.csv", sequence: "who", columns: "kind" },
      },
    ],
    [
      "an array each",
      {
        inputs: { file: "sequences.npz", array: "x_*" },
        labels: { file: "sequences.npz", array: "y_*" },
      },
    ],
    [
      "an array each, with time last",
      {
        inputs: { file: "turned.npz", array: "x_*" },
        labels: { file: "turned.npz", array: "y_*" },
      },
    ],
  ])("%s", async (_, data) => {
    const found = await bind({ ...data, classes }, dl4j());
    expect(found.inputs.get("x")!.shape).toEqual([3, 3, 3]);
    expect([...found.inputs.get("x")!.data]).toEqual(padded);
    expect([...found.inputs.get("mask")!.data]).toEqual(there);
    expect([...found.labels]).toEqual(indices);
    expect([...found.labelsMask!]).toEqual(there);
  });

  it("a row of the other columns is a step, and the sequence's own column no feature", async () => {
    const labels = { file: "all.csv", sequence: "who", columns: ["kind", "whole"] };
    const { array, lengths: own } = await loadSource(
      { file: "all.csv", sequence: "who" },
      folder.path,
      { except: labels.columns },
    );
    expect(array.shape).toEqual([3, 3, 3]);
    expect([...own!]).toEqual(lengths);
  });

  it.each<[string, unknown]>([
    ["files of one row", "one"],
    ["the same in every row", { file: "all.csv", sequence: "who", columns: "whole" }],
  ])("one label for each: %s", async (_, labels) => {
    const last = await bind({ inputs: "features", labels }, tf1);
    expect([...last.labels]).toEqual([0, 1, 0]);
    expect([...last.inputs.get("n")!.data]).toEqual(lengths);
  });

  it("files of one row label the last step of a network that labels steps", async () => {
    const found = await bind({ inputs: "features", labels: "one" }, dl4j());
    expect([...found.labelsMask!]).toEqual([0, 1, 0, 0, 0, 1, 1, 0, 0]);
    expect([...found.labels]).toEqual([0, 0, 0, 0, 0, 1, 0, 0, 0]);
  });

  it.each<[string, object, Network, RegExp]>([
    [
      "labels of other lengths",
      { inputs: "features", labels: "short", classes },
      dl4j(),
      /^data-shape: Sequence 1 .* has 3 steps in features \(3 sequences\), and 2 in short/,
    ],
    [
      "different labels where the network gives one output",
      { inputs: "features", labels: "labels", classes },
      tf1,
      /^data-shape: labels has different labels in the steps of sequence 0/,
    ],
    [
      "lengths said twice",
      { inputs: "features", labels: "one", lengths: "lengths3.npy" },
      tf1,
      /^data-shape: features \(3 sequences\) has sequences with lengths of their own; "lengths"/,
    ],
    [
      "files of other columns",
      { inputs: "uneven", labels: "one" },
      tf1,
      /^data-shape: 2\.csv has 2 columns, 1\.csv 3; /,
    ],
    [
      "a folder of something else",
      { inputs: "empty", labels: "one" },
      tf1,
      /^data-missing: .*empty is a folder without CSV files/,
    ],
    [
      "a pattern that nothing matches",
      { inputs: { file: "sequences.npz", array: "z_*" }, labels: "one" },
      tf1,
      /^data-missing: sequences\.npz has no array that matches "z_\*"/,
    ],
    [
      "a column of sequences in an array",
      { inputs: { file: "ntf.npy", sequence: "who" }, labels: "last.npy" },
      tf1,
      /^data-format: ntf\.npy is a \.npy file, which has no "sequence"/,
    ],
    [
      "an array in a folder",
      { inputs: { file: "features", array: "x" }, labels: "one" },
      tf1,
      /^data-format: features is a folder, which has no "array"/,
    ],
  ])("refuses %s", async (_, data, network, expected) => {
    names.forEach((name, s) =>
      csv(
        `short/${name}.csv`,
        steps(Math.min(s, 0)).map(() => "walk"),
      ),
    );
    csv("uneven/1.csv", ["1,2,3", "4,5,6"]);
    csv("uneven/2.csv", ["1,2", "4,5", "6,7"]);
    csv("uneven/3.csv", ["1,2,3"]);
    mkdirSync(join(folder.path, "empty"), { recursive: true });
    await save("lengths3.npy", longs(lengths));
    expect(await errorOf(() => bind(data, network))).toMatch(expected);
  });
});

describe("the checkpoint's normalizer", () => {
  const network = (
    normalizer: NonNullable<Network["normalizer"]>,
    shape: readonly number[],
    sequence = false,
  ): Network => ({
    inputs: [{ name: "x", shape, dtype: "float32", ...(sequence && { sequence }) }, MASK],
    target: { kind: "classes", classes: 2 },
    normalizer,
  });
  const standard = { kind: "standardize", mean: [1, 10, 100], std: [2, 5, 8] } as const;

  it.each<[string, readonly number[], readonly number[], (at: number) => number]>([
    ["rows", [2, 3], [-1, 3], (at) => at % 3],
    ["steps", [2, 4, 3], [-1, -1, 3], (at) => at % 3],
    ["images, channels first", [2, 3, 2, 2], [-1, 3, 2, 2], (at) => Math.floor(at / 4) % 3],
  ])("standardizes %s", async (_, shape, takes, feature) => {
    const size = shape.reduce((a, b) => a * b);
    await save("raw.npy", floats(shape, counting(size)));
    const data = { inputs: "raw.npy", labels: "last.npy" };
    const found = await bind(data, network(standard, takes, shape.length === 3));
    const { mean, std } = standard;
    const expected = counting(size).map((value) => {
      const own = feature(value);
      return Math.fround((value - mean[own]!) / std[own]!);
    });
    const values = [...found.inputs.get("x")!.data];
    values.forEach((value, at) => expect(value).toBeCloseTo(expected[at]!, 5));
    expect(found.bound[1]).toBe("x: standardized by the checkpoint's normalizer");
    const raw = await bind({ ...data, normalize: false }, network(standard, takes));
    expect([...raw.inputs.get("x")!.data]).toEqual(counting(size));
  });

  it("scales all by one range, and leaves padding at zero", async () => {
    const scale = { kind: "minMax", min: [0], max: [255], from: -1, to: 1 } as const;
    const data = { inputs: "ntf.npy", labels: "last.npy", lengths: "lengths.npy" };
    const found = await bind(data, network(scale, [-1, -1, 3], true));
    const values = [...found.inputs.get("x")!.data];
    values.forEach((value, at) =>
      expect(value).toBeCloseTo(at >= 6 && at < 12 ? 0 : (at / 255) * 2 - 1, 5),
    );
  });

  it("is refused where it is not one that can be applied", async () => {
    const custom = { kind: "unknown", reason: "it is a Java object." } as const;
    const data = { inputs: "ntf.npy", labels: "last.npy" };
    expect(await errorOf(() => bind(data, network(custom, [-1, -1, 3], true)))).toMatch(
      /^data-format: .* cannot apply: it is a Java object\. Normalize .*"normalize": false, or --no-normalize/,
    );
    await bind({ ...data, normalize: false }, network(custom, [-1, -1, 3], true));
  });

  it("is refused where the features are others", async () => {
    await save("four.npy", floats([2, 4]));
    const wrong = bind({ inputs: "four.npy", labels: "last.npy" }, network(standard, [-1, 4]));
    expect(await errorOf(() => wrong)).toBe(
      'data-shape: The checkpoint\'s normalizer is for 3 features; input x has samples of 4. Bind other data, or write "normalize": false, or --no-normalize on the command line.',
    );
  });
});
