// Starting other programs from the scripts. Node built-ins only.
import { spawn } from "node:child_process";
import { dirname, join, resolve } from "node:path";
import { existsSync, readFileSync, realpathSync } from "node:fs";
import { fileURLToPath } from "node:url";

export const root = resolve(dirname(fileURLToPath(import.meta.url)), "..");

/** Whether the module with this `import.meta.url` is the one that Node was started with. */
export const isMain = (url) =>
  process.argv[1] !== undefined && realpathSync(process.argv[1]) === fileURLToPath(url);

/**
 * Runs a program and resolves with its exit code and, where `capture` is set, with what it wrote.
 * Ctrl+C reaches the child by itself: it is in the same process group.
 */
export function run(command, args, { cwd = root, env = {}, capture = false } = {}) {
  return new Promise((done, fail) => {
    const child = spawn(command, args, {
      cwd,
      env: { ...process.env, ...env },
      stdio: capture ? ["ignore", "pipe", "pipe"] : "inherit",
    });
    let output = "";
    for (const stream of [child.stdout, child.stderr]) {
      stream?.setEncoding("utf8").on("data", (text) => (output += text));
    }
    child.on("error", fail);
    child.on("close", (code) => done({ code: code ?? 1, output }));
  });
}

/** npm as a Node program: the one that runs this script, else the one beside Node, else `npm` in PATH. */
export function npm(args, options) {
  const cli = [
    process.env.npm_execpath,
    join(dirname(process.execPath), "../lib/node_modules/npm/bin/npm-cli.js"),
    join(dirname(process.execPath), "node_modules/npm/bin/npm-cli.js"),
  ].find((path) => path?.endsWith("npm-cli.js") && existsSync(path));
  return cli ? run(process.execPath, [cli, ...args], options) : run("npm", args, options);
}

/** Runs the command that an installed package brings, such as `vitest`. */
export function runBin(packageName, args, options, bin = packageName) {
  const folder = join(root, "node_modules", packageName);
  const { bin: bins } = JSON.parse(readFileSync(join(folder, "package.json"), "utf8"));
  const file = typeof bins === "string" ? bins : bins[bin];
  return run(process.execPath, [join(folder, file), ...args], options);
}
