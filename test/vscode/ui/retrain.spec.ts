// The main job, from a checkpoint to another one, with clicks and numbers alone.
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { CHECKPOINT, RECIPE } from "../harness/content";
import { expect, test } from "./fixtures";

test.use({ content: { sample: "without recipes" } });

test("freeze, add units, replace the output, choose data, train, save", async ({
  workbench: w,
}) => {
  const source = readFileSync(join(w.folder, `${CHECKPOINT}.data-00000-of-00001`));
  await w.openSideBar("Model Inspector");

  await test.step("the lock on a row freezes; the first change creates the recipe and opens it beside", async () => {
    await expect(w.layer("hidden1")).toContainText("trainable");
    await expect(w.viewMessage("Layers")).toContainText(`A change creates ${RECIPE}`);
    await w.clickInRow(w.layer("hidden1"), "Freeze");
    await expect(w.layer("hidden1")).toContainText("frozen");
    await expect(w.viewMessage("Layers")).toContainText(`Changes go to ${RECIPE}`);
    await expect(w.editorTab(RECIPE)).toBeVisible();
    await expect(w.view("Layers")).toContainText("bottleneck");
    expect(w.has(RECIPE)).toBe(true);
  });

  await test.step("Ctrl+Z and Ctrl+Shift+Z in the tree undo and redo, again and again", async () => {
    await w.layer("hidden3").click();
    for (let i = 0; i < 2; i++) {
      await w.page.keyboard.press("ControlOrMeta+z");
      await expect(w.layer("hidden1")).toContainText("trainable");
      await w.page.keyboard.press("ControlOrMeta+Shift+z");
      await expect(w.layer("hidden1")).toContainText("frozen");
    }
    await w.clickInViewTitle("Layers", "Undo");
    await expect(w.layer("hidden1")).toContainText("trainable");
  });

  await test.step("Freeze Up to Here says what it does before it writes", async () => {
    await w.chooseFromContextMenu(w.layer("hidden2"), "Freeze Up to Here…");
    await w.asked("5,305 numbers will train in all");
    await w.page.keyboard.press("Escape");
    await expect(w.layer("hidden2")).toContainText("trainable");
    await w.chooseFromContextMenu(w.layer("hidden2"), "Freeze Up to Here…");
    await w.choose("5,305 numbers will train in all", `Write to ${RECIPE}`);
    await expect(w.layer("hidden1")).toContainText("frozen");
    await expect(w.layer("hidden2")).toContainText("frozen");
  });

  await test.step("Add Units refuses what is no number, and has a way back", async () => {
    await w.chooseFromContextMenu(w.layer("hidden3"), "Add Units");
    await w.answer("How many units to add", "many");
    await expect(w.inputMessage).toContainText("A number is expected.");
    await w.input.fill("4");
    await w.answer("How many units to add", "4");
    await w.asked("What the new units start from");
    await w.page.getByRole("button", { name: "Back" }).click();
    await w.answer("How many units to add", "8");
    await w.choose("What the new units start from", "Zero");
    await w.choose("What trains in the resized layers", "Everything");
    await w.choose("hidden3 100 → 50 becomes 100 → 58", `Write to ${RECIPE}`);
    await expect(w.layer("hidden3")).toContainText("8 new units");
    await expect(w.layer("outputs")).toContainText("8 new inputs");
  });

  await test.step("Replace Output takes the names of the classes", async () => {
    await w.chooseFromContextMenu(w.layer("outputs"), "Replace Output");
    await w.answer("Number of classes, or their names", "5, 6, 7, 8, 9");
    await w.choose("5 new classes", `Write to ${RECIPE}`);
    await expect(w.layer("outputs")).toContainText("new");
  });

  await test.step("Training Settings and Save Result As ask for numbers and a name", async () => {
    await w.command("Graft: Training Settings…");
    await w.answer("Epochs", "40");
    await w.answer("Batch", "50");
    await w.choose("Optimizer", "Momentum");
    await w.answer("Learning rate", "0.02");
    await w.answer("Momentum: how much", "0.9");
    await w.choose("40 epochs, batches of 50", `Write to ${RECIPE}`);
    await w.command("Graft: Train a Part Differently…");
    await w.choose("Which numbers", "New numbers");
    await w.choose("What is different", "Learning rate");
    await w.answer("Learning rate", "0.01");
    await w.choose("new numbers: learning rate 0.01", `Write to ${RECIPE}`);
    await w.command("Graft: Save Result As…");
    await w.answer("Train saves there", "result/digits_5_to_9.ckpt");
  });

  await test.step("Train asks for the data that are missing, and starts", async () => {
    await w.clickInViewTitle("Layers", "Train");
    await w.choose("What to learn from", "digits_5_to_9_X.npy, 696 × 64 float32 → X");
    await w.choose("Share of the samples", "20 %");
    await expect(w.panel.locator("h1")).toHaveText("digits_0_to_4");
  });

  await test.step("the panel ends with the result, both curves, and what stayed the same", async () => {
    await expect(w.notification("Saved digits_5_to_9.ckpt.")).toBeVisible({ timeout: 60_000 });
    await expect(w.panel.locator(".banner.finished")).toContainText(
      "frozen: 4 of 4 variables unchanged, bit for bit",
    );
    await expect(w.panel.locator(".banner.finished")).toContainText(
      /accuracy \d+(\.\d)? % on 139 validation samples/,
    );
    for (const title of ["Loss", "Accuracy"]) {
      const picture = w.panel.getByRole("img", { name: `${title} over 40 epochs` });
      await expect(picture).toBeVisible();
    }
    await expect(w.panel.locator(".facts")).toContainText("696 of 696");
    // The package carries the native library.
    await expect(w.panel.locator(".facts")).toContainText("compiled");
    await expect(w.treeRow("Runs", RECIPE)).toContainText("finished");
    await expect(w.statusBarItem("Graft")).toHaveCount(0);
  });

  await test.step("the result is on disk, the checkpoint is as it was, and code loads it", async () => {
    for (const suffix of ["index", "meta", "data-00000-of-00001"])
      expect(w.has(`result/digits_5_to_9.ckpt.${suffix}`), suffix).toBe(true);
    expect(readFileSync(join(w.folder, `${CHECKPOINT}.data-00000-of-00001`))).toEqual(source);
    await w
      .notification("Saved digits_5_to_9.ckpt.")
      .getByRole("button", { name: "Copy Code to Load" })
      .click();
    await expect(w.statusBarItem("Copied Python code that loads digits_5_to_9.ckpt")).toBeVisible();
  });

  await test.step("the recipe says all of it", async () => {
    await w.editorTab(RECIPE).click();
    await w.page.keyboard.press("ControlOrMeta+s");
    await expect(w.editorTab(RECIPE)).not.toHaveClass(/dirty/);
    expect(JSON.parse(w.read(RECIPE))).toEqual({
      checkpoint: CHECKPOINT,
      edits: [
        { freeze: { upTo: "hidden2" } },
        { addUnits: { layer: "hidden3", units: 8, init: "zero", train: "all" } },
        { replaceOutput: { classes: ["5", "6", "7", "8", "9"] } },
      ],
      data: {
        inputs: { X: "digits_5_to_9_X.npy" },
        labels: "digits_5_to_9_y.npy",
        classes: ["5", "6", "7", "8", "9"],
        validation: 0.2,
      },
      train: [
        {
          epochs: 40,
          batch: 50,
          optimizer: { momentum: { learningRate: 0.02, momentum: 0.9 } },
          groups: [{ numbers: "new", learningRate: 0.01 }],
        },
      ],
      save: { as: "result/digits_5_to_9.ckpt" },
    });
  });
});
