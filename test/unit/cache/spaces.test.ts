// Looking after the store: what is listed, verified and pruned.
import * as fs from "node:fs/promises";
import * as os from "node:os";
import * as path from "node:path";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { listSpaces, pruneSpaces, verifySpaces } from "../../../src/engine/cache/spaces";
import { openSpace } from "../../../src/engine/cache/store";

let root: string;
beforeEach(async () => {
  root = await fs.mkdtemp(path.join(os.tmpdir(), "graft-spaces-"));
});
afterEach(() => fs.rm(root, { recursive: true, force: true }));

const note = { recipe: "r", checkpoint: "c", backend: "cpu 1", cut: [{ name: "a", shape: [10] }] };
const keys = (count: number) => Int32Array.from({ length: count * 4 }, (_, word) => word);

/** A space that was last used so many days ago. */
async function space(key: string, rows: number, days: number) {
  const opened = await openSpace({ root, key, width: 10, note, damaged: () => undefined });
  await opened.put(keys(rows), new Float32Array(rows * 10));
  const used = new Date(Date.now() - days * 86_400_000);
  await fs.utimes(path.join(root, key, "space.json"), used, used);
  return opened;
}
const names = async () => (await listSpaces(root)).map((each) => each.space);

test("a store that is not there yet is empty", async () => {
  const nowhere = path.join(root, "nowhere");
  expect(await listSpaces(nowhere)).toEqual([]);
  expect(await verifySpaces(nowhere)).toMatchObject({ chunks: 0, damaged: [] });
  expect(await pruneSpaces(nowhere, {})).toEqual({ removed: [], inUse: [] });
});

test("spaces are listed with what they are of, the last used first", async () => {
  await (await space("old", 3, 5)).close();
  await space("new", 4, 1);
  const [first, second] = await listSpaces(root);
  expect(first).toMatchObject({ space: "new", samples: 4, width: 10, inUse: true, note });
  expect(second).toMatchObject({ space: "old", samples: 3, inUse: false });
  expect(second.bytes).toBeGreaterThan(3 * 10 * 4);
});

test("a damaged file is found, and nothing is changed", async () => {
  await (await space("a", 100, 0)).close();
  await (await space("b", 5, 0)).close();
  expect((await verifySpaces(root)).damaged).toEqual([]);
  const [name] = (await fs.readdir(path.join(root, "a"))).filter((each) => each.endsWith(".rows"));
  const file = path.join(root, "a", name);
  const bytes = await fs.readFile(file);
  bytes[bytes.length - 1] ^= 1;
  await fs.writeFile(file, bytes);
  const { damaged, chunks, samples } = await verifySpaces(root);
  expect(damaged).toEqual([{ file, problem: expect.stringContaining("checksum") }]);
  expect([chunks, samples]).toEqual([2, 5]);
  expect(await fs.readFile(file)).toEqual(bytes);
});

describe("pruning", () => {
  beforeEach(async () => {
    for (const [key, days] of [
      ["a", 1],
      ["b", 10],
      ["c", 20],
    ] as const)
      await (await space(key, 100, days)).close();
  });

  test("by age", async () => {
    const { removed } = await pruneSpaces(root, { before: new Date(Date.now() - 15 * 86_400_000) });
    expect(removed.map((each) => each.space)).toEqual(["c"]);
    expect(await names()).toEqual(["a", "b"]);
  });

  test("by size: the least recently used go", async () => {
    const [{ bytes }] = await listSpaces(root);
    await pruneSpaces(root, { maxBytes: 2 * bytes });
    expect(await names()).toEqual(["a", "b"]);
    await pruneSpaces(root, { maxBytes: bytes - 1 });
    expect(await names()).toEqual([]);
  });

  test("never what a process uses", async () => {
    const open = await openSpace({ root, key: "b", width: 10, note, damaged: () => undefined });
    const { removed, inUse } = await pruneSpaces(root, {});
    expect(removed.map((each) => each.space).sort()).toEqual(["a", "c"]);
    expect(inUse.map((each) => each.space)).toEqual(["b"]);
    expect(open.has(keys(100), 99)).toBe(true);
    await open.close();
    await pruneSpaces(root, {});
    expect(await fs.readdir(root)).toEqual([]);
  });
});
