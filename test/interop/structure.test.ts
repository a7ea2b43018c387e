// Networks with other nodes and variables than their source's: saved by Graft, loaded and trained on by TensorFlow.
import { mkdir, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { readNpy, writeNpy } from "../../src/engine/data/npy";
import { openCheckpoint } from "../../src/engine/formats/table";
import { elements, type Model } from "../../src/engine/graph/model";
import { applyRecipe } from "../../src/engine/recipe/apply";
import { RecipeSchema } from "../../src/engine/recipe/schema";
import type { tf } from "../../src/engine/ops/tf";
import { computed } from "../engine/metagraph/edits";
import { DENSE_EDITS, digits, recurrent } from "../engine/metagraph/networks";
import { FED, FETCHED, withEveryOp } from "../engine/metagraph/ops";
import { computedHere, save, type PlainArray } from "./edited";
import { DIGIT_SAMPLES, FIXTURES, MINI_SAMPLES, type Samples, writeSamples } from "./fixtures";
import { makeFolder } from "./graft";
import { oracle, withTensorFlow } from "./python";
import { checkSaved, DENSE_NAMES, expectClose, type GraphNames, type SavedReport } from "./saved";

interface Case {
  readonly fixture: string;
  readonly edit: (model: Model) => Model;
  readonly what: string;
  readonly names: GraphNames;
  readonly prefix?: string;
  readonly samples?: Samples;
  /** Trainable variables that the loss does not depend on as things are. */
  readonly idle?: RegExp;
}

const dense = (
  fixture: string,
  what: keyof typeof DENSE_EDITS,
  logits = "outputs/BiasAdd",
  idle?: RegExp,
): Case => ({
  fixture,
  what,
  edit: DENSE_EDITS[what],
  names: { ...DENSE_NAMES, logits },
  ...(idle && { idle }),
});

/** What the recipe's own edits make of a network. */
const recipe = (
  what: string,
  edits: readonly object[],
  logits: string,
  more: Partial<Case> = {},
): Case => ({
  fixture: "b1_mini_v2",
  what,
  edit: (model) => {
    const all = RecipeSchema.parse({ checkpoint: "m", edits });
    const { model: after, problems } = applyRecipe(model, all);
    expect(problems).toEqual([]);
    return after;
  },
  names: { ...DENSE_NAMES, logits },
  ...more,
});

const CASES: readonly Case[] = [
  recipe(
    "units beside the old branch",
    [{ addUnits: { layer: "hidden2", units: 3, keepOldBranch: true } }],
    "graft/output",
  ),
  recipe(
    "an output in the place of another",
    [{ replaceOutput: { classes: 3, connections: "replace" } }],
    "logits/BiasAdd",
  ),
  recipe(
    "a batch norm and a convolution more, another dropout, a new name",
    [
      { insertLayer: { after: "Variable", layer: { batchNorm: {} } } },
      { insertLayer: { after: "Variable_2", layer: { conv2d: { units: 6 } } } },
      { setLayer: { layer: "Variable_4", dropout: 0.25, activation: "tanh" } },
      { rename: { from: "Variable_6", to: "logits/kernel" } },
    ],
    "add_3",
    {
      fixture: "b2_cnn_digits_resource",
      prefix: "model.ckpt",
      samples: DIGIT_SAMPLES,
      names: {
        ...{ input: "x", labels: "y_", logits: "add_3", loss: "Mean" },
        feeds: { keep_prob: 1 },
      },
    },
  ),
  dense("b1_mini_v2", "inserted"),
  dense("b1_mini_v2", "removed"),
  dense("b1_mini_v2", "newHead", "head/BiasAdd"),
  dense("b1_mini_v2", "residual"),
  dense("b1_mini_v2", "switched", "chosen", /^outputs/),
  dense("b1_mini_v2", "swapped"),
  ...[
    ...["b1_mini_v1", "b1_mini_v1_sharded", "b1_mini_v2_sharded", "b1_mini_resource"],
    ...["b1_mini_adam", "b1_mini_ema", "b1_mini_partitioned"],
  ].map((fixture) => dense(fixture, "everything", "more/BiasAdd")),
  {
    fixture: "b2_cnn_digits_batchnorm",
    what: "digits",
    edit: digits,
    prefix: "model.ckpt",
    samples: DIGIT_SAMPLES,
    names: {
      input: "net/x",
      labels: "net/y_",
      logits: "net/head/BiasAdd",
      loss: "net/Mean",
      feeds: { "net/keep_prob": 1, is_training: false },
    },
  },
];

/** Loops are nothing that Graft runs: what TensorFlow computes with the source, and an op behind it. */
const RECURRENT = {
  names: { input: "net/x", labels: "net/y", logits: "net/scaled", loss: "net/Mean" },
  expected: (logits: number) => Math.log1p(Math.exp(logits)),
};

withTensorFlow("networks of another structure", () => {
  let folder: Awaited<ReturnType<typeof makeFolder>>;
  beforeAll(async () => {
    folder = await makeFolder();
  });
  afterAll(() => folder.remove());

  describe.each(CASES)("$fixture, $what", ({ fixture, what, edit, names, ...more }) => {
    const { prefix = "my_model_final.ckpt", samples = MINI_SAMPLES, idle } = more;
    let report: SavedReport;
    let expected: Awaited<ReturnType<typeof computedHere>>[number];
    let after: Model;
    let again: Model;

    beforeAll(async () => {
      const here = join(folder.path, `${fixture} ${what}`);
      await mkdir(here);
      const [inputs, labels] = [join(here, "X.npy"), join(here, "y.npy")];
      await writeSamples(samples, 3, { inputs, labels });
      const source = await openCheckpoint(join(FIXTURES, fixture, prefix));
      after = edit(await source.model());
      await save(source, after, join(here, "new.ckpt"));
      const { shape, data } = await readNpy(inputs);
      const feeds = {
        [names.input]: { dtype: "float32", shape, values: [...(data as Float32Array)] },
      };
      [expected] = await computedHere(source, after, [after.roles.output!], feeds);
      await source.close();
      const saved = await openCheckpoint(join(here, "new.ckpt"));
      again = await saved.model();
      await saved.close();
      report = await checkSaved(
        here,
        { result: "new.ckpt", inputs: "X.npy", labels: "y.npy" },
        names,
      );
    });

    test("TensorFlow computes what Graft computes", () => {
      const [, width] = expected.shape;
      const rows = report.logits.map((_, row) =>
        expected.values.slice(row * width, (row + 1) * width),
      );
      expectClose(report.logits, rows, 1e-5);
    });

    test("Graft reads it back as it was", () => expect(computed(again)).toEqual(computed(after)));

    test("it trains on, starts afresh and saves itself", () => {
      const trained = report.trainable.filter((name) => !idle?.test(name));
      const stuck = report.trainable.filter((name) => idle?.test(name));
      expect(report.savedAgain).toEqual(report.stored);
      expect(Object.keys(report.init.variables).sort()).toEqual(Object.keys(report.live).sort());
      expect(report.init.finite).toBe(true);
      expect(report.step.disturbed).toEqual([]);
      expect(report.step.stuck).toEqual(stuck.toSorted());
      expect(report.step.moved.toSorted()).toEqual(trained.toSorted());
      expect(report.step.lossAfter).toBeLessThan(report.step.lossBefore);
      const trains = [...after.variables.values()].filter((each) => each.trainable.length > 0);
      const whole = new Set(report.trainable.map((name) => name.replace(/\/part_\d+$/, "")));
      expect([...whole].sort()).toEqual(trains.map((each) => each.name).sort());
    });
  });

  describe.each(["b2_lstm_basic", "b2_gru"])("%s, moved and with an op more", (fixture) => {
    let report: SavedReport;
    let source: RunReport;

    beforeAll(async () => {
      const here = join(folder.path, fixture);
      await mkdir(here);
      const [inputs, labels] = [join(here, "X.npy"), join(here, "y.npy")];
      await writeSamples(DIGIT_SAMPLES, 10, { inputs, labels });
      const { shape, data } = await readNpy(inputs);
      const images = [shape[0], 8, 8];
      await writeNpy(inputs, { shape: images, dtype: "float32", data: data as Float32Array });
      const prefix = join(FIXTURES, fixture, "model.ckpt-800");
      const checkpoint = await openCheckpoint(prefix);
      const after = recurrent(await checkpoint.model());
      await save(checkpoint, after, join(here, "new.ckpt"));
      await checkpoint.close();
      const values = [...(data as Float32Array)];
      const feeds = { x: { dtype: "float32", shape: images, values } };
      await writeFile(join(here, "request.json"), JSON.stringify({ feeds, fetches: ["add"] }));
      source = await oracle("run_graph.py", [prefix, join(here, "request.json")]);
      const files = { result: "new.ckpt", inputs: "X.npy", labels: "y.npy" };
      report = await checkSaved(here, files, RECURRENT.names);
    });

    test("TensorFlow computes what it did, and the op behind", () => {
      const { values } = source.fetched["add"];
      expectClose([report.logits.flat()], [values.map(RECURRENT.expected)], 1e-5);
    });

    test("it trains on, starts afresh and saves itself", () => {
      expect(report.savedAgain).toEqual(report.stored);
      expect(report.init.finite).toBe(true);
      expect(report.step.stuck).toEqual([]);
      expect(report.step.disturbed).toEqual([]);
      expect(report.step.lossAfter).toBeLessThan(report.step.lossBefore);
      expect(report.trainable.every((name) => name.startsWith("net/"))).toBe(true);
    });
  });

  describe.each(["b1_mini_v2", "b1_mini_resource"])("%s, with every op", (fixture) => {
    let expected: Awaited<ReturnType<typeof computedHere>>;
    let report: RunReport;
    let training!: RunReport;
    const STATISTICS = ["bn2/mean", "bn2/variance", "bn4/mean", "bn4/variance"];
    const NORMS = ["bn2", "bn4"];
    const DROPOUTS = new Map([
      ["dropout", 0.4],
      ["dropout_rate", 0.25],
      ["dropout_keep", 0.5],
    ]);
    const updates = new Map<string, readonly number[]>();
    let norms: typeof expected;
    let fed!: readonly number[];

    beforeAll(async () => {
      const here = join(folder.path, `${fixture} ops`);
      await mkdir(here);
      const source = await openCheckpoint(join(FIXTURES, fixture, "my_model_final.ckpt"));
      const model = withEveryOp(await source.model());
      await save(source, model, join(here, "new.ckpt"));
      const feeds = samples();
      expected = await computedHere(source, model, FETCHED, feeds);
      const moving = new Map<string, ReturnType<typeof tf.tensor>>();
      norms = await computedHere(source, model, NORMS, feeds, {
        training: () => true,
        updates: moving,
      });
      for (const [name, tensor] of moving) updates.set(name, [...tensor.dataSync()]);
      await source.close();
      const run = async (fed: Readonly<Record<string, PlainArray>>, fetches: readonly string[]) => {
        const request = { feeds: fed, fetches, updates: STATISTICS };
        const file = join(here, "request.json");
        await writeFile(file, JSON.stringify(request));
        return oracle<RunReport>("run_graph.py", [join(here, "new.ckpt"), file]);
      };
      report = await run(feeds, FETCHED);
      const modes = {
        training: { dtype: "bool", shape: [], values: [1] },
        rate: { dtype: "float32", shape: [], values: [0.25] },
        kept: { dtype: "float32", shape: [], values: [0.5] },
      };
      training = await run({ ...feeds, ...modes }, [...NORMS, ...DROPOUTS.keys()]);
      fed = feeds["vector"].values;
    });

    test.each(FETCHED.map((name, index) => [name, index] as const))("%s", (name, index) => {
      const theirs = report.fetched[name];
      expect(theirs.shape).toEqual(expected[index].shape);
      expectClose([theirs.values], [expected[index].values], 1e-5);
    });

    test.each(STATISTICS)("the ops in update_ops move %s as training does", (name) => {
      expectClose([report.moved[name]], [updates.get(name)!], 1e-5);
    });

    test.each(NORMS.map((name, index) => [name, index] as const))(
      "%s normalizes by the batch when the program trains",
      (name, index) => expectClose([training.fetched[name].values], [norms[index].values], 1e-5),
    );

    test.each([...DROPOUTS])("%s drops %d when the program trains", (name, rate) => {
      const { values } = training.fetched[name];
      const scaled = fed.map((value) => Math.fround(value) / (1 - rate));
      const kept = values.filter((value) => value !== 0).length;
      values.forEach((value, index) => {
        if (value !== 0) expect(value).toBeCloseTo(scaled[index], 5);
      });
      expect(Math.abs(kept / values.length - (1 - rate))).toBeLessThan(0.15);
    });
  });
});

interface RunReport {
  readonly fetched: Readonly<Record<string, Pick<PlainArray, "shape" | "values">>>;
  readonly moved: Readonly<Record<string, readonly number[]>>;
}

/** Numbers between −1 and 1 that look like none, and class indices. */
function samples(batch = 100): Record<string, PlainArray> {
  return Object.fromEntries(
    FED.map(({ name, dtype, shape }, place) => {
      const sized = shape.map((size) => (size < 0 ? batch : size));
      const values = Array.from({ length: elements(sized) }, (_, index) =>
        dtype === "int64" ? index % 4 : Math.sin(index * 1.7 + place),
      );
      return [name, { dtype, shape: sized, values }];
    }),
  );
}
