// Networks that TensorFlow built, with other units: it loads them, computes what the same network built from scratch
// computes with these numbers, and trains on.
import { afterAll, beforeAll, expect, test } from "vitest";
import { join } from "node:path";
import { readNpy } from "../../src/engine/data/npy";
import { graft, makeFolder, predict, writeRecipe } from "./graft";
import { oracle, withTensorFlow } from "./python";
import { checkSaved, expectClose, type GraphNames } from "./saved";

const NAMES: GraphNames = { input: "x", labels: "y", logits: "out/BiasAdd", loss: "loss" };

interface Case {
  readonly network: "dense" | "conv" | "residual" | "joined";
  readonly edit: object;
  /** Units of every layer afterwards. */
  readonly size: Readonly<Record<string, number>>;
  /** Whether the logits must be what they were. */
  readonly same?: true;
}

const zero = (layer: string, units: number) => ({ addUnits: { layer, units, init: "zero" } });
const wider = (layer: string, units: number) => ({ addUnits: { layer, units, init: "net2wider" } });

const CASES: readonly Case[] = [
  { network: "dense", edit: zero("one", 2), size: { one: 7, two: 4, out: 3 }, same: true },
  { network: "dense", edit: wider("two", 3), size: { one: 5, two: 7, out: 3 }, same: true },
  {
    network: "dense",
    edit: { removeUnits: { layer: "one", units: "1, 3-4" } },
    size: { one: 2, two: 4, out: 3 },
  },
  {
    network: "dense",
    edit: { replaceUnits: { layer: "two", units: 9 } },
    size: { one: 5, two: 9, out: 3 },
  },
  { network: "dense", edit: { addClasses: { classes: 2 } }, size: { one: 5, two: 4, out: 5 } },
  {
    network: "conv",
    edit: zero("one", 2),
    size: { one: 6, two: 5, three: 6, out: 3 },
    same: true,
  },
  {
    network: "conv",
    edit: wider("two", 3),
    size: { one: 4, two: 8, three: 6, out: 3 },
    same: true,
  },
  {
    network: "conv",
    edit: { removeUnits: { layer: "two", units: "0" } },
    size: { one: 4, two: 4, three: 6, out: 3 },
  },
  { network: "residual", edit: zero("stem", 2), size: { stem: 6, one: 5, out: 3 }, same: true },
  { network: "residual", edit: wider("stem", 5), size: { stem: 9, one: 5, out: 3 }, same: true },
  {
    network: "residual",
    edit: { removeUnits: { layer: "stem", units: "1-2" } },
    size: { stem: 2, one: 5, out: 3 },
  },
  {
    network: "joined",
    edit: wider("one", 2),
    size: { one: 6, two: 3, three: 5, out: 3 },
    same: true,
  },
  {
    network: "joined",
    edit: { removeUnits: { layer: "two", units: "0" } },
    size: { one: 4, two: 2, three: 5, out: 3 },
  },
];

withTensorFlow("networks with other units", () => {
  let folder: Awaited<ReturnType<typeof makeFolder>>;
  beforeAll(async () => {
    folder = await makeFolder();
    await oracle("tf_networks.py", [folder.path]);
  });
  afterAll(() => folder.remove());

  test.each(CASES)("$network: $edit", async ({ network, edit, size, same }) => {
    const [source, inputs] = [`${network}.ckpt`, `${network}.x.npy`];
    const result = `${network}.edited.ckpt`;
    const recipe = `${network}.graft.json`;
    await writeRecipe(folder.path, recipe, { checkpoint: source, edits: [edit] });
    await graft(folder.path, ["apply", recipe, "--as", result]);
    const names = { ...NAMES };
    const files = { source, result, inputs, labels: `${network}.y.npy` };
    const saved = await checkSaved(folder.path, files, names);
    const predicted = await predict(folder.path, result, inputs);
    expectClose(saved.logits, predicted, 1e-5);
    const { logits } = await oracle<{ logits: number[][] }>(
      "tf_networks.py",
      [join(folder.path, result), join(folder.path, inputs)],
      { network, size: JSON.stringify(size) },
    );
    expectClose(saved.logits, logits, 1e-6);
    if (same) expectClose(saved.logits, await rows(`${network}.logits.npy`), 1e-6);
    expect(saved.init.finite).toBe(true);
    expect(saved.step.stuck).toEqual([]);
    expect(saved.step.disturbed).toEqual([]);
    expect(saved.step.lossAfter).toBeLessThan(saved.step.lossBefore);
  });

  async function rows(name: string): Promise<number[][]> {
    const { shape, data } = await readNpy(join(folder.path, name));
    return Array.from({ length: shape[0] }, (_, row) => [
      ...(data as Float32Array).subarray(row * shape[1], (row + 1) * shape[1]),
    ]);
  }
});
