// The network as it was beside the network as it is: what the switch chooses, and that training leaves the old one alone.
import { beforeAll, describe, expect, test } from "vitest";
import { isFrozen, type Model } from "../../../src/engine/graph/model";
import { uniforms } from "../../../src/engine/graph/random";
import { INFERENCE } from "../../../src/engine/ops/kernel";
import { pathTo, run } from "../../../src/engine/ops/run";
import { tf } from "../../../src/engine/ops/tf";
import { executorOn } from "../executor";
import { classifier, sparseLoss } from "./heads";
import { built } from "./networks";
import { edited, largestDifference, logits, numbersOf } from "./run";

beforeAll(async () => {
  await executorOn("cpu");
});

const model = () => classifier(sparseLoss("outputs/BiasAdd"));
const beside = (more: object = {}) => ({
  addUnits: { layer: "hidden", units: 2, keepOldBranch: true, ...more },
});
function after(source: Model, ...edits: readonly object[]): Model {
  const { model: result, problems } = edited(source, ...edits);
  expect(problems).toEqual([]);
  return result;
}

/** Of both branches, by the switch. */
async function chosen(source: Model, now: Model, useNew: boolean, name = "graft/use_new") {
  const values = await numbersOf(source, now);
  const variables = new Map(
    [...values].map(([each, numbers]) => [
      each,
      tf.tensor(numbers, [...now.variables.get(each)!.shape]),
    ]),
  );
  const shape = [4, ...now.shapes.get("x")!.slice(1)];
  const size = shape.reduce((a, b) => a * b, 1);
  const x = tf.tensor(
    uniforms(5, ["x"], size).map((value) => 2 * value - 1),
    shape,
  );
  const scalars = new Map([[name, Number(useNew)]]);
  const path = pathTo(now, [now.roles.output!]);
  const [result] = run(path, new Map([["x", x]]), variables, { ...INFERENCE, scalars });
  return result.dataSync() as Float32Array;
}

test("the switch gives the old logits bit for bit, and those of the wider network alone", async () => {
  const source = model();
  const now = after(source, beside());
  const wider = after(source, { addUnits: { layer: "hidden", units: 2 } });
  expect([...(await chosen(source, now, false))]).toEqual([...(await logits(source, source))]);
  expect([...(await chosen(source, now, true))]).toEqual([...(await logits(source, wider))]);
  // True unless it is fed.
  expect([...(await logits(source, now))]).toEqual([...(await logits(source, wider))]);
});

test("what read the old output reads the switch; names of the new branch are the old ones", () => {
  const now = after(model(), beside());
  expect(now.roles).toEqual({ inputs: ["x"], output: "graft/output", labels: "y", loss: "loss" });
  for (const name of ["prediction", "each"])
    expect(now.nodes.get(name)!.inputs[0]).toEqual({ node: "graft/output" });
  expect(now.variables.get("hidden/w")!.shape).toEqual([4, 7]);
  expect(now.nodes.get("graft/output")!.inputs).toEqual([
    { node: "graft/use_new" },
    { node: "outputs/BiasAdd" },
    { node: "graft/old/outputs/BiasAdd" },
  ]);
  const kept = [...now.variables.values()].filter(({ role }) => role === "kept");
  expect(kept.map(({ name, value }) => [name, value])).toEqual(
    ["hidden/w", "hidden/b", "outputs/w", "outputs/b"].map((name) => [
      `graft/old/${name}`,
      { from: "stored", name },
    ]),
  );
  expect(now.layers.map(({ name }) => name)).toEqual([
    "hidden",
    "outputs",
    "graft/old/hidden",
    "graft/old/outputs",
  ]);
});

test("what is frozen before the layer is shared, and nothing else", () => {
  const deep = built({
    image: false,
    channelsFirst: false,
    steps: [
      { kind: "dense", units: 4 },
      { kind: "tanh", units: 1 },
      { kind: "dense", units: 3 },
    ],
  });
  const [trunk, layer, output] = deep.layers.map(({ name }) => name);
  const edit = { addUnits: { layer, units: 1, keepOldBranch: true } };
  const copies = (now: Model) =>
    [...now.variables.keys()].filter((name) => name.startsWith("graft/old/"));
  expect(copies(after(deep, { freeze: [trunk, output] }, edit))).toEqual(
    [`${layer}/w`, `${layer}/b`, `${output}/w`, `${output}/b`].map((name) => `graft/old/${name}`),
  );
  expect(copies(after(deep, edit))).toHaveLength(6);
});

test("no edit unfreezes the old branch or changes it", () => {
  const now = after(model(), beside(), { unfreeze: ".*" });
  for (const [name, variable] of now.variables)
    expect([name, isFrozen(variable)]).toEqual([name, name.startsWith("graft/old/")]);
  const { problems } = edited(model(), beside(), {
    addUnits: { layer: "graft/old/hidden", units: 1 },
  });
  expect(problems[0].message).toBe(
    "graft/old/hidden belongs to the branch that is kept as it was. Layers to change: hidden and outputs.",
  );
  expect(edited(model(), beside(), { replaceOutput: { classes: 2 } }).problems[0].message).toMatch(
    /what graft\/use_new chooses.*before the edit that keeps the old branch/,
  );
});

test("settings of all layers by a pattern are those of the new branch", async () => {
  const source = model();
  const now = after(source, beside(), { setLayer: { layer: ".*hidden", activation: "tanh" } });
  expect([...(await chosen(source, now, false))]).toEqual([...(await logits(source, source))]);
  expect(now.nodes.get("hidden/Relu")!.op).toBe("Tanh");
});

test.each([
  { setLayer: { layer: "graft/old/hidden", activation: "tanh" } },
  { setLayer: { layer: "graft/old/hidden", learningRate: 0.1 } },
  { reinitialize: { layers: "graft/old/hidden" } },
])("%j is refused: it would change nothing, or the old branch", (edit) => {
  const { problems } = edited(model(), beside(), edit);
  expect(problems).toMatchObject([{ code: "invalid-edit", pointer: "/edits/1" }]);
  expect(problems[0].message).toMatch(/^graft\/old\/hidden/);
});

test("fresh numbers of an earlier edit are the same in the old branch", async () => {
  const source = model();
  const edits = [{ replaceOutput: { classes: 4 } }, { addUnits: { layer: "hidden", units: 1 } }];
  const before = after(source, ...edits);
  const now = after(source, ...edits, beside());
  expect([...(await chosen(source, now, false))]).toEqual([...(await logits(source, before))]);
});

test("and under another name", async () => {
  const source = model();
  const edits = [
    { addUnits: { layer: "hidden", units: 1 } },
    { rename: { from: "hidden", to: "wide" } },
  ];
  const before = after(source, ...edits);
  const now = after(source, ...edits, beside({ layer: "wide" }));
  expect([...(await chosen(source, now, false))]).toEqual([...(await logits(source, before))]);
});

describe("twice", () => {
  test("the old branch of the second is the first, with its own switch", async () => {
    const source = model();
    const once = after(source, beside());
    const twice = after(source, beside(), beside());
    expect([...(await chosen(source, twice, false, "graft/use_new_1"))]).toEqual([
      ...(await logits(source, once)),
    ]);
  });
});

test("new units in a shared layer change nothing in the old branch", async () => {
  const source = built({
    image: false,
    channelsFirst: false,
    steps: [
      { kind: "dense", units: 4 },
      { kind: "dense", units: 3 },
    ],
  });
  const [trunk, layer] = source.layers.map(({ name }) => name);
  const now = after(
    source,
    { freeze: trunk },
    { addUnits: { layer, units: 1, keepOldBranch: true } },
    { addUnits: { layer: trunk, units: 2 } },
  );
  const [old, was] = [await chosen(source, now, false), await logits(source, source)];
  expect(largestDifference(old, was)).toBeLessThan(1e-6);
});

const deep = () =>
  built({
    image: false,
    channelsFirst: false,
    steps: [
      { kind: "dense", units: 4 },
      { kind: "dense", units: 3 },
    ],
  });

test("units that the old branch reads cannot go", () => {
  const source = deep();
  const [trunk, layer] = source.layers.map(({ name }) => name);
  const edits = [{ freeze: trunk }, { addUnits: { layer, units: 1, keepOldBranch: true } }];
  for (const last of [
    { removeUnits: { layer: trunk, units: "0" } },
    { replaceUnits: { layer: trunk, units: 9 } },
  ]) {
    const { problems } = edited(source, ...edits, last);
    expect(problems).toMatchObject([{ code: "invalid-edit", pointer: "/edits/2" }]);
    expect(problems[0].message).toMatch(
      new RegExp(`^graft/old/${layer}/w belongs to the branch that is kept.*before the one`),
    );
  }
  // Those of the new branch can.
  expect(edited(source, ...edits, { removeUnits: { layer, units: "0" } }).problems).toEqual([]);
});

test("says that freezing first would share what lies before the layer", () => {
  const source = deep();
  const [trunk, layer] = source.layers.map(({ name }) => name);
  const edit = { addUnits: { layer, units: 1, keepOldBranch: true } };
  const told = (...edits: object[]) => edited(source, ...edits).edits.at(-1)!.sentence;
  expect(told(edit)).toMatch(/freeze layers before this edit, and the part before is shared/);
  expect(told({ freeze: trunk }, edit)).not.toMatch(/before this edit/);
});

test("says so", () => {
  expect(edited(model(), beside()).edits[0].sentence).toBe(
    "hidden 4 → 5 becomes 4 → 7; outputs 5 → 3 becomes 7 → 3; the network as it was stays beside it, and graft/use_new chooses; 59 numbers will train in all.",
  );
});
