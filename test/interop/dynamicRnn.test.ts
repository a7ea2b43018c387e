// Edits of networks that TensorFlow built with dynamic_rnn: it loads what Graft writes, computes what the edited network
// computes that is built by its own code with these numbers, has the same gradients, and trains on.
import { mkdir, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { readNpy } from "../../src/engine/data/npy";
import { graft, makeFolder, predict, train, writeRecipe } from "./graft";
import { flags, oracle, withTensorFlow } from "./python";
import { checkArguments, expectClose, type GraphNames, type SavedReport } from "./saved";

interface Case {
  readonly what: string;
  readonly network: string;
  readonly edits: readonly object[];
  /** The code of the edited network in tf_dynamic_rnn.py; the source's where nothing else is said. */
  readonly code?: string;
  /** Units of every layer that it is built with. */
  readonly size: Readonly<Record<string, number>>;
  /** Whether the logits must be what they were. */
  readonly same?: true;
  /** Edited and trained. */
  readonly train?: true;
  /** Variables that do not train. */
  readonly frozen?: readonly string[];
}

const BASIC = { one: 5, out: 3 };
const TWO = { one: 5, two: 4, out: 3 };
const PEEPHOLE = { one: 5, two: 3, out: 3 };
const BOTH = { one: 4, two: 3, out: 3 };

const LSTM = "rnn/basic_lstm_cell";
const [FIRST, SECOND] = [
  "rnn/multi_rnn_cell/cell_0/basic_lstm_cell",
  "rnn/multi_rnn_cell/cell_1/gru_cell",
];

const addUnits = (layer: string, units: number, init: string) => ({
  addUnits: { layer, units, init },
});
const insertLayer = (after: string, layer: object, name: string) => ({
  insertLayer: { after, layer, name },
});
const removeUnits = (layer: string, units: string) => ({ removeUnits: { layer, units } });

const CASES = (
  [
    {
      what: "nothing but the name",
      network: "basic",
      edits: [{ freeze: "out" }],
      size: BASIC,
      same: true,
      frozen: ["out/bias", "out/kernel"],
    },
    {
      what: "units that nothing reads yet",
      network: "basic",
      edits: [addUnits(LSTM, 3, "zero")],
      size: { ...BASIC, one: 8 },
      same: true,
    },
    {
      what: "units at random",
      network: "basic",
      edits: [addUnits(LSTM, 2, "random")],
      size: { ...BASIC, one: 7 },
      train: true,
    },
    {
      what: "units that share",
      network: "basic",
      edits: [addUnits(LSTM, 4, "net2wider")],
      size: { ...BASIC, one: 9 },
      same: true,
    },
    {
      what: "units less",
      network: "basic",
      edits: [removeUnits(LSTM, "0, 3")],
      size: { ...BASIC, one: 3 },
    },
    {
      what: "another output",
      network: "basic",
      edits: [{ replaceOutput: { classes: 4 } }],
      size: { ...BASIC, out: 4 },
    },
    {
      what: "units that nothing reads yet",
      network: "peephole",
      edits: [addUnits("rnn/lstm_cell", 3, "zero")],
      size: { ...PEEPHOLE, one: 8 },
      same: true,
    },
    {
      what: "units less",
      network: "peephole",
      edits: [removeUnits("rnn/lstm_cell", "1-2")],
      size: { ...PEEPHOLE, one: 3 },
    },
    {
      what: "units that nothing reads yet",
      network: "gru",
      edits: [addUnits("rnn/gru_cell", 3, "zero")],
      size: { ...BASIC, one: 8 },
      same: true,
    },
    {
      what: "units that share",
      network: "gru",
      edits: [addUnits("rnn/gru_cell", 2, "net2wider")],
      size: { ...BASIC, one: 7 },
      same: true,
    },
    {
      what: "units less",
      network: "gru",
      edits: [removeUnits("rnn/gru_cell", "4")],
      size: { ...BASIC, one: 4 },
    },
    {
      what: "units in the first cell",
      network: "multi",
      edits: [addUnits(FIRST, 3, "zero")],
      size: { ...TWO, one: 8 },
      same: true,
    },
    {
      what: "units in the second cell",
      network: "multi",
      edits: [addUnits(SECOND, 2, "net2wider")],
      size: { ...TWO, two: 6 },
      same: true,
    },
    {
      what: "units less in both",
      network: "multi",
      edits: [removeUnits(FIRST, "1"), removeUnits(SECOND, "0")],
      size: { ...TWO, one: 4, two: 3 },
    },
    {
      what: "a tanh between the cells",
      network: "multi",
      edits: [insertLayer(FIRST, { activation: "tanh" }, "squash")],
      code: "squashed",
      size: TWO,
    },
    {
      what: "an LSTM and a dense layer for each step behind the cell",
      network: "basic",
      edits: [
        insertLayer(LSTM, { lstm: { units: 4, peepholes: true } }, "more"),
        insertLayer("more", { dense: { units: 6, activation: "none" } }, "each"),
      ],
      code: "deeper",
      size: { ...TWO, three: 6 },
    },
    {
      what: "units that learn, behind lengths",
      network: "multi",
      edits: [addUnits(SECOND, 2, "zero")],
      size: { ...TWO, two: 6 },
      train: true,
    },
    {
      what: "a GRU behind the cells",
      network: "multi",
      edits: [insertLayer(SECOND, { gru: { units: 2 } }, "more")],
      code: "deeper_multi",
      size: { ...TWO, three: 2 },
    },
    {
      what: "an LSTM, and units more in it",
      network: "basic",
      edits: [
        insertLayer(LSTM, { lstm: { units: 2, peepholes: true } }, "more"),
        insertLayer("more", { dense: { units: 6, activation: "none" } }, "each"),
        addUnits("more", 2, "zero"),
      ],
      code: "deeper",
      size: { ...TWO, three: 6 },
    },
    {
      what: "units that nothing reads yet, in a dense layer for each step",
      network: "each",
      edits: [addUnits("hidden", 3, "zero")],
      size: { ...TWO, two: 7 },
      same: true,
    },
    {
      what: "units that learn, in front of a dense layer for each step and in it",
      network: "each",
      edits: [addUnits(LSTM, 2, "random"), addUnits("hidden", 2, "net2wider")],
      size: { ...TWO, one: 7, two: 6 },
      train: true,
    },
    {
      what: "units less in front of a dense layer for each step and in it",
      network: "each",
      edits: [removeUnits(LSTM, "0, 3"), removeUnits("hidden", "1")],
      size: { ...TWO, one: 3, two: 3 },
    },
    {
      what: "units in the first loop",
      network: "stacked",
      edits: [addUnits("first/rnn/basic_lstm_cell", 3, "zero")],
      size: { ...TWO, one: 8 },
      same: true,
    },
    {
      what: "units in the second loop",
      network: "stacked",
      edits: [addUnits("second/rnn/gru_cell", 1, "random")],
      size: { ...TWO, two: 5 },
    },
    {
      what: "units one way",
      network: "both",
      edits: [addUnits("bidirectional_rnn/fw/basic_lstm_cell", 2, "zero")],
      size: { ...BOTH, one: 6 },
      same: true,
    },
    {
      what: "units less the other way",
      network: "both",
      edits: [removeUnits("bidirectional_rnn/bw/gru_cell", "1")],
      size: { ...BOTH, two: 2 },
    },
    {
      what: "units on both sides of a residual",
      network: "wrapped",
      edits: [addUnits(FIRST, 2, "zero")],
      size: { one: 6, out: 3 },
      same: true,
    },
  ] satisfies readonly Case[]
).map((each: Case) => ({ ...each, title: `${each.network}: ${each.what}` }));
type Titled = (typeof CASES)[number];

interface Report extends SavedReport {
  readonly error?: string;
  readonly scratch: readonly (readonly number[])[];
  /** Largest difference of each gradient from that of the network built by its own code, relative to the largest gradient. */
  readonly gradients: Readonly<Record<string, number>>;
}

const NAMES: GraphNames = { input: "x", labels: "y", logits: "out/BiasAdd", loss: "loss" };

withTensorFlow("edited recurrent networks", () => {
  let folder: Awaited<ReturnType<typeof makeFolder>>;
  const predictions = new Map<string, number[][]>();
  const here = (each: Titled) => String(CASES.indexOf(each));

  beforeAll(async () => {
    folder = await makeFolder();
    await oracle("tf_dynamic_rnn.py", [folder.path]);
  });
  afterAll(() => folder.remove());

  test.each(CASES)("Graft writes $title", async (each) => {
    const own = join(folder.path, here(each));
    await mkdir(own);
    await writeRecipe(own, "m.graft.json", {
      checkpoint: `../${each.network}.ckpt`,
      edits: each.edits,
      ...(each.train && {
        data: { inputs: { x: `../${each.network}.x.npy` }, labels: "../y.npy" },
        train: [{ epochs: 3, batch: 4, optimizer: { momentum: { learningRate: 0.01 } } }],
        save: { as: "new.ckpt" },
      }),
    });
    if (each.train) await train(own, "m.graft.json");
    else await graft(own, ["apply", "m.graft.json", "--as", "new.ckpt"]);
    const inputs = `../${each.network}.x.npy`;
    predictions.set(each.title, await predict(own, "new.ckpt", inputs, ["--layer", NAMES.logits]));
  });

  describe("TensorFlow", () => {
    let reports: Readonly<Record<string, Report>>;

    beforeAll(async () => {
      const cases = CASES.filter(({ title }) => predictions.has(title)).map((each) => {
        const [paths, options] = checkArguments(
          folder.path,
          {
            result: `${here(each)}/new.ckpt`,
            inputs: `${each.network}.x.npy`,
            source: `${each.network}.ckpt`,
            labels: "y.npy",
          },
          NAMES,
        );
        const { network, code = network, size } = each;
        return [each.title, { arguments: [...paths, ...flags(options)], code, size }];
      });
      const file = join(folder.path, "cases.json");
      await writeFile(file, JSON.stringify(Object.fromEntries(cases)));
      reports = await oracle("tf_dynamic_rnn.py", [file]);
    });

    test.each(CASES)("$title", async ({ title, network, same, frozen = [] }) => {
      const found = reports[title];
      expect(found.error).toBeUndefined();
      expectClose(found.logits, predictions.get(title)!, 1e-5);
      expectClose(found.logits, found.scratch, 1e-6);
      if (same)
        expectClose(found.logits, await matrix(join(folder.path, `${network}.logits.npy`)), 1e-6);
      expect(Object.keys(found.gradients)).not.toEqual([]);
      for (const [name, difference] of Object.entries(found.gradients))
        expect(difference, name).toBeLessThan(1e-5);
      expect(found.savedAgain).toEqual(found.stored);
      expect(found.init.finite).toBe(true);
      expect(found.trainable.filter((name) => frozen.includes(name))).toEqual([]);
      expect(found.step.moved).not.toEqual([]);
      expect(found.step.stuck).toEqual([]);
      expect(found.step.disturbed).toEqual([]);
      expect(found.step.lossAfter).toBeLessThan(found.step.lossBefore);
    });
  });
});

async function matrix(file: string): Promise<number[][]> {
  const { shape, data } = await readNpy(file);
  return Array.from({ length: shape[0] }, (_, row) => [
    ...(data as Float32Array).subarray(row * shape[1], (row + 1) * shape[1]),
  ]);
}
