// Edits of real zips, saved and read again.
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import {
  layersOf,
  parseConfiguration,
  type Configuration,
} from "../../../../src/engine/formats/dl4j/configuration";
import { importNetwork } from "../../../../src/engine/formats/dl4j/import";
import { layOut } from "../../../../src/engine/formats/dl4j/parameters";
import { patchConfiguration } from "../../../../src/engine/formats/dl4j/patch";
import { openZip } from "../../../../src/engine/formats/dl4j/tensors";
import { openCheckpoint, formatOf } from "../../../../src/engine/formats/table";
import { isFrozen, type Model } from "../../../../src/engine/graph/model";
import { evaluate } from "../../../../src/engine/graph/value";
import { editedModel } from "../../../../src/engine/recipe/apply";
import { parseRecipe } from "../../../../src/engine/recipe/parse";
import { executorOn } from "../../executor";
import { expectClose } from "../../fixture";
import { fixture } from "../tf1/fixtures";
import { inputsFor, outputsOf, SEED } from "./running";
import { OLD_VERSIONS, RECORDED_ZIPS } from "./zips";

let folder: string;
beforeAll(async () => {
  await executorOn("cpu");
  folder = await mkdtemp(join(tmpdir(), "graft-dl4j-"));
});
afterAll(() => rm(folder, { recursive: true, force: true }));

const OLD_ZIPS = OLD_VERSIONS.flatMap((version) =>
  ["graves_lstm", "conv", "graph"].map((name) => `dl4j_old/${version}/${name}.zip`),
);

describe.each([...new Set(RECORDED_ZIPS.map(({ zip }) => zip)), ...OLD_ZIPS])("%s", (zip) => {
  test("without edits, its configuration is the one that it was", async () => {
    const opened = await openZip(fixture(zip));
    const checkpoint = await openCheckpoint(fixture(zip));
    const model = await checkpoint.model();
    const { text, variables, notes } = patchConfiguration(opened.configuration, model, model);
    expect(text).toBe(opened.text);
    expect([...variables].every(([written, { variable }]) => written === variable)).toBe(true);
    expect(notes).toEqual([]);
    await Promise.all([opened.close(), checkpoint.close()]);
  });
});

/** Edits of a zip, and what the configuration then says of its layers: class and sizes. */
interface Case {
  readonly zip: string;
  readonly edits: readonly object[];
  readonly layers: readonly string[];
}

const CASES: Readonly<Record<string, Case>> = {
  "frozen layers": {
    zip: "b5_dl4j_transfer_mini/original.zip",
    edits: [{ freeze: "hidden1" }, { freeze: "hidden2" }],
    layers: ["Frozen Dense 50 30", "Frozen Dense 30 10", "Dense 10 5", "Output 5 5"],
  },
  "a layer that is frozen above one that trains": {
    zip: "b5_dl4j_transfer_mini/original.zip",
    edits: [{ freeze: "hidden2" }],
    layers: ["Dense 50 30", "FrozenWithBackprop Dense 30 10", "Dense 10 5", "Output 5 5"],
  },
  "thawed layers": {
    zip: "b5_dl4j_transfer_mini/transfer_before_fit.zip",
    edits: [{ unfreeze: "hidden1" }, { unfreeze: "hidden2" }],
    layers: ["Dense 50 30", "Dense 30 10", "Dense 10 5", "Output 5 3"],
  },
  "a head for the last step": {
    zip: "b5_dl4j_lstm/model.zip",
    edits: [
      { setOutputs: { outputs: "layer0" } },
      { replaceOutput: { classes: 3, head: "lastStep" } },
    ],
    layers: ["LastTimeStep LSTM 8 12", "Output 12 3"],
  },
  "more units": {
    zip: "b5_dl4j_mlp_iris/model.zip",
    edits: [{ addUnits: { layer: "hidden_a", units: 3, init: "random" } }],
    layers: ["Dense 4 13", "Dense 13 8", "Output 8 3"],
  },
  "other classes": {
    zip: "b5_dl4j_mlp_iris/model.zip",
    edits: [{ replaceOutput: { classes: 5 } }],
    layers: ["Dense 4 10", "Dense 10 8", "Output 8 5"],
  },
  "another activation function": {
    zip: "b5_dl4j_mlp_iris/model.zip",
    edits: [{ setLayer: { layer: "hidden_a", activation: "elu" } }],
    layers: ["Dense 4 10", "Dense 10 8", "Output 8 3"],
  },
  "a new dense layer": {
    zip: "b5_dl4j_mlp_iris/model.zip",
    edits: [{ insertLayer: { after: "hidden_a", layer: { dense: { units: 6 } } } }],
    layers: ["Dense 4 10", "Dense 10 6", "Dense 6 8", "Output 8 3"],
  },
  "dropout, an activation function and a batch norm": {
    zip: "b5_dl4j_mlp_iris/model.zip",
    edits: [
      { insertLayer: { after: "layer1", layer: { dropout: { rate: 0.25 } } } },
      { insertLayer: { after: "hidden_a", layer: { batchNorm: {} } } },
      { insertLayer: { after: "hidden_a", layer: { activation: "relu" }, name: "again" } },
    ],
    layers: [
      ...["Dense 4 10", "Activation", "BatchNormalization 10 10", "Dense 10 8"],
      ...["Dropout", "Output 8 3"],
    ],
  },
  "a layer less": {
    zip: "b5_dl4j_transfer_mini/original.zip",
    edits: [{ removeLayer: { layer: "hidden2" } }],
    layers: ["Dense 50 30", "Dense 30 5", "Output 5 5"],
  },
  "a layer behind the output": {
    zip: "b5_dl4j_mlp_iris/model.zip",
    edits: [
      { insertLayer: { after: "layer2", layer: { dense: { units: 4, activation: "none" } } } },
    ],
    layers: ["Dense 4 10", "Dense 10 8", "Dense 8 3", "Output 3 4"],
  },
  "a new output in the place of the old one": {
    zip: "b5_dl4j_mlp_iris/model.zip",
    edits: [{ replaceOutput: { classes: 4, connections: "replace" } }],
    layers: ["Dense 4 10", "Dense 10 8", "Output 8 4"],
  },
  "another loss": {
    zip: "b5_dl4j_mlp_iris/model.zip",
    edits: [{ replaceOutput: { classes: 2, activation: "sigmoid", loss: "sigmoidCrossEntropy" } }],
    layers: ["Dense 4 10", "Dense 10 8", "Output 8 2"],
  },
  "more channels before a flattening, and a batch norm behind them": {
    zip: "b5_dl4j_cnn_digits/model.zip",
    edits: [
      { addUnits: { layer: "layer0", units: 2, init: "random" } },
      { addUnits: { layer: "layer3", units: 1, init: "random" } },
    ],
    layers: [
      ...["Convolution 1 10", "BatchNormalization 10 10", "Subsampling", "Convolution 10 13"],
      ...["Dense 52 32", "Output 32 10"],
    ],
  },
  "a new convolution": {
    zip: "b5_dl4j_cnn_digits/model.zip",
    edits: [{ insertLayer: { after: "layer2", layer: { conv2d: { units: 5, window: [3, 2] } } } }],
    layers: [
      ...["Convolution 1 8", "BatchNormalization 8 8", "Subsampling", "Convolution 8 5"],
      ...["Convolution 5 12", "Dense 48 32", "Output 32 10"],
    ],
  },
  "the dense layer behind a flattening removed": {
    zip: "b5_dl4j_cnn_digits/model.zip",
    edits: [{ removeLayer: { layer: "layer4" } }],
    layers: [
      ...["Convolution 1 8", "BatchNormalization 8 8", "Subsampling", "Convolution 8 12"],
      "Output 48 10",
    ],
  },
  "another dropout": {
    zip: "b5_dl4j_cnn_digits/model.zip",
    edits: [{ setLayer: { layer: "layer4", dropout: 0.4 } }, { freeze: "layer1" }],
    layers: [
      "Convolution 1 8",
      "FrozenWithBackprop BatchNormalization 8 8",
      ...["Subsampling", "Convolution 8 12", "Dense 48 32", "Output 32 10"],
    ],
  },
  "a GravesLSTM of more units": {
    zip: "b5_dl4j_graves_lstm/model.zip",
    edits: [{ addUnits: { layer: "layer0", units: 3, init: "random" } }],
    layers: ["GravesLSTM 8 15", "RnnOutput 15 10"],
  },
  "an LSTM of fewer units, and other classes": {
    zip: "b5_dl4j_lstm/model.zip",
    edits: [{ removeUnits: { layer: "layer0", units: "0-2" } }, { replaceOutput: { classes: 4 } }],
    layers: ["LSTM 8 9", "RnnOutput 9 4"],
  },
  "new recurrent layers behind one, and before it": {
    zip: "b5_dl4j_graves_lstm/model.zip",
    edits: [
      { insertLayer: { after: "layer0", layer: { lstm: { units: 6, peepholes: true } } } },
      { insertLayer: { before: "layer0", layer: { lstm: {} }, name: "first" } },
      { insertLayer: { after: "lstm", layer: { dense: { units: 5 } } } },
    ],
    layers: ["LSTM 8 8", "GravesLSTM 8 12", "GravesLSTM 12 6", "Dense 6 5", "RnnOutput 5 10"],
  },
  "other units and another activation function within": {
    zip: "b5_dl4j_graves_lstm/model.zip",
    edits: [
      { replaceUnits: { layer: "layer0", units: 14 } },
      { setLayer: { layer: "layer0", activation: "softplus" } },
      { freeze: "layer0" },
    ],
    layers: ["Frozen GravesLSTM 8 14", "RnnOutput 14 10"],
  },
  "a recurrent layer less": {
    zip: "b5_dl4j_lstm/model.zip",
    edits: [
      { insertLayer: { after: "layer0", layer: { lstm: { units: 6 } } } },
      { removeLayer: { layer: "layer0" } },
    ],
    layers: ["LSTM 8 6", "RnnOutput 6 10"],
  },
  "another loss for every step": {
    zip: "b5_dl4j_lstm/model.zip",
    edits: [{ replaceOutput: { classes: 3, activation: "sigmoid", loss: "sigmoidCrossEntropy" } }],
    layers: ["LSTM 8 12", "RnnOutput 12 3"],
  },
  "units, freezing and classes in a graph": {
    zip: "b5_dl4j_graph_merge/model.zip",
    edits: [
      { addUnits: { layer: "dl", units: 2, init: "random" } },
      { addUnits: { layer: "dr", units: 1, init: "random" } },
      { freeze: "dl" },
      { replaceOutput: { classes: 4 } },
    ],
    layers: ["Frozen Dense 32 14", "Dense 32 11", "Dense 25 11", "Output 11 4"],
  },
  "a layer in a graph": {
    zip: "b5_dl4j_graph_merge/model.zip",
    edits: [
      { insertLayer: { before: "p", layer: { dense: { units: 7 } }, name: "between" } },
      { insertLayer: { after: "dr", layer: { dropout: { rate: 0.5 } } } },
    ],
    layers: ["Dense 32 12", "Dense 32 10", "Dropout", "Dense 22 7", "Dense 7 10", "Output 10 10"],
  },
  "a layer of a graph removed": {
    zip: "b5_dl4j_graph_merge/model.zip",
    edits: [{ removeLayer: { layer: "dl", connections: "remove" } }],
    layers: ["Dense 32 10", "Dense 10 10", "Output 10 10"],
  },
  "images of unknown size, in the style of 0.7": {
    zip: "dl4j_old/0.7.2/conv.zip",
    edits: [{ addUnits: { layer: "0", units: 2, init: "random" } }],
    layers: [
      ...["Convolution 1 5", "BatchNormalization 5 5", "Subsampling", "Dense 20 4", "Output 4 2"],
    ],
  },
  "a graph in the style of 0.9": {
    zip: "dl4j_old/0.9.1/graph.zip",
    edits: [
      { freeze: "left" },
      { insertLayer: { before: "out", layer: { dense: { units: 3 } } } },
      { insertLayer: { after: "left", layer: { dropout: { rate: 0.5 } } } },
      { replaceOutput: { classes: 3 } },
    ],
    layers: ["Frozen dense 3 4", "Dense 3 2", "Dropout", "Dense 6 3", "Output 3 3"],
  },
  "a layer of a graph renamed": {
    zip: "b5_dl4j_graph_merge/model.zip",
    edits: [{ rename: { from: "dl", to: "hidden" } }],
    layers: ["Dense 32 12", "Dense 32 10", "Dense 22 10", "Output 10 10"],
  },
};

/** "Frozen Dense 50 30" */
function told({ vertices }: Configuration): string[] {
  const tell = (type: string, fields: ReadonlyMap<string, unknown>): string => {
    const inner = fields.get("layer") ?? fields.get("underlying");
    const name = type.replace(/Layer/, "");
    if (inner instanceof Map) {
      const [short, only] = [...(inner as ReadonlyMap<string, unknown>)][0];
      const isClass = typeof only === "string";
      const within = isClass ? (inner as ReadonlyMap<string, unknown>) : (only as typeof fields);
      const of = isClass ? (only as string).split(".").at(-1)! : short;
      return `${name} ${tell(of, within)}`;
    }
    const size = (key: string) =>
      (fields.get(key) as { readonly value?: number } | undefined)?.value;
    return [name, size("nin"), size("nout")].filter((each) => each !== undefined).join(" ");
  };
  return vertices.flatMap(({ layer }) => (layer ? [tell(layer.type, layer.fields)] : []));
}

describe.each(Object.entries(CASES))("%s", (title, { zip, edits, layers }) => {
  test("is what the saved zip computes, and says", async () => {
    const source = await openCheckpoint(fixture(zip));
    const { recipe } = parseRecipe("r.graft.json", JSON.stringify({ checkpoint: zip, edits }));
    const model = editedModel(await source.model(), recipe, new Map());
    const as = join(folder, `${title}.zip`);
    await formatOf(source).save(source, model, as, (each) => evaluate(each, source.read, SEED));

    const saved = await openCheckpoint(as);
    const again = await saved.model();
    const inputs = inputsFor(model);
    const [here] = await outputsOf(model, source.read, inputs, [model.roles.output!]);
    const [there] = await outputsOf(again, saved.read, inputs, [again.roles.output!]);
    expect(there.shape).toEqual(here.shape);
    expectClose(there.values, Float32Array.from(here.values), 1e-6);
    const opened = await openZip(as);
    expect(told(opened.configuration)).toEqual(layers);
    const frozen = ({ variables }: Model) =>
      [...variables.values()]
        .filter((each) => each.role === "weight")
        .map((each) => String(isFrozen(each)))
        .sort();
    expect(frozen(again)).toEqual(frozen(model));
    await Promise.all([source.close(), saved.close(), opened.close()]);
  });
});

test("what samples look like, where a batch norm comes first", async () => {
  const zip = "b5_dl4j_transfer_mini/original.zip";
  const before = "hidden1";
  const source = await openCheckpoint(fixture(zip));
  const edits = [
    { insertLayer: { before, layer: { batchNorm: {} } } },
    { insertLayer: { before, layer: { dropout: { rate: 0.5 } } } },
  ];
  const { recipe } = parseRecipe("r.graft.json", JSON.stringify({ checkpoint: zip, edits }));
  const model = editedModel(await source.model(), recipe, new Map());
  const as = join(folder, "batchnorm-first.zip");
  await formatOf(source).save(source, model, as, (each) => evaluate(each, source.read, SEED));
  const saved = await openCheckpoint(as);
  const { roles, shapes } = await saved.model();
  expect(shapes.get(roles.inputs[0])).toEqual([-1, 50]);
  await Promise.all([source.close(), saved.close()]);
});

test.each([
  [
    "a dense layer of each step",
    "b5_dl4j_lstm/model.zip",
    [{ insertLayer: { after: "layer0", layer: { dense: { units: 4 } }, name: "behind" } }],
    "behind",
    /takes the last step of recurrent layers alone, and behind is none/,
  ],
  ["an old version", "dl4j_old/0.9.1/graves_lstm.zip", [], "layer0", /before 1\.0\.0-beta/],
] as const)("no last step of %s", async (_, zip, edits, outputs, reason) => {
  const opened = await openZip(fixture(zip));
  const source = await openCheckpoint(fixture(zip));
  const before = await source.model();
  const all = [
    ...edits,
    { setOutputs: { outputs } },
    { replaceOutput: { classes: 3, head: "lastStep" } },
  ];
  const { recipe } = parseRecipe("r.graft.json", JSON.stringify({ checkpoint: zip, edits: all }));
  const model = editedModel(before, recipe, new Map());
  expect(() => patchConfiguration(opened.configuration, before, model)).toThrow(reason);
  await Promise.all([source.close(), opened.close()]);
});

const MERGED = "b5_dl4j_graph_merge/model.zip";
const MERGED_FROZEN = "b5_dl4j_graph_merge/transfer_frozen_merge_before_fit.zip";
test.each([
  [
    "pools between frozen layers",
    "dl4j_vgg/vgg16.zip",
    [{ freeze: { upTo: "fc2" } }],
    ["block4_conv1", "block4_pool", "block5_conv1", "block5_pool", "fc1", "fc2"],
  ],
  [
    "no pool that a layer reads which trains",
    "dl4j_vgg/vgg16.zip",
    [{ freeze: { upTo: "block5_conv1" } }],
    ["block4_conv1", "block4_pool", "block5_conv1"],
  ],
  [
    "a vertex between frozen layers",
    MERGED,
    [{ freeze: { upTo: "p" } }],
    ["dl", "dr", "merge", "p"],
  ],
  ["no vertex that a layer reads which trains", MERGED, [{ freeze: "d[lr]" }], ["dl", "dr"]],
  ["a vertex that was frozen", MERGED_FROZEN, [], ["dl", "dr", "merge"]],
  ["no vertex behind a layer that trains again", MERGED_FROZEN, [{ unfreeze: "dl" }], ["dr"]],
] as const)("frozen in a graph: %s", async (_, zip, edits, expected) => {
  const [opened, source] = [await openZip(fixture(zip)), await openCheckpoint(fixture(zip))];
  const before = await source.model();
  const all = [...edits, { replaceOutput: { classes: 4 } }];
  const { recipe } = parseRecipe("r", JSON.stringify({ checkpoint: zip, edits: all }));
  const model = editedModel(before, recipe, new Map());
  const { text } = patchConfiguration(opened.configuration, before, model);
  const { vertices } = JSON.parse(text) as { vertices: Record<string, object> };
  const isFrozenThere = (vertex: object) => /Frozen(Layer|Vertex)"/.test(JSON.stringify(vertex));
  const found = Object.keys(vertices).filter((name) => isFrozenThere(vertices[name]));
  expect(found.sort()).toEqual(expected);
  await Promise.all([source.close(), opened.close()]);
});

test.each(["ADD", "CONCAT"])("the last step of both ways: %s", (mode) => {
  const layer = (type: string, more: object) => ({
    layer: { "@class": `org.deeplearning4j.nn.conf.layers.${type}`, ...more },
  });
  const way = layer("LSTM", { nin: 2, nout: 3 }).layer;
  const units = mode === "ADD" ? 3 : 6;
  const text = JSON.stringify({
    confs: [
      layer("recurrent.Bidirectional", { layerName: "both", fwd: way, bwd: way, mode }),
      layer("RnnOutputLayer", { nin: units, nout: 2 }),
    ],
  });
  const configuration = parseConfiguration("both ways", text);
  const stored = layOut(layersOf(configuration), 2 * (2 * 12 + 3 * 12 + 12) + units * 2 + 2);
  const before = importNetwork(configuration, stored, "float32");
  const edits = [
    { setOutputs: { outputs: "both" } },
    { replaceOutput: { classes: 3, head: "lastStep" } },
  ];
  const { recipe } = parseRecipe("r", JSON.stringify({ checkpoint: "both.zip", edits }));
  const patched = patchConfiguration(configuration, before, editedModel(before, recipe, new Map()));
  const found = parseConfiguration("patched", patched.text);
  expect(told(found)[0]).toBe("LastTimeStep Bidirectional");
});

test("a learning rate of its own, within what wraps a layer", () => {
  const layer = (type: string, more: object) => ({
    layer: { "@class": `org.deeplearning4j.nn.conf.layers.${type}`, ...more },
  });
  const iupdater = { "@class": "org.nd4j.linalg.learning.config.Sgd", learningRate: 0.5 };
  const way = { ...layer("LSTM", { nin: 2, nout: 3, iupdater }).layer };
  const text = JSON.stringify({
    confs: [
      layer("recurrent.LastTimeStep", {
        underlying: layer("recurrent.Bidirectional", { fwd: way, bwd: way, mode: "ADD" }).layer,
      }),
      layer("OutputLayer", { nin: 3, nout: 2, iupdater }),
    ],
  });
  const configuration = parseConfiguration("wrapped", text);
  const stored = layOut(layersOf(configuration), 2 * (2 * 12 + 3 * 12 + 12) + 8);
  const model = importNetwork(configuration, stored, "float32");
  const variables = new Map(
    [...model.variables].map(([name, each]) => [
      name,
      name.startsWith("0_") ? { ...each, hyper: { learningRate: 0.125 } } : each,
    ]),
  );
  const patched = patchConfiguration(configuration, model, { ...model, variables });
  const expected = text.replaceAll(
    `"nin":2,"nout":3,"iupdater":${JSON.stringify(iupdater)}`,
    `"nin":2,"nout":3,"iupdater":${JSON.stringify({ ...iupdater, learningRate: 0.125 })}`,
  );
  expect(JSON.parse(patched.text)).toEqual({ ...JSON.parse(expected), inputPreProcessors: {} });
});

describe("L2 of its own", () => {
  async function patched(zip: string, edits: readonly object[]) {
    const [opened, checkpoint] = [await openZip(fixture(zip)), await openCheckpoint(fixture(zip))];
    const before = await checkpoint.model();
    await Promise.all([opened.close(), checkpoint.close()]);
    const { recipe } = parseRecipe("r", JSON.stringify({ checkpoint: zip, edits }));
    const after = editedModel(before, recipe, new Map());
    const { text, notes } = patchConfiguration(opened.configuration, before, after);
    return { text, source: opened.text, notes };
  }
  const L2 = /\.L2Regularization"/g;
  const setL2 = (layer: string) => ({ setLayer: { layer, l2: 0.5 } });

  test("of a layer is added to its regularization, of a new layer too", async () => {
    const { text, source, notes } = await patched("b5_dl4j_mlp_iris/model.zip", [
      { insertLayer: { after: "hidden_a", layer: { dense: { units: 6 } }, name: "new" } },
      setL2("hidden_a"),
      setL2("new"),
      { setLayer: { layer: "new", learningRate: 0.125 } },
    ]);
    expect(text.match(L2)).toHaveLength(source.match(L2)!.length + 2);
    expect(text).toContain(`"learningRate" : 0.125`);
    expect(notes).toEqual([]);
  });

  test("of a part of its weights is told, and not written", async () => {
    const { text, source, notes } = await patched("b5_dl4j_graves_lstm/model.zip", [setL2("0_W")]);
    expect(text).toBe(source);
    expect(notes).toEqual([expect.stringMatching(/L2 regularization of 0_W is not written/)]);
  });

  test("before 1.0 is told, and not written", async () => {
    const zip = "dl4j_old/0.9.1/graves_lstm.zip";
    const { text, source, notes } = await patched(zip, [setL2("layer0")]);
    expect(text).toBe(source);
    expect(notes).toEqual(Array(2).fill(expect.stringMatching(/not written: before 1\.0/)));
  });
});
