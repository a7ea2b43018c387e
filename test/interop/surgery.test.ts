// Every edit on networks that TensorFlow built: it loads what Graft writes, computes what the edited network computes that
// is built by its own code with these numbers, and trains on.
import { mkdir, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { readNpy, writeNpy } from "../../src/engine/data/npy";
import { openCheckpoint } from "../../src/engine/formats/table";
import { graft, makeFolder, predict, train, writeRecipe } from "./graft";
import { flags, oracle, withTensorFlow } from "./python";
import { checkArguments, expectClose, type GraphNames, type SavedReport } from "./saved";

type Network = "dense" | "conv" | "residual" | "joined" | "features" | "map";

interface Case {
  readonly what: string;
  readonly network: Network;
  readonly edits: readonly object[];
  /** The code of the edited network in tf_networks.py; the source's where nothing else is said. */
  readonly code?: string;
  /** Units of every layer that it is built with. */
  readonly size: Readonly<Record<string, number | string>>;
  readonly names?: Partial<GraphNames>;
  /** How many columns or channels a sample has; the first ones are those of the source's, again and again. */
  readonly channels?: number;
  /** Whether labels are one-hot rows. */
  readonly rows?: true;
  /** Whether the logits must be what they were: in a network with more classes, the first ones. */
  readonly same?: true;
  /** A switch that leads away from what trains. */
  readonly idle?: true;
  /** Edited and trained, with these labels. */
  readonly train?: true;
  /** Another checkpoint, and variables that hold its numbers. */
  readonly copied?: { readonly from: string; readonly variables: readonly string[] };
}

const DENSE = { one: 5, two: 4, out: 3 };
const CONV = { one: 4, two: 5, three: 6, out: 3 };
const RESIDUAL = { stem: 4, one: 5, out: 3 };
const JOINED = { one: 4, two: 3, three: 5, out: 3 };

const addUnits = (layer: string, units: number, init: string, more: object = {}) => ({
  addUnits: { layer, units, init, ...more },
});
const removeUnits = (layer: string, units: string) => ({ removeUnits: { layer, units } });
const insertLayer = (after: string, layer: object | string, name: string) => ({
  insertLayer: { after, layer, name },
});
const WITHOUT_LOSS = { loss: undefined };
const NEW_LABELS = { labels: "graft/labels" };
const NEW_LOSS = { ...NEW_LABELS, loss: "graft/loss" };

const UNITS: readonly Case[] = [
  {
    what: "units that nothing reads yet",
    network: "dense",
    edits: [addUnits("one", 2, "zero")],
    size: { ...DENSE, one: 7 },
    same: true,
  },
  {
    what: "units that share",
    network: "dense",
    edits: [addUnits("two", 3, "net2wider")],
    size: { ...DENSE, two: 7 },
    same: true,
  },
  {
    what: "units less",
    network: "dense",
    edits: [removeUnits("one", "1, 3-4")],
    size: { ...DENSE, one: 2 },
  },
  {
    what: "units afresh",
    network: "dense",
    edits: [{ replaceUnits: { layer: "two", units: 9 } }],
    size: { ...DENSE, two: 9 },
  },
  {
    what: "classes more",
    network: "dense",
    edits: [{ addClasses: { classes: 2 } }],
    size: { ...DENSE, out: 5 },
    same: true,
  },
  {
    what: "units that nothing reads yet",
    network: "conv",
    edits: [addUnits("one", 2, "zero")],
    size: { ...CONV, one: 6 },
    same: true,
  },
  {
    what: "units that share",
    network: "conv",
    edits: [addUnits("two", 3, "net2wider")],
    size: { ...CONV, two: 8 },
    same: true,
  },
  {
    what: "units less",
    network: "conv",
    edits: [removeUnits("two", "0")],
    size: { ...CONV, two: 4 },
  },
  {
    what: "units that nothing reads yet",
    network: "residual",
    edits: [addUnits("stem", 2, "zero")],
    size: { ...RESIDUAL, stem: 6 },
    same: true,
  },
  {
    what: "units that share",
    network: "residual",
    edits: [addUnits("stem", 5, "net2wider")],
    size: { ...RESIDUAL, stem: 9 },
    same: true,
  },
  {
    what: "units less",
    network: "residual",
    edits: [removeUnits("stem", "1-2")],
    size: { ...RESIDUAL, stem: 2 },
  },
  {
    what: "units that share",
    network: "joined",
    edits: [addUnits("one", 2, "net2wider")],
    size: { ...JOINED, one: 6 },
    same: true,
  },
  {
    what: "units less",
    network: "joined",
    edits: [removeUnits("two", "0")],
    size: { ...JOINED, two: 2 },
  },
];

const BESIDE = [addUnits("one", 2, "random", { keepOldBranch: true })];
const DEEPER = [
  insertLayer("one", { dense: { init: "identity" } }, "deeper"),
  insertLayer("deeper", { batchNorm: {} }, "norm"),
];

const LAYERS: readonly Case[] = [
  {
    what: "the new one of two branches",
    network: "dense",
    edits: BESIDE,
    size: { ...DENSE, one: 7 },
    names: { logits: "graft/output" },
  },
  {
    what: "the old one of two branches",
    network: "dense",
    edits: BESIDE,
    size: {},
    names: { logits: "graft/output", feeds: { "graft/use_new": false } },
    same: true,
    idle: true,
  },
  {
    what: "layers that change nothing yet",
    network: "dense",
    edits: DEEPER,
    code: "deeper",
    size: { ...DENSE, deeper: 5 },
    same: true,
  },
  {
    what: "a layer of other units",
    network: "dense",
    edits: [
      insertLayer("one", { dense: { units: 7 } }, "deeper"),
      insertLayer("deeper", { batchNorm: {} }, "norm"),
    ],
    code: "deeper",
    size: { ...DENSE, deeper: 7 },
  },
  {
    what: "a dropout",
    network: "dense",
    edits: [insertLayer("one", { dropout: { rate: 0.5 } }, "dropout")],
    size: DENSE,
    same: true,
  },
  {
    what: "other activation functions",
    network: "dense",
    edits: [
      { setLayer: { layer: "one", activation: "elu" } },
      { setLayer: { layer: "two", activation: "leakyRelu" } },
      insertLayer("one", { activation: "sigmoid" }, "squash"),
    ],
    code: "activated",
    size: DENSE,
  },
  {
    what: "convolutions and a batch norm more, a layer less",
    network: "conv",
    edits: [
      insertLayer("norm", { conv2d: { init: "identity" } }, "deeper"),
      insertLayer("two", { batchNorm: {} }, "norm2"),
      insertLayer("norm2", { conv2d: { units: 3 } }, "wide"),
      { removeLayer: { layer: "three" } },
    ],
    code: "deeper_conv",
    size: { ...CONV, wide: 3 },
  },
  {
    what: "a layer less",
    network: "dense",
    edits: [{ removeLayer: { layer: "two" } }],
    code: "shorter",
    size: DENSE,
  },
  {
    what: "a layer less, with what reads it",
    network: "dense",
    edits: [{ removeLayer: { layer: "two", connections: "remove" } }],
    code: "first",
    size: DENSE,
    names: { logits: "one/Relu", ...WITHOUT_LOSS },
  },
  {
    what: "a branch less",
    network: "joined",
    edits: [{ removeLayer: { layer: "two", connections: "remove" } }],
    code: "narrow",
    size: JOINED,
  },
  {
    what: "neither batch norm nor second convolution",
    network: "conv",
    edits: [{ removeLayer: { layer: "norm" } }, { removeLayer: { layer: "two" } }],
    code: "bare_conv",
    size: CONV,
  },
  {
    what: "another name",
    network: "dense",
    edits: [{ rename: { from: "out", to: "head/digits" } }],
    size: { ...DENSE, name: "head/digits" },
    names: { logits: "head/digits/BiasAdd" },
    same: true,
  },
  {
    what: "fresh numbers",
    network: "dense",
    edits: [{ reinitialize: { layers: ["one", "two"] } }],
    size: DENSE,
  },
  {
    what: "another checkpoint's numbers",
    network: "dense",
    edits: [{ copyFrom: { checkpoint: "../dense.other.ckpt", map: { "two/": "two/" } } }],
    size: DENSE,
    copied: { from: "dense.other.ckpt", variables: ["two/bias", "two/kernel"] },
  },
];

const ENDS: readonly Case[] = [
  {
    what: "columns that count for nothing yet",
    network: "dense",
    edits: [{ setInput: { channels: 8, how: "zero" } }],
    size: { ...DENSE, x: 8 },
    channels: 8,
    same: true,
  },
  {
    what: "columns that share",
    network: "dense",
    edits: [{ setInput: { channels: 12, how: "repeat" } }],
    size: { ...DENSE, x: 12 },
    channels: 12,
    same: true,
  },
  {
    what: "grey images",
    network: "conv",
    edits: [{ setInput: { channels: 1 } }],
    size: { ...CONV, x: 1 },
    channels: 1,
  },
  {
    what: "a hidden layer as the output",
    network: "dense",
    edits: [{ setOutputs: { outputs: "two" } }],
    code: "features",
    size: DENSE,
    names: { logits: "two/Tanh", ...WITHOUT_LOSS },
  },
  {
    what: "other classes, and a softmax",
    network: "dense",
    edits: [{ replaceOutput: { classes: 4, activation: "softmax" } }],
    size: { ...DENSE, out: 4 },
  },
  {
    what: "a loss for each unit",
    network: "dense",
    edits: [{ replaceOutput: { classes: 3, loss: "sigmoidCrossEntropy" } }],
    size: DENSE,
    names: NEW_LABELS,
    rows: true,
  },
  {
    what: "numbers instead of classes",
    network: "dense",
    edits: [{ replaceOutput: { classes: 3, loss: "meanSquaredError" } }],
    size: DENSE,
    names: NEW_LABELS,
    rows: true,
  },
  {
    what: "another output, the old one gone",
    network: "dense",
    edits: [{ replaceOutput: { classes: 3, connections: "replace" } }],
    size: { ...DENSE, name: "logits" },
    names: { logits: "logits/BiasAdd" },
  },
  {
    what: "an output behind a feature map",
    network: "map",
    edits: [{ replaceOutput: { classes: 3, head: "pooling" } }],
    code: "pooled",
    size: { one: 4, logits: 3 },
    names: { logits: "logits/BiasAdd", ...NEW_LOSS },
  },
  {
    what: "an output behind features",
    network: "features",
    edits: [{ replaceOutput: { classes: 3, head: "dense" } }],
    code: "dense",
    size: { ...DENSE, name: "logits" },
    names: { logits: "logits/BiasAdd", ...NEW_LOSS },
  },
];

const TRAINED: readonly Case[] = [
  {
    what: "trained with new layers",
    network: "dense",
    edits: DEEPER,
    code: "deeper",
    size: { ...DENSE, deeper: 5 },
    train: true,
  },
  {
    what: "trained beside the old branch",
    network: "dense",
    edits: BESIDE,
    size: { ...DENSE, one: 7 },
    names: { logits: "graft/output" },
    train: true,
  },
  {
    what: "trained with a new output and its loss",
    network: "map",
    edits: [{ replaceOutput: { classes: 3, head: "pooling" } }],
    code: "pooled",
    size: { one: 4, logits: 3 },
    names: { logits: "logits/BiasAdd", ...NEW_LOSS },
    train: true,
  },
  {
    what: "trained without a loss of its own",
    network: "features",
    edits: [addUnits("one", 2, "random")],
    size: { ...DENSE, one: 7 },
    names: { logits: "two/Tanh", ...WITHOUT_LOSS },
    train: true,
  },
];

const CASES = [...UNITS, ...LAYERS, ...ENDS, ...TRAINED].map((each) => ({
  ...each,
  title: `${each.network}: ${each.what}`,
}));
type Titled = (typeof CASES)[number];

interface Report extends SavedReport {
  readonly error?: string;
  readonly scratch: readonly (readonly number[])[];
}

const NAMES: GraphNames = { input: "x", labels: "y", logits: "out/BiasAdd", loss: "loss" };
const namesOf = ({ names }: Titled): GraphNames => ({ ...NAMES, ...names });

withTensorFlow("edited networks", () => {
  let folder: Awaited<ReturnType<typeof makeFolder>>;
  const predictions = new Map<string, number[][]>();
  const here = (each: Titled) => String(CASES.indexOf(each));

  beforeAll(async () => {
    folder = await makeFolder();
    await oracle("tf_networks.py", [folder.path]);
  });
  afterAll(() => folder.remove());

  test.each(CASES)("Graft writes $title", async (each) => {
    const { network, edits, rows } = each;
    const own = join(folder.path, here(each));
    await mkdir(own);
    await writeInputs(each, join(own, "x.npy"));
    const labels = `../${rows ? "rows" : "y"}.npy`;
    await writeRecipe(own, "m.graft.json", {
      checkpoint: `../${network}.ckpt`,
      edits,
      ...(each.train && {
        data: { inputs: { x: "x.npy" }, labels },
        train: [{ epochs: 3, batch: 4, optimizer: { momentum: { learningRate: 0.01 } } }],
        save: { as: "new.ckpt" },
      }),
    });
    if (each.train) await train(own, "m.graft.json");
    else await graft(own, ["apply", "m.graft.json", "--as", "new.ckpt"]);
    const { logits, feeds = {} } = namesOf(each);
    const feed = Object.entries(feeds).flatMap(([name, value]) => ["--feed", `${name}=${value}`]);
    predictions.set(
      each.title,
      await predict(own, "new.ckpt", "x.npy", ["--layer", logits, ...feed]),
    );
  });

  test("a loss that only training needed is not written", async () => {
    const added = CASES.filter((each) => each.train && namesOf(each).loss === undefined);
    expect(added).not.toEqual([]);
    for (const each of added) {
      const saved = await openCheckpoint(join(folder.path, here(each), "new.ckpt"));
      const { nodes, roles } = await saved.model();
      await saved.close();
      expect([...nodes.keys()].filter((name) => name.startsWith("graft/"))).toEqual([]);
      expect(roles.loss).toBeUndefined();
    }
  });

  describe("TensorFlow", () => {
    let reports: Readonly<Record<string, Report>>;

    beforeAll(async () => {
      const written = CASES.filter(({ title }) => predictions.has(title));
      const cases = written.map((each) => {
        const { network, size, rows, idle, copied } = each;
        const code = idle ? undefined : (each.code ?? network);
        const labels = rows ? "rows.npy" : "y.npy";
        const [paths, options] = checkArguments(
          folder.path,
          {
            result: `${here(each)}/new.ckpt`,
            inputs: `${here(each)}/x.npy`,
            source: copied?.from ?? `${network}.ckpt`,
            ...(!idle && { labels }),
          },
          namesOf(each),
        );
        return [each.title, { arguments: [...paths, ...flags(options)], code, size }];
      });
      const file = join(folder.path, "cases.json");
      await writeFile(file, JSON.stringify(Object.fromEntries(cases)));
      reports = await oracle("tf_networks.py", [file]);
    });

    test.each(CASES)("$title", async (each) => {
      const { title, same, idle, copied } = each;
      const found = reports[title];
      expect(found.error).toBeUndefined();
      expectClose(found.logits, predictions.get(title)!, 1e-5);
      if (!idle) expectClose(found.logits, found.scratch, 1e-6);
      if (same) {
        const before = await matrix(join(folder.path, `${each.network}.logits.npy`));
        const old = found.logits.map((row, index) => row.slice(0, before[index].length));
        expectClose(old, before, 1e-6);
      }
      if (copied) {
        expect(found.kept).toEqual(expect.arrayContaining([...copied.variables]));
        expect(found.kept).not.toContain("one/kernel");
      }
      expect(found.savedAgain).toEqual(found.stored);
      expect(found.init.finite).toBe(true);
      if (idle) return;
      expect(found.step.moved).not.toEqual([]);
      expect(found.step.stuck).toEqual([]);
      expect(found.step.disturbed).toEqual([]);
      expect(found.step.lossAfter).toBeLessThan(found.step.lossBefore);
    });
  });

  async function writeInputs({ network, channels }: Titled, file: string): Promise<void> {
    const { shape, data } = await readNpy(join(folder.path, `${network}.x.npy`));
    const had = shape.at(-1)!;
    const count = channels ?? had;
    const values = data as Float32Array;
    const rows = values.length / had;
    const wider = Float32Array.from(
      { length: rows * count },
      (_, at) => values[Math.floor(at / count) * had + ((at % count) % had)],
    );
    await writeNpy(file, { shape: shape.with(-1, count), dtype: "float32", data: wider });
  }
});

async function matrix(file: string): Promise<number[][]> {
  const { shape, data } = await readNpy(file);
  return Array.from({ length: shape[0] }, (_, row) => [
    ...(data as Float32Array).subarray(row * shape[1], (row + 1) * shape[1]),
  ]);
}
