// Gives each test a VS Code of its own: the packaged extension, a new profile, a copy of a folder.
import { test as base } from "@playwright/test";
import { onDesktop } from "../harness/bench";
import { launchBrowser, newPage, workbenchUrl } from "../harness/browser";
import { installInDesktop, launchDesktop } from "../harness/desktop";
import { sample, vsix } from "../harness/paths";
import { createProfile, removeProfile } from "../harness/profile";
import { installExtension, startServer } from "../harness/server";
import { Workbench } from "./workbench";

interface TestFixtures {
  /** The folder whose copy is opened: `test.use({ workspace })`. */
  workspace: string;
  workbench: Workbench;
}

interface WorkerFixtures {
  /** Folder with the packaged extension installed, shared by all tests. */
  extensions: string;
}

export const test = base.extend<TestFixtures, WorkerFixtures>({
  extensions: [
    async ({}, use) => {
      const profile = createProfile({ workspace: sample });
      if (onDesktop) await installInDesktop(profile, vsix);
      else installExtension(profile, vsix);
      await use(profile.extensions);
      removeProfile(profile);
    },
    { scope: "worker", timeout: 300_000 },
  ],

  workspace: [sample, { option: true }],

  workbench: async ({ extensions, workspace }, use, info) => {
    const profile = createProfile({ workspace, extensions });
    const open = onDesktop ? launchDesktop : openOnBench;
    const { page, close } = await open(profile);
    const consoleErrors: string[] = [];
    page.on("console", (message) => {
      if (message.type() === "error") consoleErrors.push(message.text());
    });
    const workbench = new Workbench(page, profile.workspace);
    try {
      await workbench.ready();
      await use(workbench);
    } finally {
      if (info.status !== info.expectedStatus) {
        await page.screenshot({ path: info.outputPath("failed.png") });
        await info.attach("console-errors", { body: consoleErrors.join("\n") });
      }
      await close();
      removeProfile(profile);
    }
  },
});

async function openOnBench(profile: ReturnType<typeof createProfile>) {
  const server = await startServer(profile);
  const browser = await launchBrowser();
  const page = await newPage(browser, server);
  await page.goto(workbenchUrl(server, profile.workspace));
  const close = async () => {
    await browser.close();
    await server.stop();
  };
  return { page, close };
}

export { expect } from "@playwright/test";
