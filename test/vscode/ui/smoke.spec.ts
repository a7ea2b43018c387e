// The packaged extension is there and says so.
import { expect, test } from "./fixtures";

test("the activity bar has a Model Inspector with a Layers view", async ({ workbench }) => {
  await workbench.activityBarTab("Model Inspector").click();
  const title = workbench.page.locator(".sidebar .composite.title");
  await expect(title).toContainText("Model Inspector", { ignoreCase: true });
  await expect(workbench.page.locator('.pane-header[aria-label^="Layers"]')).toBeAttached();
  await workbench.screenshot("model-inspector");
});
