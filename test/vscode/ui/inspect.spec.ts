// Opening checkpoints: by every file that belongs to one, from the list, and large ones.
import { CHECKPOINT } from "../harness/content";
import { expect, test } from "./fixtures";

test.describe("a folder with several checkpoints", () => {
  test.use({
    content: {
      sample: "without recipes",
      fixtures: { ".": "b1_mini_v1", large: "b1_many_vars" },
      files: { "notes.index": "not a table" },
    },
  });

  test("a right-click on any file of a checkpoint opens it", async ({ workbench: w }) => {
    const digits = "64 → 300";
    const mini = "50 → 30";
    const files: readonly [string, string][] = [
      [`${CHECKPOINT}.index`, digits],
      ["my_model_final.ckpt", mini],
      [`${CHECKPOINT}.meta`, digits],
      ["checkpoint", mini],
      [`${CHECKPOINT}.data-00000-of-00001`, digits],
      ["my_model_final.ckpt.meta", mini],
    ];
    for (const [file, sizes] of files) {
      await test.step(file, async () => {
        await w.openSideBar("Explorer");
        await w.chooseFromContextMenu(w.explorerItem(file), "Inspect Checkpoint");
        await expect(w.layer("hidden1")).toContainText(sizes);
      });
    }
    await w.openSideBar("Explorer");
    await w.openContextMenu(w.explorerItem("digits_5_to_9_X.npy"));
    await expect(w.menuItems.filter({ hasText: "Inspect Checkpoint" })).toHaveCount(0);
    await w.page.keyboard.press("Escape");
    await w.chooseFromContextMenu(w.explorerItem("notes.index"), "Inspect Checkpoint");
    await expect(w.notification("notes.index")).toBeVisible();
  });

  test("all are listed; one of 4,500 variables opens with a click and is filtered", async ({
    workbench: w,
  }) => {
    await w.openSideBar("Model Inspector");
    for (const name of [CHECKPOINT, "my_model_final.ckpt", "many.ckpt"])
      await expect(w.layer(name)).toBeVisible();
    await w.layer("many.ckpt").click();
    await expect(w.treeRow("Layers", "tower_0/resnet_block_000").first()).toBeVisible();
    await w.clickInViewTitle("Layers", "Filter Layers…");
    await w.answer("Part of a layer's or variable's name", "conv4112/");
    await expect(w.viewMessage("Layers")).toContainText("Filter: conv4112/ (1 of 4,500 layers)");
    await expect(w.treeRow("Layers", "tower_0")).toHaveCount(1);
    await w.clickInViewTitle("Layers", "Clear Filter");
    await expect(w.treeRow("Layers", "can be")).toContainText("looked at, not trained");
    await expect(w.treeRow("Layers", "conv1028/")).toBeVisible();
  });
});

test.describe("a folder without a checkpoint", () => {
  test.use({ content: { files: { "README.md": "Nothing here.\n" } } });

  test("offers the sample, and copies it where one says", async ({ workbench: w }) => {
    await w.openSideBar("Model Inspector");
    await w.view("Layers").getByRole("button", { name: "Try the Sample" }).click();
    await w.choose("Where the folder graft-digits is created", "In workspace");
    await expect(w.editorTab("digits.graft.json")).toBeVisible();
    await expect(w.layer("hidden1")).toContainText("frozen");
    await expect(w.layer("outputs")).toContainText("new");
    expect(w.has("graft-digits/digits_5_to_9_X.npy")).toBe(true);
  });

  test("has a walkthrough of the main job", async ({ workbench: w }) => {
    await w.command("Welcome: Open Walkthrough...");
    await w.input.fill("Retrain");
    await w.quickPick("Retrain a Network with Graft").click();
    await expect(w.page.getByRole("button", { name: "Try the Sample" })).toBeVisible();
    // A narrow editor leaves the pictures out.
    await w.page.setViewportSize({ width: 1800, height: 900 });
    await w.page.getByRole("button", { name: "Train: Not completed" }).click();
    const picture = w.page.getByRole("img", { name: "The training panel of a finished run" });
    await expect(picture).toBeVisible();
    await w.screenshot("walkthrough");
  });
});
