// Recurrent layers come, change and start afresh as the network's own do; outputs and losses go step by step.
import { beforeAll, describe, expect, test } from "vitest";
import type { Model, Node } from "../../../src/engine/graph/model";
import { layerSizes } from "../../../src/engine/graph/layers";
import { changed } from "../../../src/engine/surgery/rewire";
import { executorOn } from "../executor";
import {
  builtSequence,
  CLASSES,
  FEATURES,
  TIME,
  type SequenceDesign,
  type SequenceStep,
} from "./recurrentNetworks";
import { edited, logits, numbersOf } from "./run";

beforeAll(async () => {
  await executorOn("cpu");
});

const PLAIN = { masked: false, resets: false, timeMajor: false, last: false };
const network = (kinds: readonly SequenceStep["kind"][], more: Partial<SequenceDesign> = {}) =>
  builtSequence({ ...PLAIN, ...more, steps: kinds.map((kind) => ({ kind, units: 4 })) });

function after(source: Model, ...edits: readonly object[]): Model {
  const { model, problems } = edited(source, ...edits);
  expect(problems).toEqual([]);
  return model;
}

const refusal = (source: Model, ...edits: readonly object[]): string =>
  edited(source, ...edits).problems.map(({ message }) => message)[0];

const lstmOf = (model: Model, name: string) => model.nodes.get(name) as Node<"LSTM">;
const names = (node: Node) =>
  node.inputs.map((input) => ("node" in input ? input.node : `[${input.variable}]`));

describe("a new LSTM has the form of those around it", () => {
  test("TensorFlow 1: one joined kernel, and the forget gate's bias in the graph", async () => {
    const source = network(["joined"], { masked: true });
    const model = after(source, {
      insertLayer: { after: "joined0", layer: { lstm: { units: 6, peepholes: true } } },
    });
    const node = lstmOf(model, "lstm/LSTM");
    expect(node.attributes).toEqual({
      ...lstmOf(source, "joined0").attributes,
      takes: ["joinedKernel", "bias", "peepholeInput", "peepholeForget", "peepholeOutput", "mask"],
    });
    expect(names(node)).toEqual([
      "joined0",
      "[lstm/kernel]",
      "[lstm/bias]",
      "[lstm/w_i_diag]",
      "[lstm/w_f_diag]",
      "[lstm/w_o_diag]",
      "mask",
    ]);
    expect(model.variables.get("lstm/kernel")!.shape).toEqual([4 + 6, 24]);
    expect(model.layers.map(({ name, kind }) => [name, kind])).toEqual([
      ["joined0", "LSTM"],
      ["lstm", "LSTM"],
      ["dense1", "dense"],
    ]);
    expect(layerSizes(model, model.layers[1])).toBe("4 → 6");
    expect([...(await numbersOf(source, model)).get("lstm/bias")!]).toEqual(Array(24).fill(0));
    expect(await logits(source, model, 3)).toHaveLength(3 * TIME * CLASSES);
  });

  test("DL4J: two kernels, peepholes behind the gates, the forget gate open by its bias", async () => {
    const source = network(["graves"], { masked: true, resets: true });
    const model = after(source, {
      insertLayer: {
        before: "graves0",
        layer: { lstm: { units: 2, peepholes: true } },
        name: "new",
      },
    });
    const node = lstmOf(model, "new/LSTM");
    // Deeplearning4j masks no layer that goes forward, unless what yields a last step is around it.
    expect(node.attributes).toEqual({
      ...lstmOf(source, "graves0").attributes,
      takes: ["kernel", "recurrentKernel", "bias"],
    });
    expect(names(node)).toEqual(["x", "[new/kernel]", "[new/recurrent_kernel]", "[new/bias]"]);
    expect(model.variables.get("new/recurrent_kernel")!.shape).toEqual([2, 11]);
    const numbers = await numbersOf(source, model);
    // Candidate, forget gate, output gate, input gate.
    expect([...numbers.get("new/bias")!]).toEqual([0, 0, 1, 1, 0, 0, 0, 0]);
    // Glorot: ± √(6 / (fan in + fan out)); DL4J counts n in, f + n out.
    const bound = Math.sqrt(6 / (2 + FEATURES + 2));
    for (const name of ["new/kernel", "new/recurrent_kernel"]) {
      const largest = Math.max(...numbers.get(name)!.map(Math.abs));
      expect(largest).toBeLessThan(bound);
      // The spread of a whole kernel of all gates would be less than this.
      expect(largest).toBeGreaterThan(0.8 * bound);
    }
    // What asks for the lengths goes on asking the input.
    expect(names(model.nodes.get("mask")!)).toEqual(["lengths", "x"]);
    await logits(source, model);
  });

  test("what asks how long the sequences are goes on asking the layer before", () => {
    const built = network(["dense", "joined"], { masked: true });
    const mask = built.nodes.get("mask")!;
    const inputs = [{ node: "lengths" }, { node: "dense0/BiasAdd" }];
    const source = changed(built, { nodes: [{ ...mask, inputs }] });
    const model = after(source, { insertLayer: { after: "dense0", layer: { lstm: {} } } });
    expect(names(model.nodes.get("mask")!)).toEqual(["lengths", "dense0/BiasAdd"]);
    expect(names(model.nodes.get("lstm/LSTM")!)).toContain("mask");
    expect(names(model.nodes.get("joined1")!)[0]).toBe("lstm/LSTM");
  });

  test("steps first where the sequence has them first, on either side of a transposition", () => {
    const source = network(["gru", "dense"], { timeMajor: true, last: false });
    const within = after(source, { insertLayer: { after: "dense2", layer: { lstm: {} } } });
    const behind = after(source, { insertLayer: { before: "dense4", layer: { gru: {} } } });
    const outer = after(source, { insertLayer: { after: "dense4", layer: { gru: { units: 5 } } } });
    const isTimeMajor = (model: Model, name: string) =>
      (model.nodes.get(name) as Node<"GRU">).attributes.timeMajor;
    expect(isTimeMajor(within, "lstm/LSTM")).toBe(true);
    expect(names(behind.nodes.get("gru/GRU")!)[0]).toBe("swap3");
    expect(isTimeMajor(behind, "gru/GRU")).toBe(false);
    expect(isTimeMajor(outer, "gru/GRU")).toBe(false);
  });

  test("a GRU starts with open gates", async () => {
    const source = network(["gru"]);
    const model = after(source, { insertLayer: { after: "gru0", layer: { gru: {} } } });
    const numbers = await numbersOf(source, model);
    expect([...numbers.get("gru/gates/bias")!]).toEqual(Array(8).fill(1));
    expect([...numbers.get("gru/candidate/bias")!]).toEqual(Array(4).fill(0));
  });

  test("rows and images are refused, and what fits is said", () => {
    const rows = network(["joined"], { last: true });
    expect(refusal(rows, { insertLayer: { after: "dense1", layer: { lstm: {} } } })).toMatch(
      /An LSTM takes sequences, and dense1\/BiasAdd has the shape .*insert a dense layer here/,
    );
  });
});

describe("weights that start afresh", () => {
  test("new units of a DL4J layer have an open forget gate", async () => {
    const source = network(["apart"]);
    const model = after(source, { addUnits: { layer: "apart0", units: 2 } });
    const numbers = await numbersOf(source, model);
    const bias = [...numbers.get("apart0/bias")!];
    const ofNew = [0, 1, 2, 3].map((gate) => bias.slice(gate * 6 + 4, gate * 6 + 6));
    expect(ofNew).toEqual([
      [0, 0],
      [1, 1],
      [0, 0],
      [0, 0],
    ]);
  });

  test("other units: the layer and what reads it", async () => {
    const source = network(["graves", "gru"]);
    const model = after(source, { replaceUnits: { layer: "graves0", units: 7 } });
    expect(model.variables.get("graves0/kernel")!.shape).toEqual([FEATURES, 28]);
    expect(model.variables.get("graves0/recurrentKernel")!.shape).toEqual([7, 31]);
    expect(model.variables.get("gru1/gateKernel")!.shape).toEqual([7 + 4, 8]);
    const numbers = await numbersOf(source, model);
    expect([...numbers.get("graves0/bias")!].filter((value) => value === 1)).toHaveLength(7);
    await logits(source, model);
  });

  test("reinitialized as it began", async () => {
    const source = network(["projected"]);
    const model = after(source, { reinitialize: { layers: "projected0" } });
    const numbers = await numbersOf(source, model);
    const bound = Math.sqrt(6 / (FEATURES + 2 + 16));
    expect(Math.max(...numbers.get("projected0/joinedKernel")!.map(Math.abs))).toBeLessThan(bound);
    expect([...numbers.get("projected0/bias")!]).toEqual(Array(16).fill(0));
  });
});

describe("settings", () => {
  test("the activation function is the candidate's and the cell's, and can be set back", () => {
    const source = network(["joined", "gru"]);
    const model = after(source, { setLayer: { layer: "joined0|gru1", activation: "softplus" } });
    expect(lstmOf(model, "joined0").attributes).toEqual({
      ...lstmOf(source, "joined0").attributes,
      activation: "softplus",
    });
    const back = after(
      source,
      { setLayer: { layer: "joined0|gru1", activation: "softplus" } },
      { setLayer: { layer: "joined0|gru1", activation: "tanh" } },
    );
    expect(back).toEqual(source);
    expect(refusal(source, { setLayer: { layer: "gru1", activation: "softmax" } })).toMatch(
      /gru1 is recurrent and cannot have softmax within. It can have tanh, sigmoid/,
    );
  });

  test("learning rate, L2 of kernels, freezing of units, other features", async () => {
    const source = network(["joined", "graves"]);
    const model = after(
      source,
      { setLayer: { layer: "graves1", learningRate: 0.01, l2: 0.1 } },
      { freeze: { layer: "joined0", units: "0" } },
      { setInput: { channels: 5, how: "zero" } },
    );
    expect(model.variables.get("graves1/recurrentKernel")!.hyper).toEqual({
      learningRate: 0.01,
      l2: 0.1,
    });
    expect(model.variables.get("graves1/bias")!.hyper).toEqual({ learningRate: 0.01 });
    expect(model.variables.get("joined0/joinedKernel")!.shape).toEqual([5 + 4, 16]);
    expect(model.shapes.get("x")).toEqual([-1, TIME, 5]);
    await logits(source, model);
  });
});

describe("outputs of sequences", () => {
  test("other classes for every step, in the graph's own loss", async () => {
    const source = network(["apart"]);
    const model = after(source, { replaceOutput: { classes: 6 } });
    expect(model.roles).toEqual(source.roles);
    expect(await logits(source, model, 2)).toHaveLength(2 * TIME * 6);
  });

  test("a new loss leaves what is done with the steps as it is", () => {
    const source = withMaskedLoss(network(["apart"], { masked: true }));
    const model = after(source, {
      replaceOutput: { classes: 4, loss: "sigmoidCrossEntropy", activation: "sigmoid" },
    });
    expect(names(model.nodes.get("counted")!)).toEqual(["graft/step_loss", "mask"]);
    expect(names(model.nodes.get("graft/step_loss")!)).toEqual(["graft/cross_entropy"]);
    expect(model.roles.loss).toBe("loss");
    expect(model.shapes.get(model.roles.labels!)).toEqual([-1, TIME, 4]);
    const back = after(
      source,
      { replaceOutput: { classes: 4, loss: "softmaxCrossEntropy" } },
      { replaceOutput: { classes: 4, loss: "sparseSoftmaxCrossEntropy" } },
    );
    expect(back.nodes.get(names(back.nodes.get("counted")!)[0])).toMatchObject({
      op: "SparseSoftmaxCrossEntropy",
    });
    expect(back.shapes.get(back.roles.labels!)).toEqual([-1, TIME]);
  });

  test.each([
    ["dense", [-1, TIME, 6]],
    ["lastStep", [-1, 6]],
  ])("a head behind features: %s", async (head, shape) => {
    const source = network(["joined", "graves"], { masked: true });
    const model = after(
      source,
      { setOutputs: { outputs: "graves1" } },
      { replaceOutput: { classes: 6, head } },
    );
    expect(model.shapes.get(model.roles.output!)).toEqual(shape);
    if (head === "lastStep")
      expect(names(model.nodes.get("logits/LastStep")!)).toEqual(["graves1", "mask"]);
    expect(model.shapes.get(model.roles.labels!)).toEqual(shape.slice(0, -1));
    await logits(source, model);
  });

  test.each([false, true])(
    "padding does not count in a new loss, steps first: %s",
    async (timeMajor) => {
      const source = network(["joined"], { masked: true, timeMajor, last: true });
      const model = after(
        source,
        { setOutputs: { outputs: "joined" + (timeMajor ? "1" : "0") } },
        { replaceOutput: { classes: 3, head: "dense" } },
      );
      expect(names(model.nodes.get("graft/counted")!)[1]).toBe("mask");
      expect(model.nodes.get("graft/sum")).toMatchObject({ attributes: { axes: [1] } });
      // Labels have the batch first.
      expect(model.shapes.get(model.roles.output!)).toEqual([-1, TIME, 3]);
      expect(model.roles.loss).toBe("graft/loss");
      expect(model.shapes.get("graft/loss")).toEqual([]);
      await logits(source, model);
    },
  );

  test("pooling is refused", () => {
    const source = network(["joined"]);
    expect(refusal(source, { replaceOutput: { classes: 6, head: "pooling" } })).toMatch(
      /Pooling needs a feature map.*Use "head": "dense"/,
    );
  });
});

/** The loss of steps that are there, summed over time, as DL4J's is. */
function withMaskedLoss(model: Model): Model {
  const nodes = new Map(model.nodes);
  nodes.delete("loss");
  const add = (node: Omit<Node, "origin">) =>
    nodes.set(node.name, { origin: [], ...node } as unknown as Node);
  const from = (...all: string[]) => all.map((node) => ({ node }));
  add({ name: "counted", op: "Mul", inputs: from("each", "mask"), attributes: {} });
  const over = (axis: number) => ({ axes: [axis], keepDims: false });
  add({ name: "summed", op: "Sum", inputs: from("counted"), attributes: over(1) });
  add({ name: "loss", op: "Mean", inputs: from("summed"), attributes: over(0) });
  const shapes = new Map(model.shapes).set("counted", [-1, TIME]).set("summed", [-1]);
  return { ...model, nodes, shapes };
}
