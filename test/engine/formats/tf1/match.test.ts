// From any file to its checkpoint; what other files are said to be; what a `checkpoint` file may lead to.
import { copyFileSync, mkdirSync, readdirSync, readFileSync, writeFileSync } from "node:fs";
import { basename, join } from "node:path";
import snappy from "snappyjs";
import { describe, expect, test } from "vitest";
import { openCheckpoint } from "../../../../src/engine/formats/table";
import { diagnose } from "../../../../src/engine/formats/tf1/diagnose";
import { checkpointFiles, matchPrefix } from "../../../../src/engine/formats/tf1/match";
import { readState, stateText } from "../../../../src/engine/formats/tf1/state";
import { openTensors } from "../../../../src/engine/formats/tf1/tensors";
import { tableWriter } from "../../../../src/engine/formats/tf1/tablewriter";
import { fixture, temporaryFolder } from "./fixtures";

const MINI = "my_model_final.ckpt";
const SNAPPY = "b7_malformed/ckptv1_snappy_ok/my_model_final.ckpt";

/** A file, and the prefix that it belongs to. */
const MATCHES: readonly (readonly [string, string])[] = [
  [`b1_mini_v2/${MINI}`, `b1_mini_v2/${MINI}`],
  [`b1_mini_v2/${MINI}.index`, `b1_mini_v2/${MINI}`],
  [`b1_mini_v2/${MINI}.meta`, `b1_mini_v2/${MINI}`],
  [`b1_mini_v2/${MINI}.data-00000-of-00001`, `b1_mini_v2/${MINI}`],
  ["b1_mini_v2/checkpoint", `b1_mini_v2/${MINI}`],
  ["b1_mini_v2_step/checkpoint", `b1_mini_v2_step/${MINI}-200`],
  [`b1_mini_v2_step/${MINI}-200.meta`, `b1_mini_v2_step/${MINI}-200`],
  ["b1_mini_multi_state/checkpoint", "b1_mini_multi_state/model.ckpt-500"],
  ["b1_mini_multi_state/model.ckpt-300.index", "b1_mini_multi_state/model.ckpt-300"],
  [`b1_mini_v2_sharded/${MINI}.data-00001-of-00002`, `b1_mini_v2_sharded/${MINI}`],
  [`b1_mini_v1/${MINI}`, `b1_mini_v1/${MINI}`],
  [`b1_mini_v1/${MINI}.meta`, `b1_mini_v1/${MINI}`],
  ["b1_mini_v1/checkpoint", `b1_mini_v1/${MINI}`],
  [`b1_mini_v1_sharded/${MINI}`, `b1_mini_v1_sharded/${MINI}`],
  [`b1_mini_v1_sharded/${MINI}-00001-of-00002`, `b1_mini_v1_sharded/${MINI}`],
  [`b1_mini_v1_sharded/${MINI}-?????-of-00002`, `b1_mini_v1_sharded/${MINI}`],
  [`b1_mini_v1_sharded/${MINI}.meta`, `b1_mini_v1_sharded/${MINI}`],
  ["b1_mini_v1_sharded/checkpoint", `b1_mini_v1_sharded/${MINI}`],
  ["b1_many_vars/many.ckpt.index", "b1_many_vars/many.ckpt"],
  [SNAPPY, SNAPPY],
  // Damaged, and yet nothing else: opening says what is wrong.
  [
    "b7_malformed/ckpt_index_empty/my_model_final.ckpt.index",
    "b7_malformed/ckpt_index_empty/my_model_final.ckpt",
  ],
  [
    "b7_malformed/ckpt_index_garbage/my_model_final.ckpt.index",
    "b7_malformed/ckpt_index_garbage/my_model_final.ckpt",
  ],
  [
    "b7_malformed/ckpt_data_missing/my_model_final.ckpt.index",
    "b7_malformed/ckpt_data_missing/my_model_final.ckpt",
  ],
];

test.each(MATCHES)("%s", async (file, prefix) => {
  expect(await matchPrefix(fixture(file))).toBe(fixture(prefix));
});

test.each([
  "b1_mini_v2/expected.json",
  "b1_mini_v2/io/X.bin",
  "b1_mini_v2",
  "b1_mini_v2/my_model",
  "b1_mini_v2/not there",
  "b7_malformed/meta_cycle/m.ckpt.meta",
  "b7_malformed/ckptv1_truncated/my_model_final.ckpt",
])("%s is none", async (file) => {
  expect(await matchPrefix(fixture(file))).toBeNull();
});

test.each([
  [`b1_mini_v2/${MINI}`, [".data-00000-of-00001", ".index", ".meta"]],
  [
    `b1_mini_v2_sharded/${MINI}`,
    [".data-00000-of-00002", ".data-00001-of-00002", ".index", ".meta"],
  ],
  [`b1_mini_v1/${MINI}`, ["", ".meta"]],
  [`b1_mini_v1_sharded/${MINI}`, ["-00000-of-00002", "-00001-of-00002", ".meta"]],
  ["b1_mini_multi_state/model.ckpt-300", [".data-00000-of-00001", ".index"]],
])("files of %s", async (prefix, suffixes) => {
  expect(await checkpointFiles(fixture(prefix))).toEqual(
    suffixes.map((suffix) => fixture(prefix) + suffix),
  );
});

/** A LevelDB database has the same magic number, and keys that are not empty. */
async function levelDb(path: string): Promise<void> {
  const parts: Uint8Array[] = [];
  const table = tableWriter({ write: async (bytes) => void parts.push(bytes) });
  await table.add(Buffer.from("key12345"), Buffer.from("value"));
  await table.finish();
  writeFileSync(path, Buffer.concat(parts));
}

describe("files of other kinds", () => {
  test.each<[string, string, RegExp]>([
    ["model.h5", "\x89HDF\r\n\x1a\n\0\0", /HDF5.*Keras/],
    ["model.keras", "PK\x03\x04", /zip archive/],
    ["x.npy", "\x93NUMPY\x01\0", /NumPy array/],
    ["old.pt", "\x80\x02}q\0.", /Python pickle.*PyTorch/],
    ["model.ckpt", "\x89PNG\r\n\x1a\n", /PNG/],
    ["model.ckpt", "<!DOCTYPE html><html>", /web page/],
    ["model.ckpt", "version https://git-lfs.github.com/spec/v1\n", /Git LFS/],
    ["notes.txt", "Trained on Monday, 95 %.\n", /text file/],
    ["weights.safetensors", '\x40\0\0\0\0\0\0\0{"a":1}', /safetensors/],
    ["junk.bin", "\0\x01\x02\x03\x04", /no format that Graft knows/],
  ])("%s: %j", async (name, head, says) => {
    const path = join(temporaryFolder(), name);
    writeFileSync(path, Buffer.from(head, "latin1"));
    expect(await matchPrefix(path)).toBeNull();
    await expect(openTensors(path)).rejects.toMatchObject({
      code: "not-a-checkpoint",
      message: expect.stringMatching(says) as string,
    });
  });

  test.each(["index.zip", "model.ckpt"])("the index of V2 alone, as %s", async (name) => {
    const path = join(temporaryFolder(), name);
    writeFileSync(path, readFileSync(fixture("b1_mini_v2/my_model_final.ckpt.index")));
    expect(await matchPrefix(path)).toBeNull();
    await expect(openTensors(path)).rejects.toMatchObject({
      code: "not-a-checkpoint",
      message: expect.stringMatching(/an index without its data files/) as string,
    });
  });

  test("a LevelDB table", async () => {
    const path = join(temporaryFolder(), "000005.ldb");
    await levelDb(path);
    expect(await matchPrefix(path)).toBeNull();
    await expect(openTensors(path)).rejects.toMatchObject({
      code: "not-a-checkpoint",
      message: expect.stringMatching(/LevelDB/) as string,
    });
    // The same bytes in Snappy form, as LevelDB mostly writes them: neither.
    const packed = snappy.compress(Uint8Array.from(readFileSync(path)));
    writeFileSync(path, Buffer.concat([packed, readFileSync(path).subarray(-48)]));
    expect(await matchPrefix(path)).toBeNull();
  });

  test.each<[string, string, RegExp]>([
    ["b1_mini_v2/gone.ckpt", "file-not-found", /There is no checkpoint.*gone\.ckpt\.index/],
    ["b7_malformed/meta_cycle/m.ckpt.meta", "missing-shard", /graph without values/],
    ["b7_malformed/meta_cycle/m.ckpt", "missing-shard", /graph without values/],
    ["b7_malformed/ckptv1_truncated/my_model_final.ckpt", "corrupt-file", /end is missing/],
    ["b7_malformed/state_outside/checkpoint", "not-a-checkpoint", /\/etc\/passwd.*outside/],
    ["b7_malformed/state_missing_target/checkpoint", "file-not-found", /gone\.ckpt-5/],
    ["b7_malformed/state_garbage/checkpoint", "corrupt-file", /names no checkpoint/],
  ])("%s", async (file, code, says) => {
    const error = await diagnose(fixture(file));
    expect(error.code).toBe(code);
    expect(error.message).toMatch(says);
  });

  test.each([
    ["b1_mini_v2", /is a folder\. .*b1_mini_v2.my_model_final\.ckpt\./],
    ["b1_mini_multi_state", /ckpt-300, .*ckpt-400, .*ckpt-500\.$/],
    ["data", /is a folder\. There is no checkpoint in it\./],
  ])("%s is a folder; the checkpoints in it are named", async (folder, says) => {
    const opening = openCheckpoint(fixture(folder));
    await expect(opening).rejects.toMatchObject({
      code: "not-a-checkpoint",
      message: expect.stringMatching(says) as string,
    });
  });

  test("a data file whose index is gone", async () => {
    const path = join(temporaryFolder(), "x.ckpt.data-00000-of-00001");
    writeFileSync(path, "values");
    expect(await matchPrefix(path)).toBeNull();
    expect(await diagnose(path)).toMatchObject({ code: "missing-shard" });
  });

  test("a V1 shard is gone", async () => {
    const folder = temporaryFolder();
    const name = `${MINI}-00000-of-00002`;
    copyFileSync(fixture("b1_mini_v1_sharded", name), join(folder, name));
    const prefix = await matchPrefix(join(folder, name));
    expect(prefix).toBe(join(folder, MINI));
    await expect(openTensors(prefix!)).rejects.toMatchObject({ code: "missing-shard" });
  });
});

describe("checkpoint files", () => {
  test("all that are kept, oldest first", async () => {
    const file = fixture("b1_mini_multi_state", "checkpoint");
    const { latest, all } = await readState(file);
    expect(latest!.path).toBe(fixture("b1_mini_multi_state", "model.ckpt-500"));
    expect(all.map(({ path }) => path && basename(path))).toEqual([
      "model.ckpt-300",
      "model.ckpt-400",
      "model.ckpt-500",
    ]);
  });

  test("a stale absolute path is found in the file's own folder", async () => {
    const { latest } = await readState(fixture("b1_mini_v1", "checkpoint"));
    expect(latest).toEqual({
      written: "/home/someone/models/b1_mini_v1/my_model_final.ckpt",
      path: fixture("b1_mini_v1", MINI),
    });
  });

  test("paths that leave the folder are told, not followed", async () => {
    const { latest, all } = await readState(fixture("b7_malformed", "state_outside", "checkpoint"));
    expect(latest).toEqual({ written: "/etc/passwd", path: null, outside: "/etc/passwd" });
    expect(all).toMatchObject([{ written: "../../../../etc/hosts", path: null }]);
    expect(all[0]!.outside).toMatch(/etc.hosts$/);
  });

  test("a checkpoint outside is not opened, although it is there", async () => {
    const folder = temporaryFolder();
    mkdirSync(join(folder, "inner"));
    for (const name of readdirSync(fixture("b1_mini_v2")).filter((each) => each.startsWith(MINI)))
      copyFileSync(fixture("b1_mini_v2", name), join(folder, name));
    const file = join(folder, "inner", "checkpoint");
    for (const written of [`../${MINI}`, join(folder, MINI)]) {
      writeFileSync(file, stateText(written, []));
      expect(await matchPrefix(file)).toBeNull();
      expect((await readState(file)).latest!.outside).toBe(join(folder, MINI));
    }
    // Down is allowed.
    writeFileSync(join(folder, "checkpoint"), stateText(`./inner/../${MINI}`, []));
    expect(await matchPrefix(join(folder, "checkpoint"))).toBe(join(folder, MINI));
  });

  test("paths written on Windows", async () => {
    const folder = temporaryFolder();
    copyFileSync(fixture("b1_mini_v1", MINI), join(folder, MINI));
    writeFileSync(join(folder, "checkpoint"), stateText(`C:\\models\\${MINI}`, []));
    expect(await matchPrefix(join(folder, "checkpoint"))).toBe(join(folder, MINI));
  });

  test("escapes", async () => {
    const { latest, all } = await readState(fixture("b7_malformed", "state_escapes", "checkpoint"));
    expect(latest).toEqual({ written: 'dir with "quotes"/mé.ckpt', path: null });
    expect(all).toEqual([{ written: "single.ckpt", path: null }]);
  });

  test("damaged and missing targets", async () => {
    const garbage = fixture("b7_malformed", "state_garbage", "checkpoint");
    await expect(readState(garbage)).rejects.toMatchObject({ code: "corrupt-file" });
    expect(await matchPrefix(garbage)).toBeNull();
    const gone = fixture("b7_malformed", "state_missing_target", "checkpoint");
    expect((await readState(gone)).latest).toEqual({ written: "gone.ckpt-5", path: null });
    expect(await matchPrefix(gone)).toBeNull();
  });

  test("what is written is read back", async () => {
    const names = ['a "quoted" \\ name', "mé\n\t\x7f.ckpt-5", "plain"];
    const file = join(temporaryFolder(), "checkpoint");
    writeFileSync(file, stateText(names[0]!, names));
    const { latest, all } = await readState(file);
    expect([latest, ...all].map((kept) => kept!.written)).toEqual([names[0], ...names]);
    expect(stateText("my_new_model.ckpt", ["my_new_model.ckpt"])).toBe(
      'model_checkpoint_path: "my_new_model.ckpt"\nall_model_checkpoint_paths: "my_new_model.ckpt"\n',
    );
  });
});
