// What Graft writes: TensorFlow's own bytes where TensorFlow's order is the same, and nothing half-written.
import { mkdirSync, readdirSync, readFileSync } from "node:fs";
import { basename, join } from "node:path";
import { afterEach, describe, expect, test } from "vitest";
import { GraftError } from "../../../../src/protocol/errors";
import { writeBundle } from "../../../../src/engine/formats/tf1/bundlewriter";
import { writeSlices } from "../../../../src/engine/formats/tf1/sliceswriter";
import { openTensors, type TensorFiles } from "../../../../src/engine/formats/tf1/tensors";
import type { WritableTensor } from "../../../../src/engine/formats/tf1/writable";
import { CASES, fixture, hashOf, sha256, temporaryFolder } from "./fixtures";

const opened: TensorFiles[] = [];
const open = async (prefix: string): Promise<TensorFiles> => {
  const source = await openTensors(prefix);
  opened.push(source);
  return source;
};
afterEach(async () => {
  for (const source of opened.splice(0)) await source.close();
});

const tensorsOf = (source: TensorFiles): WritableTensor[] =>
  [...source.tensors.values()].map(({ name, dtype, shape }) => ({
    name,
    dtype,
    shape,
    read: () => (dtype === "string" ? source.readStrings(name) : source.read(name)),
  }));

/** Checkpoints whose values TensorFlow wrote in the order of their names. */
const SAME_BYTES: readonly string[] = [
  "b1_dtypes_v1/dtypes.ckpt",
  "b1_dtypes_v2/dtypes.ckpt",
  "b1_mini_adam/my_model_final.ckpt",
  "b1_mini_resource/my_model_final.ckpt",
  "b1_mini_v1/my_model_final.ckpt",
  "b1_mini_v2/my_model_final.ckpt",
  "b1_miniquark_full_v1/my_model_final.ckpt",
  "b1_miniquark_full_v2/my_model_final.ckpt",
  "b2_cnn_digits_batchnorm/model.ckpt",
  "b2_lstm_multi/model.ckpt-800",
];

test.each(SAME_BYTES)("%s: the same bytes as TensorFlow's", async (prefix) => {
  const source = await open(fixture(prefix));
  const target = join(temporaryFolder(), "copy.ckpt");
  // The order in which they are given must not matter.
  const tensors = tensorsOf(source).reverse();
  const written = await (source.version === "V2" ? writeBundle : writeSlices)(target, tensors);
  const values = source.files.filter((path) => !path.endsWith(".meta"));
  expect(written.length).toBe(values.length);
  for (const path of values) {
    const copy = path.replace(fixture(prefix), target);
    expect(written).toContain(copy);
    expect(sha256(readFileSync(copy)), copy).toBe(sha256(readFileSync(path)));
  }
});

const V2_ONLY = ["bfloat16", "uint32", "uint64"];

describe.each(CASES)("$title", ({ prefix }) => {
  test.each([
    { version: "V1", write: writeSlices },
    { version: "V2", write: writeBundle },
  ])("as $version and back", async ({ version, write }) => {
    const source = await open(prefix);
    const tensors = tensorsOf(source).filter(
      ({ dtype }) => version === "V2" || !V2_ONLY.includes(dtype),
    );
    const target = join(temporaryFolder(), "copy.ckpt");
    await write(target, tensors);
    const copy = await open(target);
    expect(copy.version).toBe(version);
    expect([...copy.tensors.keys()].sort()).toEqual(tensors.map(({ name }) => name).sort());
    for (const { name } of tensors) {
      expect(copy.tensors.get(name)).toEqual(source.tensors.get(name));
      expect(await hashOf(copy, name), name).toBe(await hashOf(source, name));
    }
  });
});

test("an index of several blocks", async () => {
  const tensors = Array.from({ length: 9000 }, (_, index): WritableTensor => ({
    // Neighbours share few bytes, so that the index is large.
    name: `${(index * 7919) % 9001}/${"a_long_scope_name/".repeat(4)}variable`,
    dtype: "int32",
    shape: [],
    read: async () => new Uint8Array(Int32Array.of(index).buffer),
  }));
  const target = join(temporaryFolder(), "many.ckpt");
  await writeBundle(target, tensors);
  expect(readFileSync(`${target}.index`).length).toBeGreaterThan(256 << 10);
  const copy = await open(target);
  expect(copy.tensors.size).toBe(tensors.length);
  for (const index of [0, 1, 4567, 8999]) {
    const bytes = await copy.read(tensors[index]!.name);
    expect(new Int32Array(bytes.slice().buffer)[0]).toBe(index);
  }
});

const one = (more: Partial<WritableTensor> = {}): WritableTensor => ({
  name: "w",
  dtype: "float32",
  shape: [2],
  read: async () => new Uint8Array(8),
  ...more,
});

describe.each([
  { version: "V1", write: writeSlices },
  { version: "V2", write: writeBundle },
])("$version", ({ version, write }) => {
  test.each<{ title: string; tensors: WritableTensor[]; says: RegExp }>([
    {
      title: "a value that is too short",
      tensors: [one({ name: "v" }), one({ read: async () => new Uint8Array(7) })],
      says: /"w" of float32 \[2\] takes 8 bytes, and its value has 7/,
    },
    {
      title: "bytes for strings",
      tensors: [one({ dtype: "string" })],
      says: /"w" of string/,
    },
    { title: "two of a name", tensors: [one(), one()], says: /two tensors are named "w"/ },
    { title: "an empty name", tensors: [one({ name: "" })], says: /cannot be the name/ },
  ])("$title fails and leaves nothing", async ({ tensors, says }) => {
    const folder = temporaryFolder();
    const error: unknown = await write(join(folder, "x.ckpt"), tensors).catch((e: unknown) => e);
    expect(error).toBeInstanceOf(GraftError);
    expect((error as GraftError).code).toBe("write-failed");
    expect((error as GraftError).message).toMatch(says);
    expect(readdirSync(folder)).toEqual([]);
  });

  test("an old checkpoint stays whole when writing fails", async () => {
    const folder = temporaryFolder();
    const target = join(folder, "x.ckpt");
    await write(target, [one()]);
    const before = readdirSync(folder).map((name) => [
      name,
      readFileSync(join(folder, name), "hex"),
    ]);
    const broken = write(target, [
      one({ name: "a" }),
      one({ read: () => Promise.reject(new GraftError("cancelled", "stopped")) }),
    ]);
    await expect(broken).rejects.toMatchObject({ code: "cancelled" });
    const after = readdirSync(folder).map((name) => [
      name,
      readFileSync(join(folder, name), "hex"),
    ]);
    expect(after).toEqual(before);
  });

  test("an old checkpoint is replaced", async () => {
    const folder = temporaryFolder();
    const target = join(folder, "x.ckpt");
    await write(target, [one()]);
    const names = readdirSync(folder);
    await write(target, [one({ shape: [1, 2] })]);
    const source = await open(target);
    expect(source.tensors.get("w")!.shape).toEqual([1, 2]);
    expect(readdirSync(folder)).toEqual(names);
  });

  test("a folder in the way of a file", async () => {
    const folder = temporaryFolder();
    const target = join(folder, "x.ckpt");
    const last = version === "V2" ? `${target}.index` : target;
    mkdirSync(last);
    await expect(write(target, [one()])).rejects.toMatchObject({ code: "write-failed" });
    expect(readdirSync(folder)).toEqual([basename(last)]);
  });
});

test("V1 refuses what TensorFlow's V1 code cannot hold", async () => {
  const target = join(temporaryFolder(), "x.ckpt");
  const writing = writeSlices(target, [one({ dtype: "bfloat16", shape: [4] })]);
  await expect(writing).rejects.toMatchObject({ code: "write-failed" });
});
