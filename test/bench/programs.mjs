// Bundles the peers that are written in TypeScript, as src/ is bundled.
import { join } from "node:path";
import * as esbuild from "esbuild";
import { NATIVE, node } from "../../scripts/build.mjs";
import { root } from "../../scripts/process.mjs";

const OUT = join(root, "test-artifacts/bench");

/** Their names, and entry points. */
const PROGRAMS = {
  worker: "test/bench/graft/worker.ts",
  order: "test/bench/graft/order.ts",
  tfjsNode: "test/bench/peers/tfjsNode.ts",
};

export const program = (name) => join(OUT, `${name}.js`);

export async function buildPrograms() {
  await esbuild.build({
    ...node,
    absWorkingDir: root,
    entryPoints: PROGRAMS,
    outdir: OUT,
    bundle: true,
    external: NATIVE,
    logLevel: "warning",
    logOverride: { "require-resolve-not-external": "silent" },
  });
}
