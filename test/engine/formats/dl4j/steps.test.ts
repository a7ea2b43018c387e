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
