// Runs an extension's tests in the extension host of the bench.
import { copyFileSync, cpSync, existsSync, mkdirSync, readFileSync, rmSync } from "node:fs";
import { join } from "node:path";
import type { Page } from "playwright-core";
import { launchBrowser, newPage, remoteUri, workbenchUrl } from "./browser";
import { OUTPUT, TESTS, VERDICT, type Verdict } from "./entry";
import { artifacts, root } from "./paths";
import { createProfile, removeProfile, type Profile } from "./profile";
import { startServer, type Server } from "./server";

const TIMEOUT = 600_000;
/** Messages that every run has. */
const USUAL = /Failed to load resource|authentication provider/;

export interface HostRun {
  /** Folder of the extension under test. */
  readonly extension: string;
  /** CommonJS module that exports `run`. */
  readonly tests: string;
}

/** Resolves with an exit code: 0 passed, 1 failed, 2 no verdict. */
export async function runInHost({ extension, tests }: HostRun): Promise<number> {
  const profile = createProfile();
  const output = join(profile.folder, "output");
  const verdictFile = join(profile.folder, "verdict.json");
  const env = { [TESTS]: tests, [OUTPUT]: output, [VERDICT]: verdictFile };
  const server = await startServer(profile, { extensionTests: true, env });
  const browser = await launchBrowser();
  const stopPrinting = printAsItGrows(output);
  try {
    const page = await newPage(browser, server);
    const errors = collectErrors(page);
    const exited = exitOf(page);
    const entry = join(root, "out-test/harness/entry.js");
    await page.goto(
      workbenchUrl(server, profile.workspace, {
        extensionDevelopmentPath: remoteUri(server, extension),
        extensionTestsPath: remoteUri(server, entry),
      }),
    );
    const ended = await exited;
    stopPrinting();
    const verdict = existsSync(verdictFile)
      ? (JSON.parse(readFileSync(verdictFile, "utf8")) as Verdict)
      : undefined;
    if (verdict?.passed && ended === "exit 0") return 0;
    console.error(verdict?.error ?? `No verdict (${ended}).\n${errors.slice(-5).join("\n")}`);
    await keepEvidence(page, server, profile);
    return verdict ? 1 : 2;
  } finally {
    stopPrinting();
    await browser.close();
    await server.stop();
    removeProfile(profile);
  }
}

/** How the extension host ended. The workbench calls these two functions of the page. */
function exitOf(page: Page): Promise<string> {
  return new Promise((resolve, reject) => {
    const timer = setTimeout(() => resolve("timeout"), TIMEOUT);
    timer.unref();
    page.on("crash", () => resolve("page crash"));
    page.on("close", () => resolve("page closed"));
    Promise.all([
      page.exposeFunction("codeAutomationLog", () => {}),
      page.exposeFunction("codeAutomationExit", (code: number) => resolve(`exit ${code}`)),
    ]).catch(reject);
  });
}

function collectErrors(page: Page): string[] {
  const errors: string[] = [];
  page.on("pageerror", (error) => errors.push(String(error)));
  page.on("console", (message) => {
    if (message.type() === "error" && !USUAL.test(message.text())) errors.push(message.text());
  });
  return errors;
}

function printAsItGrows(file: string): () => void {
  let position = 0;
  const print = () => {
    if (!existsSync(file)) return;
    const content = readFileSync(file);
    process.stdout.write(content.subarray(position));
    position = content.length;
  };
  const timer = setInterval(print, 150);
  return () => {
    clearInterval(timer);
    print();
  };
}

async function keepEvidence(page: Page, server: Server, profile: Profile): Promise<void> {
  const folder = join(artifacts, "suite");
  rmSync(folder, { recursive: true, force: true });
  mkdirSync(folder, { recursive: true });
  if (!page.isClosed()) await page.screenshot({ path: join(folder, "failure.png") });
  copyFileSync(server.log, join(folder, "server.log"));
  const logs = join(profile.userData, "logs");
  if (existsSync(logs)) cpSync(logs, join(folder, "logs"), { recursive: true });
  console.error(`Screenshot and logs: ${folder}`);
}
