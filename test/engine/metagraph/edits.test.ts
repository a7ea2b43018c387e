// What the recipe's own edits make of real graphs, saved: consistent, and read back as it was.
import { readdirSync } from "node:fs";
import { join } from "node:path";
import { expect, test } from "vitest";
import type { StoredTensor } from "../../../src/engine/formats/format";
import { importGraph } from "../../../src/engine/formats/tf1/import";
import { patchMetaGraph } from "../../../src/engine/formats/tf1/metagraph";
import { applyRecipe } from "../../../src/engine/recipe/apply";
import { RecipeSchema } from "../../../src/engine/recipe/schema";
import { importFile, readMeta } from "../import/summary";
import { problems } from "./consistent";
import { computed, FIXTURES, written } from "./edits";

const BRANCH = { addUnits: { layer: "hidden2", units: 3, keepOldBranch: true } };
const HEAD = { replaceOutput: { classes: 3, connections: "replace" } };

const CASES: readonly (readonly [fixture: string, ...edits: object[]])[] = [
  ["b1_mini_v2", BRANCH],
  ["b1_mini_resource", BRANCH],
  ["b1_mini_partitioned", BRANCH],
  ["b1_mini_v2", { replaceOutput: { classes: 4, activation: "sigmoid" } }],
  ["b1_mini_v2", { replaceOutput: { classes: 2, loss: "meanSquaredError" } }],
  ["b1_mini_v2", { replaceOutput: { classes: 2, loss: "sigmoidCrossEntropy" } }],
  ["b1_mini_v1", HEAD],
  ["b1_mini_v2", { replaceOutput: { classes: 3, head: "dense" } }],
  ["b1_mini_v2", { setInput: { channels: 20 } }],
  ["b1_mini_v2", { setOutputs: { outputs: "hidden2" } }],
  ["b1_mini_v2", { removeUnits: { layer: "hidden2", units: "1-4" } }],
  ["b2_cnn_digits", HEAD],
  ["b2_cnn_digits", { replaceUnits: { layer: "Variable_4", units: 12 } }],
  ["b2_cnn_digits_batchnorm", HEAD],
  ["b2_cnn_digits_batchnorm", { addUnits: { layer: "conv1", units: 2, keepOldBranch: true } }],
  ["b2_cnn_digits_batchnorm", { setOutputs: { outputs: "conv2" } }],
  ["b1_mini_v2", { insertLayer: { after: "hidden2", layer: { dense: { units: 7 } } } }],
  ["b1_mini_resource", { insertLayer: { before: "outputs", layer: { batchNorm: {} } } }],
  ["b1_mini_v1", { insertLayer: { after: "outputs", layer: { dense: { units: 4 } } } }],
  ["b1_mini_v2", { insertLayer: { after: "hidden1", layer: { dropout: { rate: 0.4 } } } }],
  ["b2_cnn_digits", { insertLayer: { after: "Variable", layer: { batchNorm: {} } } }],
  ["b2_cnn_digits_batchnorm", { insertLayer: { after: "bn1", layer: { conv2d: { units: 6 } } } }],
  ["b1_mini_v2", { removeLayer: { layer: "hidden2" } }],
  ["b1_mini_resource", { removeLayer: { layer: "hidden3" } }],
  ["b2_cnn_digits_batchnorm", { removeLayer: { layer: "bn1" } }],
  [
    "b1_mini_adam",
    { rename: { from: "hidden1", to: "first" } },
    { rename: { from: "hidden2", to: "hidden1" } },
  ],
  ["b1_mini_ema", { rename: { from: "hidden1", to: "stem/hidden" } }],
  ["b2_cnn_digits_batchnorm", { rename: { from: "bn1", to: "norm" } }],
  ["b1_mini_v2", { setLayer: { layer: "hidden[12]", activation: "tanh" } }],
  ["b1_mini_v2", { setLayer: { layer: "hidden1", activation: "none" } }],
  ["b2_cnn_digits", { setLayer: { layer: "Variable_4", dropout: 0.25 } }],
  ["b1_mini_v2", { reinitialize: { layers: "hidden2" } }],
  ["b8_add_one_unit", { addUnits: { layer: "hidden", units: 1, keepOldBranch: true } }],
];

const edited = (fixture: string, edits: readonly object[]) => {
  const folder = join(FIXTURES, fixture);
  const path = join(
    folder,
    readdirSync(folder).find((file) => file.endsWith(".meta"))!,
  );
  const before = importFile(path);
  const applied = applyRecipe(before, RecipeSchema.parse({ checkpoint: "m", edits }));
  expect(applied.problems).toEqual([]);
  return { ...applied, patched: patchMetaGraph(readMeta(path), before, applied.model) };
};

test.each(CASES.map(([fixture, ...edits]) => [fixture, JSON.stringify(edits)]))(
  "%s, %s",
  (fixture, edits) => {
    const { model: after, patched } = edited(fixture, JSON.parse(edits) as object[]);
    expect(problems(patched.meta)).toEqual([]);
    const tensors = new Map(
      patched.variables.map((name): [string, StoredTensor] => {
        const { dtype, shape } = after.variables.get(name)!;
        return [name, { name, dtype, shape, bytes: 0 }];
      }),
    );
    const again = importGraph(written(patched.meta), tensors);
    expect(computed(again)).toEqual(computed(after));
    expect(again.roles.output).toBe(after.roles.output);
    expect(again.roles.loss).toBe(after.roles.loss);
  },
);

test("weights of a layer that is removed are no optimizer variables", () => {
  const { notes } = edited("b1_mini_adam", [{ removeLayer: { layer: "hidden2" } }]).patched;
  expect(notes.join()).toMatch(/: 18 optimizer variables \(/);
});

test("a batch norm that is put together from ones starts as the model in the graph's init op", () => {
  const { meta, notes } = edited("b1_mini_v2", [
    { insertLayer: { after: "hidden2", name: "norm", layer: { batchNorm: {} } } },
    { addUnits: { layer: "hidden2", units: 2 } },
  ]).patched;
  expect(notes.join()).not.toMatch(/norm\//);
  const assign = meta.graphDef!.node.find(({ name }) => name === "norm/gamma/Assign")!;
  const value = meta.graphDef!.node.find(({ name }) => name === assign.input[1])!.attr["value"]!;
  const factor = Math.sqrt(1.001);
  expect(value.value.case === "tensor" && [...value.value.value.floatVal]).toEqual([
    ...Array<number>(10).fill(factor),
    ...[1, 1],
  ]);
});

test("a rate of its own leaves the fed one unread, which is told", () => {
  const { edits } = edited("b2_cnn_digits", [{ setLayer: { layer: "Variable_4", dropout: 0.25 } }]);
  expect(edits[0].sentence).toMatch(/training drops 25 % of its units; \S+ is no longer read; /);
});
