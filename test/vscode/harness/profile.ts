// A throw-away profile: settings, extensions, home and an empty folder to open.
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";

/** Nothing that moves, asks, downloads or belongs to another feature. */
const SETTINGS = {
  "chat.commandCenter.enabled": false,
  "chat.disableAIFeatures": true,
  "extensions.autoCheckUpdates": false,
  "extensions.autoUpdate": false,
  "extensions.ignoreRecommendations": true,
  "files.autoSave": "off",
  "files.simpleDialog.enable": true,
  "git.enabled": false,
  "git.openRepositoryInParentFolders": "never",
  "security.workspace.trust.enabled": false,
  "telemetry.telemetryLevel": "off",
  "update.mode": "none",
  "update.showReleaseNotes": false,
  "window.confirmBeforeClose": "never",
  "window.titleBarStyle": "custom",
  "workbench.editor.empty.hint": "hidden",
  "workbench.enableExperiments": false,
  // A hover covers the rows below the pointer.
  "workbench.hover.delay": 60_000,
  "workbench.reduceMotion": "on",
  "workbench.secondarySideBar.defaultVisibility": "hidden",
  "workbench.startupEditor": "none",
  "workbench.tips.enabled": false,
};

export interface Profile {
  readonly folder: string;
  readonly userData: string;
  readonly extensions: string;
  readonly home: string;
  /** Bottlenecks and runs. */
  readonly cache: string;
  /** The folder that is opened. */
  readonly workspace: string;
}

export interface ProfileOptions {
  /** Installed extensions to share with other profiles. */
  readonly extensions?: string;
  readonly settings?: Record<string, unknown>;
}

export function createProfile({ extensions, settings }: ProfileOptions = {}): Profile {
  const folder = mkdtempSync(join(tmpdir(), "graft-vscode-"));
  const profile: Profile = {
    folder,
    userData: join(folder, "data"),
    extensions: extensions ?? join(folder, "extensions"),
    home: join(folder, "home"),
    cache: join(folder, "cache"),
    workspace: join(folder, "workspace"),
  };
  mkdirSync(join(profile.userData, "User"), { recursive: true });
  mkdirSync(profile.extensions, { recursive: true });
  mkdirSync(profile.home);
  writeFileSync(
    join(profile.userData, "User/settings.json"),
    JSON.stringify({ ...SETTINGS, ...settings }, null, 2),
  );
  mkdirSync(profile.workspace);
  return profile;
}

export function removeProfile(profile: Profile): void {
  rmSync(profile.folder, { recursive: true, force: true, maxRetries: 5 });
}
