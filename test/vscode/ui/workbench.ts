// The parts of VS Code's window that tests use, by the names that a person reads.
import { join } from "node:path";
import { expect, type FrameLocator, type Locator, type Page } from "@playwright/test";
import { artifacts } from "../harness/paths";

export class Workbench {
  constructor(
    readonly page: Page,
    /** The open folder. */
    readonly folder: string,
  ) {}

  /** Waits until the explorer shows files and our extension has registered: a menu opened earlier lacks its items. */
  async ready(): Promise<void> {
    await expect(this.explorerRows.first()).toBeVisible({ timeout: 60_000 });
    await expect(this.activityBarTab("Model Inspector")).toBeVisible({ timeout: 30_000 });
  }

  activityBarTab(name: string): Locator {
    return this.page.locator(".activitybar").getByRole("tab", { name });
  }

  private get explorerRows(): Locator {
    return this.page.locator(".explorer-folders-view .monaco-list-row");
  }

  explorerItem(name: string): Locator {
    return this.explorerRows.filter({ has: this.page.getByText(name, { exact: true }) });
  }

  /** The rows of a tree view, by the view's title. */
  treeRows(view: string): Locator {
    const header = this.page.locator(`.pane-header[aria-label^="${view}"]`);
    return this.page
      .locator(".pane")
      .filter({ has: header })
      .locator(".monaco-list-row[role=treeitem]");
  }

  treeRow(view: string, text: string | RegExp): Locator {
    return this.treeRows(view).filter({ hasText: text });
  }

  get menuItems(): Locator {
    return this.page.locator(".monaco-menu .action-item:not(.disabled)");
  }

  async openContextMenu(row: Locator): Promise<void> {
    await row.click({ button: "right" });
    await expect(this.menuItems.first()).toBeVisible();
  }

  async chooseFromContextMenu(row: Locator, item: string): Promise<void> {
    await this.openContextMenu(row);
    await this.menuItems.filter({ hasText: item }).first().click();
  }

  /** Runs a command through the palette, by its full title such as "Graft: Train". */
  async command(title: string): Promise<void> {
    await this.page.keyboard.press("F1");
    await expect(this.input).toBeFocused();
    await this.input.fill(`>${title}`);
    await this.quickPick(title).first().click();
  }

  /** The text box of a quick pick, an input box or a file dialog. */
  get input(): Locator {
    return this.page.locator(".quick-input-widget input.input");
  }

  /** What an input box says below its text: the prompt or why the text is wrong. */
  get inputMessage(): Locator {
    return this.page.locator(".quick-input-message");
  }

  quickPick(label: string | RegExp): Locator {
    return this.page.locator(".quick-input-widget .monaco-list-row", { hasText: label });
  }

  notification(text: string | RegExp): Locator {
    return this.page.locator(".notification-toast", { hasText: text });
  }

  dialog(text: string | RegExp): Locator {
    return this.page.locator(".monaco-dialog-box", { hasText: text });
  }

  statusBarItem(text: string | RegExp): Locator {
    return this.page.locator(".statusbar-item", { hasText: text });
  }

  editorTab(name: string | RegExp): Locator {
    return this.page.locator(".tabs-container").getByRole("tab", { name });
  }

  /** The document of the visible webview. Two frames: VS Code's and, in it, the extension's. */
  get webview(): FrameLocator {
    return this.page
      .locator("iframe.webview.ready:visible")
      .contentFrame()
      .locator("iframe#active-frame")
      .contentFrame();
  }

  async screenshot(name: string): Promise<void> {
    await this.page.screenshot({ path: join(artifacts, "shots", `${name}.png`) });
  }
}
