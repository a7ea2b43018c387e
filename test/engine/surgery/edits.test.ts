// Edits on real networks: what they keep, what they change, and what they refuse.
import { dirname, join } from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import type { Checkpoint } from "../../../src/engine/formats/format";
import { isFrozen, type Model } from "../../../src/engine/graph/model";
import { evaluate } from "../../../src/engine/graph/value";
import { INFERENCE } from "../../../src/engine/ops/kernel";
import { pathTo, run } from "../../../src/engine/ops/run";
import { tf } from "../../../src/engine/ops/tf";
import { applyRecipe } from "../../../src/engine/recipe/apply";
import { planRecipe } from "../../../src/engine/recipe/plan";
import { RecipeSchema } from "../../../src/engine/recipe/schema";
import { usedVariables } from "../../../src/engine/graph/order";
import { load, startingValues } from "../../../src/engine/train/live";
import { executorOn, tensorsOf } from "../executor";
import { fixture, type Recorded } from "../fixture";

const { expected, open, floats } = fixture<{ forward: { X: Recorded } }>("b1_mini_v2");
let checkpoint: Checkpoint;
let source: Model;
beforeAll(async () => {
  checkpoint = await open();
  source = await checkpoint.model();
  await executorOn("cpu");
});
afterAll(() => checkpoint.close());

const apply = (...edits: unknown[]) => {
  const recipe = RecipeSchema.parse({ checkpoint: "m", edits });
  return applyRecipe(source, recipe);
};
const edited = (...edits: unknown[]): Model => {
  const { model, problems } = apply(...edits);
  expect(problems).toEqual([]);
  return model;
};
const frozen = (model: Model) =>
  [...model.variables.values()].filter(isFrozen).map((variable) => variable.name);
const numbers = async (model: Model, name: string, seed = 1) => {
  const variable = model.variables.get(name)!;
  const bytes = await evaluate(variable, (stored) => checkpoint.read(stored), seed);
  return { shape: variable.shape, data: new Float32Array(bytes.slice().buffer) };
};
const logits = async (model: Model) => {
  const variables = usedVariables(model);
  const live = load(variables, await startingValues(variables, (name) => checkpoint.read(name), 1));
  const { X } = expected.forward;
  const feeds = new Map([["X", tf.tensor(floats(X), [...X.shape])]]);
  return run(pathTo(model, [model.roles.output!]), feeds, tensorsOf(live), INFERENCE)[0].dataSync();
};

describe("freeze and unfreeze", () => {
  test.each([
    ["a name", "hidden1", ["hidden1/biases", "hidden1/weights"]],
    [
      "a pattern",
      "hidden[12]",
      ["hidden1/biases", "hidden1/weights", "hidden2/biases", "hidden2/weights"],
    ],
    ["a variable", "hidden3/weights", ["hidden3/weights"]],
    [
      "several",
      ["hidden1", "outputs/biases"],
      ["hidden1/biases", "hidden1/weights", "outputs/biases"],
    ],
    [
      "up to here",
      { upTo: "hidden2" },
      ["hidden1/biases", "hidden1/weights", "hidden2/biases", "hidden2/weights"],
    ],
  ])("%s", (_, freeze, names) => {
    expect(frozen(edited({ freeze })).sort()).toEqual(names);
  });

  test("a pattern matches whole names: part of one is no layer", () => {
    expect(apply({ freeze: "hidden" }).problems).toMatchObject([
      { code: "unknown-layer", pointer: "/edits/0" },
    ]);
    expect(apply({ freeze: "hidden" }).problems[0].message).toContain("hidden1, hidden2, hidden3");
  });

  test("unfreeze takes back a part", () => {
    expect(frozen(edited({ freeze: ".*" }, { unfreeze: "outputs" }))).not.toContain(
      "outputs/weights",
    );
    expect(frozen(edited({ freeze: "hidden1" }, { unfreeze: "hidden1" }))).toEqual([]);
  });

  test("a pattern that would match for ever is given up", () => {
    const [problem] = apply({ freeze: "((\\w|/|\\w)+)+!" }).problems;
    expect(problem).toMatchObject({ code: "invalid-edit", pointer: "/edits/0" });
    expect(problem!.message).toContain("The pattern ((\\w|/|\\w)+)+! takes too long");
  });

  test("a pattern that is no regular expression is told", () => {
    expect(apply({ freeze: "hidden[" }).problems[0]).toMatchObject({ code: "invalid-edit" });
  });
});

describe("replaceOutput", () => {
  test("gives the output new sizes, keeps its names, and trains it", async () => {
    const model = edited({ freeze: ".*" }, { replaceOutput: { classes: 3 } });
    expect(model.variables.get("outputs/weights")).toMatchObject({ shape: [5, 3] });
    expect(model.variables.get("outputs/biases")).toMatchObject({ shape: [3] });
    expect(model.shapes.get(model.roles.output!)).toEqual([-1, 3]);
    expect(frozen(model)).not.toContain("outputs/weights");
    expect([...(await numbers(model, "outputs/biases")).data]).toEqual([0, 0, 0]);
    expect(await numbers(model, "outputs/weights")).toEqual(
      await numbers(model, "outputs/weights"),
    );
    expect((await numbers(model, "outputs/weights", 1)).data).not.toEqual(
      (await numbers(model, "outputs/weights", 2)).data,
    );
  });

  test("leaves every other number where it is", async () => {
    const model = edited({ replaceOutput: { classes: ["a", "b"] } });
    for (const name of ["hidden1/weights", "hidden2/biases", "hidden3/weights"])
      expect(await numbers(model, name)).toEqual(await numbers(source, name));
  });
});

describe("addUnits", () => {
  const add = (more: object = {}) => ({ addUnits: { layer: "hidden2", units: 4, ...more } });

  test("grows the layer and what reads it, and keeps every trained number in its place", async () => {
    const model = edited(add());
    expect(model.variables.get("hidden2/weights")!.shape).toEqual([30, 14]);
    expect(model.variables.get("hidden2/biases")!.shape).toEqual([14]);
    expect(model.variables.get("hidden3/weights")!.shape).toEqual([14, 5]);
    const [before, after] = [
      await numbers(source, "hidden2/weights"),
      await numbers(model, "hidden2/weights"),
    ];
    for (let row = 0; row < 30; row++)
      expect(after.data.subarray(row * 14, row * 14 + 10)).toEqual(
        before.data.subarray(row * 10, row * 10 + 10),
      );
    const [readBefore, readAfter] = [
      await numbers(source, "hidden3/weights"),
      await numbers(model, "hidden3/weights"),
    ];
    expect(readAfter.data.subarray(0, 50)).toEqual(readBefore.data);
    expect(readAfter.data.subarray(50).some((value) => value !== 0)).toBe(true);
  });

  test("with zero the network computes exactly what it did", async () => {
    expect(await logits(edited(add({ init: "zero" })))).toEqual(await logits(source));
    expect(await logits(edited(add({ init: "random" })))).not.toEqual(await logits(source));
  });

  test("train: new trains the new numbers of what was resized, and no old one", () => {
    const model = edited(add({ train: "new" }));
    expect(model.variables.get("hidden2/weights")!.trainable).toEqual([
      { start: [0, 10], size: [30, 4] },
    ]);
    expect(model.variables.get("hidden2/biases")!.trainable).toEqual([{ start: [10], size: [4] }]);
    expect(model.variables.get("hidden3/weights")!.trainable).toEqual([
      { start: [10, 0], size: [4, 5] },
    ]);
    expect(frozen(model)).toEqual([]);
  });

  test("train: all leaves a frozen layer's old numbers frozen", () => {
    const model = edited({ freeze: "hidden2" }, add());
    expect(model.variables.get("hidden2/weights")!.trainable).toEqual([
      { start: [0, 10], size: [30, 4] },
    ]);
    expect(model.variables.get("hidden3/weights")!.trainable).toEqual([
      { start: [0, 0], size: [14, 5] },
    ]);
  });

  test("twice in one layer, and before a replaced output", () => {
    const twice = edited(add(), add());
    expect(twice.variables.get("hidden3/weights")!.shape).toEqual([18, 5]);
    const both = edited(
      { replaceOutput: { classes: 3 } },
      { addUnits: { layer: "hidden3", units: 2, train: "new" } },
    );
    expect(both.variables.get("outputs/weights")).toMatchObject({
      shape: [7, 3],
      trainable: [{ start: [0, 0], size: [7, 3] }],
    });
  });

  test.each([
    ["outputs", /classes of the output.*replaceOutput/],
    ["hidden9", /hidden1, hidden2, hidden3/],
  ])("refuses %s and says what fits", (layer, message) => {
    const [problem] = apply({ addUnits: { layer, units: 1 } }).problems;
    expect(problem.message).toMatch(message);
    expect(problem.pointer).toBe("/edits/0");
  });
});

test("a layer of fresh numbers that is frozen is told as frozen", async () => {
  const states = async (...edits: unknown[]) => {
    const text = JSON.stringify({ checkpoint: checkpoint.path, edits });
    const { layers } = await planRecipe(join(dirname(checkpoint.path), "t.graft.json"), text);
    return layers.find(({ name }) => name === "outputs")!.state;
  };
  const replaced = { replaceOutput: { classes: 2 } };
  expect(await states(replaced)).toBe("new");
  expect(await states(replaced, { freeze: "outputs" })).toBe("frozen");
});

test("a layer whose inputs are all new is told as what it was", async () => {
  const edits = [{ removeLayer: { layer: "hidden2" } }, { removeLayer: { layer: "hidden1" } }];
  const text = JSON.stringify({ checkpoint: checkpoint.path, edits });
  const { layers } = await planRecipe(join(dirname(checkpoint.path), "t.graft.json"), text);
  expect(layers.find(({ name }) => name === "hidden3")!.change).toBe("was 10 → 5");
});

describe("fresh numbers that an edit froze stay frozen", () => {
  const output = [{ replaceOutput: { classes: 2 } }, { freeze: "outputs" }];
  const trains = (model: Model) => [...model.variables.values()].filter((each) => !isFrozen(each));
  const of = (name: string, ...edits: unknown[]) => edited(...edits).variables.get(name)!.trainable;

  test("when units go", () => {
    const model = edited(...output, { removeUnits: { layer: "hidden3", units: "0" } });
    expect(trains(model).filter(({ name }) => name.startsWith("outputs/"))).toEqual([]);
  });

  test("when units come: only the new rows train", () => {
    for (const train of ["all", "new"])
      expect(
        of("outputs/weights", ...output, { addUnits: { layer: "hidden3", units: 8, train } }),
      ).toEqual([{ start: [5, 0], size: [8, 2] }]);
  });

  test("when classes come", () => {
    const replaced = [{ replaceOutput: { classes: 2 } }, { addClasses: { classes: 3 } }];
    expect(of("outputs/weights", ...replaced)).toEqual([{ start: [0, 2], size: [5, 3] }]);
    expect(of("outputs/biases", ...replaced)).toEqual([{ start: [2], size: [3] }]);
  });

  test("what was added before and trains goes on with what is added now", () => {
    const more = { addUnits: { layer: "hidden3", units: 2, train: "new" } };
    const { shape, trainable } = edited(more, more).variables.get("hidden3/weights")!;
    expect(trainable).toEqual([
      { start: [0, 5], size: [shape[0], 2] },
      { start: [0, 7], size: [shape[0], 2] },
    ]);
  });
});

test("removeUnits of the output takes classes out; the others keep their numbers", async () => {
  const model = edited({ removeUnits: { layer: "outputs", units: "1, 3" } });
  expect(model.shapes.get(model.roles.output!)).toEqual([-1, 3]);
  const [before, after] = [
    await numbers(source, "outputs/weights"),
    await numbers(model, "outputs/weights"),
  ];
  expect([...after.data]).toEqual([...before.data].filter((_, at) => ![1, 3].includes(at % 5)));
});

test("freezing says which layers, weights and units it concerns", () => {
  const sentences = apply(
    { freeze: "hidden1/biases" },
    { freeze: "hidden1" },
    { freeze: "hidden1" },
    { unfreeze: "hidden1" },
    { freeze: { layer: "hidden3", units: "0-2" } },
    { freeze: { layer: "hidden3", units: "3" } },
    { unfreeze: { layer: "hidden3", units: "1" } },
    { unfreeze: "hidden3" },
    { freeze: { layer: "hidden3", units: "0-4" } },
  ).edits.map(({ sentence }) => sentence.split("; ")[0]);
  expect(sentences).toEqual([
    "hidden1/biases is frozen",
    "hidden1 is frozen",
    "nothing changes",
    "hidden1 will train",
    "units 0-2 of hidden3 are frozen",
    "unit 3 of hidden3 is frozen",
    "unit 1 of hidden3 will train",
    "hidden3 trains whole",
    "hidden3 is frozen",
  ]);
});

test("adding units says that only new numbers of the layers train", () => {
  const [{ sentence }] = apply({ addUnits: { layer: "hidden3", units: 1, train: "new" } }).edits;
  expect(sentence).toContain("; of what is resized only the new numbers train; ");
});

test("each edit says what it did", () => {
  const { edits } = apply(
    { freeze: "hidden[12]" },
    { addUnits: { layer: "hidden3", units: 8, init: "zero" } },
    { replaceOutput: { classes: 3 } },
  );
  expect(edits.map((edit) => edit.sentence)).toEqual([
    "hidden1 and hidden2 are frozen; 85 numbers will train in all.",
    "hidden3 10 → 5 becomes 10 → 13; outputs 5 → 5 becomes 13 → 5; the network computes what it did before; 213 numbers will train in all.",
    "outputs 13 → 5 becomes 13 → 3; 3 new classes; 185 numbers will train in all.",
  ]);
  expect(edits.map((edit) => edit.layers)).toEqual([
    ["hidden1", "hidden2"],
    ["hidden3", "outputs"],
    ["outputs"],
  ]);
});
