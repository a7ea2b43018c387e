// Units of recurrent layers: every gate, the recurrent block and what reads the units move together.
import { beforeAll, describe, expect, test } from "vitest";
import type { OpAttributes } from "../../../src/engine/graph/catalogue";
import type { Model, Node } from "../../../src/engine/graph/model";
import { executorOn } from "../executor";
import { GRU_CELL, handmade, LSTM_CELL, node, PRODUCT } from "../handmade";
import { edited, largestDifference, logits, numbersOf, stored } from "./run";

beforeAll(async () => {
  await executorOn("cpu");
});

const [STEPS, FEATURES, UNITS, OUTPUTS, CLASSES] = [5, 3, 4, 2, 3];

/** x → a recurrent layer → a second LSTM of two units → a dense layer per step. */
function network(
  cell: Node,
  width: number,
  weights: Readonly<Record<string, readonly number[]>>,
): Model {
  const second: OpAttributes["LSTM"] = {
    ...LSTM_CELL,
    takes: ["kernel", "recurrentKernel", "bias"],
  };
  const parts = ["[b/kernel]", "[b/recurrent]", "[b/bias]"];
  return handmade({
    fed: { x: [-1, STEPS, FEATURES] },
    weights: {
      ...weights,
      "b/kernel": [width, 8],
      "b/recurrent": [2, 8],
      "b/bias": [8],
      "c/kernel": [2, CLASSES],
    },
    nodes: [
      cell,
      node("b", "LSTM", ["a", ...parts], second),
      node("c", "MatMul", ["b", "[c/kernel]"], PRODUCT),
    ],
    layers: [
      { name: "a", kind: "LSTM", variables: Object.keys(weights), nodes: ["a"], output: "a" },
      { name: "b", kind: "LSTM", variables: ["b/kernel", "b/recurrent", "b/bias"], nodes: ["b"] },
      { name: "c", kind: "Dense", variables: ["c/kernel"], nodes: ["c"] },
    ],
    roles: { output: "c" },
  });
}

const joined = network(
  node("a", "LSTM", ["x", "[a/kernel]", "[a/bias]"], {
    ...LSTM_CELL,
    takes: ["joinedKernel", "bias"],
  }),
  UNITS,
  { "a/kernel": [FEATURES + UNITS, 4 * UNITS], "a/bias": [4 * UNITS] },
);

const graves = network(
  node("a", "LSTM", ["x", "[a/W]", "[a/RW]", "[a/b]"], {
    ...LSTM_CELL,
    takes: ["kernel", "recurrentKernel", "bias"],
    gates: ["c", "f", "o", "i"],
    peepholeColumns: ["f", "o", "i"],
    forgetBias: 0,
  }),
  UNITS,
  { "a/W": [FEATURES, 4 * UNITS], "a/RW": [UNITS, 4 * UNITS + 3], "a/b": [4 * UNITS] },
);

const projected = network(
  node(
    "a",
    "LSTM",
    ["x", "[a/kernel]", "[a/bias]", "[a/wi]", "[a/wf]", "[a/wo]", "[a/projection]"],
    {
      ...LSTM_CELL,
      takes: [
        "joinedKernel",
        "bias",
        "peepholeInput",
        "peepholeForget",
        "peepholeOutput",
        "projection",
      ],
    },
  ),
  OUTPUTS,
  {
    "a/kernel": [FEATURES + OUTPUTS, 4 * UNITS],
    "a/bias": [4 * UNITS],
    "a/wi": [UNITS],
    "a/wf": [UNITS],
    "a/wo": [UNITS],
    "a/projection": [UNITS, OUTPUTS],
  },
);

const gru = network(
  node("a", "GRU", ["x", "[a/gates]", "[a/gateBias]", "[a/candidate]", "[a/candidateBias]"], {
    ...GRU_CELL,
    takes: ["gateKernel", "gateBias", "candidateKernel", "candidateBias"],
  }),
  UNITS,
  {
    "a/gates": [FEATURES + UNITS, 2 * UNITS],
    "a/gateBias": [2 * UNITS],
    "a/candidate": [FEATURES + UNITS, UNITS],
    "a/candidateBias": [UNITS],
  },
);

describe.each([
  ["joined kernel", joined],
  ["peepholes in the recurrent kernel", graves],
  ["projection and peepholes", projected],
  ["GRU", gru],
])("%s", (_, model) => {
  test.each(["zero", "net2wider"])("%s units change nothing", async (init) => {
    for (const layer of ["a", "b"]) {
      const { model: wider, problems } = edited(model, { addUnits: { layer, units: 3, init } });
      expect(problems).toEqual([]);
      const [before, after] = [await logits(model, model), await logits(model, wider)];
      expect(largestDifference(before, after)).toBeLessThan(1e-6);
    }
  });

  test("random units change the output", async () => {
    const { model: wider, problems } = edited(model, { addUnits: { layer: "a", units: 3 } });
    expect(problems).toEqual([]);
    const [before, after] = [await logits(model, model), await logits(model, wider)];
    expect(largestDifference(before, after)).toBeGreaterThan(1e-4);
  });

  test("units that were added can be removed again", () => {
    const { model: back, problems } = edited(
      model,
      { addUnits: { layer: "a", units: 3 } },
      { removeUnits: { layer: "a", units: "4-6" } },
    );
    expect(problems).toEqual([]);
    for (const [name, { shape, value }] of model.variables) {
      expect(back.variables.get(name)!.shape).toEqual(shape);
      expect(back.variables.get(name)!.value).toEqual(value);
    }
  });
});

test("a gate's block stays together, and the recurrent rows stand behind the features", async () => {
  const more = 2;
  const { model: wider } = edited(joined, { addUnits: { layer: "a", units: more, init: "zero" } });
  const now = (await numbersOf(joined, wider)).get("a/kernel")!;
  const before = stored(joined, "a/kernel");
  const after = UNITS + more;
  expect(wider.variables.get("a/kernel")!.shape).toEqual([FEATURES + after, 4 * after]);
  for (let row = 0; row < FEATURES + after; row++)
    for (let gate = 0; gate < 4; gate++)
      for (let unit = 0; unit < after; unit++) {
        const number = now[row * 4 * after + gate * after + unit];
        if (unit < UNITS && row < FEATURES + UNITS)
          expect(number).toBe(before[row * 4 * UNITS + gate * UNITS + unit]);
        else if (unit < UNITS) expect(number).toBe(0);
      }
});
