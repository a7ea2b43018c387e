import { join } from "node:path";
import { describe, expect, it } from "vitest";
import type { DataArray } from "../../../src/engine/data/array";
import { bindData } from "../../../src/engine/data/bind";
import type { LabelTarget } from "../../../src/engine/graph/target";
import { convertInput } from "../../../src/engine/data/inputs";
import type { ModelInput } from "../../../src/engine/graph/inputs";
import { writeNpy } from "../../../src/engine/data/npy";
import type { Data } from "../../../src/engine/data/schema";
import { doubles, errorOf, floats, longs, temporaryFolder, texts } from "./helpers";

const input = (shape: readonly number[], dtype: ModelInput["dtype"] = "float32"): ModelInput => ({
  name: "X",
  shape,
  dtype,
});

const bytes = (values: readonly number[], shape: readonly number[]): DataArray => ({
  shape,
  dtype: "uint8",
  data: Uint8Array.from(values),
});

describe("an array for an input", () => {
  const good: readonly (readonly [string, DataArray, ModelInput, readonly number[], string])[] = [
    ["as it is", floats([2, 3]), input([-1, 3]), [2, 3], "2 × 3 float32"],
    [
      "flattened",
      floats([2, 8, 8]),
      input([-1, 64]),
      [2, 64],
      "2 × 8 × 8 float32 → 2 × 64 float32",
    ],
    [
      "channels flattened",
      floats([2, 4, 4, 3]),
      input([-1, 48]),
      [2, 48],
      "2 × 4 × 4 × 3 float32 → 2 × 48 float32",
    ],
    [
      "given its image shape",
      floats([2, 64]),
      input([-1, 8, 8, 1]),
      [2, 8, 8, 1],
      "2 × 64 float32 → 2 × 8 × 8 × 1 float32",
    ],
    [
      "given a channel axis",
      floats([2, 8, 8]),
      input([-1, 8, 8, 1]),
      [2, 8, 8, 1],
      "2 × 8 × 8 float32 → 2 × 8 × 8 × 1 float32",
    ],
    ["one number a sample", floats([2]), input([-1, 1]), [2, 1], "2 float32 → 2 × 1 float32"],
    [
      "for a size that the graph leaves open",
      floats([2, 5, 3]),
      input([-1, -1, 3]),
      [2, 5, 3],
      "2 × 5 × 3 float32",
    ],
    ["for a fixed batch size", floats([2, 3]), input([50, 3]), [2, 3], "2 × 3 float32"],
    [
      "from float64",
      doubles([1, 2], [2, 1]),
      input([-1, 1]),
      [2, 1],
      "2 × 1 float64 → 2 × 1 float32",
    ],
    ["from uint8", bytes([0, 255], [2, 1]), input([-1, 1]), [2, 1], "2 × 1 uint8 → 2 × 1 float32"],
    [
      "integers from int64",
      longs([7, 8], [2, 1]),
      input([-1, 1], "int32"),
      [2, 1],
      "2 × 1 int64 → 2 × 1 int32",
    ],
    [
      "integers from whole floats",
      doubles([7, -8], [2, 1]),
      input([-1, 1], "int64"),
      [2, 1],
      "2 × 1 float64 → 2 × 1 int32",
    ],
  ];
  it.each(good)("%s", (_, array, to, shape, how) => {
    const bound = convertInput(array, "X.npy", to);
    expect({ shape: bound.shape, how: bound.how }).toEqual({ shape, how });
    expect(Array.from(bound.data)).toEqual(
      Array.from<number | bigint, number>(array.data as never, Number),
    );
  });

  it("is not copied where nothing changes", () => {
    const array = floats([2, 3]);
    expect(convertInput(array, "X", input([-1, 3])).data).toBe(array.data);
  });

  const bad: readonly (readonly [string, DataArray, ModelInput, string | RegExp])[] = [
    [
      "another size",
      floats([896, 32]),
      input([-1, 64]),
      "data-shape: X.npy has samples of shape 32 (float32, 896 × 32); input X takes shape 64. Choose other data, or another input.",
    ],
    [
      "channels first for channels last: never just reshaped",
      floats([2, 3, 4, 4]),
      input([-1, 4, 4, 3]),
      /^data-shape: .*takes shape 4 × 4 × 3\. The same number of values in another arrangement: transpose/,
    ],
    ["another image size", floats([2, 4, 16]), input([-1, 8, 8]), /transpose/],
    ["an open size that does not fit", floats([2, 6]), input([-1, -1, 3]), /takes shape any × 3/],
    [
      "two open sizes that could be anything",
      floats([2, 3]),
      input([-1, -1, -1, 3]),
      /takes shape any × any × 3/,
    ],
    ["a scalar", floats([]), input([-1, 1]), /^data-shape/],
    ["an input for one value", floats([2, 3]), input([-1]), /input X takes a single value/],
    ["text", texts(["a", "b"]), input([-1, 1]), /^data-format: X\.npy holds text/],
    [
      "NaN",
      floats([3, 2], [0, 0, 0, 0, 0, NaN]),
      input([-1, 2]),
      "data-format: X.npy has NaN in row 2 (counted from 0), value 2 of 2; expected a number that float32 can hold. Remove the sample or fill in the value.",
    ],
    [
      "infinity",
      floats([2], [0, -Infinity]),
      input([-1]),
      /has -Infinity in row 1 \(counted from 0\);/,
    ],
    ["a number beyond float32", doubles([1e39]), input([-1]), /has 1e\+39 in row 0/],
    [
      "a fraction for an integer",
      doubles([1, 0.5]),
      input([-1], "int32"),
      /has 0\.5 in row 1 .*takes integers \(int32/,
    ],
    [
      "an integer beyond 32 bits",
      longs([2 ** 31]),
      input([-1], "int64"),
      /has 2147483648 in row 0/,
    ],
    ["NaN for an integer", doubles([NaN]), input([-1], "int32"), /has NaN in row 0/],
  ];
  it.each(bad)("%s", async (_, array, to, expected) => {
    const message = await errorOf(() => convertInput(array, "X.npy", to));
    if (expected instanceof RegExp) expect(message).toMatch(expected);
    else expect(message).toBe(expected);
  });
});

describe("a recipe's data", async () => {
  const folder = temporaryFolder();
  const save = (name: string, array: DataArray): Promise<void> =>
    writeNpy(join(folder.path, name), array);
  await save("X.npy", floats([3, 4], [0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11]));
  await save("X2.npy", floats([2, 4]));
  await save("image.npy", bytes([0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11], [3, 2, 2]));
  await save("y.npy", longs([5, 7, 5]));
  await save("onehot.npy", floats([3, 2], [1, 0, 0, 1, 1, 0]));
  await save("price.npy", doubles([0.5, 1.5, 2.5]));
  await save("names.npy", texts(["no", "yes", "no"]));
  await save("none.npy", longs([]));
  folder.write("samples.csv", "0,1,2,3\n4,5,6,7\n8,9,10,11\n");
  folder.write("t.csv", "a,b,c,d,kind\n0,1,2,3,cat\n4,5,6,7,dog\n8,9,10,11,cat\n");

  const one = [input([-1, 4])];
  const two = [
    { name: "left", shape: [-1, 4], dtype: "float32" },
    { name: "right", shape: [-1, 4], dtype: "float32" },
  ] as const;
  const classes: LabelTarget = { kind: "classes", classes: 2 };
  const values: LabelTarget = { kind: "values", shape: [-1, 1] };
  const bind = (
    data: Omit<Data, "validation">,
    inputs: readonly ModelInput[],
    target: LabelTarget = classes,
  ) => bindData({ ...data, validation: 0.2 }, folder.path, { inputs, target });

  const good: readonly (readonly [
    string,
    Omit<Data, "validation">,
    readonly ModelInput[],
    LabelTarget,
    readonly number[],
    readonly string[],
  ])[] = [
    [
      "the only input and classes",
      { inputs: "X.npy", labels: "y.npy", classes: ["5", "7"] },
      one,
      classes,
      [0, 1, 0],
      ["X: X.npy, 3 × 4 float32 (the only input)", "labels: y.npy, 3 int64 → 5, 7"],
    ],
    [
      "a named input, reshaped, and one-hot labels",
      { inputs: { "X:0": "image.npy" }, labels: "onehot.npy" },
      one,
      classes,
      [0, 1, 0],
      [
        "X: image.npy, 3 × 2 × 2 uint8 → 3 × 4 float32 (the only input)",
        "labels: onehot.npy, 3 × 2 float32 → 0, 1",
      ],
    ],
    [
      "one CSV for both",
      { inputs: "t.csv", labels: { file: "./t.csv", columns: "kind" }, classes: ["cat", "dog"] },
      one,
      classes,
      [0, 1, 0],
      [
        "X: t.csv, 3 × 4 float64 → 3 × 4 float32 (the only input)",
        "labels: t.csv, column kind, 3 string → cat, dog",
      ],
    ],
    [
      "labels in another CSV",
      {
        inputs: "samples.csv",
        labels: { file: "t.csv", columns: "kind" },
        classes: ["cat", "dog"],
      },
      one,
      classes,
      [0, 1, 0],
      [
        "X: samples.csv (no header row), 3 × 4 float64 → 3 × 4 float32 (the only input)",
        "labels: t.csv, column kind, 3 string → cat, dog",
      ],
    ],
    [
      "two inputs",
      { inputs: { right: "image.npy", left: "X.npy" }, labels: "y.npy", classes: ["5", "7"] },
      two,
      classes,
      [0, 1, 0],
      [
        "left: X.npy, 3 × 4 float32",
        "right: image.npy, 3 × 2 × 2 uint8 → 3 × 4 float32",
        "labels: y.npy, 3 int64 → 5, 7",
      ],
    ],
    [
      "a regression",
      { inputs: "X.npy", labels: "price.npy" },
      one,
      values,
      [0.5, 1.5, 2.5],
      ["X: X.npy, 3 × 4 float32 (the only input)", "labels: price.npy, 3 float64"],
    ],
    [
      "two classes for one sigmoid unit",
      { inputs: "X.npy", labels: "names.npy", classes: ["no", "yes"] },
      one,
      values,
      [0, 1, 0],
      ["X: X.npy, 3 × 4 float32 (the only input)", "labels: names.npy, 3 string → no, yes"],
    ],
  ];
  it.each(good)("%s", async (_, data, inputs, target, labels, bound) => {
    const found = await bind(data, inputs, target);
    expect(found.bound).toEqual(bound);
    expect([...found.labels]).toEqual(labels);
    expect(found.labels).toBeInstanceOf(target.kind === "classes" ? Int32Array : Float32Array);
    expect([...found.inputs.keys()]).toEqual(inputs.map(({ name }) => name));
    expect(found.samples).toBe(3);
    for (const { data } of found.inputs.values()) {
      expect([...data]).toEqual([0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11]);
    }
  });

  const y = { labels: "y.npy", classes: ["5", "7"] };
  const bad: readonly (readonly [
    string,
    Omit<Data, "validation">,
    readonly ModelInput[],
    LabelTarget,
    string | RegExp,
  ])[] = [
    [
      "one file for two inputs",
      { inputs: "X.npy", ...y },
      two,
      classes,
      'data-missing: The network has 2 inputs, left, right, and "inputs" names one file. Name one for each: "inputs": { "left": "…", "right": "…" }.',
    ],
    [
      "an input without data",
      { inputs: { left: "X.npy" }, ...y },
      two,
      classes,
      /^data-missing: Input right has no data/,
    ],
    [
      "an unknown input",
      { inputs: { x: "X.npy" }, ...y },
      one,
      classes,
      'unknown-node: The network has no input "x"; its inputs are X. Correct the name under "inputs".',
    ],
    [
      "a graph without inputs",
      { inputs: "X.npy", ...y },
      [],
      classes,
      /^data-missing: The network has no input/,
    ],
    [
      "another number of samples",
      { inputs: "X2.npy", ...y },
      one,
      classes,
      "data-shape: X2.npy has 2 samples, the labels y.npy 3. Each sample needs one label, in the same order.",
    ],
    [
      "another shape",
      { inputs: "X.npy", ...y },
      [input([-1, 5])],
      classes,
      /^data-shape: X\.npy has samples of shape 4 \(float32, 3 × 4\); input X takes shape 5/,
    ],
    [
      "no samples",
      { inputs: "X.npy", labels: "none.npy" },
      one,
      classes,
      /^data-missing: none\.npy holds no labels \(0 int64\)/,
    ],
    [
      "labels outside",
      { inputs: "X.npy", labels: "y.npy" },
      one,
      classes,
      /^label-out-of-range: y\.npy has the labels 5, 7; .*"classes": \["5", "7"\]/,
    ],
    [
      "a file that is not there",
      { inputs: "Z.npy", ...y },
      one,
      classes,
      /^file-not-found: Z\.npy is not in /,
    ],
    [
      "classes for a regression",
      { inputs: "X.npy", ...y },
      one,
      { kind: "values", shape: [-1, 3] },
      /^data-shape: The loss compares numbers .*Remove it\.$/,
    ],
    [
      "text for a regression",
      { inputs: "X.npy", labels: "names.npy" },
      one,
      values,
      /^data-format: names\.npy holds text/,
    ],
  ];
  it.each(bad)("refuses %s", async (_, data, inputs, target, expected) => {
    const message = await errorOf(() => bind(data, inputs, target));
    if (expected instanceof RegExp) expect(message).toMatch(expected);
    else expect(message).toBe(expected);
  });
});
