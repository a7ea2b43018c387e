// Types, lint, format and dead code.   node scripts/check.mjs
import { ensure } from "./ensure.mjs";
import { runBin } from "./process.mjs";

const CHECKS = {
  types: () => runBin("typescript", ["-p", "."], {}, "tsc"),
  "types of the webview": () => runBin("typescript", ["-p", "src/webview"], {}, "tsc"),
  lint: () => runBin("oxlint", ["--type-aware", "--deny-warnings"]),
  format: () => runBin("prettier", ["--check", "--log-level=warn", "."]),
  "dead code": () => runBin("knip", []),
};

function unsuitableNode() {
  const [major, minor] = process.versions.node.split(".").map(Number);
  return major < 20 || (major === 20 && minor < 19);
}

if (unsuitableNode()) {
  console.error(
    `npm run check needs Node 20.19 or newer for oxlint and knip; this is ${process.version}. npm test runs on it.`,
  );
  process.exit(1);
}

await ensure();
const failed = [];
for (const [name, check] of Object.entries(CHECKS)) {
  console.log(`── ${name}`);
  const { code } = await check();
  if (code !== 0) failed.push(name);
}
console.log(failed.length === 0 ? "All checks passed." : `Failed: ${failed.join(", ")}.`);
process.exitCode = failed.length === 0 ? 0 : 1;
