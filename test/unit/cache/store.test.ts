// The bottleneck store: what is kept, found again, and never believed when it is damaged.
import * as fs from "node:fs/promises";
import * as os from "node:os";
import * as path from "node:path";
import { afterEach, beforeEach, describe, expect, test, vi } from "vitest";
import { sampleKeys } from "../../../src/engine/cache/keys";
import { OWNER } from "../../../src/engine/files/owner";
import { checkRoom } from "../../../src/engine/cache/room";
import { openSpace, type BottleneckSpace } from "../../../src/engine/cache/store";

let root: string;
let damaged: string[];
beforeEach(async () => {
  root = await fs.mkdtemp(path.join(os.tmpdir(), "graft-store-"));
  damaged = [];
});
afterEach(async () => {
  vi.restoreAllMocks();
  await fs.rm(root, { recursive: true, force: true });
});

const note = { recipe: "r", checkpoint: "c", backend: "cpu", cut: [] };
const open = (width: number): Promise<BottleneckSpace> =>
  openSpace({ root, key: "space", width, note, damaged: (problem) => void damaged.push(problem) });
const folder = () => path.join(root, "space");
const files = async (suffix = ".rows") =>
  (await fs.readdir(folder())).filter((name) => name.endsWith(suffix));

/** Keys of `count` samples, told apart by their number. */
const keysFrom = (first: number, count: number) =>
  sampleKeys(
    [{ shape: [1], data: Float32Array.from({ length: count }, (_, i) => first + i) }],
    count,
  );
const keys = keysFrom(0, 4);
const part = (first: number, last: number) => keys.subarray(first * 4, last * 4);
const missing = 3;

async function rowsOf(space: BottleneckSpace, samples: number[], width: number) {
  const rows = new Float32Array(samples.length * width);
  const there = await space.read(keys, Int32Array.from(samples), rows);
  return there ? [...rows] : undefined;
}

test("what was put is there after opening again, in the order that is asked for", async () => {
  const space = await open(2);
  await space.put(part(0, 2), Float32Array.of(1, 2, 3, 4));
  await space.put(part(2, 3), Float32Array.of(5, 6));
  for (const each of [space, await open(2)]) {
    expect([0, 1, 2].map((sample) => each.has(keys, sample))).toEqual([true, true, true]);
    expect(await rowsOf(each, [2, 0, 0, 1], 2)).toEqual([5, 6, 1, 2, 1, 2, 3, 4]);
    expect(each.has(keys, missing)).toBe(false);
    expect(await rowsOf(each, [0, missing], 2)).toBeUndefined();
  }
  expect(damaged).toEqual([]);
});

test("rows of many pages and chunks come back whole, wherever they lie", async () => {
  const [count, width] = [5000, 100];
  const many = keysFrom(0, count);
  const rows = Float32Array.from({ length: count * width }, (_, index) =>
    Math.fround(index * 0.37),
  );
  const space = await open(width);
  for (let start = 0; start < count; start += 1234)
    await space.put(
      many.subarray(start * 4, (start + 1234) * 4),
      rows.subarray(start * width, (start + 1234) * width),
    );
  const samples = Int32Array.from({ length: 3000 }, (_, index) => (index * 7919) % count);
  const found = new Float32Array(samples.length * width);
  expect(await (await open(width)).read(many, samples, found)).toBe(true);
  const expected = new Float32Array(found.length);
  samples.forEach((sample, at) =>
    expected.set(rows.subarray(sample * width, (sample + 1) * width), at * width),
  );
  expect(Buffer.compare(Buffer.from(found.buffer), Buffer.from(expected.buffer))).toBe(0);
});

test("what another process commits is found when it is looked for", async () => {
  const [one, other] = [await open(1), await open(1)];
  await other.put(part(0, 1), Float32Array.of(7));
  expect(one.has(keys, 0)).toBe(false);
  await one.refresh();
  expect(await rowsOf(one, [0], 1)).toEqual([7]);
});

describe("a damaged chunk is removed and told, and the others stay", () => {
  /** Two chunks; returns the first file, and its bytes. */
  async function two() {
    const space = await open(1);
    await space.put(part(0, 2), Float32Array.of(1, 2));
    await space.put(part(2, 3), Float32Array.of(3));
    const names = await files();
    const contents = await Promise.all(names.map((name) => fs.readFile(path.join(folder(), name))));
    const first = contents[0].length > contents[1].length ? 0 : 1;
    return { space, file: path.join(folder(), names[first]), content: contents[first] };
  }

  test("cut short at any byte, or longer than it was", async () => {
    const { file, content } = await two();
    const lengths = Array.from({ length: Math.ceil(content.length / 7) }, (_, index) => index * 7);
    for (const bytes of [
      ...lengths.map((length) => content.subarray(0, length)),
      Buffer.concat([content, Buffer.of(0)]),
    ]) {
      await fs.writeFile(file, bytes);
      damaged = [];
      const left = await open(1);
      expect([0, 1, 2].map((sample) => left.has(keys, sample))).toEqual([false, false, true]);
      expect(damaged).toEqual([expect.stringContaining(path.basename(file))]);
      expect(await files()).toHaveLength(1);
    }
  });

  test("a bit flipped anywhere", async () => {
    const { file, content } = await two();
    for (let at = 0; at < content.length; at++) {
      const flipped = Buffer.from(content);
      flipped[at] ^= 1 << (at % 8);
      await fs.writeFile(file, flipped);
      damaged = [];
      const space = await open(1);
      expect(await rowsOf(space, [0, 1, 2], 1), `byte ${at}`).toBeUndefined();
      expect(damaged, `byte ${at}`).toHaveLength(1);
      expect(await rowsOf(space, [2], 1)).toEqual([3]);
      // What is computed again takes its place.
      await space.put(part(0, 2), Float32Array.of(1, 2));
      expect(await rowsOf(space, [0, 1, 2], 1)).toEqual([1, 2, 3]);
    }
  });

  test("gone while it was in use", async () => {
    const { space, file } = await two();
    await fs.rm(file);
    expect(await rowsOf(space, [0, 2], 1)).toBeUndefined();
    expect(space.has(keys, 0)).toBe(false);
    expect(await rowsOf(space, [2], 1)).toEqual([3]);
  });
});

test("what a process that is gone left is swept, and what another one is writing is not", async () => {
  await (await open(1)).close();
  const gone = OWNER.replace(/-\d+-/, "-1-");
  for (const owner of [gone, OWNER])
    await fs.writeFile(path.join(folder(), `.abc.rows.${owner}.7.tmp`), "half");
  await open(1);
  expect(await files(".tmp")).toEqual([`.abc.rows.${OWNER}.7.tmp`]);
});

describe("where a chunk cannot be written, it is told, and nothing is left", () => {
  test.each([
    ["ENOSPC", /disk is full.*--cache/],
    ["EROFS", /read-only/],
  ])("%s", async (code, message) => {
    const space = await open(1);
    const probe = await fs.open(path.join(root, "probe"), "w");
    const prototype = Object.getPrototypeOf(probe) as fs.FileHandle;
    await probe.close();
    vi.spyOn(prototype, "sync").mockRejectedValueOnce(
      Object.assign(new Error(`${code}: fsync`), { code, syscall: "fsync" }),
    );
    const failed = space.put(part(0, 1), Float32Array.of(1));
    await expect(failed).rejects.toMatchObject({ code: "write-failed" });
    await expect(failed).rejects.toThrow(message);
    expect(await files("")).toEqual([expect.stringMatching(/\.lease$/), "space.json"]);
    expect(space.has(keys, 0)).toBe(false);
  });

  test("a folder that is a file", async () => {
    await fs.writeFile(folder(), "");
    await expect(open(1)).rejects.toMatchObject({ code: "write-failed" });
  });

  test("more than is free is refused before anything is computed", async () => {
    const later = path.join(root, "not", "yet");
    await checkRoom(later, 10, 1000);
    await expect(checkRoom(later, 1e12, 1000)).rejects.toThrow(
      /4.* GB, and .* GB are free.*"cache": false/,
    );
  });
});
