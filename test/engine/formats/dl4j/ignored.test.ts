// What a zip says of its own training: what is not followed here is told before it trains, and kept.
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { expect, test } from "vitest";
import type { RunEvent } from "../../../../src/protocol/run";
import { writeNpy } from "../../../../src/engine/data/npy";
import { openCheckpoint } from "../../../../src/engine/formats/table";
import { parseRecipe } from "../../../../src/engine/recipe/parse";
import { planRecipe } from "../../../../src/engine/recipe/plan";
import { saveEdited } from "../../../../src/engine/train/saveEdited";
import { trainRecipe } from "../../../../src/engine/train/train";
import { fixture, temporaryFolder } from "../tf1/fixtures";
import { entriesOf, zipped } from "./zips";

const folder = temporaryFolder();
const LSTM = "b5_dl4j_graves_lstm/model.zip";
const OLD = "dl4j_old/0.7.2/graves_lstm.zip";

type Replaced = readonly (readonly [from: string | RegExp, to: string])[];

/** A zip whose configuration has other texts in it. */
async function changed(zip: string, replaced: Replaced): Promise<string> {
  const entries = await entriesOf(fixture(zip));
  const text = Buffer.from(entries.get("configuration.json")!).toString();
  const after = replaced.reduce((all, [from, to]) => {
    expect(all).toMatch(from);
    return all.replace(from, to);
  }, text);
  const path = join(folder, "changed.zip");
  writeFileSync(path, await zipped(entries.set("configuration.json", Buffer.from(after))));
  return path;
}

async function ignored(path: string): Promise<readonly string[]> {
  const checkpoint = await openCheckpoint(path);
  const model = await checkpoint.model();
  await checkpoint.close();
  return model.ignored ?? [];
}

const every = (field: string): RegExp => new RegExp(`"${field}" : [^,]+,`, "g");
const object = (type: string): string => `{ "@class" : "org.${type}" }`;

const CASES: Readonly<Record<string, readonly [zip: string, replaced: Replaced, told: RegExp[]]>> =
  {
    "nothing, where nothing is said": [LSTM, [], []],
    "nothing by an old zip, where nothing is said": [OLD, [], []],
    "gradient normalization of one layer": [
      LSTM,
      [[`"gradientNormalization" : "None"`, `"gradientNormalization" : "ClipL2PerLayer"`]],
      [/clips gradients \(ClipL2PerLayer in layer0\)/],
    ],
    "gradient normalization of all layers": [
      LSTM,
      [[every("gradientNormalization"), `"gradientNormalization" : "ClipL2PerLayer",`]],
      [/clips gradients \(ClipL2PerLayer\)/],
    ],
    "truncated backpropagation": [
      LSTM,
      [[`"backpropType" : "Standard"`, `"backpropType" : "TruncatedBPTT"`]],
      [/after 20 steps/],
    ],
    "weight decay": [
      LSTM,
      [[every("regularization"), `"regularization" : [ ${object("WeightDecay")} ],`]],
      [/decays weights/],
    ],
    "an updater of biases": [
      LSTM,
      [[every("biasUpdater"), `"biasUpdater" : ${object("Sgd")},`]],
      [/biases.*\(Sgd\)/],
    ],
    "noise on weights": [
      LSTM,
      [[`"weightNoise" : null`, `"weightNoise" : ${object("DropConnect")}`]],
      [/noise.*\(DropConnect in layer0\)/],
    ],
    constraints: [
      LSTM,
      [[every("constraints"), `"constraints" : [ ${object("MaxNormConstraint")} ],`]],
      [/constrains weights \(MaxNorm\)/],
    ],
    "another way to search": [
      LSTM,
      [[every("optimizationAlgo"), `"optimizationAlgo" : "LBFGS",`]],
      [/searches.*\(LBFGS\)/],
    ],
    "L2 behind the updater": [
      OLD,
      [
        [every("useRegularization"), `"useRegularization" : true,`],
        [`"l2" : 0.0`, `"l2" : 0.5`],
      ],
      [/^Before 1\.0, .* without the learning rate in 0;/],
    ],
    "weights that are dropped, and clipped gradients": [
      OLD,
      [
        [every("gradientNormalization"), `"gradientNormalization" : "ClipL2PerLayer",`],
        [every("useDropConnect"), `"useDropConnect" : true,`],
        [`"dropOut" : 0.0`, `"dropOut" : 0.5`],
      ],
      [/clips gradients/, /drops weights \(useDropConnect in 0\)/],
    ],
  };

test("a class that is called like a property of every object", async () => {
  const path = await changed(LSTM, [["layers.GravesLSTM", "layers.toString"]]);
  expect(await ignored(path)).toEqual([]);
});

test.each(Object.entries(CASES))("%s", async (_, [zip, replaced, told]) => {
  const found = await ignored(await changed(zip, replaced));
  expect(found).toEqual(told.map((each) => expect.stringMatching(each) as string));
});

test("the plan warns, and so does a run; what is saved is the zip's own training", async () => {
  await changed(LSTM, [[`"Standard"`, `"TruncatedBPTT"`]]);
  const steps = { shape: [2, 5, 8], dtype: "float32" as const, data: new Float32Array(80) };
  await writeNpy(join(folder, "x.npy"), steps);
  await writeNpy(join(folder, "y.npy"), {
    shape: [2, 5],
    dtype: "int32",
    data: new Int32Array(10),
  });
  const [file, result] = [join(folder, "r.graft.json"), join(folder, "result.zip")];
  const text = JSON.stringify({
    checkpoint: "changed.zip",
    data: { inputs: "x.npy", labels: "y.npy", validation: 0 },
    train: [{ epochs: 1, optimizer: { sgd: {} } }],
    save: { as: "result.zip" },
  });
  expect((await planRecipe(file, text)).problems).toEqual([
    {
      ...{ code: "training-setting", severity: "warning", pointer: "/checkpoint" },
      message: expect.stringMatching(/^The zip cuts sequences after 20 steps/) as string,
    },
  ]);
  const events: RunEvent[] = [];
  await trainRecipe(parseRecipe(file, text), {
    ...{ run: "test", backend: "cpu", store: join(folder, "store"), resume: null },
    emit: (event) => void events.push(event),
    stopRequested: () => false,
    abandoned: () => false,
    keepState: async () => undefined,
  });
  const notes = events.flatMap((event) => (event.event === "note" ? [event.text] : []));
  expect(notes).toContainEqual(expect.stringMatching(/^The zip cuts sequences after 20 steps/));

  // The weights have moved, and nothing that Deeplearning4j keeps of its own training.
  const saved = events.flatMap((event) => (event.event === "saved" ? event.notes : []));
  expect(saved).toEqual([
    expect.stringMatching(/own updater \(RmsProp\), .* Its state and its count/),
  ]);
  const [before, after] = [await entriesOf(join(folder, "changed.zip")), await entriesOf(result)];
  for (const name of ["configuration.json", "updaterState.bin"])
    expect(Buffer.from(after.get(name)!).equals(before.get(name)!), name).toBe(true);
  const weights = "coefficients.bin";
  expect(Buffer.from(after.get(weights)!).equals(before.get(weights)!)).toBe(false);
  expect((await saveEdited(parseRecipe(file, text), result)).notes).toEqual([]);
});
