// A folder that nobody trusts: looking and editing work, nothing trains until it is trusted.
import { digits } from "../harness/content";
import { expect, test } from "./fixtures";

const RECIPE = "a.graft.json";

test.use({
  restricted: true,
  content: { sample: "without recipes", files: { [RECIPE]: digits({ train: [{ epochs: 2 }] }) } },
});

test("shows and edits, says why it does not train, and trains once trusted", async ({
  workbench: w,
}) => {
  const refusal = w.notification("Graft does not train in Restricted Mode");
  await w.openSideBar("Model Inspector");
  await expect(w.layer("hidden1")).toContainText("frozen");
  await w.clickInRow(w.layer("hidden3"), "Freeze");
  await expect(w.layer("hidden3")).toContainText("frozen");

  await test.step("neither the tree nor the lens trains", async () => {
    await w.clickInViewTitle("Layers", "Train");
    await expect(refusal).toBeVisible();
    await w.screenshot("restricted");
    expect(w.runs()).toEqual([]);
    await refusal.getByRole("button", { name: /Clear/ }).click();
    await w.lens("Train").first().click();
    await expect(refusal).toBeVisible();
    expect(w.runs()).toEqual([]);
  });

  await test.step("its button leads to where the folder is trusted, and then it trains", async () => {
    await refusal.getByRole("button", { name: "Manage Trust" }).click();
    await w.page
      .locator(".workspace-trust-editor")
      .getByRole("button", { name: "Trust", exact: true })
      .click();
    await w.page
      .locator(".monaco-modal-editor-block")
      .getByRole("button", { name: /^Close/ })
      .click();
    await w.openSideBar("Model Inspector");
    await expect(w.layer("hidden3")).toContainText("frozen");
    await w.clickInViewTitle("Layers", "Train");
    await expect(w.notification(`Training of ${RECIPE} finished.`)).toBeVisible();
  });
});
