// Damaged and hostile zips: each fails in a stated way, before anything large is allocated, or opens as it must.
import { existsSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, test } from "vitest";
import { layersOf, parseConfiguration } from "../../../../src/engine/formats/dl4j/configuration";
import { diagnoseZip, matchZip } from "../../../../src/engine/formats/dl4j/entries";
import { importNetwork } from "../../../../src/engine/formats/dl4j/import";
import { layOut } from "../../../../src/engine/formats/dl4j/parameters";
import { patchConfiguration } from "../../../../src/engine/formats/dl4j/patch";
import { reason } from "../../../../src/engine/formats/tf1/errors";
import { openZip } from "../../../../src/engine/formats/dl4j/tensors";
import { GraftError, type ErrorCode } from "../../../../src/protocol/errors";
import { fixture, temporaryFolder } from "../tf1/fixtures";
import { bytesOf, entriesOf, type Entries, zipped } from "./zips";

const IRIS = "b5_dl4j_mlp_iris/model_with_normalizer.zip";
const folder = temporaryFolder();
let count = 0;

function written(bytes: Uint8Array, name = `${count++}.zip`): string {
  const path = join(folder, name);
  writeFileSync(path, bytes);
  return path;
}

/** What opening a file and reading all of it throws. */
async function failure(path: string): Promise<GraftError | undefined> {
  try {
    const opened = await openZip(path);
    try {
      for (const name of opened.tensors.keys()) await opened.read(name);
    } finally {
      await opened.close();
    }
    return undefined;
  } catch (error) {
    if (error instanceof GraftError) return error;
    throw error;
  }
}

async function expectFailure(bytes: Uint8Array, code: ErrorCode, says: RegExp): Promise<void> {
  const error = await failure(written(bytes));
  expect(error?.message).toMatch(says);
  expect(error?.code).toBe(code);
}

/** The iris zip with some entries changed; an empty one is left out. */
async function changed(change: (entries: Entries) => void): Promise<Buffer> {
  const entries = await entriesOf(fixture(IRIS));
  change(entries);
  return zipped(entries);
}

/** The bytes of an entry with `text` written over what is at `at`. */
function over(entries: Entries, name: string, at: number, bytes: readonly number[]): void {
  const copy = Uint8Array.from(entries.get(name)!);
  copy.set(bytes, at);
  entries.set(name, copy);
}

describe("the container", () => {
  test.each(["model.zip", "model.bin", "model"])("is told by what is in it: %s", async (name) => {
    const path = written(bytesOf(IRIS), name);
    expect(await matchZip(path)).toBe(path);
    expect(await failure(path)).toBeUndefined();
  });

  test("a directory in the style of zip64", async () => {
    const bytes = await zipped(await entriesOf(fixture(IRIS)), { forceZip64Format: true });
    expect(await failure(written(bytes))).toBeUndefined();
  });

  test("messages of the zip library are parts of a sentence: without a full stop", () => {
    expect(reason(new Error("invalid comment length."))).toBe("invalid comment length");
  });

  test("cut off anywhere: still told to be a model, and damaged", async () => {
    const whole = bytesOf(IRIS);
    for (const length of [100, 1000, whole.length - 22, whole.length - 1]) {
      const path = written(whole.subarray(0, length));
      expect(await matchZip(path)).toBe(path);
      const error = await failure(path);
      expect(error?.code).toBe("corrupt-file");
      expect(error?.message).toBe(
        `${path} is damaged: its end, where a zip lists its entries, is missing. Copy or download the file again.`,
      );
    }
  });

  test("two entries of one name", async () => {
    const entries = [...(await entriesOf(fixture(IRIS)))];
    await expectFailure(
      await zipped([...entries, entries[0]]),
      "corrupt-file",
      /two entries named/,
    );
  });

  test("too many entries", async () => {
    const many = Array.from({ length: 1001 }, (_, index) => [`e${index}`, ""] as const);
    const bytes = await zipped([...(await entriesOf(fixture(IRIS))), ...many]);
    await expectFailure(bytes, "unsupported-format", /claims 1005 entries/);
  });

  /** Changes a field of the directory's line of an entry. */
  function directory(bytes: Buffer, name: string, at: number, size: 2 | 4, value: number): Buffer {
    const line = bytes.lastIndexOf(name, bytes.length - 22) - 46;
    bytes.writeUIntLE(value, line + at, size);
    return bytes;
  }

  test("encrypted", async () => {
    const bytes = directory(bytesOf(IRIS), "coefficients.bin", 8, 2, 0x809);
    await expectFailure(bytes, "unsupported-format", /encrypted/);
  });

  test("an unknown compression", async () => {
    const bytes = directory(bytesOf(IRIS), "coefficients.bin", 10, 2, 99);
    await expectFailure(bytes, "unsupported-format", /method 99/);
  });

  test("a size that deflate cannot reach is not allocated", async () => {
    const bytes = directory(bytesOf(IRIS), "coefficients.bin", 24, 4, 0xfffffff0);
    await expectFailure(bytes, "corrupt-file", /impossible/);
  });

  test("a size that is not the one of the header", async () => {
    const bytes = directory(bytesOf(IRIS), "coefficients.bin", 24, 4, 774);
    await expectFailure(bytes, "corrupt-file", /expected 774. got only 773/);
  });

  test("an entry that unpacks to more than it claims", async () => {
    const bytes = directory(bytesOf(IRIS), "configuration.json", 24, 4, 100);
    await expectFailure(bytes, "corrupt-file", /too many bytes/);
  });

  test("a wrong checksum", async () => {
    const bytes = directory(bytesOf(IRIS), "coefficients.bin", 16, 4, 12345);
    await expectFailure(bytes, "checksum-mismatch", /checksum of coefficients\.bin/);
  });

  test("a bomb: a configuration of 100 MB in 100 KB", async () => {
    const bytes = await changed((all) => all.set("configuration.json", new Uint8Array(1e8)));
    expect(bytes.length).toBeLessThan(2e5);
    await expectFailure(bytes, "unsupported-format", /more than 67108864 are not read/);
  });

  test("a bomb: coefficients that no layer asks for", async () => {
    const bytes = await changed((all) => {
      const header = all.get("coefficients.bin")!.subarray(0, 113);
      const bomb = new Uint8Array(113 + 4e7);
      bomb.set(header);
      const view = new DataView(bomb.buffer);
      view.setBigInt64(40, 10_000_000n);
      view.setBigInt64(98, 10_000_000n);
      all.set("coefficients.bin", bomb);
    });
    await expectFailure(bytes, "corrupt-file", /165 parameters.* holds 10000000/);
  });

  test("names that lead out of a folder are names", async () => {
    const entries = [...(await entriesOf(fixture(IRIS)))];
    const whole = await zipped([...entries, ["xx/xx/escaped.txt", "evil"]]);
    const bytes = Buffer.from(whole.toString("latin1").replaceAll("xx/xx", "../.."), "latin1");
    const path = written(bytes);
    expect(await failure(path)).toBeUndefined();
    expect(existsSync(join(folder, "../../escaped.txt"))).toBe(false);
  });
});

describe("what is no model of ModelSerializer is told by its name", () => {
  const KINDS: readonly (readonly [string, readonly string[], RegExp])[] = [
    ["npz", ["X.npy", "y.npy"], /NumPy archive/],
    ["pt", ["archive/data.pkl", "archive/data/0"], /PyTorch/],
    ["keras", ["metadata.json", "config.json", "model.weights.h5"], /Keras 3/],
    ["zip", ["syn0.txt", "syn1.txt", "config.json"], /word vectors/],
    ["zip", ["model.fb"], /SameDiff/],
    ["jar", ["META-INF/MANIFEST.MF", "A.class"], /Java archive/],
    ["zip", ["notes.txt"], /a zip without configuration\.json/],
    ["zip", [], /a zip without configuration\.json/],
  ];
  test.each(KINDS)("%s of %j", async (extension, names, says) => {
    const bytes = await zipped(names.map((name) => [name, "x"] as const));
    const path = written(bytes, `${count++}.${extension}`);
    expect(await matchZip(path)).toBeNull();
    expect((await diagnoseZip(path))?.message).toMatch(says);
  });

  test.each(["zip_path_traversal", "zip_truncated"])("%s", async (name) => {
    const path = fixture("b7_malformed", name, "model.keras");
    expect(await matchZip(path)).toBeNull();
    expect((await diagnoseZip(path))?.code).toBe("not-a-checkpoint");
  });
});

describe("arrays", () => {
  const COEFFICIENTS = "coefficients.bin";
  // Offsets in a header of the new style: 18 of the name, 8 of the length, 6 of "LONG", then the shape's six numbers.
  const SHAPE = 32;
  const CASES: readonly (readonly [string, number, readonly number[], RegExp])[] = [
    ["another rank", SHAPE + 7, [2], /contradicts itself/],
    ["a negative size", SHAPE + 8, [255], /said to have the shape|2\^53|has the number/],
    ["a size that is not the count", SHAPE + 15, [166], /needs 166 numbers, and it holds 165/],
    ["a stride", SHAPE + 23, [2], /view of a larger one/],
    ["an unknown order", SHAPE + 47, [0x78], /contradicts itself/],
    ["a shape of 7 numbers", 25, [7], /has 7 numbers/],
    ["another allocation", 2, [0x58], /does not begin like an array/],
    ["an unknown type", 108, [...Buffer.from("FLOOT")], /type FLOOT/],
    ["a type of another size", 108, [...Buffer.from("SHORT")], /type SHORT/],
  ];
  test.each(CASES)("%s", async (_, at, bytes, says) => {
    const zip = await changed((entries) => over(entries, COEFFICIENTS, at, bytes));
    const error = await failure(written(zip));
    expect(error?.message).toMatch(says);
    expect(["corrupt-file", "unsupported-format"]).toContain(error?.code);
  });

  test("cut off in the header, and in the values", async () => {
    for (const length of [0, 1, 20, 60, 112, 400]) {
      const zip = await changed((entries) =>
        entries.set(COEFFICIENTS, entries.get(COEFFICIENTS)!.subarray(0, length)),
      );
      await expectFailure(zip, "corrupt-file", /coefficients\.bin .* is damaged/);
    }
  });
});

describe("normalizers that cannot be applied: the model opens, its data does not", () => {
  const reasonOf = async (bytes: Uint8Array): Promise<string> => {
    const zip = await changed((entries) => entries.set("normalizer.bin", bytes));
    const opened = await openZip(written(zip));
    await opened.close();
    if (opened.normalizer?.kind !== "unknown") throw new Error("it was read");
    return opened.normalizer.reason;
  };
  const text = (value: string) =>
    Buffer.concat([Buffer.from([0, value.length]), Buffer.from(value)]);
  const header = (kind: string) =>
    Buffer.concat([text("NORMALIZER"), Buffer.from([0, 0, 0, 1]), text(kind)]);

  test("a serialized object is not run", async () => {
    expect(await reasonOf(Buffer.from("aced0005737200", "hex"))).toMatch(
      /: it is a serialized Java object, as versions before 0\.9/,
    );
    const old = await openZip(fixture("dl4j_old/0.7.2/normalizer.zip"));
    await old.close();
    expect(old.normalizer).toMatchObject({
      kind: "unknown",
      reason: expect.stringMatching(/Java object of the class NormalizerStandardize,/) as string,
    });
  });
  test("CUSTOM", async () => {
    expect(await reasonOf(header("CUSTOM"))).toMatch(/of kind CUSTOM/);
  });
  test("of several inputs", async () => {
    expect(await reasonOf(header("MULTI_STANDARDIZE"))).toMatch(/of kind MULTI_STANDARDIZE/);
  });
  test("one that changes labels", async () => {
    const bytes = Buffer.concat([header("STANDARDIZE"), Buffer.from([1])]);
    expect(await reasonOf(bytes)).toMatch(/changes the labels too/);
  });
  test("cut off", async () => {
    expect(await reasonOf(header("MIN_MAX"))).toMatch(/is damaged: it ends at byte/);
  });
});

describe("malformed zips among the fixtures", () => {
  const CASES: readonly (readonly [string, ErrorCode, RegExp])[] = [
    ["dl4j_config_not_json", "corrupt-file", /configuration of .* is damaged/],
    ["dl4j_nin_mismatch", "corrupt-file", /have \d+ parameters, and coefficients\.bin holds \d+/],
    ["dl4j_short_coefficients", "corrupt-file", /coefficients\.bin .* needs \d+ bytes, and it has/],
    ["dl4j_no_coefficients", "missing-shard", /has no coefficients\.bin/],
  ];
  test.each(CASES)("%s", async (name, code, says) => {
    const error = await failure(fixture("b7_malformed", name, "model.zip"));
    expect(error?.message).toMatch(says);
    expect(error?.code).toBe(code);
  });

  test("without coefficients the configuration is shown", async () => {
    const opened = await openZip(fixture("b7_malformed/dl4j_no_coefficients/model.zip"));
    await opened.close();
    expect(opened.tensors.get("0_W")).toMatchObject({
      problem: expect.stringMatching(/coefficients/) as string,
    });
  });
});

test("inputs upon inputs: each name is looked at once", () => {
  const vertices = { out: { "@class": "org.deeplearning4j.nn.conf.graph.MergeVertex" } };
  const parsed = (names: readonly string[]) =>
    parseConfiguration(
      "inputs",
      JSON.stringify({
        ...{ networkInputs: names, networkOutputs: ["out"], vertices },
        vertexInputs: { out: names },
      }),
    );
  const names = Array.from({ length: 400_000 }, (_, index) => `x${index}`);
  expect(parsed(names).inputs).toHaveLength(names.length);
  expect(() => parsed([...names, "x7"])).toThrow(/"x7" is an input or an output twice/);
});

test("branches upon branches: each part is looked at once", () => {
  const layer = (type: string, more: object = {}) => ({
    "@class": "org.deeplearning4j.nn.conf.graph.LayerVertex",
    layerConf: { layer: { "@class": `org.deeplearning4j.nn.conf.layers.${type}`, ...more } },
  });
  const sum = { "@class": "org.deeplearning4j.nn.conf.graph.ElementWiseVertex", op: "Add" };
  const blocks = Array.from({ length: 60 }, (_, index) => index);
  const behind = (index: number) => (index === 0 ? "x" : `sum${index - 1}`);
  const text = JSON.stringify({
    networkInputs: ["x"],
    networkOutputs: ["out"],
    vertices: {
      ...Object.fromEntries(
        blocks.flatMap((index) => [
          [`relu${index}`, layer("ActivationLayer")],
          [`sum${index}`, sum],
        ]),
      ),
      out: layer("DenseLayer", { nin: 4, nout: 2 }),
    },
    vertexInputs: {
      ...Object.fromEntries(
        blocks.flatMap((index) => [
          [`relu${index}`, [behind(index)]],
          [`sum${index}`, [behind(index), `relu${index}`]],
        ]),
      ),
      out: ["sum59"],
    },
  });
  const configuration = parseConfiguration("branches", text);
  const parameters = layOut(layersOf(configuration), 10);
  const model = importNetwork(configuration, parameters, "float32");
  expect(model.shapes.get("x")).toEqual([-1, 4]);
  // Frozen from end to end.
  const variables = new Map(
    [...model.variables].map(([name, each]) => [name, { ...each, trainable: [] }]),
  );
  const frozen = patchConfiguration(configuration, model, { ...model, variables });
  const layers = layersOf(parseConfiguration("branches", frozen.text));
  expect(layers.at(-1)!.type).toBe("FrozenLayer");
});
