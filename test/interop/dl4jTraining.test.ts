// There and back: Deeplearning4j makes a recurrent network, Graft edits and trains it as its user would, and
// Deeplearning4j goes on with the result.
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { readNpy, writeNpy } from "../../src/engine/data/npy";
import { expectClose } from "../engine/fixture";
import {
  type Dl4j,
  type JavaArray,
  type JavaNetwork,
  type JavaOutput,
  startDl4j,
  withDl4j,
} from "./dl4j";
import { classes, numbers } from "./dl4jSamples";
import { eventOf, graft, makeFolder, train, writeRecipe } from "./graft";

const [SAMPLES, FEATURES, STEPS, CLASSES] = [24, 3, 5, 2];
const UNITS = 4;
const MORE = 3;
const samples = {
  inputs: [numbers(SAMPLES, FEATURES, STEPS)],
  labels: [classes(SAMPLES, CLASSES, STEPS)],
};

const NETWORK = {
  global: { updater: { Adam: { learningRate: 0.01 } }, seed: 7, weightInit: "XAVIER" },
  layers: [
    { GravesLSTM: { nIn: FEATURES, nOut: UNITS, activation: "TANH" } },
    { LSTM: { nIn: UNITS, nOut: 5, activation: "TANH" } },
    {
      RnnOutputLayer: { args: ["MCXENT"], nIn: 5, nOut: CLASSES, activation: "SOFTMAX" },
    },
  ],
};

const RECIPE = {
  checkpoint: "made.zip",
  data: { inputs: "x.npy", layout: "NFT", labels: "y.npy" },
  train: [{ epochs: 3, batch: 8, optimizer: { adam: { learningRate: 0.01 } } }],
};

withDl4j("a recurrent network made in Deeplearning4j, trained here", () => {
  let java: Dl4j;
  let folder: Awaited<ReturnType<typeof makeFolder>>;
  let made: JavaNetwork;
  beforeAll(async () => {
    java = startDl4j();
    folder = await makeFolder();
    made = await java.ask({
      ...{ command: "make", network: NETWORK, as: join(folder.path, "made.zip") },
      fit: { ...samples, steps: 3 },
    });
    await write("x.npy", samples.inputs[0]);
    await write("y.npy", samples.labels[0]);
  });
  afterAll(async () => {
    await java.close();
    await folder.remove();
  });

  const write = (name: string, { shape, values }: JavaArray) =>
    writeNpy(join(folder.path, name), {
      ...{ shape, dtype: "float32" },
      data: Float32Array.from(values),
    });

  /** Trains; what Deeplearning4j loads then. */
  async function trained(name: string, edits: readonly object[]) {
    await writeRecipe(folder.path, `${name}.graft.json`, {
      ...RECIPE,
      edits,
      save: { as: `${name}.zip` },
    });
    const events = await train(folder.path, `${name}.graft.json`);
    expect(eventOf(events, "saved")).toBeDefined();
    return java.ask<JavaNetwork>({ command: "load", path: join(folder.path, `${name}.zip`) });
  }

  /** The predictions of a zip, there and here. */
  async function expectSamePredictions(zip: string): Promise<void> {
    const path = join(folder.path, zip);
    const { outputs } = await java.ask<JavaOutput>({
      ...{ command: "output", path },
      inputs: samples.inputs,
    });
    await graft(folder.path, [
      ...["predict", zip, "--input", "x.npy", "--layout", "NFT"],
      ...["--layer", "layer2", "--output", "p.npy"],
    ]);
    const { shape, data } = await readNpy(join(folder.path, "p.npy"));
    expect(shape).toEqual(outputs[0].shape);
    expectClose(data as Float32Array, Float32Array.from(outputs[0].values), 1e-5);
  }

  /** One more step there, from the updater's state in the zip. */
  const fitOn = (zip: string) =>
    java.ask<JavaNetwork>({
      ...{ command: "fit", path: join(folder.path, zip), steps: 1 },
      ...samples,
    });

  test("frozen parameters and the freeze state go there and back", async () => {
    const loaded = await trained("frozen", [{ freeze: "layer0" }]);
    expect(loaded.layers.map(({ frozen }) => frozen)).toEqual([true, false, false]);
    for (const [name, { values }] of Object.entries(made.parameters)) {
      if (name.startsWith("0_")) expect(loaded.parameters[name].values, name).toEqual(values);
      else expect(loaded.parameters[name].values, name).not.toEqual(values);
    }
    await expectSamePredictions("frozen.zip");
    const fitted = await fitOn("frozen.zip");
    for (const [name, { values }] of Object.entries(loaded.parameters)) {
      if (name.startsWith("0_")) expect(fitted.parameters[name].values, name).toEqual(values);
      else expect(fitted.parameters[name].values, name).not.toEqual(values);
    }
  });

  describe("random units of a GravesLSTM", () => {
    test("all train, here and there", async () => {
      const loaded = await trained("random", [
        { addUnits: { layer: "layer0", units: MORE, init: "random" } },
      ]);
      expect(loaded.parameters["0_RW"].shape).toEqual([UNITS + MORE, 4 * (UNITS + MORE) + 3]);
      await expectSamePredictions("random.zip");
      const fitted = await fitOn("random.zip");
      for (const [name, { values }] of Object.entries(loaded.parameters))
        expect(fitted.parameters[name].values, name).not.toEqual(values);
    });

    test("only the new numbers train where that is asked for", async () => {
      const loaded = await trained("new", [
        { freeze: ".*" },
        { addUnits: { layer: "layer0", units: MORE, init: "random", train: "new" } },
      ]);
      const after = UNITS + MORE;
      const gates = (row: number, column: number) =>
        row < UNITS && column % after < UNITS && column < 4 * after;
      /** Where an old number of a widened parameter was; undefined for new ones. */
      const old: Readonly<Record<string, (row: number, column: number) => number | undefined>> = {
        "0_W": (row, column) =>
          column % after < UNITS
            ? row * 4 * UNITS + Math.floor(column / after) * UNITS + (column % after)
            : undefined,
        "0_RW": (row, column) => {
          const width = 4 * UNITS + 3;
          if (gates(row, column))
            return row * width + Math.floor(column / after) * UNITS + (column % after);
          return row < UNITS && column >= 4 * after
            ? row * width + 4 * UNITS + (column - 4 * after)
            : undefined;
        },
        "0_b": (_, column) =>
          column % after < UNITS
            ? Math.floor(column / after) * UNITS + (column % after)
            : undefined,
        "1_W": (row, column) => (row < UNITS ? row * 20 + column : undefined),
      };
      let fresh = 0;
      for (const [name, { shape, values }] of Object.entries(loaded.parameters)) {
        const width = shape.at(-1)!;
        values.forEach((value, at) => {
          const place = old[name] ? old[name](Math.floor(at / width), at % width) : at;
          if (place === undefined) fresh++;
          else expect(value, `${name} ${at}`).toBe(made.parameters[name].values[place]);
        });
      }
      expect(fresh).toBeGreaterThan(0);
      await expectSamePredictions("new.zip");
      // What they started from is what the same edits give without training.
      await graft(folder.path, ["apply", "new.graft.json", "--as", "untrained.zip"]);
      const start = await java.ask<JavaNetwork>({
        ...{ command: "load", path: join(folder.path, "untrained.zip") },
      });
      for (const name of Object.keys(old))
        expect(loaded.parameters[name].values, name).not.toEqual(start.parameters[name].values);
    });
  });

  test("a wholly new LSTM in the stack trains here, and there", async () => {
    const loaded = await trained("deeper", [
      { insertLayer: { after: "layer0", layer: { lstm: { units: 6 } } } },
    ]);
    expect(loaded.layers).toHaveLength(4);
    const { outputs } = await java.ask<JavaOutput>({
      ...{ command: "output", path: join(folder.path, "deeper.zip") },
      inputs: samples.inputs,
    });
    expect(outputs[0].shape).toEqual([SAMPLES, CLASSES, STEPS]);
    const fitted = await fitOn("deeper.zip");
    for (const [name, { values }] of Object.entries(loaded.parameters))
      expect(fitted.parameters[name].values, name).not.toEqual(values);
  });
});
