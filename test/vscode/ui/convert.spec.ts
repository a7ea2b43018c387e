// A checkpoint of one format as one of another, by clicks.
import { join } from "node:path";
import { openCheckpoint } from "../../../src/engine/formats/table";
import { expect, test } from "./fixtures";

test.use({ content: { fixtures: { ".": "b5_dl4j_transfer_mini" } } });

test("a zip is converted from its file's menu, and the new checkpoint is opened", async ({
  workbench: w,
}) => {
  await w.openSideBar("Explorer");
  await w.chooseFromSubmenu(
    w.explorerItem("original.zip"),
    "Edit Checkpoint",
    "Convert Checkpoint…",
  );
  await w.answer("Writes the network as a checkpoint of TensorFlow 1", "original.ckpt");
  const told = w.notification("Saved original.ckpt, a checkpoint of TensorFlow 1.");
  await expect(told).toBeVisible({ timeout: 30_000 });
  await told.getByRole("button", { name: "Open" }).click();
  await expect(w.layer("outputs")).toBeVisible({ timeout: 30_000 });

  const { tensors, close } = await openCheckpoint(join(w.folder, "original.ckpt"));
  await close();
  expect([...tensors.keys()].sort()).toEqual(
    ["hidden1", "hidden2", "hidden3", "outputs"].flatMap((layer) => [`${layer}/W`, `${layer}/b`]),
  );
});
