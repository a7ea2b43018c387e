// Starts code-server, which is VS Code in a browser, on a free port of this machine.
import { spawn, spawnSync } from "node:child_process";
import { closeSync, openSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { bench } from "./bench";
import type { Profile } from "./profile";

const START_TIMEOUT = 60_000;
const STOP_TIMEOUT = 3_000;

export interface Server {
  /** Address without a path. */
  readonly url: string;
  readonly log: string;
  stop(): Promise<void>;
}

export interface ServerOptions {
  /** Folders are not trusted until somebody says so. */
  readonly restricted?: boolean;
  readonly env?: Record<string, string>;
  /**
   * Run an extension's tests. Only with the smoke-test driver does the built workbench honour `extensionTestsPath`;
   * the driver also hides notifications and refuses modal dialogs, so tests of what a person clicks go without it.
   */
  readonly extensionTests?: boolean;
}

function environment(profile: Profile, extra: Record<string, string> = {}): NodeJS.ProcessEnv {
  const inherited = Object.entries(process.env).filter(
    ([key]) => !/^(VSCODE_|ELECTRON_|NODE_OPTIONS$|PASSWORD$|PORT$)/.test(key),
  );
  return {
    ...Object.fromEntries(inherited),
    HOME: profile.home,
    XDG_CONFIG_HOME: join(profile.home, ".config"),
    XDG_DATA_HOME: join(profile.home, ".local/share"),
    XDG_CACHE_HOME: join(profile.home, ".cache"),
    GRAFT_CACHE_DIR: profile.cache,
    EXTENSIONS_GALLERY: '{"serviceUrl":""}',
    ...extra,
  };
}

function baseArguments(profile: Profile): string[] {
  const config = join(profile.folder, "config.yaml");
  writeFileSync(config, "auth: none\ncert: false\n");
  return [
    bench().entry,
    ...["--config", config],
    ...["--user-data-dir", profile.userData],
    ...["--extensions-dir", profile.extensions],
  ];
}

export function installExtension(profile: Profile, vsix: string): void {
  const { status, stdout, stderr } = spawnSync(
    bench().node,
    [...baseArguments(profile), "--install-extension", vsix, "--force"],
    { env: environment(profile), encoding: "utf8", timeout: 120_000 },
  );
  if (status !== 0 || !stdout.includes("successfully installed")) {
    throw new Error(`${vsix} cannot be installed (${status}): ${stdout}${stderr}`);
  }
}

export async function startServer(profile: Profile, options: ServerOptions = {}): Promise<Server> {
  const log = join(profile.folder, "server.log");
  const output = openSync(log, "a");
  const child = spawn(
    bench().node,
    [
      ...baseArguments(profile),
      ...["--bind-addr", "127.0.0.1:0", "--auth", "none"],
      ...["--disable-telemetry", "--disable-update-check"],
      ...(options.restricted ? [] : ["--disable-workspace-trust"]),
      ...["--disable-getting-started-override", "--ignore-last-opened", "--disable-proxy"],
      // Ends by itself where this process is killed before `stop`.
      ...["--idle-timeout-seconds", "90"],
      ...(options.extensionTests ? ["--vscode-option", "enable-smoke-test-driver"] : []),
    ],
    // Detached: a process group of its own, so that `stop` ends all that this server started and nothing else.
    {
      env: environment(profile, options.env),
      stdio: ["ignore", output, output],
      detached: true,
    },
  );
  closeSync(output);
  const signal = (name: NodeJS.Signals | 0): boolean => {
    try {
      return child.pid !== undefined && process.kill(-child.pid, name);
    } catch {
      return false;
    }
  };
  const lastResort = () => signal("SIGKILL");
  process.once("exit", lastResort);
  const stop = async (): Promise<void> => {
    process.removeListener("exit", lastResort);
    for (const name of ["SIGTERM", "SIGKILL"] as const) {
      signal(name);
      for (let waited = 0; signal(0) && waited < STOP_TIMEOUT; waited += 50) await sleep(50);
    }
  };
  for (let waited = 0; waited < START_TIMEOUT && child.exitCode === null; waited += 50) {
    const url = /listening on (http:\/\/127\.0\.0\.1:\d+)/.exec(readFileSync(log, "utf8"))?.[1];
    if (url) return { url, log, stop };
    await sleep(50);
  }
  await stop();
  throw new Error(`code-server did not start:\n${readFileSync(log, "utf8")}`);
}
