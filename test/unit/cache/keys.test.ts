// Keys of samples, and the table that finds them.
import { spawnSync } from "node:child_process";
import { createHash } from "node:crypto";
import { expect, test } from "vitest";
import { sampleKeys } from "../../../src/engine/cache/keys";
import { KeyTable } from "../../../src/engine/cache/keyTable";
import { isAlive, OWNER } from "../../../src/engine/files/owner";
import { randomStream } from "../../../src/engine/graph/random";

const hex = (keys: Int32Array, sample: number) =>
  Buffer.from(keys.buffer, keys.byteOffset + sample * 16, 16).toString("hex");

test("a key is the hash of type, shape and bytes of everything that is fed", () => {
  const x = { shape: [2, 1], data: Float32Array.of(1, 2, 3, 4) };
  const token = { shape: [], data: Int32Array.of(7, 8) };
  const keys = sampleKeys([x, token], 2);
  const expected = createHash("sha256").update("float32 2,1 int32 \0");
  const bytes = Buffer.alloc(12);
  bytes.writeFloatLE(3, 0);
  bytes.writeFloatLE(4, 4);
  bytes.writeInt32LE(8, 8);
  expect(hex(keys, 1)).toBe(expected.update(bytes).digest("hex").slice(0, 32));
});

test("equal samples have equal keys; another number, shape, type or order has another", () => {
  const key = (shape: number[], data: Float32Array | Int32Array) =>
    hex(sampleKeys([{ shape, data }], 1), 0);
  const one = key([2, 2], Float32Array.of(1, 2, 3, 4));
  expect(key([2, 2], Float32Array.of(1, 2, 3, 4))).toBe(one);
  const others = [
    key([4], Float32Array.of(1, 2, 3, 4)),
    key([2, 2], Float32Array.of(1, 2, 4, 3)),
    key([2, 2], Float32Array.of(1, 2, 3, -4)),
    key([2, 2], new Int32Array(Float32Array.of(1, 2, 3, 4).buffer)),
  ];
  expect(new Set([one, ...others]).size).toBe(5);
});

test("the table is a map, whatever its keys", () => {
  const random = randomStream(3, ["keys"]);
  const table = new KeyTable();
  const map = new Map<string, number>();
  // Few different words: keys that begin alike, and come again.
  const keys = Int32Array.from({ length: 4 * 5000 }, () => random.below(9) - 4);
  for (let index = 0; index < 5000; index++) {
    const name = keys.subarray(index * 4, index * 4 + 4).join();
    expect(table.get(keys, index)).toBe(map.get(name) ?? -1);
    const place = index % 5 === 0 ? -1 : 2 ** 40 + index;
    table.set(keys, index, place);
    map.set(name, place);
  }
  for (let index = 0; index < 5000; index++)
    expect(table.get(keys, index)).toBe(map.get(keys.subarray(index * 4, index * 4 + 4).join()));
});

test("a process lives until it has ended; another one of its number is not taken for it", () => {
  expect(isAlive(OWNER)).toBe(true);
  expect(isAlive(OWNER.replace(/-\d+-/, "-1-"))).toBe(false);
  expect(isAlive(OWNER.replace(/[0-9a-f]+$/, "0"))).toBe(false);
  const { pid } = spawnSync(process.execPath, ["-e", ""]);
  expect(isAlive(OWNER.replace(/^\d+/, String(pid)))).toBe(false);
});
