// The parts of VS Code's window that tests use, by the names that a person reads.
import { existsSync, readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { expect, type FrameLocator, type Locator, type Page } from "@playwright/test";
import { artifacts } from "../harness/paths";
import type { Profile } from "../harness/profile";

/** Opens and closes the one window of a test. */
export interface Windows {
  open(): Promise<Page>;
  close(): Promise<void>;
  /** Closes everything. */
  end(): Promise<void>;
}

export class Workbench {
  page!: Page;

  constructor(
    private readonly windows: Windows,
    private readonly profile: Profile,
    private readonly watch: (page: Page) => void,
  ) {}

  /** The open folder. */
  get folder(): string {
    return this.profile.workspace;
  }

  /** Opens the window; waits until the explorer shows files and our extension has registered: a menu opened earlier lacks its items. */
  async open(): Promise<void> {
    const page = await this.windows.open();
    if (page !== this.page) this.watch(page);
    page.setDefaultTimeout(15_000);
    this.page = page;
    await expect(this.explorerRows.first()).toBeVisible({ timeout: 60_000 });
    await expect(this.activityBarTab("Model Inspector")).toBeVisible({ timeout: 30_000 });
  }

  async close(): Promise<void> {
    await this.windows.close();
  }

  activityBarTab(name: string): Locator {
    return this.page.locator(".activitybar").getByRole("tab", { name });
  }

  /** Clicked while it is open already, a tab would close the side bar. */
  async openSideBar(name: "Explorer" | "Model Inspector"): Promise<void> {
    const tab = this.activityBarTab(name);
    if ((await tab.getAttribute("aria-selected")) !== "true") await tab.click();
    await expect(tab).toHaveAttribute("aria-selected", "true");
  }

  private get explorerRows(): Locator {
    return this.page.locator(".explorer-folders-view .monaco-list-row");
  }

  explorerItem(name: string): Locator {
    return this.explorerRows.filter({ has: this.page.getByText(name, { exact: true }) });
  }

  /** A view of the side bar, by its title. */
  view(title: string): Locator {
    const header = this.page.locator(`.pane-header[aria-label^="${title}"]`);
    return this.page.locator(".pane").filter({ has: header });
  }

  treeRows(view: string): Locator {
    return this.view(view).locator(".monaco-list-row[role=treeitem]");
  }

  treeRow(view: string, text: string | RegExp): Locator {
    return this.treeRows(view).filter({ hasText: text });
  }

  /** A row of the Layers view, by the layer's name. */
  layer(name: string): Locator {
    return this.treeRows("Layers").filter({ has: this.page.getByText(name, { exact: true }) });
  }

  /** The sentence above a tree. */
  viewMessage(view: string): Locator {
    return this.view(view).locator(".message");
  }

  /** Clicks a button that shows up when the pointer is over its row. */
  async clickInRow(row: Locator, name: string): Promise<void> {
    await row.hover();
    await row.getByRole("button", { name }).click();
  }

  async clickInViewTitle(view: string, name: string): Promise<void> {
    await this.view(view).hover();
    await this.view(view)
      .getByRole("button", { name: startingWith(name) })
      .click();
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
    await this.clickMenuItem(this.menuItems.filter({ hasText: item }).first());
  }

  /** For a moment after it opens, a menu takes no click: the one that opened it may not be over. */
  private async clickMenuItem(item: Locator): Promise<void> {
    await expect(async () => {
      await item.click({ timeout: 1000 });
      await expect(this.menuItems).toHaveCount(0, { timeout: 500 });
    }).toPass();
  }

  /** An item of a menu that another menu opens. */
  async chooseFromSubmenu(row: Locator, menu: string, item: string): Promise<void> {
    await this.openContextMenu(row);
    await this.menuItems.filter({ hasText: menu }).first().hover();
    await this.clickMenuItem(this.menuItems.getByText(item, { exact: true }));
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

  get inputTitle(): Locator {
    return this.page.locator(".quick-input-widget .quick-input-title");
  }

  /** What an input box says below its text: the prompt or why the text is wrong. */
  get inputMessage(): Locator {
    return this.page.locator(".quick-input-message");
  }

  quickPick(label: string | RegExp): Locator {
    return this.page.locator(".quick-input-widget .monaco-list-row", { hasText: label });
  }

  /** Waits for a question, so that the answer does not go to the one before. */
  async asked(question: string | RegExp): Promise<void> {
    const widget = this.page.locator(".quick-input-widget");
    await expect(widget.locator(`input, .quick-input-message`).first()).toBeVisible();
    await expect
      .poll(async () => {
        const placeholder = (await this.input.getAttribute("placeholder")) ?? "";
        return `${placeholder}\n${await widget.innerText()}`;
      })
      .toMatch(question);
    await expect(this.input).toBeFocused();
  }

  async answer(question: string | RegExp, text: string): Promise<void> {
    await this.asked(question);
    await this.input.fill(text);
    await this.page.keyboard.press("Enter");
  }

  async choose(question: string | RegExp, label: string | RegExp): Promise<void> {
    await this.asked(question);
    await this.quickPick(label).first().click();
  }

  notification(text: string | RegExp): Locator {
    return this.page.locator(".notification-toast", { hasText: text });
  }

  statusBarItem(text: string | RegExp): Locator {
    return this.page.locator(".statusbar-item", { hasText: text });
  }

  editorTab(name: string): Locator {
    return this.page.locator(".tabs-container").getByRole("tab", { name: startingWith(name) });
  }

  /** As a person does it: finds a text in the editor that has the focus, and types over it. */
  async replaceInEditor(text: string, by: string): Promise<void> {
    await this.page.locator(".editor-instance .monaco-editor .view-lines").first().click();
    await this.page.keyboard.press("ControlOrMeta+f");
    const find = this.page.locator(".find-widget textarea").first();
    await find.fill(text);
    await expect(this.page.locator(".find-widget .matchesCount")).toHaveText("1 of 1");
    await this.page.getByRole("button", { name: "Close (Escape)" }).click();
    await expect(this.page.locator(".find-widget.visible")).toHaveCount(0);
    await this.page.keyboard.insertText(by);
  }

  lens(title: string | RegExp): Locator {
    return this.page.locator(".codelens-decoration a", { hasText: title });
  }

  /** The document of the visible webview. Two frames: VS Code's and, in it, the extension's. */
  get panel(): FrameLocator {
    return this.page
      .locator("iframe.webview.ready:visible")
      .contentFrame()
      .locator("iframe#active-frame")
      .contentFrame();
  }

  panelButton(name: string): Locator {
    return this.panel.locator(`vscode-button:visible`, { hasText: name });
  }

  /** A file of the open folder. */
  read(name: string): string {
    return readFileSync(join(this.folder, name), "utf8");
  }

  has(name: string): boolean {
    return existsSync(join(this.folder, name));
  }

  /** The folders of all runs, the newest last. */
  runs(): string[] {
    const runs = join(this.profile.cache, "runs");
    return existsSync(runs)
      ? readdirSync(runs)
          .sort()
          .map((name) => join(runs, name))
      : [];
  }

  async screenshot(name: string): Promise<void> {
    await this.page.screenshot({ path: join(artifacts, "shots", `${name}.png`) });
  }
}

/** Names go on with what a test does not care about: a shortcut in brackets, an editor's group. */
const startingWith = (name: string): RegExp =>
  new RegExp(`^${name.replace(/[.*+?^${}()|[\]\\]/g, "\\$&")}(?:,| \\(|$)`);
