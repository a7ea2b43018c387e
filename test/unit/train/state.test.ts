import * as fs from "node:fs/promises";
import * as os from "node:os";
import * as path from "node:path";
import { afterEach, beforeEach, expect, test } from "vitest";
import { readState, writeState, type SavedState } from "../../../src/engine/train/state";

let folder: string;
beforeEach(async () => {
  folder = await fs.mkdtemp(path.join(os.tmpdir(), "graft-state-"));
});
afterEach(() => fs.rm(folder, { recursive: true, force: true }));

const state: SavedState = {
  position: { phase: 1, epoch: 3, step: 7, score: [1.5, 50, 20] },
  backend: { name: "cpu", version: "4.22.0" },
  identity: { data: "d", start: "s" },
  prefixSamples: 12,
  values: new Map([
    ["a/weights", Float32Array.of(1, -2, 3)],
    ["b", new Float32Array()],
  ]),
  slots: new Map([["a/weights", [Float32Array.of(4, 5, 6), Float32Array.of(7, 8, 9)]]]),
};

test("a state comes back as it was written", async () => {
  const file = path.join(folder, "state.bin");
  await writeState(file, state);
  expect(await readState(file)).toEqual(state);
});

test("there is no state before one was written", async () => {
  expect(await readState(path.join(folder, "state.bin"))).toBeNull();
});

test("a damaged state is refused, whichever byte it is", async () => {
  const file = path.join(folder, "state.bin");
  await writeState(file, state);
  const content = await fs.readFile(file);
  for (let at = 0; at < content.length; at += 11) {
    const damaged = Buffer.from(content);
    damaged[at] ^= 4;
    await fs.writeFile(file, damaged);
    await expect(readState(file)).rejects.toMatchObject({ code: "corrupt-file" });
  }
  await fs.writeFile(file, content.subarray(0, 20));
  await expect(readState(file)).rejects.toMatchObject({ code: "corrupt-file" });
});
