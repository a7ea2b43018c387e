// Gives each test a VS Code of its own: the packaged extension, a new profile, a folder with what the test names.
import { test as base, type Page } from "@playwright/test";
import { onDesktop } from "../harness/bench";
import { launchBrowser, newPage, workbenchUrl } from "../harness/browser";
import { fill, type Content } from "../harness/content";
import { installInDesktop, launchDesktop } from "../harness/desktop";
import { root, vsix } from "../harness/paths";
import { createProfile, removeProfile, type Profile } from "../harness/profile";
import { installExtension, startServer } from "../harness/server";
import { Workbench, type Windows } from "./workbench";

interface TestFixtures {
  /** What is in the folder that is opened: `test.use({ content })`. */
  content: Content;
  /** Settings besides those that calm the workbench. */
  settings: Record<string, unknown>;
  /** In Restricted Mode: `test.use({ restricted: true })`. */
  restricted: boolean;
  workbench: Workbench;
}

interface WorkerFixtures {
  /** Folder with the packaged extension installed, shared by all tests. */
  extensions: string;
}

/** Trust is not asked for at the start: a folder that nobody trusts stays restricted. */
const RESTRICTED = {
  "security.workspace.trust.enabled": true,
  "security.workspace.trust.startupPrompt": "never",
  "security.workspace.trust.banner": "never",
};

export const test = base.extend<TestFixtures, WorkerFixtures>({
  extensions: [
    async ({}, use) => {
      const profile = createProfile();
      if (onDesktop) await installInDesktop(profile, vsix);
      else installExtension(profile, vsix);
      await use(profile.extensions);
      removeProfile(profile);
    },
    { scope: "worker", timeout: 300_000 },
  ],

  content: [{}, { option: true }],
  settings: [{}, { option: true }],
  restricted: [false, { option: true }],

  workbench: async ({ extensions, content, settings, restricted }, use, info) => {
    const profile = createProfile({
      extensions,
      settings: restricted ? { ...RESTRICTED, ...settings } : settings,
    });
    fill(root, profile.workspace, content);
    const consoleErrors: string[] = [];
    const windows = await (onDesktop
      ? windowsOnDesktop(profile, restricted)
      : windowsOnBench(profile, restricted));
    const workbench = new Workbench(windows, profile, (page) =>
      page.on("console", (message) => {
        if (message.type() === "error") consoleErrors.push(message.text());
      }),
    );
    try {
      await workbench.open();
      await use(workbench);
    } finally {
      if (info.status !== info.expectedStatus) {
        await workbench.page.screenshot({ path: info.outputPath("failed.png") });
        await info.attach("console-errors", { body: consoleErrors.join("\n") });
      }
      await windows.end();
      removeProfile(profile);
    }
  },
});

async function windowsOnBench(profile: Profile, restricted: boolean): Promise<Windows> {
  const server = await startServer(profile, { restricted });
  const browser = await launchBrowser();
  const page = await newPage(browser, server);
  return {
    async open() {
      await page.goto(workbenchUrl(server, profile.workspace));
      return page;
    },
    // Leaving the page is what closing a window is: its extension host ends.
    close: async () => void (await page.goto("about:blank")),
    async end() {
      await browser.close();
      await server.stop();
    },
  };
}

async function windowsOnDesktop(profile: Profile, restricted: boolean): Promise<Windows> {
  let open: { page: Page; close: () => Promise<void> } | undefined;
  const close = async () => open?.close();
  return {
    open: async () => (open = await launchDesktop(profile, restricted)).page,
    close,
    end: close,
  };
}

export { expect } from "@playwright/test";
