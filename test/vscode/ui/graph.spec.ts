// A checkpoint without a graph, beside one whose graph fits.
import { expect, test } from "./fixtures";

test.use({ content: { fixtures: { ".": "b1_mini_multi_state" } } });

test("the graph of another checkpoint is offered by its row, and by Train", async ({
  workbench: w,
}) => {
  await w.openSideBar("Model Inspector");
  await w.treeRow("Layers", "model.ckpt-300").click();
  const offer = w.treeRow("Layers", "use that of model.ckpt-500.meta");
  await expect(offer).toBeVisible();
  await expect(w.layer("hidden1")).not.toContainText("trainable");

  await test.step("Train asks, and Escape writes nothing", async () => {
    await w.command("Graft: Train");
    await w.asked("The graph of model.ckpt-500.meta is used");
    await w.page.keyboard.press("Escape");
    await expect(offer).toBeVisible();
    expect(w.has("model-300.graft.json")).toBe(false);
  });

  await test.step("a click on the row writes it", async () => {
    await offer.click();
    await w.choose("The graph of model.ckpt-500.meta is used", "Create model-300.graft.json");
    await expect(w.layer("hidden1")).toContainText("trainable");
    await expect(offer).toHaveCount(0);
    await w.editorTab("model-300.graft.json").click();
    await w.page.keyboard.press("ControlOrMeta+s");
    await expect(w.editorTab("model-300.graft.json")).not.toHaveClass(/dirty/);
    expect(JSON.parse(w.read("model-300.graft.json"))).toEqual({
      checkpoint: "model.ckpt-300",
      graph: { meta: "model.ckpt-500.meta" },
    });
  });
});
