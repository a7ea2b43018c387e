// What a plan tells of networks of sequences: the columns of their variables, and the axes of their inputs.
import { expect, test } from "vitest";
import { join } from "node:path";
import { planCheckpoint } from "../../src/engine/recipe/plan";
import type { Plan } from "../../src/protocol/plan";
import { FIXTURES } from "./fixture";

const CASES: readonly (readonly [string, Readonly<Record<string, string>>])[] = [
  [
    "b5_dl4j_graves_lstm/model.zip",
    {
      "0_W": "4 × 12 columns: cell, forget, output, input",
      "0_RW": "4 × 12 columns: cell, forget, output, input; 3 of peepholes",
      "0_b": "4 × 12 columns: cell, forget, output, input",
    },
  ],
  [
    "b5_dl4j_lstm/model.zip",
    {
      "0_W": "4 × 12 columns: cell, forget, output, input",
      "0_RW": "4 × 12 columns: cell, forget, output, input",
      "0_b": "4 × 12 columns: cell, forget, output, input",
    },
  ],
  [
    "b2_lstm_peephole_proj/model.ckpt-800",
    {
      "rnn/lstm_cell/kernel": "4 × 12 columns: input, cell, forget, output",
      "rnn/lstm_cell/bias": "4 × 12 columns: input, cell, forget, output",
    },
  ],
  [
    "b2_gru/model.ckpt-800",
    {
      "rnn/gru_cell/gates/kernel": "2 × 12 columns: reset, update",
      "rnn/gru_cell/gates/bias": "2 × 12 columns: reset, update",
    },
  ],
];

test.each(CASES)("%s", async (file, gates) => {
  const plan: Plan = await planCheckpoint(join(FIXTURES, file));
  const variables = plan.layers.flatMap((layer) => layer.variables);
  const told = variables.flatMap((one) => (one.gates === undefined ? [] : [[one.name, one.gates]]));
  expect(Object.fromEntries(told)).toEqual(gates);
});

test.each([
  ["b5_dl4j_graves_lstm/model.zip", [{ name: "input", shape: [null, null, 8], timeAxis: 1 }]],
  ["b2_lstm_basic/model.ckpt-800", [{ name: "x", shape: [null, 8, 8], timeAxis: 1 }]],
  ["b1_mini_v2/my_model_final.ckpt", [{ name: "X", shape: [null, 50] }]],
])("%s", async (file, inputs) => {
  expect((await planCheckpoint(join(FIXTURES, file))).inputs).toEqual(inputs);
});
