// Desktop VS Code for the tests that click, where the bench does not run.
import { spawnSync } from "node:child_process";
import { _electron, type Page } from "playwright-core";
import {
  downloadAndUnzipVSCode,
  resolveCliPathFromVSCodeExecutablePath,
} from "@vscode/test-electron";
import type { Profile } from "./profile";

const executable = async (): Promise<string> =>
  process.env.VSCODE_EXECUTABLE ?? (await downloadAndUnzipVSCode());

const folders = (profile: Profile): string[] => [
  `--user-data-dir=${profile.userData}`,
  `--extensions-dir=${profile.extensions}`,
];

export async function installInDesktop(profile: Profile, vsix: string): Promise<void> {
  const cli = resolveCliPathFromVSCodeExecutablePath(await executable());
  const { status, stdout, stderr } = spawnSync(
    cli,
    [...folders(profile), "--install-extension", vsix, "--force"],
    { encoding: "utf8", shell: process.platform === "win32" },
  );
  if (status !== 0) throw new Error(`${vsix} cannot be installed: ${stdout}${stderr}`);
}

export async function launchDesktop(
  profile: Profile,
  restricted: boolean,
): Promise<{ page: Page; close: () => Promise<void> }> {
  const application = await _electron.launch({
    executablePath: await executable(),
    env: { ...(process.env as Record<string, string>), GRAFT_CACHE_DIR: profile.cache },
    args: [
      ...folders(profile),
      "--disable-telemetry",
      "--disable-updates",
      ...(restricted ? [] : ["--disable-workspace-trust"]),
      "--no-sandbox",
      "--skip-release-notes",
      "--skip-welcome",
      profile.workspace,
    ],
  });
  return { page: await application.firstWindow(), close: () => application.close() };
}
