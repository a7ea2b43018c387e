// The pictures of the README and the walkthrough, from the bundled sample in the real editor.
import { join } from "node:path";
import type { Locator, Page } from "@playwright/test";
import { root } from "../harness/paths";
import { expect, test } from "../ui/fixtures";
import type { Workbench } from "../ui/workbench";

test.use({
  content: { sample: "with its recipes" },
  settings: {
    "workbench.colorTheme": "Dark Modern",
    "window.commandCenter": false,
    "workbench.layoutControl.enabled": false,
    "editor.minimap.enabled": false,
    "breadcrumbs.enabled": false,
  },
});

const RECIPE = "digits.graft.json";
const media = (name: string) => join(root, "media", name);

test("pictures", async ({ workbench: w }) => {
  const { page } = w;
  await page.setViewportSize({ width: 1600, height: 1000 });
  await w.openSideBar("Explorer");
  await w.explorerItem(RECIPE).dblclick();
  await w.openSideBar("Model Inspector");
  await expect(w.layer("outputs")).toContainText("new");
  await widenSideBar(w, 400);
  await w.layer("hidden3").locator(".monaco-tl-twistie").click();

  await page.mouse.move(1200, 900);
  await top(w, w.view("Layers"), 290, "walkthrough/layers.png");
  await w.layer("hidden3").hover();
  await top(w, w.view("Layers"), 290, "walkthrough/freeze.png");

  await w.chooseFromContextMenu(w.layer("outputs"), "Replace Output");
  await w.asked("Number of classes, or their names");
  await w.input.fill("5, 6, 7, 8, 9");
  await page
    .locator(".quick-input-widget")
    .screenshot({ path: media("walkthrough/replaceOutput.png") });
  await page.keyboard.press("Escape");

  await w.lens("Train").first().click();
  await expect(w.notification(/finished|Saved/)).toBeVisible({ timeout: 60_000 });
  await page.keyboard.press("Escape");
  await w.command("Notifications: Clear All Notifications");
  await expect(w.panel.locator(".banner.finished")).toBeVisible();
  await widenPanel(w, 660);
  await page.mouse.move(1595, 600);
  await page.waitForTimeout(1000);
  const panel = page.locator(".editor-group-container").last();
  await top(w, panel, 258, "walkthrough/result.png");
  await panel.screenshot({ path: media("walkthrough/training.png") });
  await page.screenshot({ path: media("screenshot.png") });
});

/** The upper part of an element. */
async function top({ page }: Workbench, what: Locator, height: number, name: string) {
  const { x, y, width } = (await what.boundingBox()) ?? { x: 0, y: 0, width: 0 };
  await page.screenshot({ path: media(name), clip: { x, y, width, height } });
}

async function widenSideBar({ page }: Workbench, width: number): Promise<void> {
  const { x, width: now } = (await page.locator(".part.sidebar").boundingBox()) ?? {
    x: 0,
    width: 0,
  };
  await drag(page, x + now, x + width);
}

/** Gives the training panel this width. */
async function widenPanel({ page }: Workbench, width: number): Promise<void> {
  const panel = page.locator(".editor-group-container").last();
  const box = (await panel.boundingBox()) ?? { x: 0, width: 0 };
  await drag(page, box.x, box.x + box.width - width);
}

async function drag(page: Page, from: number, to: number): Promise<void> {
  await page.mouse.move(from, 400);
  await page.mouse.down();
  await page.mouse.move(to, 400, { steps: 5 });
  await page.mouse.up();
}
