// Steps behind the ends of sequences are left out only where masks keep them from everything that counts.
import { describe, expect, test } from "vitest";
import type { Node } from "../../../src/engine/graph/model";
import { padding } from "../../../src/engine/graph/padding";
import { pathTo } from "../../../src/engine/ops/run";
import { handmade, LSTM_CELL, node, PRODUCT } from "../../engine/handmade";

const TIME = 6;
const SEQUENCE = { timeMajor: false };
const LSTM = { ...LSTM_CELL, takes: ["joinedKernel", "mask"] } as const;
const UNMASKED = { ...LSTM, takes: ["joinedKernel"] } as const;

const FED = {
  x: [-1, TIME, 3],
  mask: [-1, TIME],
  lengths: [-1],
  labels: [-1, TIME, 4],
  class: [-1, 4],
};
const DEFAULT = node("default", "Placeholder", [], { dtype: "float32", value: 1 });

/** `fed`: which of them are. The first is a layer of 4 units over x. */
function found(nodes: readonly Node[], fetches: readonly string[], fed: readonly string[]) {
  const model = handmade({
    fed: { ...FED, default: [-1, TIME] },
    weights: { kernel: [7, 16], second: [8, 16], w: [4, 4], b: [4], place: [TIME, 4] },
    nodes: [DEFAULT, ...nodes],
  });
  return padding({
    ...pathTo(model, fetches),
    variableShape: (name) => model.variables.get(name)!.shape,
    fed: new Map(fed.map((name) => [name, FED[name as keyof typeof FED].slice(1)])),
  });
}

const masked = node("h", "LSTM", ["x", "[kernel]", "mask"], LSTM);
const plain = node("h", "LSTM", ["x", "[kernel]"], UNMASKED);
const logits = [
  node("product", "MatMul", ["h", "[w]"], PRODUCT),
  node("out", "BiasAdd", ["product", "[b]"], { dataFormat: "NHWC" }),
];
const entropy = node("entropy", "SoftmaxCrossEntropy", ["out", "labels"], {});
const sum = (of: string, axes = [0, 1]) => node("loss", "Sum", [of], { axes, keepDims: false });
const times = (mask: string) => node("counted", "Mul", ["entropy", mask], {});
const perStep = ["x", "mask", "labels"];
const last = [
  node("last", "LastStep", ["h", "mask"], SEQUENCE),
  node("classes", "MatMul", ["last", "[w]"], PRODUCT),
  node("compared", "SoftmaxCrossEntropy", ["classes", "class"], {}),
  sum("compared", [0]),
];

describe("may be left out", () => {
  test("before a masked loss", () => {
    const result = found(
      [masked, ...logits, entropy, times("mask"), sum("counted")],
      ["loss"],
      perStep,
    );
    expect(result).toMatchObject({ time: TIME, masks: ["mask"], lengths: [], zero: true });
    expect(result!.axes.get("out")).toBe(1);
    expect(result!.axes.has("loss")).toBe(false);
  });

  test("where only the last step counts", () => {
    const result = found([masked, ...last], ["loss", "classes"], ["x", "mask", "class"]);
    expect(result).toMatchObject({ masks: ["mask"], zero: true });
  });

  test("where lengths become a mask, and turn sequences round", () => {
    const nodes = [
      node("mask", "SequenceMask", ["lengths", "x"], SEQUENCE),
      masked,
      node("turned", "Reverse", ["h", "lengths"], { axis: 1, batchAxis: 0 }),
      node("h2", "LSTM", ["turned", "[second]", "mask"], LSTM),
      node("last", "LastStep", ["h2", "mask"], SEQUENCE),
    ];
    const result = found(nodes, ["last"], ["x", "lengths"]);
    expect(result).toMatchObject({ masks: [], lengths: ["lengths"], zero: true });
  });

  test("of steps first, too", () => {
    const nodes = [
      node("major", "Transpose", ["x"], { permutation: [1, 0, 2] }),
      node("h", "LSTM", ["major", "[kernel]", "mask"], { ...LSTM, timeMajor: true }),
      sum("h", [0, 1, 2]),
    ];
    const result = found(nodes, ["loss"], ["x", "mask"]);
    expect(result!.axes.get("h")).toBe(0);
  });

  test("but what is fetched of each step is anything there", () => {
    const result = found([masked, ...logits], ["out"], ["x", "mask"]);
    expect(result).toMatchObject({ zero: false });
    expect(found([masked], ["h"], ["x", "mask"])).toMatchObject({ zero: true });
  });
});

describe("may not be left out", () => {
  test.each<[string, Node[], readonly string[]]>([
    ["a loss of every step", [masked, ...logits, entropy, sum("entropy")], perStep],
    [
      "a mask of the loss that is not fed",
      [masked, ...logits, entropy, times("default"), sum("counted")],
      perStep,
    ],
    [
      "a mean of steps",
      [
        masked,
        ...logits,
        entropy,
        times("mask"),
        node("loss", "Mean", ["counted"], { axes: [0, 1], keepDims: false }),
      ],
      perStep,
    ],
    [
      "the last step of all",
      [masked, node("last", "LastStep", ["h"], SEQUENCE), sum("last")],
      ["x", "mask"],
    ],
    [
      "sequences that are turned round with their padding",
      [
        masked,
        node("turned", "Reverse", ["h"], { axis: 1, batchAxis: 0 }),
        sum("turned", [0, 1, 2]),
      ],
      ["x", "mask"],
    ],
    [
      "numbers of their own for each step",
      [masked, node("placed", "Mul", ["h", "[place]"], {}), sum("placed", [0, 1, 2])],
      ["x", "mask"],
    ],
    [
      "steps that are compared with each other",
      [
        masked,
        node("turned", "Transpose", ["h"], { permutation: [0, 2, 1] }),
        node("shares", "Softmax", ["turned"], {}),
        sum("shares", [0, 1, 2]),
      ],
      ["x", "mask"],
    ],
    [
      "a shape that is written down",
      [
        masked,
        node("shaped", "Reshape", ["h"], { shape: [-1, TIME, 2, 2] }),
        sum("shaped", [0, 1]),
      ],
      ["x", "mask"],
    ],
    ["states of a layer without a mask", [plain, sum("h", [0, 1, 2])], ["x", "mask"]],
  ])("%s", (_, nodes, fed) => {
    expect(found(nodes, ["loss"], fed)).toBeUndefined();
  });

  test("where nothing says where sequences end", () => {
    expect(found([plain], ["h"], ["x"])).toBeUndefined();
  });
});
