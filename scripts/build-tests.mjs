// Bundles the tests inside VS Code, and what starts them, into out-test/.
import { chmodSync, rmSync } from "node:fs";
import { join } from "node:path";
import * as esbuild from "esbuild";
import { isMain, root } from "./process.mjs";

export async function buildTests() {
  rmSync(join(root, "out-test"), { recursive: true, force: true });
  await esbuild.build({
    absWorkingDir: root,
    entryPoints: [
      "test/vscode/suite.ts",
      "test/vscode/suite/*.ts",
      "test/vscode/harness/code.ts",
      "test/vscode/harness/entry.ts",
    ],
    outbase: "test/vscode",
    outdir: "out-test",
    bundle: true,
    packages: "external",
    external: ["vscode"],
    platform: "node",
    format: "cjs",
    target: "node20",
    sourcemap: "inline",
    banner: { js: "#!/usr/bin/env node" },
    logLevel: "warning",
  });
  chmodSync(join(root, "out-test/harness/code.js"), 0o755);
}

if (isMain(import.meta.url)) await buildTests();
