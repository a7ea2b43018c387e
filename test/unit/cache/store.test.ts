import * as fs from "node:fs/promises";
import * as os from "node:os";
import * as path from "node:path";
import { afterEach, beforeEach, expect, test } from "vitest";
import { sampleKey } from "../../../src/engine/cache/keys";
import { openSpace } from "../../../src/engine/cache/store";

let root: string;
beforeEach(async () => {
  root = await fs.mkdtemp(path.join(os.tmpdir(), "graft-store-"));
});
afterEach(() => fs.rm(root, { recursive: true, force: true }));

const key = (text: string) =>
  sampleKey([{ shape: [1], dtype: "float32", bytes: new TextEncoder().encode(text) }]);
const [a, b, c] = ["a", "b", "c"].map(key);
const chunkFiles = async () =>
  (await fs.readdir(path.join(root, "space"))).filter((f) => f.endsWith(".rows"));

test("what was put is there after opening again, in the order that is asked for", async () => {
  const space = await openSpace(root, "space", 2);
  await space.put([a, b], Float32Array.of(1, 2, 3, 4));
  await space.put([c], Float32Array.of(5, 6));
  const again = await openSpace(root, "space", 2);
  expect([a, b, c].map((each) => again.has(each))).toEqual([true, true, true]);
  expect([...(await again.get([c, a, a]))]).toEqual([5, 6, 1, 2, 1, 2]);
  expect(again.has(key("d"))).toBe(false);
});

test("a chunk cut short at any byte is ignored, and the others stay", async () => {
  const space = await openSpace(root, "space", 1);
  await space.put([a], Float32Array.of(1));
  await space.put([b], Float32Array.of(2));
  const [first] = await chunkFiles();
  const file = path.join(root, "space", first);
  const content = await fs.readFile(file);
  for (let length = 0; length < content.length; length += 7) {
    await fs.writeFile(file, content.subarray(0, length));
    const left = await openSpace(root, "space", 1);
    expect([left.has(a), left.has(b)].filter(Boolean)).toHaveLength(1);
  }
});

test("a flipped bit in a row is found when it is read", async () => {
  const space = await openSpace(root, "space", 1);
  await space.put([a], Float32Array.of(1));
  const [name] = await chunkFiles();
  const file = path.join(root, "space", name);
  const content = await fs.readFile(file);
  content[content.length - 34] ^= 1;
  await fs.writeFile(file, content);
  const again = await openSpace(root, "space", 1);
  await expect(again.get([a])).rejects.toMatchObject({ code: "checksum-mismatch" });
});

test("what another process left under a temporary name is no chunk", async () => {
  await openSpace(root, "space", 1);
  await fs.writeFile(path.join(root, "space", "abc.rows.1234.tmp"), "half");
  expect((await openSpace(root, "space", 1)).has(a)).toBe(false);
});
