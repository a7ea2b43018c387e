import { mkdirSync, readdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import type { DataArray } from "../../../src/engine/data/array";
import { bindData } from "../../../src/engine/data/bind";
import type { ModelInput } from "../../../src/engine/graph/inputs";
import { nameHints } from "../../../src/engine/data/names";
import { writeNpy } from "../../../src/engine/data/npy";
import { type ProposedOutput, proposeData } from "../../../src/engine/data/propose";
import { DataSchema } from "../../../src/engine/data/schema";
import { doubles, fixture, floats, longs, temporaryFolder, texts } from "./helpers";

const X = { name: "X", shape: [-1, 4], dtype: "float32" } as const;
const root = temporaryFolder();
let folders = 0;

/** The candidates in a folder with these files. */
async function propose(
  files: Readonly<Record<string, DataArray | string | Buffer>>,
  inputs: readonly ModelInput[] = [X],
  output: number | ProposedOutput | undefined = 10,
) {
  const folder = join(root.path, String(folders++));
  for (const [name, content] of Object.entries(files)) {
    const path = join(folder, name);
    mkdirSync(join(path, ".."), { recursive: true });
    if (typeof content === "string" || Buffer.isBuffer(content)) writeFileSync(path, content);
    else await writeNpy(path, content);
  }
  const paths = readdirSync(folder, { recursive: true, encoding: "utf8" })
    .map((name) => join(folder, name))
    .reverse();
  const given = typeof output === "object" ? output : { classes: output };
  const candidates = await proposeData(paths, inputs, folder, given);
  // Whatever is proposed must be what the recipe accepts.
  for (const { data } of candidates) DataSchema.parse(data);
  return { candidates, folder };
}

/** "X.npy + y.npy", the shortest way to say what a candidate binds. */
const summary = (data: Readonly<Record<string, unknown>>): string => {
  const source = (value: unknown): string => {
    if (typeof value === "string") return value;
    const { file, array, columns } = value as { file: string; array?: string; columns?: unknown };
    return `${file}[${array ?? String(columns)}]`;
  };
  const inputs = Object.values(data["inputs"] as Record<string, unknown>).map(source);
  return `${inputs.join(" & ")} + ${source(data["labels"])}`;
};

const y3 = longs([5, 7, 5]);
const npz = readFileSync(fixture("deflated.npz"));
const iris = "sepal,petal,width,height,species\n1,2,3,4,setosa\n2,3,4,5,virginica\n";
const pixels = "id,pixel_0,pixel_1,pixel_2,pixel_3,label\n1,0,0,1,1,9\n2,1,0,1,0,7\n";

describe("what is proposed, best first", () => {
  const cases: readonly (readonly [
    string,
    Parameters<typeof propose>[0],
    readonly ModelInput[],
    number | undefined,
    readonly string[],
  ])[] = [
    [
      "a pair",
      { "digits-X.npy": floats([3, 4]), "digits-y.npy": y3 },
      [X],
      10,
      ["digits-X.npy + digits-y.npy"],
    ],
    [
      "train before test, never mixed first",
      {
        "X_train.npy": floats([3, 4]),
        "y_train.npy": y3,
        "X_val.npy": floats([3, 4]),
        "y_val.npy": y3,
      },
      [X],
      10,
      [
        "X_train.npy + y_train.npy",
        "X_val.npy + y_val.npy",
        "X_train.npy + y_val.npy",
        "X_val.npy + y_train.npy",
      ],
    ],
    [
      "the same stem first",
      { "b-X.npy": floats([3, 4]), "a-y.npy": y3, "b-y.npy": y3 },
      [X],
      10,
      ["b-X.npy + b-y.npy", "b-X.npy + a-y.npy"],
    ],
    [
      "the exact shape first",
      { "images.npy": floats([3, 2, 2]), "features.npy": floats([3, 4]), "labels.npy": y3 },
      [X],
      10,
      ["features.npy + labels.npy", "images.npy + labels.npy"],
    ],
    [
      "text labels",
      { "data.npy": floats([3, 4]), "names.npy": texts(["b", "a", "b"]) },
      [X],
      10,
      ["data.npy + names.npy"],
    ],
    [
      "text labels in a table of one column, for arrays of as many rows",
      {
        "flowers.npy": floats([3, 4]),
        "flowers_labels.csv": "label\nrose\ntulip\nrose\n",
        "flowers_test.npy": floats([2, 4]),
        "flowers_test_labels.csv": "label\nrose\ntulip\n",
      },
      [X],
      2,
      ["flowers.npy + flowers_labels.csv", "flowers_test.npy + flowers_test_labels.csv"],
    ],
    [
      "one-hot labels",
      { "X.npy": floats([3, 4]), "y.npy": floats([3, 2], [1, 0, 0, 1, 1, 0]) },
      [X],
      2,
      ["X.npy + y.npy"],
    ],
    [
      "labels before row numbers",
      { "X.npy": floats([3, 4]), "index.npy": longs([0, 1, 2]), "kind.npy": y3 },
      [X],
      10,
      ["X.npy + kind.npy", "X.npy + index.npy"],
    ],
    [
      "labels with as many classes as units first",
      { "X.npy": floats([3, 4]), "b.npy": longs([0, 0, 0]), "c.npy": y3 },
      [X],
      2,
      ["X.npy + c.npy", "X.npy + b.npy"],
    ],
    [
      "numbers for one unit",
      { "X.npy": floats([3, 4]), "y.npy": doubles([0.5, 1, 2]) },
      [X],
      1,
      ["X.npy + y.npy"],
    ],
    [
      "arrays of an .npz",
      { "d.npz": npz },
      [{ ...X, shape: [-1, 64] }],
      10,
      ["d.npz[X] + d.npz[y]"],
    ],
    ["a CSV with a species", { "iris.csv": iris }, [X], 10, ["iris.csv + iris.csv[species]"]],
    [
      "a CSV without names: its last column",
      { "t.csv": "1,2,3,4,0\n2,3,4,5,1\n" },
      [X],
      10,
      ["t.csv + t.csv[5]"],
    ],
    [
      "columns of a CSV by their prefix",
      { "t.csv": pixels },
      [X],
      10,
      ["t.csv[pixel_*] + t.csv[label]"],
    ],
    [
      "columns of a CSV but row numbers",
      { "t.csv": pixels.replace(/pixel_(\d)/g, "p$1x") },
      [X],
      10,
      ["t.csv[p0x,p1x,p2x,p3x] + t.csv[label]"],
    ],
    [
      "a pair in a folder below",
      { "data/X.npy": floats([3, 4]), "data/y.npy": y3 },
      [X],
      10,
      ["data/X.npy + data/y.npy"],
    ],
    [
      "two inputs by their names",
      { "left.npy": floats([3, 4]), "right.npy": floats([3, 4]), "y.npy": y3 },
      [
        { ...X, name: "right" },
        { ...X, name: "left" },
      ],
      10,
      ["right.npy & left.npy + y.npy"],
    ],
    ["nothing: other rows", { "X.npy": floats([4, 4]), "y.npy": y3 }, [X], 10, []],
    ["nothing: another size", { "X.npy": floats([3, 5]), "y.npy": y3 }, [X], 10, []],
    [
      "nothing: fractions are no classes",
      { "X.npy": floats([3, 4]), "y.npy": doubles([0.5, 1, 2]) },
      [X],
      3,
      [],
    ],
    ["nothing: not one-hot", { "X.npy": floats([3, 4]), "X2.npy": floats([3, 4]) }, [X], 10, []],
    ["nothing: in different folders", { "a/X.npy": floats([3, 4]), "b/y.npy": y3 }, [X], 10, []],
    ["nothing: no rows", { "X.npy": floats([0, 4]), "y.npy": longs([]) }, [X], 10, []],
    [
      "nothing: more than 1000 labels",
      { "X.npy": floats([1001, 4]), "y.npy": longs([...Array(1001).keys()]) },
      [X],
      10,
      [],
    ],
    [
      "nothing: a CSV with text between",
      { "t.csv": iris.replace(",3,4,set", ",?,4,set") },
      [X],
      10,
      [],
    ],
    [
      "nothing: damaged files",
      { "X.npy": "oops", "y.npy": "", "z.npz": "PK\x03\x04", "t.csv": "\0" },
      [X],
      10,
      [],
    ],
    ["nothing: a graph without inputs", { "X.npy": floats([3, 4]), "y.npy": y3 }, [], 10, []],
  ];
  it.each(cases)("%s", async (_, files, inputs, outputClasses, expected) => {
    const { candidates } = await propose(files, inputs, outputClasses);
    expect(candidates.map(({ data }) => summary(data))).toEqual(expected);
  });
});

it("says what it found and what to write", async () => {
  const { candidates } = await propose(
    { "digits-5-9-X.npy": floats([3, 4]), "digits-5-9-y.npy": longs([10, 9, 10]) },
    [X],
    10,
  );
  expect(candidates).toEqual([
    {
      data: {
        inputs: { X: "digits-5-9-X.npy" },
        labels: "digits-5-9-y.npy",
        classes: ["9", "10"],
        validation: 0.2,
      },
      label: "digits-5-9-X.npy, 3 × 4 float32 → X",
      detail: "labels digits-5-9-y.npy, 3 int64 · 2 classes: 9, 10 · the output has 10 units",
      classes: ["9", "10"],
    },
  ]);
});

describe("what is proposed can be bound", () => {
  const cases: readonly (readonly [string, Parameters<typeof propose>[0], number])[] = [
    ["npy", { "X.npy": floats([3, 4]), "y.npy": y3 }, 4],
    ["csv", { "iris.csv": iris }, 4],
    ["csv by prefix", { "t.csv": pixels }, 4],
    ["npz", { "d.npz": npz }, 64],
  ];
  it.each(cases)("%s", async (_, files, size) => {
    const inputs = [{ ...X, shape: [-1, size] }];
    const { candidates, folder } = await propose(files, inputs);
    const { data, classes } = candidates[0]!;
    const target = { kind: "classes", classes: classes.length } as const;
    const bound = await bindData(DataSchema.parse(data), folder, { inputs, target });
    expect(bound.classes).toEqual(classes);
  });
});

describe("sequences are proposed", () => {
  const S: ModelInput = { name: "X", shape: [-1, -1, 3], dtype: "float32", sequence: true };
  const MASK: ModelInput = { name: "mask", shape: [-1, -1], dtype: "float32", part: "mask" };
  const steps = longs([0, 1, 1, 0, 1, 0, 0, 1], [2, 4]);
  const walks = {
    "x/1.csv": "1,2,3\n4,5,6\n",
    "x/2.csv": "7,8,9\n",
    "y/1.csv": "walk\nrun\n",
    "y/2.csv": "run\n",
  };
  it.each<
    [string, Parameters<typeof propose>[0], string, readonly string[], boolean, number | undefined]
  >([
    ["time first", { "X.npy": floats([2, 4, 3]), "y.npy": steps }, "X + y", ["0", "1"], false, 4],
    ["time last", { "X.npy": floats([2, 3, 4]), "y.npy": steps }, "X + y", ["0", "1"], false, 4],
    [
      "in both ways",
      { "X.npy": floats([2, 3, 3]), "y.npy": longs([1, 0, 1, 0, 0, 1], [2, 3]) },
      "X + y",
      ["0", "1"],
      true,
      undefined,
    ],
    [
      "with one-hot labels",
      {
        "X.npy": floats([2, 3, 4]),
        "y.npy": floats([2, 2, 4], [1, 1, 1, 1, 0, 0, 0, 0, 0, 0, 0, 0, 1, 1, 1, 1]),
      },
      "X + y",
      ["0", "1"],
      false,
      4,
    ],
    ["in folders of CSV files", walks, "x + y", ["run", "walk"], false, 2],
  ])("%s", async (_, files, expected, classes, ambiguous, bound) => {
    const { candidates, folder } = await propose(files, [S, MASK], { classes: 2, perStep: true });
    const [first] = candidates;
    expect(summary(first!.data).replaceAll(".npy", "")).toBe(expected);
    expect(first!.classes).toEqual(classes);
    expect(first!.ambiguousLayout === true).toBe(ambiguous);
    if (bound === undefined) return;
    const found = await bindData(DataSchema.parse(first!.data), folder, {
      inputs: [S, MASK],
      target: { kind: "classes", classes: 2, steps: -1 },
    });
    expect(found).toMatchObject({ steps: bound, labelsPerSample: bound });
  });

  const rows = { "X.npy": floats([2, 4, 3]), "y.npy": steps };
  const mask = floats([2, 4], [1, 1, 1, 0, 1, 1, 0, 0]);
  const lengths = longs([3, 2], [2]);
  const told = [S, MASK];
  it.each<[string, Parameters<typeof propose>[0], readonly ModelInput[], object, string]>([
    ["a mask", { ...rows, "mask.npy": mask }, told, { mask: "mask.npy" }, " · mask mask.npy"],
    [
      "lengths",
      { ...rows, "lengths.npy": lengths },
      told,
      { lengths: "lengths.npy" },
      " · lengths lengths.npy",
    ],
    [
      "a mask before lengths",
      { ...rows, "lengths.npy": lengths, "mask.npy": mask },
      told,
      { mask: "mask.npy" },
      " · mask mask.npy",
    ],
    [
      "a mask of labels",
      { ...rows, "labels_mask.npy": mask },
      told,
      { labelsMask: "labels_mask.npy" },
      " · labels mask labels_mask.npy",
    ],
    [
      "of its own split",
      { "X_train.npy": floats([2, 4, 3]), "y_train.npy": steps, "mask_test.npy": mask },
      told,
      {},
      "",
    ],
    ["where the network can be told", { ...rows, "mask.npy": mask }, [S], {}, ""],
    ["of as many samples", { ...rows, "mask.npy": floats([3, 4]) }, told, {}, ""],
  ])("with what tells of steps: %s", async (_, files, inputs, expected, text) => {
    const { candidates } = await propose(files, inputs, { classes: 2, perStep: true });
    // Nothing that tells of steps is proposed as labels.
    expect(candidates).toHaveLength(1);
    const [{ data, detail }] = candidates;
    const { mask: m, lengths: l, labelsMask } = data as DataOfSteps;
    expect({
      ...(m && { mask: m }),
      ...(l && { lengths: l }),
      ...(labelsMask && { labelsMask }),
    }).toEqual(expected);
    expect(detail).toMatch(new RegExp(`2 classes: 0, 1${text}$`));
  });
});

interface DataOfSteps {
  readonly mask?: string;
  readonly lengths?: string;
  readonly labelsMask?: string;
}

it("hidden files in a folder are no sequences, and keep nothing from being proposed", async () => {
  const files = {
    "X.npy": floats([3, 2, 4]),
    "y.npy": longs([0, 1, 0]),
    "old/.~1.csv": "1,2\n3,4\n",
  };
  const S: ModelInput = { name: "x", shape: [-1, -1, 4], dtype: "float32", sequence: true };
  const { candidates } = await propose(files, [S], 2);
  expect(candidates.map(({ data }) => summary(data))).toEqual(["X.npy + y.npy"]);
});

it("what is proposed for a regression can be bound", async () => {
  const files = { "X.npy": floats([3, 4]), "y.npy": longs([7, 300, 12]) };
  const { candidates, folder } = await propose(files, [X], 1);
  const target = { kind: "values", shape: [-1, 1] } as const;
  const bound = await bindData(DataSchema.parse(candidates[0]!.data), folder, {
    inputs: [X],
    target,
  });
  expect([...bound.labels]).toEqual([7, 300, 12]);
});

describe("what names say", () => {
  const cases: readonly (readonly [string, string])[] = [
    ["X_train", "samples train, train"],
    ["yTrain", "labels train, train"],
    ["xtest", "samples test, test"],
    ["digits-5-9-y", "labels -, digits 5 9"],
    ["train-labels", "labels train, train"],
    ["data_labels", "labels -, "],
    ["validation images", "samples test, validation"],
    ["extra", "- -, extra"],
    ["yellow", "- -, yellow"],
  ];
  it.each(cases)("%s", (name, expected) => {
    const { samples, labels, split, stem } = nameHints(name);
    const part = samples ? "samples" : labels ? "labels" : "-";
    expect(`${part} ${split ?? "-"}, ${stem}`).toBe(expected);
  });
});
