// Saving through the format: which files, which names, what is refused, and the folder's `checkpoint` file.
import {
  copyFileSync,
  linkSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  symlinkSync,
  writeFileSync,
} from "node:fs";
import { basename, dirname, join } from "node:path";
import { afterEach, describe, expect, test } from "vitest";
import type { Model, Variable } from "../../../../src/engine/graph/model";
import type { Checkpoint, ReadVariable } from "../../../../src/engine/formats/format";
import { formatOf, openCheckpoint, recognize } from "../../../../src/engine/formats/table";
import { encodeMetaGraph, ownGraph, readMetaGraph } from "../../../../src/engine/formats/tf1/meta";
import { openTensors } from "../../../../src/engine/formats/tf1/tensors";
import { CASES, fixture, FIXTURES, hashOf, sha256, temporaryFolder } from "./fixtures";

const opened: Checkpoint[] = [];
const open = async (path: string): Promise<Checkpoint> => {
  const checkpoint = await openCheckpoint(path);
  opened.push(checkpoint);
  return checkpoint;
};
afterEach(async () => {
  for (const checkpoint of opened.splice(0)) await checkpoint.close();
});

const MINI = "my_model_final.ckpt";

/** A copy of a checkpoint, so that a test may write beside it. */
function copied(name: string): string {
  const folder = temporaryFolder();
  for (const file of readdirSync(fixture(name), { withFileTypes: true }))
    if (file.isFile()) {
      writeFileSync(join(folder, file.name), readFileSync(fixture(name, file.name)));
    }
  return folder;
}

const graphOf = async (prefix: string) => {
  const file = await ownGraph(prefix);
  return file === undefined ? undefined : readMetaGraph(file);
};

const unchanged =
  (source: Checkpoint): ReadVariable =>
  ({ name }) =>
    source.read(name);

const save = async (source: Checkpoint, as: string, model?: Model) =>
  formatOf(source).save(source, model ?? (await source.model()), as, unchanged(source));

describe.each(CASES)("$title", ({ prefix }) => {
  test("an untouched model is saved with the same values, in the same version", async () => {
    const source = await open(prefix);
    const as = join(temporaryFolder(), "new.ckpt");
    const { files } = await save(source, as);
    expect([...files].sort()).toEqual(
      readdirSync(dirname(as))
        .map((name) => join(dirname(as), name))
        .sort(),
    );
    const original = await openTensors(prefix);
    const copy = await openTensors(as);
    expect(copy.version).toBe(original.version);
    expect([...copy.tensors.keys()].sort()).toEqual([...original.tensors.keys()].sort());
    for (const name of [...copy.tensors.keys()].slice(0, 100))
      expect(await hashOf(copy, name), name).toBe(await hashOf(original, name));
    await original.close();
    await copy.close();
    expect(await graphOf(as)).toEqual(await graphOf(source.path));
    expect((await open(join(dirname(as), "checkpoint"))).path).toBe(as);
  });
});

test("new values and fewer variables", async () => {
  const source = await open(fixture("b1_many_vars/many.ckpt"));
  const model = await source.model();
  const [first, second] = [...model.variables.values()];
  const as = join(temporaryFolder(), "new.ckpt");
  const variables = new Map(
    [first!, { ...second!, shape: [2, 3] } as Variable].map((v) => [v.name, v]),
  );
  await formatOf(source).save(source, { ...model, variables }, as, async ({ name, shape }) =>
    name === first!.name ? Uint8Array.of(1, 2, 3, 4) : new Uint8Array(4 * shape[0]! * shape[1]!),
  );
  const copy = await open(as);
  expect([...copy.tensors.values()].map(({ name, shape }) => ({ name, shape }))).toEqual([
    { name: first!.name, shape: first!.shape },
    { name: second!.name, shape: [2, 3] },
  ]);
  expect([...(await copy.read(first!.name))]).toEqual([1, 2, 3, 4]);
});

describe("the source stays as it is", () => {
  const refused = async (source: Checkpoint, as: string, says: RegExp) => {
    const before = contents(dirname(source.path));
    await expect(save(source, as)).rejects.toMatchObject({
      code: "write-failed",
      message: expect.stringMatching(says) as string,
    });
    expect(contents(dirname(source.path))).toEqual(before);
  };
  const contents = (folder: string) =>
    readdirSync(folder).map((name) => [name, sha256(readFileSync(join(folder, name)))]);

  test.each(["b1_mini_v1", "b1_mini_v2", "b1_mini_v1_sharded", "b1_mini_v2_sharded"])(
    "%s",
    async (name) => {
      const folder = copied(name);
      const source = await open(join(folder, MINI));
      await refused(source, join(folder, MINI), /is being changed/);
      await refused(source, join(folder, ".", "x", "..", MINI), /is being changed/);
      await refused(source, join(folder, `${MINI}.meta`), /give the name without/);
      await refused(source, join(folder, "checkpoint"), /list of checkpoints/);
    },
  );

  test("through a linked folder or file", async () => {
    const folder = copied("b1_mini_v2");
    const source = await open(join(folder, MINI));
    const link = join(temporaryFolder(), "link");
    symlinkSync(folder, link);
    await refused(source, join(link, MINI), /is being changed/);
    linkSync(join(folder, `${MINI}.index`), join(folder, "other.ckpt.index"));
    await refused(source, join(folder, "other.ckpt"), /is being changed/);
  });

  test("a file that is no checkpoint is not overwritten either", async () => {
    const folder = copied("b1_mini_v1");
    writeFileSync(join(folder, "notes"), "mine");
    await refused(await open(join(folder, MINI)), join(folder, "notes"), /not a checkpoint/);
  });
});

describe("another checkpoint is replaced whole", () => {
  test.each([
    ["b1_mini_v2", "b1_mini_v2_sharded"],
    ["b1_mini_v2", "b1_mini_v1_sharded"],
    ["b1_mini_v1", "b1_mini_v2"],
    ["b1_mini_v1", "b1_mini_v1"],
  ])("%s over %s", async (from, over) => {
    const folder = copied(over);
    const source = await open(fixture(from, MINI));
    await save(source, join(folder, MINI));
    const values =
      from === "b1_mini_v2" ? [`${MINI}.data-00000-of-00001`, `${MINI}.index`] : [MINI];
    expect(readdirSync(folder).sort()).toEqual(
      [...values, `${MINI}.meta`, "checkpoint", "expected.json"].sort(),
    );
  });
});

describe("the checkpoint file", () => {
  const state = (folder: string) => readFileSync(join(folder, "checkpoint"), "utf8");

  test("keeps the latest that it names, and lists the new one", async () => {
    const folder = copied("b1_mini_multi_state");
    const source = await open(join(folder, "model.ckpt-500"));
    await save(source, join(folder, "new.ckpt"));
    const text =
      'model_checkpoint_path: "model.ckpt-500"\n' +
      ["model.ckpt-300", "model.ckpt-400", "model.ckpt-500", "new.ckpt"]
        .map((name) => `all_model_checkpoint_paths: "${name}"\n`)
        .join("");
    expect(state(folder)).toBe(text);
    // Again under the same name: listed once.
    await save(source, join(folder, "new.ckpt"));
    expect(state(folder)).toBe(text);
  });

  test("a damaged one is replaced", async () => {
    const folder = temporaryFolder();
    copyFileSync(fixture("b7_malformed/state_garbage/checkpoint"), join(folder, "checkpoint"));
    const { files, notes } = await save(await open(fixture("b1_mini_v2", MINI)), join(folder, "a"));
    expect(state(folder)).toBe('model_checkpoint_path: "a"\nall_model_checkpoint_paths: "a"\n');
    expect(files).toContain(join(folder, "checkpoint"));
    expect(notes).toEqual([]);
  });

  test("when it cannot be written, a note says so and the checkpoint is there", async () => {
    const folder = temporaryFolder();
    mkdirSync(join(folder, "checkpoint"));
    const { notes } = await save(await open(fixture("b1_mini_v2", MINI)), join(folder, "a"));
    expect(notes).toEqual([expect.stringMatching(/checkpoint was not updated/)]);
    expect((await open(join(folder, "a"))).tensors.size).toBe(8);
  });
});

test("a graph survives being read and written", async () => {
  for (const { prefix } of CASES) {
    const meta = await graphOf(prefix);
    if (meta) expect(encodeMetaGraph(meta).length).toBe(readFileSync(`${prefix}.meta`).length);
  }
});

describe("the table of formats", () => {
  test("files of one checkpoint become one entry", async () => {
    const folders = readdirSync(FIXTURES).filter((name) => /^b[128]_/.test(name));
    const files = folders.flatMap((name) =>
      readdirSync(fixture(name)).map((file) => fixture(name, file)),
    );
    const found = await recognize(files);
    const prefixes = CASES.map(({ prefix }) => prefix.replace(/-\?{5}-of-\d{5}$/, ""));
    expect(found.map(({ path }) => path).sort()).toEqual([...prefixes].sort());
    const mini = found.find(({ path }) => path === fixture("b1_mini_v2", MINI))!;
    expect(mini).toEqual({
      path: fixture("b1_mini_v2", MINI),
      name: MINI,
      format: "tf1",
      formatLabel: "TensorFlow 1",
      files: [".data-00000-of-00001", ".index", ".meta"].map(
        (suffix) => fixture("b1_mini_v2", MINI) + suffix,
      ),
    });
  });

  test("a file of no format is told what it looks like", async () => {
    const opening = openCheckpoint(fixture("b1_mini_v2", "expected.json"));
    await expect(opening).rejects.toMatchObject({
      code: "not-a-checkpoint",
      message: expect.stringMatching(/text file/) as string,
    });
  });
});

describe("lines that load it", () => {
  test("with a graph", async () => {
    const source = await open(fixture("b1_mini_v1_sharded", MINI));
    const { language, code } = await formatOf(source).loadCode(source.path, await source.model());
    expect(language).toBe("python");
    expect(code).toContain(`import_meta_graph("${source.path}.meta", clear_devices=True)`);
    expect(code).toContain(`saver.restore(sess, "${source.path}-?????-of-00002")`);
    expect(code).toContain('X = graph.get_tensor_by_name("X:0")');
    expect(code).toContain("    # values = sess.run(outputs_BiasAdd, {X: samples})");
  });

  test.each([
    ["b2_cnn_digits", '{x: samples, "keep_prob:0": 1.0}'],
    ["b2_cnn_digits_batchnorm", '{x: samples, "keep_prob:0": 1.0, "is_training:0": False}'],
  ])("of %s, with every placeholder that the output needs", async (name, feeds) => {
    const source = await open(fixture(name, "model.ckpt"));
    const { code } = await formatOf(source).loadCode(source.path, await source.model());
    expect(code).toContain(`    # values = sess.run(add_3, ${feeds})`);
  });

  test("without one", async () => {
    const source = await open(fixture("b1_mini_multi_state", "model.ckpt-300"));
    const { code } = await formatOf(source).loadCode(source.path, await source.model());
    expect(code).toContain("tf.train.Saver()");
    expect(code).toContain("#   hidden1/weights  [50, 30]  float32");
    expect(code).toContain(`saver.restore(sess, "${source.path}")`);
    expect(code).not.toContain("import_meta_graph");
    expect(basename(source.path)).toBe("model.ckpt-300");
  });
});
