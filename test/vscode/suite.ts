// Runs test/vscode/suite in the extension host: on the bench, or in desktop VS Code where there is no bench.
import { mkdirSync, mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { downloadAndUnzipVSCode, runTests } from "@vscode/test-electron";
import { onDesktop } from "./harness/bench";
import { root } from "./harness/paths";

async function main(): Promise<void> {
  const folder = mkdtempSync(join(tmpdir(), "graft-suite-"));
  const workspace = join(folder, "workspace");
  mkdirSync(workspace);
  try {
    await runTests({
      vscodeExecutablePath: onDesktop
        ? (process.env.VSCODE_EXECUTABLE ?? (await downloadAndUnzipVSCode()))
        : join(root, "out-test/harness/code.js"),
      extensionDevelopmentPath: root,
      extensionTestsPath: join(root, "out-test/suite/index.js"),
      extensionTestsEnv: { GRAFT_CACHE_DIR: join(folder, "cache") },
      launchArgs: [workspace, "--disable-extensions"],
    });
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

main().catch((error: unknown) => {
  console.error(error instanceof Error ? error.message : error);
  process.exitCode = 1;
});
