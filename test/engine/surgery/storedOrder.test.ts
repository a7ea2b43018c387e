// Kernels that are stored in another order than their op takes them in, as DL4J stores a convolution's: [out, in, height, width].
import { beforeAll, expect, test } from "vitest";
import { layerSizes } from "../../../src/engine/graph/layers";
import { evaluate } from "../../../src/engine/graph/value";
import { executorOn } from "../executor";
import { handmade, node } from "../handmade";
import { edited, largestDifference, logits } from "./run";

const CONVOLUTION = {
  strides: [1, 1],
  padding: "SAME",
  dilations: [1, 1],
  dataFormat: "NHWC",
} as const;
const turned = { permutation: [2, 3, 1, 0] };

const model = handmade({
  fed: { x: [-1, 4, 4, 2] },
  weights: { a: [3, 2, 3, 5], b: [2, 3, 1, 1] },
  nodes: [
    node("a/turned", "Transpose", ["[a]"], turned),
    node("a/conv", "Conv2D", ["x", "a/turned"], CONVOLUTION),
    node("b/turned", "Transpose", ["[b]"], turned),
    node("b/conv", "Conv2D", ["a/conv", "b/turned"], CONVOLUTION),
  ],
  layers: [
    { name: "a", kind: "ConvolutionLayer", variables: ["a"], nodes: ["a/turned", "a/conv"] },
    { name: "b", kind: "ConvolutionLayer", variables: ["b"], nodes: ["b/turned", "b/conv"] },
  ],
  roles: { output: "b/conv" },
});

beforeAll(async () => {
  await executorOn("cpu");
});

test("sizes are told as the op sees them", () => {
  expect(model.layers.map((layer) => layerSizes(model, layer))).toEqual([
    "3×5, 2 → 3",
    "1×1, 3 → 2",
  ]);
});

test.each(["random", "zero", "net2wider"])("%s units", async (init) => {
  const { model: wider, problems } = edited(model, { addUnits: { layer: "a", units: 2, init } });
  expect(problems).toEqual([]);
  expect(wider.variables.get("a")!.shape).toEqual([5, 2, 3, 5]);
  expect(wider.variables.get("b")!.shape).toEqual([2, 5, 1, 1]);
  const difference = largestDifference(await logits(model, model), await logits(model, wider));
  if (init === "random") expect(difference).toBeGreaterThan(1e-6);
  else expect(difference).toBeLessThan(1e-6);
});

test("fresh numbers spread by the fans that the op sees", async () => {
  const { model: wider } = edited(model, { addUnits: { layer: "a", units: 400 } });
  const stored = () => Promise.resolve(new Uint8Array(4 * 3 * 2 * 3 * 5));
  const bytes = await evaluate(wider.variables.get("a")!, stored, 1);
  const fresh = new Float32Array(bytes.buffer, bytes.byteOffset).subarray(3 * 2 * 3 * 5);
  // Glorot: uniform within ± √(6 / (fan in + fan out)).
  const bound = Math.sqrt(6 / (2 * 15 + 403 * 15));
  const largest = fresh.reduce((most, value) => Math.max(most, Math.abs(value)), 0);
  expect(largest).toBeLessThanOrEqual(bound);
  expect(largest).toBeGreaterThan(0.99 * bound);
});
