// Installs node_modules where it does not match package-lock.json. Node built-ins only: it runs first on a fresh machine.
import { existsSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { isMain, npm, root } from "./process.mjs";

const OLDEST_NODE = [20, 18];

const packages = (lock) => JSON.parse(readFileSync(join(root, lock), "utf8")).packages;

/** Why an install is needed, or undefined. Optional packages may be absent: other platforms', failed downloads. */
function reason() {
  if (!existsSync(join(root, "node_modules/.package-lock.json"))) return "nothing is installed";
  const installed = packages("node_modules/.package-lock.json");
  for (const [path, wanted] of Object.entries(packages("package-lock.json"))) {
    if (path === "" || (wanted.optional && !installed[path])) continue;
    if (installed[path]?.version !== wanted.version) {
      return `${path.replace(/^.*node_modules\//, "")} ${wanted.version} is missing`;
    }
  }
  return undefined;
}

export async function ensure() {
  const [major, minor] = process.versions.node.split(".").map(Number);
  if (major < OLDEST_NODE[0] || (major === OLDEST_NODE[0] && minor < OLDEST_NODE[1])) {
    throw new Error(
      `Graft needs Node ${OLDEST_NODE.join(".")} or newer; this is ${process.version}.`,
    );
  }
  const why = reason();
  if (!why) return;
  console.log(`Installing dependencies (npm ci): ${why}.`);
  // ONNX Runtime's own script would download CUDA; npm before 11 does not know allowScripts in package.json.
  const env = { ONNXRUNTIME_NODE_INSTALL: "skip" };
  const { code } = await npm(["ci", "--no-audit", "--no-fund", "--loglevel=error"], { env });
  if (code !== 0) throw new Error(`npm ci failed with exit code ${code}.`);
}

if (isMain(import.meta.url)) await ensure();
