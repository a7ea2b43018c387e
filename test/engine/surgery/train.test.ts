// Networks with other layers train: what is frozen stays bit for bit, everything else moves.
import { describe, expect, test } from "vitest";
import { isFrozen, type Model } from "../../../src/engine/graph/model";
import { executorOn } from "../executor";
import { expectClose } from "../fixture";
import { convolutional, edited, joined, perceptron, residual, storedIn, trained } from "./small";

const dense = (more: object = {}) => ({ dense: { init: "identity", ...more } });
const EDITS: Readonly<Record<string, [() => Model, ...object[]]>> = {
  "an inserted dense layer": [
    perceptron,
    { freeze: "hidden1" },
    { insertLayer: { after: "hidden2", layer: dense() } },
  ],
  "an inserted layer of other units": [
    perceptron,
    { freeze: "hidden1" },
    { insertLayer: { after: "hidden1", layer: { dense: { units: 7, activation: "tanh" } } } },
  ],
  "an inserted convolution, batch norm and dropout": [
    convolutional,
    { freeze: "conv1|norm" },
    { insertLayer: { after: "conv2", name: "c", layer: { conv2d: { init: "identity" } } } },
    { insertLayer: { after: "c", name: "n", layer: { batchNorm: {} } } },
    { insertLayer: { before: "out", layer: { dropout: { rate: 0.25 } } } },
  ],
  "a removed layer": [perceptron, { freeze: "hidden1" }, { removeLayer: { layer: "hidden2" } }],
  "a removed branch": [
    joined,
    { freeze: "a/w" },
    { removeLayer: { layer: "b", connections: "remove" } },
  ],
  "a removed convolution in a sum": [
    residual,
    { freeze: "conv1" },
    { removeLayer: { layer: "conv2" } },
  ],
  "another activation, a held batch norm": [
    convolutional,
    { setLayer: { layer: "conv2", activation: "tanh" } },
    { setLayer: { layer: "norm", batchNorm: "inference" } },
  ],
  "fresh numbers under another name": [
    perceptron,
    { freeze: ".*" },
    { reinitialize: { layers: "out" } },
    { rename: { from: "out", to: "head/digits" } },
  ],
};

describe.each(Object.entries(EDITS))("%s", (_, [network, ...edits]) => {
  const source = network();
  const model = edited(source, ...edits);
  const losses = new Map<string, readonly number[]>();

  test.each(["cpu", "compiled"])("on %s", async (backend) => {
    const executor = await executorOn(backend as "cpu");
    const { before, after, losses: told } = await trained(model, storedIn(source), executor);
    losses.set(backend, told);
    for (const [name, numbers] of before) {
      const variable = model.variables.get(name)!;
      const moves = variable.role === "weight" ? !isFrozen(variable) : name.startsWith("n/");
      if (moves) expect(after.get(name), name).not.toEqual(numbers);
      else expect(after.get(name), name).toEqual(numbers);
    }
  });

  test("both backends compute the same", () => {
    expectClose(losses.get("compiled")!, losses.get("cpu")!, 1e-5);
  });
});
