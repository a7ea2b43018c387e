import { readFileSync } from "node:fs";
import { describe, expect, it } from "vitest";
import { z } from "zod";
import { DataSchema, type SourceSchema } from "../../../src/engine/data/schema";
import { describeSource, loadSource, sourceKind } from "../../../src/engine/data/sources";
import { errorOf, fixture, floats, temporaryFolder } from "./helpers";
import { writeNpy } from "../../../src/engine/data/npy";
import { zipFile } from "./zip";

const temporary = temporaryFolder();

describe("which reader takes a file", () => {
  const npy = readFileSync(fixture("f4_little_C.npy"));
  const npz = readFileSync(fixture("stored.npz"));
  const cases: readonly (readonly [string, string, string | Buffer, string])[] = [
    ["a .npy", "X.npy", npy, "npy"],
    ["a .npy under another name", "X.csv", npy, "npy"],
    ["a .npz", "X.npz", npz, "npz"],
    ["a .npz under another name", "X.bin", npz, "npz"],
    ["text as .csv", "t.csv", "a,b\n1,2\n", "csv"],
    ["text as .data", "iris.data", "1,2\n", "csv"],
    ["text without an extension", "table", "1,2\n", "csv"],
    ["text as .npy: its reader says what is wrong", "t.npy", "1,2\n", "npy"],
    ["nothing", "e.npy", "", "data-format: e.npy is empty."],
    ["HDF5", "t.npy", "\x89HDF\r\n", "is an HDF5 file. Save its arrays with numpy.savez."],
    ["gzip", "t.csv", "\x1f\x8b\x08", "is compressed with gzip. Unpack it first."],
    ["a pickle", "t.pkl", "\x80\x04\x95", "is a Python pickle. Graft does not run pickles."],
    ["an IDX file", "train-labels", "\0\0\x08\x01", "is an IDX file (MNIST)."],
    ["an image", "t.png", "\x89PNG\r\n", "is an image. Save the images as one array"],
    [
      "bytes of no known kind",
      "t.bin",
      "\x01\0\x02",
      "is no file that Graft reads: .npy, .npz or CSV.",
    ],
  ];
  it.each(cases)("%s", async (_, name, content, expected) => {
    const bytes = typeof content === "string" ? Buffer.from(content, "latin1") : content;
    const path = temporary.write(name, bytes);
    let found = "";
    const error = await errorOf(async () => void (found = await sourceKind(path)));
    expect(found || error).toContain(expected);
  });
});

describe("describing", () => {
  it("tells kind, shape and dtype of a .npy", async () => {
    expect(await describeSource(fixture("rank4_F.npy"))).toEqual({
      kind: "npy",
      dtype: "int32",
      shape: [2, 3, 4, 5],
    });
  });

  it("lists arrays and columns", async () => {
    const npz = await describeSource(fixture("deflated.npz"));
    expect(npz.kind === "npz" && [...npz.arrays.keys()]).toEqual(["X", "y", "names"]);
    const csv = await describeSource(temporary.write("c.csv", "a;b\n1;2\n"));
    expect(csv.kind === "csv" && csv.columns).toEqual(["a", "b"]);
  });
});

describe("loading", () => {
  const temporary = temporaryFolder();
  temporary.write("t.csv", "id,x1,x2,species\n1,2,3,cat\n2,4,5,dog\n");
  temporary.write("index.csv", ",x1,x2\n0,2,3\n1,4,5\n");
  temporary.write("bare.csv", "1,2\n3,4\n");
  temporary.write(
    "one.npz",
    zipFile([{ name: "data.npy", content: readFileSync(fixture("f4_little_C.npy")) }]),
  );
  temporary.write("none.npz", zipFile([{ name: "a.txt", content: Buffer.from("a") }]));
  temporary.write("several.npz", readFileSync(fixture("stored.npz")));
  temporary.write("X.npy", readFileSync(fixture("f4_little_C.npy")));

  const cases: readonly (readonly [
    string,
    z.infer<typeof SourceSchema>,
    Parameters<typeof loadSource>[2],
    string,
  ])[] = [
    ["a .npy", "X.npy", {}, "X.npy [2,3] float32"],
    ["an array of an .npz", { file: "several.npz", array: "y" }, {}, "y in several.npz [12] int64"],
    ["the only array of an .npz", "one.npz", {}, "data in one.npz [2,3] float32"],
    [
      "several arrays",
      "several.npz",
      {},
      'several.npz holds 3 arrays: X, y, names. Say which one: { "file": "several.npz", "array": "X" }.',
    ],
    ["a zip without arrays", "none.npz", {}, "none.npz is a zip file without .npy arrays."],
    ["columns by pattern", { file: "t.csv", columns: "x*" }, {}, "t.csv, columns x* [2,2] float64"],
    ["a column", { file: "t.csv", columns: "x1" }, {}, "t.csv, column x1 [2] float64"],
    [
      "a list of one column",
      { file: "t.csv", columns: ["x1"] },
      {},
      "t.csv, columns x1 [2,1] float64",
    ],
    [
      "labels",
      { file: "t.csv", columns: "species" },
      { values: "labels" },
      "t.csv, column species [2] string",
    ],
    ["everything but the labels", "t.csv", { except: ["species"] }, "t.csv [2,3] float64"],
    ["everything but an unnamed index", "index.csv", {}, "index.csv [2,2] float64"],
    ["no header row", "bare.csv", {}, "bare.csv [2,2] float64 (no header row)"],
    [
      "text as input",
      "t.csv",
      {},
      't.csv line 2 column "species": expected a number, found "cat".',
    ],
    ["nothing but labels", "t.csv", { except: ["*"] }, "t.csv has no columns beside the labels."],
    [
      "labels without a column",
      "t.csv",
      { values: "labels" },
      't.csv has the columns id, x1, x2, species. Say which one has the labels: { "file": "t.csv", "columns": "species" }.',
    ],
    [
      "array of a .npy",
      { file: "X.npy", array: "X" },
      {},
      'X.npy is a .npy file, which has no "array".',
    ],
    [
      "columns of an .npz",
      { file: "one.npz", columns: "a" },
      {},
      'one.npz is a .npz file, which has no "columns".',
    ],
    [
      "array of a CSV",
      { file: "t.csv", array: "a" },
      {},
      't.csv is a CSV file, which has no "array".',
    ],
  ];
  it.each(cases)("%s", async (_, source, options, expected) => {
    let found = "";
    const error = await errorOf(async () => {
      const { name, array, note } = await loadSource(source, temporary.path, options);
      found = `${name} ${JSON.stringify(array.shape)} ${array.dtype}${note ? ` (${note})` : ""}`;
    });
    expect(found || error).toContain(expected);
  });

  it("takes absolute paths as they are", async () => {
    const { name } = await loadSource(fixture("bool.npy"), "/nowhere");
    expect(name).toBe("bool.npy");
  });

  it("reads what was written", async () => {
    const array = floats([3], [1, 2, 3]);
    await writeNpy(`${temporary.path}/w.npy`, array);
    expect((await loadSource("w.npy", temporary.path)).array).toEqual(array);
  });
});

describe("the schema", () => {
  const good: readonly unknown[] = [
    { inputs: "X.npy", labels: "y.npy" },
    { inputs: { X: "X.npy" }, labels: "y.npy", classes: ["5", "6"], validation: 0 },
    { inputs: { file: "d.npz", array: "X" }, labels: { file: "d.npz", array: "y" } },
    {
      inputs: { X: { file: "d.csv", columns: ["a", "b"] } },
      labels: { file: "d.csv", columns: "y" },
    },
  ];
  it.each(good)("accepts %j", (data) => {
    expect(DataSchema.parse(data)).toEqual({ validation: 0.2, ...(data as object) });
  });

  const bad: readonly (readonly [unknown, string])[] = [
    [{ inputs: "X.npy" }, "labels: expected a file name or { file, array, columns, sequence }"],
    [
      { inputs: "X", labels: "y", mask: "m.npy", lengths: "n.npy" },
      "lengths: a mask and lengths say the same twice; keep one",
    ],
    [{ inputs: "X", labels: "y", layout: "NCW" }, "layout: Invalid option"],
    [{ inputs: 3, labels: "y" }, "inputs: expected a file, or an object"],
    [{ inputs: "", labels: "y" }, "inputs: expected a file name, found none"],
    [{ inputs: "X", labels: "y", classes: ["a", "a"] }, "classes: a class is listed twice"],
    [{ inputs: "X", labels: "y", validation: 1 }, "validation: Too big"],
    [{ inputs: "X", labels: "y", validation: -0.1 }, "validation: Too small"],
    [{ inputs: "X", labels: "y", label: "z" }, 'Unrecognized key: "label"'],
    [{ inputs: "X", labels: { file: "y", column: "z" } }, 'labels: Unrecognized key: "column"'],
  ];
  it.each(bad)("refuses %j", (data, message) => {
    const { error } = DataSchema.safeParse(data);
    const text = error!.issues
      .map((issue) => `${issue.path.join(".")}: ${issue.message}`)
      .join("; ");
    expect(text).toContain(message);
  });

  it("becomes a JSON schema in which every property is described", () => {
    const schema = z.toJSONSchema(DataSchema, { io: "input" }) as {
      properties: Record<string, { description?: string }>;
    };
    expect(Object.keys(schema.properties)).toEqual([
      ...["inputs", "layout", "mask", "lengths", "normalize"],
      ...["labels", "labelsMask", "classes", "validation"],
    ]);
    for (const property of Object.values(schema.properties))
      expect(property.description).toBeTruthy();
  });
});
