// Work on the text of a recipe: lenses, mistakes, and another recipe of the same checkpoint.
import { digits } from "../harness/content";
import { expect, test } from "./fixtures";

test.use({
  content: {
    sample: "without recipes",
    files: {
      "a.graft.json": digits({ train: [{ epochs: 2 }] }),
      "b.graft.json": digits({ edits: [{ freeze: "hidden1" }] }),
    },
  },
});

test("lenses, mistakes, and another recipe", async ({ workbench: w }) => {
  await w.openSideBar("Model Inspector");

  await test.step("with two recipes a change asks which", async () => {
    await w.clickInRow(w.layer("hidden3"), "Freeze");
    await w.asked("Which recipe of digits_0_to_4.ckpt changes?");
    await w.page.keyboard.press("Escape");
    await expect(w.layer("hidden3")).toContainText("trainable");
  });

  await test.step("Switch Recipe opens the one that is chosen, and the tree shows what it does", async () => {
    await w.command("Graft: Switch Recipe…");
    await w.choose("Recipe that changes of", "b.graft.json");
    await expect(w.layer("hidden2")).toContainText("trainable");
    await expect(w.viewMessage("Layers")).toContainText("Changes go to b.graft.json");
    await w.command("Graft: Switch Recipe…");
    await w.choose("Recipe that changes of", "a.graft.json");
    await expect(w.layer("hidden2")).toContainText("frozen");
    await expect(w.editorTab("a.graft.json")).toHaveAttribute("aria-selected", "true");
  });

  await test.step("Preview Changes lists the edits and shows the one that is chosen", async () => {
    await w.lens("Preview Changes").click();
    await w.asked("5,305 of 54,905 parameters train");
    await expect(w.quickPick("49,200 multiply-adds a sample below the cut")).toBeVisible();
    await expect(w.quickPick("going by multiply-adds")).toBeVisible();
    await w.quickPick("5 new classes").click();
    await expect(w.statusBarItem(/Ln \d+, Col \d+ \(\d+ selected\)/)).toBeVisible();
  });

  await test.step("a mistake is underlined, and Train says it", async () => {
    await w.replaceInEditor("hidden[12]", "hiden[12]");
    await expect(w.page.locator(".squiggly-error").first()).toBeVisible();
    await w.lens("Train").first().click();
    await expect(w.notification("a.graft.json cannot train yet")).toContainText("hiden[12]");
    await w.replaceInEditor("hiden[12]", "hidden[12]");
    await expect(w.page.locator(".squiggly-error")).toHaveCount(0);
  });

  await test.step("the edits are saved without training", async () => {
    await w.lens("Save Edited Checkpoint As…").click();
    await w.answer("Writes the checkpoint with the edits, untrained", "edited.ckpt");
    await expect(w.notification("Saved edited.ckpt")).toContainText("edited.ckpt.meta");
    expect(w.has("edited.ckpt.index")).toBe(true);
  });

  await test.step("a verification is a page beside the recipe", async () => {
    await w.lens("Verify").click();
    await expect(w.editorTab("a.graft.json ✓")).toBeVisible();
    await expect(w.page.locator(".view-line", { hasText: "No check failed." })).toBeVisible();
    await w.screenshot("verify");
    await w.editorTab("a.graft.json ✓").click();
    await w.page.keyboard.press("ControlOrMeta+F4");
  });

  await test.step("the lens trains, and the document stays as it was", async () => {
    await w.editorTab("a.graft.json").click();
    await w.page.keyboard.press("ControlOrMeta+s");
    await expect(w.editorTab("a.graft.json")).not.toHaveClass(/dirty/);
    const before = w.read("a.graft.json");
    await w.lens("Train").first().click();
    await expect(w.notification("Training of a.graft.json finished.")).toBeVisible();
    await expect(w.editorTab("a.graft.json")).not.toHaveClass(/dirty/);
    expect(w.read("a.graft.json")).toBe(before);
  });
});
