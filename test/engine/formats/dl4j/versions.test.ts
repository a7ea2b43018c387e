// What is written into the zips of old versions is what these know.
import { describe, expect, test } from "vitest";
import { patchConfiguration } from "../../../../src/engine/formats/dl4j/patch";
import { openZip } from "../../../../src/engine/formats/dl4j/tensors";
import { openCheckpoint } from "../../../../src/engine/formats/table";
import { editedModel } from "../../../../src/engine/recipe/apply";
import { parseRecipe } from "../../../../src/engine/recipe/parse";
import { fixture } from "../tf1/fixtures";

async function patched(version: string, editsOf: (layer: string) => readonly object[]) {
  const path = fixture("dl4j_old", version, "graves_lstm.zip");
  const [opened, checkpoint] = [await openZip(path), await openCheckpoint(path)];
  const before = await checkpoint.model();
  await Promise.all([opened.close(), checkpoint.close()]);
  const edits = editsOf(before.layers[0].name);
  const { recipe } = parseRecipe("r.graft.json", JSON.stringify({ checkpoint: "made", edits }));
  return patchConfiguration(opened.configuration, before, editedModel(before, recipe, new Map()));
}

const insert = (lstm: object) => (after: string) => [{ insertLayer: { after, layer: { lstm } } }];

describe.each(["0.5.0", "0.6.0", "0.7.2", "0.9.1", "1.0.0-alpha", "1.0.0-beta4"])(
  "%s",
  (version) => {
    const [isFirst, isOld] = [/^0\.[56]/.test(version), /^0\.[567]/.test(version)];

    test("frozen layers, from 0.9 on", async () => {
      const { text, notes } = await patched(version, (layer) => [{ freeze: layer }]);
      expect(text.includes("FrozenLayer")).toBe(!isOld);
      expect(notes).toEqual(isOld ? [expect.stringMatching(/^0 will train: .*before 0\.9/)] : []);
    });

    test("LSTM without peepholes, from 0.9 on", async () => {
      const written = patched(version, insert({}));
      if (isOld) await expect(written).rejects.toThrow(/the zip is of a version before 0\.[79]/);
      else expect((await written).text).toContain("LSTM");
    });

    test("new layers with activation functions as objects, from 0.7 on", async () => {
      const written = patched(version, insert({ peepholes: true }));
      if (isFirst)
        await expect(written).rejects.toThrow(/before 0\.7, in which layers are written/);
      else expect((await written).text.match(/gravesLSTM|GravesLSTM"/g)).toHaveLength(2);
    });
  },
);
