// Bottlenecks are one row per sample, wherever the cut lies.
import * as fs from "node:fs";
import * as os from "node:os";
import * as path from "node:path";
import { afterEach, beforeEach, expect, test } from "vitest";
import { cut } from "../../../src/engine/graph/cut";
import type { Model } from "../../../src/engine/graph/model";
import { freezeWeights } from "../../../src/engine/surgery/freeze";
import { featurize } from "../../../src/engine/train/featurize";
import { LiveVariables } from "../../../src/engine/train/live";
import { executorOn } from "../executor";
import { handmade, node, PRODUCT } from "../handmade";

let store: string;
beforeEach(() => {
  store = fs.mkdtempSync(path.join(os.tmpdir(), "graft-rows-"));
});
afterEach(() => fs.rmSync(store, { recursive: true, force: true }));

/** Two products for each of the 5 steps of a sample, with or without going back to samples in between. */
const perStep = (between: boolean): Model =>
  freezeWeights(
    handmade({
      fed: { x: [-1, 5, 4] },
      weights: { a: [4, 3], b: [3, 2] },
      nodes: [
        node("rows", "Reshape", ["x"], { shape: [-1, 4] }),
        node("first", "MatMul", ["rows", "[a]"], PRODUCT),
        ...(between
          ? [
              node("samples", "Reshape", ["first"], { shape: [-1, 5, 3] }),
              node("active", "Relu", ["samples"], {}),
              node("again", "Reshape", ["active"], { shape: [-1, 3] }),
            ]
          : []),
        node("second", "MatMul", [between ? "again" : "first", "[b]"], PRODUCT),
        node("loss", "Mean", ["second"], { axes: [0, 1], keepDims: false }),
      ],
      roles: { output: "second", loss: "loss" },
    }),
    "a",
  );

async function bottlenecks(model: Model) {
  const live = new LiveVariables();
  live.add("a", [4, 3], new Float32Array(12).fill(1));
  return featurize({
    model,
    bottlenecks: cut(model, ["loss", "second"]).bottlenecks,
    inputs: [{ node: "x", shape: [5, 4], data: Float32Array.from({ length: 60 }, (_, i) => i) }],
    samples: 3,
    keys: Int32Array.from({ length: 12 }, (_, word) => word),
    live,
    executor: await executorOn("compiled"),
    scalars: new Map(),
    store,
    origin: { recipe: "r", checkpoint: "c" },
    computed: () => {},
    warn: () => {},
    progress: () => {},
    stopRequested: () => false,
  });
}

test("a reshape goes with what it feeds: before it, there is a row per sample", async () => {
  const result = await bottlenecks(perStep(true));
  expect(result).toMatchObject({ tensors: [{ node: "active", shape: [5, 3] }], width: 5 * 3 });
  await result!.close();
});

test("where there is no row per sample, it is told and nothing is kept", async () => {
  const failed = bottlenecks(perStep(false));
  await expect(failed).rejects.toMatchObject({ code: "shape-mismatch" });
  await expect(failed).rejects.toThrow(/first.*"cache": false/);
  const [space] = fs.readdirSync(store);
  expect(fs.readdirSync(path.join(store, space))).toEqual(["space.json"]);
});
