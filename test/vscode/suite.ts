// Runs test/vscode/suite in the extension host: on the bench, or in desktop VS Code where there is no bench.
import { cpSync, mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { downloadAndUnzipVSCode, runTests } from "@vscode/test-electron";
import { onDesktop } from "./harness/bench";
import { root, sample } from "./harness/paths";

async function main(): Promise<void> {
  const workspace = mkdtempSync(join(tmpdir(), "graft-workspace-"));
  cpSync(sample, workspace, { recursive: true });
  try {
    await runTests({
      vscodeExecutablePath: onDesktop
        ? (process.env.VSCODE_EXECUTABLE ?? (await downloadAndUnzipVSCode()))
        : join(root, "out-test/harness/code.js"),
      extensionDevelopmentPath: root,
      extensionTestsPath: join(root, "out-test/suite/index.js"),
      launchArgs: [workspace, "--disable-extensions"],
    });
  } finally {
    rmSync(workspace, { recursive: true, force: true });
  }
}

main().catch((error: unknown) => {
  console.error(error instanceof Error ? error.message : error);
  process.exitCode = 1;
});
