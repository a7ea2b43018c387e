// The headless VS Code of test/vscode/bench: code-server, its Node, Chromium. Installed on first use.
import { execFileSync } from "node:child_process";
import { join } from "node:path";
import { root } from "./paths";

export interface Bench {
  readonly node: string;
  readonly entry: string;
  readonly chromium: { readonly executablePath: string; readonly env: Record<string, string> };
}

/** The installer runs in a process of its own: Playwright turns what a test imports into CommonJS, and it is a module. */
export function bench(): Bench {
  process.env.GRAFT_BENCH ??= execFileSync(
    process.execPath,
    [join(root, "test/vscode/bench/install.mjs")],
    { encoding: "utf8", stdio: ["ignore", "pipe", "inherit"] },
  );
  return JSON.parse(process.env.GRAFT_BENCH) as Bench;
}

/** Desktop VS Code takes the bench's place on macOS and Windows, and where a person names one. */
export const onDesktop =
  process.env.VSCODE_EXECUTABLE !== undefined || process.platform !== "linux";
