// What a patched configuration says between layers of sequences and layers of rows, and of dropout there.
import { expect, test } from "vitest";
import { layersOf, parseConfiguration } from "../../../../src/engine/formats/dl4j/configuration";
import { importNetwork } from "../../../../src/engine/formats/dl4j/import";
import { layOut } from "../../../../src/engine/formats/dl4j/parameters";
import { patchConfiguration } from "../../../../src/engine/formats/dl4j/patch";
import { editedModel } from "../../../../src/engine/recipe/apply";
import { parseRecipe } from "../../../../src/engine/recipe/parse";

const layer = (type: string, more: object) => ({
  layer: { "@class": `org.deeplearning4j.nn.conf.layers.${type}`, ...more },
});
const preprocessor = (type: string) => ({
  "@class": `org.deeplearning4j.nn.conf.preprocessor.${type}`,
});
const TO_ROWS = preprocessor("RnnToFeedForwardPreProcessor");
const TO_SEQUENCE = preprocessor("FeedForwardToRnnPreProcessor");

const lstm = layer("LSTM", { layerName: "first", nin: 2, nout: 3, idropout: null });
const output = layer("RnnOutputLayer", { layerName: "out", nin: 3, nout: 2, idropout: null });
const LSTM = 2 * 12 + 3 * 12 + 12;

/** A chain after `edits`: its layers' classes, preprocessors, rates of keeping, and what is noted. */
function patched(
  confs: readonly object[],
  parameters: number,
  edits: readonly object[],
  inputPreProcessors: object = {},
) {
  const text = JSON.stringify({ confs, inputPreProcessors });
  const configuration = parseConfiguration("chain", text);
  const stored = layOut(layersOf(configuration), parameters);
  const before = importNetwork(configuration, stored, "float32");
  const { recipe } = parseRecipe("r", JSON.stringify({ checkpoint: "chain.zip", edits }));
  const { text: found, notes } = patchConfiguration(
    configuration,
    before,
    editedModel(before, recipe, new Map()),
  );
  const root = JSON.parse(found) as {
    confs: { layer: { "@class": string; idropout?: { p: number } | null } }[];
    inputPreProcessors: Record<string, { "@class": string }>;
  };
  const short = (each: { "@class": string }) => each["@class"].split(".").at(-1)!;
  return {
    layers: root.confs.map((each) => short(each.layer)),
    kept: root.confs.map((each) => each.layer.idropout?.p ?? null),
    between: Object.entries(root.inputPreProcessors).map(([at, each]) => `${at} ${short(each)}`),
    notes,
  };
}

test("a TimeDistributed layer takes sequences, and hands them on", () => {
  const dense = layer("DenseLayer", { layerName: "each", nin: 3, nout: 3 }).layer;
  const each = layer("recurrent.TimeDistributed", { layerName: "each", underlying: dense });
  const edits = [{ setLayer: { layer: "each", learningRate: 0.5 } }];
  const { between } = patched([lstm, each, output], LSTM + 12 + 8, edits);
  expect(between).toEqual([]);
});

test("a layer that takes anything keeps the preprocessor that it has", () => {
  const dense = layer("DenseLayer", { layerName: "dense", nin: 2, nout: 3 });
  const pool = layer("GlobalPoolingLayer", { layerName: "pool", poolingType: "MAX" });
  const last = layer("OutputLayer", { layerName: "out", nin: 3, nout: 2 });
  const edits = [{ setLayer: { layer: "dense", activation: "relu" } }];
  const between = { 0: TO_ROWS, 1: TO_SEQUENCE };
  const found = patched([dense, pool, last], 9 + 8, edits, between);
  expect(found.between).toEqual([
    "0 RnnToFeedForwardPreProcessor",
    "1 FeedForwardToRnnPreProcessor",
  ]);
});

test("a new dropout is on the input of the layer that reads it", () => {
  const edits = [{ insertLayer: { after: "first", layer: { dropout: { rate: 0.25 } } } }];
  const { layers, kept, notes } = patched([lstm, output], LSTM + 8, edits);
  expect(layers).toEqual(["LSTM", "RnnOutputLayer"]);
  expect(kept).toEqual([null, 0.75]);
  expect(notes).toEqual([]);
});

test("of two new dropouts one is a layer of the rows of all steps, and padding is noted", () => {
  const edits = [
    { insertLayer: { after: "first", layer: { dropout: { rate: 0.25 } }, name: "behind" } },
    { insertLayer: { after: "first", layer: { dropout: { rate: 0.5 } }, name: "before" } },
  ];
  const { layers, kept, between, notes } = patched([lstm, output], LSTM + 8, edits);
  expect(layers).toEqual(["LSTM", "DropoutLayer", "RnnOutputLayer"]);
  expect(kept).toEqual([null, 0.5, 0.75]);
  expect(between).toEqual(["1 RnnToFeedForwardPreProcessor", "2 FeedForwardToRnnPreProcessor"]);
  expect(notes).toEqual([expect.stringMatching(/before becomes a DropoutLayer .* padding to 0/)]);
});

const DROPPING = { "@class": "org.deeplearning4j.nn.conf.dropout.Dropout", p: 0.5 };

test.each([
  ["has a dropout already", DROPPING, []],
  ["is frozen", null, [{ freeze: "out" }]],
] as const)("a new dropout stays a layer where its reader %s", (_, idropout, more) => {
  const edits = [...more, { insertLayer: { after: "first", layer: { dropout: { rate: 0.25 } } } }];
  const last = { layer: { ...output.layer, idropout } };
  const { layers } = patched([lstm, last], LSTM + 8, edits);
  expect(layers[1]).toBe("DropoutLayer");
});

test("a batch norm hands a pooling sequences", () => {
  const pool = layer("GlobalPoolingLayer", { layerName: "pool", poolingType: "MAX" });
  const last = layer("OutputLayer", { layerName: "out", nin: 3, nout: 2 });
  const edits = [{ insertLayer: { after: "first", layer: { batchNorm: {} } } }];
  const { between } = patched([lstm, pool, last], LSTM + 8, edits);
  expect(between).toEqual(["1 RnnToFeedForwardPreProcessor", "2 FeedForwardToRnnPreProcessor"]);
});
