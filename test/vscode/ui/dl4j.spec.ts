// Document 002's question, answered with clicks: a zip of Deeplearning4j gets more units and keeps what it computes.
import { join } from "node:path";
import { openCheckpoint } from "../../../src/engine/formats/table";
import { expect, test } from "./fixtures";

const ZIP = "model.zip";
const LAYER = "layer0";

test.use({ content: { fixtures: { ".": "b5_dl4j_graves_lstm" } } });

test("three units are added to a GravesLSTM from its file's menu, and the zip is saved", async ({
  workbench: w,
}) => {
  await w.openSideBar("Explorer");
  await w.chooseFromSubmenu(w.explorerItem(ZIP), "Edit Checkpoint", "Add Units…");
  await w.choose("Layer that gets new units", LAYER);
  await w.answer("How many units to add", "3");
  await w.choose("What the new units start from", "Zero");
  await w.choose("What trains in the resized layers", "Everything");
  await w.choose("8 → 12 becomes 8 → 15", /(Create|Write to) model\.graft\.json/);
  await expect(w.layer(LAYER)).toContainText("8 → 15");
  await w.screenshot("graves-lstm");

  await w.command("Graft: Save Edited Checkpoint As…");
  await w.answer("Writes the checkpoint with the edits", "wider.zip");
  await expect(w.notification("Saved wider.zip")).toBeVisible({ timeout: 30_000 });
  const wider = await openCheckpoint(join(w.folder, "wider.zip"));
  const shapes = [...wider.tensors.values()].map(({ name, shape }) => [name, shape.join(" × ")]);
  await wider.close();
  expect(Object.fromEntries(shapes)).toMatchObject({
    "0_W": "8 × 60",
    "0_RW": "15 × 63",
    "0_b": "60",
    "1_W": "15 × 10",
  });
});
