// docs/dl4j.md against real Deeplearning4j: the recipe on the right makes the network that the Java on the left does,
// and edited zips predict and train there.
import { readFile } from "node:fs/promises";
import { join } from "node:path";
import { beforeAll, describe, expect, test } from "vitest";
import { openCheckpoint, formatOf } from "../../src/engine/formats/table";
import { isFrozen } from "../../src/engine/graph/model";
import { evaluate } from "../../src/engine/graph/value";
import { editedModel } from "../../src/engine/recipe/apply";
import { parseRecipe } from "../../src/engine/recipe/parse";
import { outputsOf } from "../engine/formats/dl4j/running";
import { executorOn } from "../engine/executor";
import { expectClose } from "../engine/fixture";
import { fixture } from "../engine/formats/tf1/fixtures";
import { type JavaNetwork, type JavaOutput, javaForSuite, withDl4j } from "./dl4j";
import { classes, numbers } from "./dl4jSamples";

const ZIPS: Readonly<Record<string, string>> = {
  "vgg16.zip": fixture("dl4j_vgg/vgg16.zip"),
  "graves_lstm.zip": fixture("b5_dl4j_graves_lstm/model.zip"),
};

const NESTEROVS = { Nesterovs: { learningRate: 5e-5 } };
const predictions = (nIn: number, more: object = {}) => ({
  OutputLayer: {
    args: ["NEGATIVELOGLIKELIHOOD"],
    ...{ nIn, nOut: 5, weightInit: "XAVIER", activation: "SOFTMAX", ...more },
  },
});

type Call = readonly [method: string, ...args: unknown[]];

/** What each piece of Java beside a recipe calls, in the document's order; undefined where it starts from another network. */
const JAVA: readonly (readonly Call[] | undefined)[] = [
  [["nOutReplace", 0, 15, "XAVIER"]],
  [
    ["fineTuneConfiguration", { FineTuneConfiguration: { seed: 123 } }],
    ["removeOutputLayer"],
    ["addLayer", { GravesLSTM: { nIn: 12, nOut: 6, activation: "TANH" } }],
    ["addLayer", { RnnOutputLayer: { args: ["MCXENT"], nIn: 6, nOut: 10, activation: "SOFTMAX" } }],
  ],
  [["nOutReplace", 0, 14, "XAVIER"]],
  [
    ["fineTuneConfiguration", { FineTuneConfiguration: { updater: NESTEROVS, seed: 123 } }],
    ["setFeatureExtractor", "fc2"],
    ["removeVertexKeepConnections", "predictions"],
    ["addLayer", "predictions", predictions(10), "fc2"],
  ],
  [
    ["fineTuneConfiguration", { FineTuneConfiguration: { updater: NESTEROVS } }],
    ["setFeatureExtractor", "block5_pool"],
    ["nOutReplace", "fc2", 16, "XAVIER"],
    ["removeVertexAndConnections", "predictions"],
    ["addLayer", "fc3", { DenseLayer: { activation: "RELU", nIn: 16, nOut: 8 } }, "fc2"],
    ["addLayer", "newpredictions", predictions(8), "fc3"],
    ["setOutputs", "newpredictions"],
  ],
  [
    ["removeVertexKeepConnections", "fc1"],
    ["addLayer", "fc1", { DenseLayer: { nIn: 24, nOut: 20, activation: "TANH" } }, "block5_pool"],
    ["nInReplace", "fc2", 20, "XAVIER"],
  ],
  [
    ["removeVertexAndConnections", "predictions"],
    ["setOutputs", "fc2"],
  ],
  [
    ["fineTuneConfiguration", { FineTuneConfiguration: { updater: NESTEROVS, l2: 1e-4 } }],
    ["setFeatureExtractor", "block5_pool"],
    ["removeVertexKeepConnections", "predictions"],
    [
      "addLayer",
      "predictions",
      predictions(10, { updater: { Nesterovs: { learningRate: 1e-3 } } }),
      "fc2",
    ],
  ],
  undefined,
];

const text = await readFile(join(import.meta.dirname, "../../docs/dl4j.md"), "utf8");
const pairs = [...text.matchAll(/```java\n(.*?)```.*?```json\n(.*?)```/gs)].map(
  ([, java, recipe]) => ({ java, recipe }),
);

/** Layers with parameters, and these, by name; of a list, by number. Deeplearning4j freezes a pool behind all that is frozen, too. */
const shapeOf = ({ layers, parameters }: JavaNetwork) => ({
  layers: layers
    .filter(({ name }) => Object.keys(parameters).some((each) => each.startsWith(`${name}_`)))
    .map(({ name, frozen, ...layer }) => `${name} ${layer.class}${frozen ? " frozen" : ""}`)
    .sort(),
  parameters: Object.fromEntries(
    Object.entries(parameters).map(([name, { shape }]) => [name, shape]),
  ),
});

withDl4j("Deeplearning4j's transfer learning", () => {
  const { java, at } = javaForSuite();
  beforeAll(() => executorOn("cpu"));

  /** Saves what a recipe makes of its zip; returns the model with what it reads. */
  async function saved(written: string, as: string) {
    const { recipe } = parseRecipe("r.graft.json", written);
    const source = await openCheckpoint(ZIPS[recipe.checkpoint]);
    const model = editedModel(await source.model(), recipe, new Map());
    await formatOf(source).save(source, model, as, (each) => evaluate(each, source.read, 7));
    await source.close();
    return { path: ZIPS[recipe.checkpoint], model };
  }

  test("the document has a piece of Java for each of these", () => {
    expect(pairs).toHaveLength(JAVA.length);
    JAVA.forEach((calls, index) => {
      for (const [method] of calls ?? []) expect(pairs[index].java).toContain(`.${method}(`);
    });
  });

  test.each(pairs.flatMap((pair, index) => (JAVA[index] ? [{ ...pair, index }] : [])))(
    "pair $index makes the same network",
    async ({ recipe, index }) => {
      const [here, there] = [at("here.zip"), at("there.zip")];
      const { path } = await saved(recipe, here);
      const made = await java.ask({ command: "transfer", path, as: there, calls: JAVA[index] });
      const loaded = await java.ask({ command: "load", path: here });
      expect(shapeOf(loaded)).toEqual(shapeOf(made));
    },
  );

  const FROZEN = pairs.filter(({ recipe }) => recipe.includes('"freeze": { "upTo"'));
  test.each(FROZEN)("a network frozen by a recipe trains there: $recipe", async ({ recipe }) => {
    const path = at("frozen.zip");
    const { model } = await saved(recipe, path);
    const { parameters } = await java.ask({ command: "load", path });
    const count = model.shapes.get(model.roles.output!)!.at(-1)!;
    const samples = { inputs: [numbers(4, 3, 8, 8)], labels: [classes(4, count)] };
    const fitted = await java.ask({ command: "fit", path, ...samples, steps: 1 });
    const moved = Object.keys(parameters)
      .filter((name) => parameters[name].values.join() !== fitted.parameters[name].values.join())
      .map((name) => name.slice(0, name.lastIndexOf("_")));
    const trains = (name: string) => !isFrozen(model.variables.get(name)!);
    const training = model.layers.filter(({ variables }) => variables.some(trains));
    expect(new Set(moved)).toEqual(new Set(training.map(({ name }) => name)));
  });

  describe("edited recurrent networks", () => {
    const samples = { inputs: [numbers(3, 8, 5)], labels: [classes(3, 10, 5)] };
    const graves = (...edits: readonly object[]) =>
      JSON.stringify({ checkpoint: "graves_lstm.zip", edits });
    const outputs = async (path: string) =>
      (await java.ask<JavaOutput>({ command: "output", path, inputs: samples.inputs })).outputs[0];

    test("three zero units leave the predictions what they were, and train", async () => {
      const as = at("wide.zip");
      await saved(graves({ addUnits: { layer: "layer0", units: 3, init: "zero" } }), as);
      const [before, after] = [await outputs(ZIPS["graves_lstm.zip"]), await outputs(as)];
      expectClose(after.values, Float32Array.from(before.values), 1e-6);
      const { parameters } = await java.ask({ command: "load", path: as });
      const fitted = await java.ask({ command: "fit", path: as, ...samples, steps: 1 });
      expect(fitted.parameters["0_RW"].shape).toEqual([15, 63]);
      expect(fitted.parameters["0_RW"].values).not.toEqual(parameters["0_RW"].values);
    });

    test.each([
      ["behind", { after: "layer0", layer: { lstm: { units: 6, peepholes: true } } }],
      ["before", { before: "layer0", layer: { lstm: { units: 5 } } }],
      ["dense, behind", { after: "layer0", layer: { dense: { units: 6 } } }],
    ])("a new layer %s computes there what it does here, and trains", async (_, insertLayer) => {
      const as = at("deep.zip");
      await saved(graves({ insertLayer }), as);
      const checkpoint = await openCheckpoint(as);
      const model = await checkpoint.model();
      const [input] = model.roles.inputs;
      const named = model.aliases.get(String(model.layers.length - 1))!;
      const [here] = await outputsOf(model, checkpoint.read, { [input]: samples.inputs[0] }, [
        named,
      ]);
      const there = await outputs(as);
      expect(here.shape).toEqual(there.shape);
      expectClose(here.values, Float32Array.from(there.values), 1e-5);
      const before = await java.ask({ command: "load", path: as });
      const fitted = await java.ask({ command: "fit", path: as, ...samples, steps: 1 });
      for (const [name, { values }] of Object.entries(before.parameters))
        expect(fitted.parameters[name].values, name).not.toEqual(values);
      await checkpoint.close();
    });
  });
});
