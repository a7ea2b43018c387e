// What a plan says about variables: before and after, and what one more edit changes of it.
import { expect, test } from "vitest";
import {
  effectsOf,
  fasterText,
  newEffects,
  short,
  variableText,
  phaseTexts,
} from "../../../src/engine/recipe/effects";
import { variableChanges } from "../../../src/engine/recipe/variableChanges";
import type { Value, Variable } from "../../../src/engine/graph/model";
import type { Plan } from "../../../src/protocol/plan";
import { handmade, node, PRODUCT } from "../../engine/handmade";

const made = handmade({
  fed: { x: [-1, 4] },
  weights: { "h/w": [4, 3], "h/b": [3], "out/w": [3, 2], slot: [3, 2] },
  nodes: [node("h", "MatMul", ["x", "[h/w]"], PRODUCT)],
});

const slot: Variable = { ...made.variables.get("slot")!, role: "slot" };
const source = { ...made, variables: new Map(made.variables).set("slot", slot) };

const FRESH: Value = {
  from: "initializer",
  initializer: "zeros",
  shape: [],
  fanIn: 1,
  fanOut: 1,
  key: "",
};

/** `source` with some variables replaced, or (undefined) removed. */
function edited(changes: Record<string, Partial<Variable> | undefined>) {
  const variables = new Map(source.variables);
  for (const [name, change] of Object.entries(changes)) {
    const before = variables.get(change?.origin ?? name);
    variables.delete(change?.origin ?? name);
    const blank = source.variables.get("h/b")!;
    if (change !== undefined) variables.set(name, { ...(before ?? blank), name, ...change });
  }
  return { ...source, variables };
}

test("what keeps name, shape and numbers is no change; slots are not told", () => {
  const frozen = edited({ "h/w": { trainable: [] }, slot: { shape: [9] } });
  expect(variableChanges(source, frozen)).toEqual([]);
});

test("a new variable under the name that another had is new", () => {
  const model = edited({
    "hidden/w": { origin: "h/w" },
    "h/w": { shape: [2, 2], value: FRESH },
  });
  expect(variableChanges(source, model).map(variableText)).toEqual([
    "h/w → hidden/w 4 × 3",
    "h/w new, 2 × 2, 4 numbers",
  ]);
});

test.each<[string, Record<string, Partial<Variable> | undefined>, string]>([
  ["resized", { "h/w": { shape: [4, 5] } }, "h/w 4 × 3 → 4 × 5, 12 → 20 numbers"],
  ["given new numbers", { "out/w": { value: FRESH } }, "out/w 3 × 2, all new"],
  [
    "resized with new numbers",
    { "out/w": { shape: [3, 7], value: FRESH } },
    "out/w 3 × 2 → 3 × 7, 6 → 21 numbers, all new",
  ],
  ["new", { "more/w": { shape: [2, 2], value: FRESH } }, "more/w new, 2 × 2, 4 numbers"],
  ["removed", { "h/b": undefined }, "h/b 3 → removed"],
  ["renamed", { "hidden/w": { origin: "h/w" } }, "h/w → hidden/w 4 × 3"],
])("a variable that is %s", (_, changes, text) => {
  expect(variableChanges(source, edited(changes)).map(variableText)).toEqual([text]);
});

function plan(more: Partial<Plan>): Plan {
  const facts = { ...BARE, ...more };
  return { ...facts, effects: effectsOf(facts) };
}
const BARE: Plan = {
  checkpoint: { path: "", name: "", format: "tf1", formatLabel: "" },
  inputs: [],
  feeds: [],
  parameters: 1000,
  trainableParameters: 1000,
  layers: [],
  otherVariables: [],
  variableChanges: [],
  changes: [],
  problems: [],
  effects: [],
};
const change = (name: string) => ({ after: { name, shape: [2], fresh: true } });

test("an edit tells what it changes and no more", () => {
  const cost = { prefix: 0, tail: 900, training: 2500 };
  const before = plan({ cost, variableChanges: [change("a")] });
  expect(newEffects(before, before)).toEqual([]);
  const cut = {
    beforeLayer: 1,
    tensors: [],
    valuesPerSample: 100,
    bytesPerSample: 400,
    speedUp: 3.24,
  };
  const after = plan({
    trainableParameters: 200,
    variableChanges: [change("a"), change("b")],
    cut,
    cost: { prefix: 700, tail: 200, training: 400 },
  });
  expect(newEffects(before, after)).toEqual([
    "b new, 2, 2 numbers",
    "200 of 1,000 parameters train",
    "700 multiply-adds a sample below the cut, 200 above it, 400 in training",
    "bottlenecks of 400 bytes a sample; with them training is 3.2 times as fast, going by multiply-adds",
  ]);
});

test("many variables are counted", () => {
  const many = Array.from({ length: 10 }, (_, index) => change(`v${index}`));
  const told = newEffects(plan({}), plan({ variableChanges: many }));
  expect(told).toHaveLength(7);
  expect(told[6]).toBe("… and 4 more variables");
});

test.each([
  [15_470_264_320, "15.47 G"],
  [1_234_567, "1.23 M"],
  [49_200, "49,200"],
])("%i multiply-adds are %s", (value, text) => {
  expect(short(value)).toBe(text);
});

test.each([
  [3.24, "3.2 times as fast"],
  [1.04, "no faster"],
  [1234.6, "1,235 times as fast"],
])("a speed-up of %d is %s", (value, text) => {
  expect(fasterText(value)).toBe(text);
});

test.each([
  [[], "nothing trains"],
  [["outputs"], "outputs trains"],
  [["hidden", "outputs"], "hidden and outputs train"],
])("what a phase trains: %j", (layers, told) => {
  const phase = { epochs: 1, optimizer: "sgd 0.1", trainableParameters: 2, layers };
  const facts = { phases: [phase], parameters: 10, trainableParameters: 2, variableChanges: [] };
  expect(phaseTexts(facts)).toEqual([
    `phase 1: 1 epoch, sgd 0.1; ${told}, 2 of 10 parameters; nothing is cached`,
  ]);
});
