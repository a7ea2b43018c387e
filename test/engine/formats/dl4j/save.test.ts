// New zips: what no edit touches keeps its bytes, in every version's own style; a failure leaves nothing behind.
import { readdirSync, symlinkSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { beforeEach, describe, expect, test } from "vitest";
import { formatOf, openCheckpoint } from "../../../../src/engine/formats/table";
import { elements, type Model, type Variable } from "../../../../src/engine/graph/model";
import { applyRecipe } from "../../../../src/engine/recipe/apply";
import { parseRecipe } from "../../../../src/engine/recipe/parse";
import { fixture, temporaryFolder } from "../tf1/fixtures";
import { entriesOf, OLD_VERSIONS, oldNames, RECORDED_ZIPS, zipped } from "./zips";

let folder: string;
beforeEach(() => (folder = temporaryFolder()));

/** Saves the zip at `path` as it is, or as `change` makes it. */
async function save(
  path: string,
  as: string,
  change: (model: Model) => Model = (model) => model,
  read?: (variable: Variable) => Promise<Uint8Array>,
): Promise<readonly string[]> {
  const checkpoint = await openCheckpoint(path);
  try {
    const model = change(await checkpoint.model());
    const stored = ({ name }: Variable) => checkpoint.read(name);
    const { notes } = await formatOf(checkpoint).save(checkpoint, model, as, read ?? stored);
    return notes;
  } finally {
    await checkpoint.close();
  }
}

async function modelOf(path: string): Promise<Model> {
  const checkpoint = await openCheckpoint(path);
  try {
    return await checkpoint.model();
  } finally {
    await checkpoint.close();
  }
}

const ZIPS = [
  ...RECORDED_ZIPS.map(({ zip }) => zip),
  ...["graves_lstm", "lstm"].map((name) => `b5_dl4j_${name}/added_layer_frozen0.zip`),
  ...OLD_VERSIONS.flatMap((version) =>
    oldNames(version).map((name) => `dl4j_old/${version}/${name}.zip`),
  ),
];

test.each(ZIPS)("%s unchanged: the same entries, byte for byte", async (zip) => {
  const as = join(folder, "copy.zip");
  expect(await save(fixture(zip), as)).toEqual([]);
  const [source, copy] = [await entriesOf(fixture(zip)), await entriesOf(as)];
  expect([...copy.keys()]).toEqual([...source.keys()]);
  for (const [name, bytes] of source)
    expect(Buffer.from(copy.get(name)!).equals(bytes), name).toBe(true);
});

const IRIS = "b5_dl4j_mlp_iris/model.zip";

/** The iris zip with more in it. */
async function withEntries(entries: readonly (readonly [string, string])[]): Promise<string> {
  const path = join(folder, "more.zip");
  const bytes = await zipped([...(await entriesOf(fixture(IRIS))), ...entries]);
  const renamed = bytes.toString("latin1").replaceAll("xx/xx", "../..");
  writeFileSync(path, Buffer.from(renamed, "latin1"));
  return path;
}

describe("beside what is known", () => {
  test("entries that are not known are kept", async () => {
    const as = join(folder, "copy.zip");
    await save(await withEntries([["labels.txt", "setosa"]]), as);
    expect(Buffer.from((await entriesOf(as)).get("labels.txt")!).toString()).toBe("setosa");
  });

  test("names that lead out of a folder are not", async () => {
    const as = join(folder, "copy.zip");
    const notes = await save(await withEntries([["xx/xx/escaped.txt", "evil"]]), as);
    expect(notes).toEqual([expect.stringMatching(/"\.\.\/\.\.\/escaped\.txt" is left out/)]);
    expect([...(await entriesOf(as)).keys()]).toEqual([...(await entriesOf(fixture(IRIS))).keys()]);
  });
});

describe("the state of the updater", () => {
  const without = (model: Model, ...names: readonly string[]): Model => ({
    ...model,
    variables: new Map([...model.variables].filter(([name]) => !names.includes(name))),
  });
  const stored = async (path: string, name: string): Promise<Float32Array> => {
    const checkpoint = await openCheckpoint(path);
    const bytes = Uint8Array.from(await checkpoint.read(name));
    await checkpoint.close();
    return new Float32Array(bytes.buffer);
  };

  test("of what is frozen goes, the rest stays in place", async () => {
    const as = join(folder, "frozen.zip");
    await save(fixture(IRIS), as, (model) => {
      const variables = new Map(model.variables);
      for (const name of ["0_W", "0_b"])
        variables.set(name, { ...variables.get(name)!, trainable: [] });
      return { ...model, variables };
    });
    const frozen = await openCheckpoint(as);
    await frozen.close();
    expect([...frozen.tensors.keys()].filter((name) => name.startsWith("0_"))).toEqual([
      "0_W",
      "0_b",
    ]);
    for (const name of ["1_W/Adam/m", "2_b/Adam/v"])
      expect(await stored(as, name)).toEqual(await stored(fixture(IRIS), name));
  });

  test("of what has none begins as DL4J begins it", async () => {
    const as = join(folder, "fresh.zip");
    await save(fixture(IRIS), as, (model) => without(model, "1_W/Adam/m"));
    expect(await stored(as, "1_W/Adam/m")).toEqual(new Float32Array(80));
    expect(await stored(as, "1_W/Adam/v")).toEqual(await stored(fixture(IRIS), "1_W/Adam/v"));
    const lstm = "b5_dl4j_lstm/model.zip";
    await save(fixture(lstm), as, (model) => without(model, "0_b/RmsProp/g"));
    expect(await stored(as, "0_b/RmsProp/g")).toEqual(new Float32Array(48).fill(1e-8));
  });
});

describe("the normalizer", () => {
  const edited = async (zip: string, edit: object) => {
    const [path, as] = [fixture(zip), join(folder, "edited.zip")];
    const { recipe } = parseRecipe("r", JSON.stringify({ checkpoint: path, edits: [edit] }));
    const { model, edits } = applyRecipe(await modelOf(path), recipe);
    const zeros = async ({ shape }: Variable) => new Uint8Array(4 * elements(shape));
    const notes = await save(path, as, () => model, zeros);
    return { notes, entries: [...(await entriesOf(as)).keys()], edits, as };
  };
  const NORMALIZED = "b5_dl4j_mlp_iris/model_with_normalizer.zip";

  test("goes where the input has other features", async () => {
    const { notes, entries, edits, as } = await edited(NORMALIZED, { setInput: { channels: 6 } });
    expect(notes).toContainEqual(expect.stringMatching(/^The normalizer is left out/));
    expect(edits[0].sentence).toMatch(/normalizer, which does not fit, is left out/);
    expect(entries).not.toContain("normalizer.bin");
    expect((await modelOf(as)).normalizer).toBeUndefined();
  });

  test("goes where it is one that is not read", async () => {
    const zip = "dl4j_old/0.7.2/normalizer.zip";
    const { notes, entries } = await edited(zip, { setInput: { channels: 6 } });
    expect(notes).toContainEqual(expect.stringMatching(/^The normalizer is left out/));
    expect(entries).not.toContain("normalizer.bin");
  });

  test("stays with other edits", async () => {
    const { notes, entries } = await edited(NORMALIZED, {
      addUnits: { layer: "hidden_a", units: 2, init: "zero" },
    });
    expect(notes).toEqual([]);
    expect(entries).toContain("normalizer.bin");
  });
});

describe("what is there is safe", () => {
  test("never over its source, by whatever name", async () => {
    const source = join(folder, "source.zip");
    await save(fixture(IRIS), source);
    symlinkSync(source, join(folder, "link.zip"));
    for (const as of [
      source,
      join(folder, "link.zip"),
      `${folder}/../${folder.split("/").at(-1)!}/source.zip`,
    ])
      await expect(save(source, as)).rejects.toMatchObject({ code: "write-failed" });
  });

  test("over another model, not over another file", async () => {
    const as = join(folder, "model.zip");
    await save(fixture(IRIS), as);
    await save(fixture("b5_dl4j_lstm/model.zip"), as);
    const notes = join(folder, "notes.txt");
    writeFileSync(notes, "mine");
    await expect(save(fixture(IRIS), notes)).rejects.toThrow(/no Deeplearning4j model/);
  });

  test("a value that cannot be read leaves the old file, and no temporary one", async () => {
    const as = join(folder, "model.zip");
    await save(fixture("b5_dl4j_lstm/model.zip"), as);
    const before = await entriesOf(as);
    const failing = () => Promise.reject(new Error("the disk is gone"));
    await expect(save(fixture(IRIS), as, undefined, failing)).rejects.toMatchObject({
      code: "write-failed",
      message: expect.stringMatching(/the disk is gone/) as string,
    });
    expect(await entriesOf(as)).toEqual(before);
    expect(readdirSync(folder)).toEqual(["model.zip"]);
  });
});
