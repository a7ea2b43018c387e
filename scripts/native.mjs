// Makes the native library of the optional @tensorflow/tfjs-node, and says where it is.   npm run native
// The package's own download comes first. Where that cannot be reached, on Linux x64, its addon is compiled from its own
// sources against the library in PyPI's TensorFlow, once, and kept in the cache. Node built-ins and yauzl only.
import { createHash } from "node:crypto";
import { cpSync, createReadStream, createWriteStream, existsSync, mkdirSync } from "node:fs";
import { readdirSync, readFileSync, rmSync, symlinkSync } from "node:fs";
import { basename, dirname, join } from "node:path";
import { pipeline } from "node:stream/promises";
import { cached } from "./cache.mjs";
import { ensure } from "./ensure.mjs";
import { isMain, npm, root, run, runBin } from "./process.mjs";
import { findPython } from "./python-env.mjs";

const PACKAGE = join(root, "node_modules/@tensorflow/tfjs-node");
const STEPS = 1; // raise when the steps below change

const WHEEL = {
  name: "tensorflow-cpu",
  version: "2.15.1",
  sha256: "54660c074d7241a503e81edfd9f5ef5af88f64051b72e2945f26318c790f2d26",
};
const LIBRARIES = ["libtensorflow_cc.so.2", "libtensorflow_framework.so.2"];
const HEADERS = /^(tensorflow\/c|tensorflow\/tsl|tsl\/c|xla\/tsl\/c)\/.*\.h$|\/platform\/ctstring/;
/** What the addon and the package's installer call the libraries. */
const LINKS = {
  "libtensorflow.so": LIBRARIES[0],
  "libtensorflow_framework.so": LIBRARIES[1],
  // Where this is missing, the installer empties deps/ and downloads again.
  "libtensorflow.so.2.9.1": LIBRARIES[0],
};

/** One product of two matrices; util.isNullOrUndefined is gone from Node 23, and tfjs-node 4.22 calls it. */
const PROBE = `
require("util").isNullOrUndefined ??= (value) => value == null;
const tf = require("@tensorflow/tfjs-node");
const square = tf.tensor2d([[1, 2], [3, 4]]);
const product = square.matMul(square).dataSync().join();
if (tf.getBackend() !== "tensorflow" || product !== "7,10,15,22")
  throw new Error(\`\${tf.getBackend()} computed \${product} instead of 7,10,15,22\`);
console.log(tf.backend().binding.TF_Version);`;

/** { version } of the TensorFlow that computed the right product, or { problem }. */
async function probe() {
  const env = { TF_CPP_MIN_LOG_LEVEL: "3" };
  const { code, output } = await run(process.execPath, ["-e", PROBE], { env, capture: true });
  const lines = output.trim().split("\n");
  if (code === 0) return { version: lines.at(-1) };
  return { problem: lines.find((line) => /Error/.test(line)) ?? lines.at(-1) };
}

async function must(what, started) {
  const { code, output } = await started;
  if (code !== 0) throw new Error(`${what} failed (${code}):\n${output.trim().slice(-2000)}`);
}

/** npm takes an optional package away again when its download fails: this puts its files back, and changes no lock. */
async function installPackage() {
  if (existsSync(join(PACKAGE, "binding.gyp"))) return;
  await must(
    "npm install",
    npm(["install", "--no-save", "--ignore-scripts", "--loglevel=error"], { capture: true }),
  );
}

async function download() {
  console.error("Trying the package's own download.");
  await npm(["rebuild", "@tensorflow/tfjs-node", "--loglevel=error"], { capture: true });
}

/** Why the addon cannot be compiled here, or undefined. */
async function unsupported() {
  const { platform, arch } = process;
  if (platform !== "linux" || arch !== "x64")
    return `the way around it is for Linux x64, this is ${platform} ${arch}`;
  const missing = [];
  for (const tool of ["g++", "make"]) {
    const { code } = await run(tool, ["--version"], { capture: true }).catch(() => ({ code: 1 }));
    if (code !== 0) missing.push(tool);
  }
  if (!(await findPython())) missing.push("Python 3.10 or newer");
  if (missing.length === 0) return undefined;
  return `compiling it needs ${missing.join(", ")} (on Debian: apt install g++ make python3-pip)`;
}

async function downloadWheel(folder) {
  console.error(`Downloading ${WHEEL.name} ${WHEEL.version} from PyPI (200 MB).`);
  const [python] = await findPython();
  const target = ["--python-version", "311", "--platform", "manylinux2014_x86_64"];
  const flags = ["--quiet", "--disable-pip-version-check", "--no-deps", "--only-binary=:all:"];
  const what = `${WHEEL.name}==${WHEEL.version}`;
  await must(
    "pip download",
    run(python, ["-m", "pip", "download", ...flags, ...target, "-d", folder, what], {
      capture: true,
    }),
  );
  const wheel = join(folder, readdirSync(folder)[0]);
  const hash = createHash("sha256");
  await pipeline(createReadStream(wheel), hash);
  const found = hash.digest("hex");
  if (found !== WHEEL.sha256)
    throw new Error(`${wheel} has the SHA-256 ${found}; expected ${WHEEL.sha256}.`);
  return wheel;
}

/** Where a file of the wheel goes, or undefined. */
function place(name) {
  const [, header] = /^tensorflow\/include\/(.*)$/.exec(name) ?? [];
  if (header !== undefined && HEADERS.test(header)) return join("include", header);
  if (LIBRARIES.includes(name.replace(/^tensorflow\//, ""))) return join("lib", basename(name));
  return /LICENSE$|THIRD_PARTY_NOTICES\.txt$/.test(name) ? basename(name) : undefined;
}

async function unpack(wheel, folder) {
  const { openPromise } = (await import("yauzl")).default;
  const zip = await openPromise(wheel);
  for await (const entry of zip.eachEntry()) {
    const to = place(entry.fileName);
    if (to === undefined) continue;
    mkdirSync(dirname(join(folder, to)), { recursive: true });
    await pipeline(await zip.openReadStreamPromise(entry), createWriteStream(join(folder, to)));
  }
}

/** The prefix that has Node's headers; without one, node-gyp downloads them. */
const headers = [join(dirname(process.execPath), ".."), "/usr", "/usr/local"].find((prefix) =>
  existsSync(join(prefix, "include/node/node_api.h")),
);

/** Fills `folder` with include/, lib/ and the compiled addon/. */
async function make(folder) {
  const downloads = join(folder, "downloads");
  await unpack(await downloadWheel(downloads), folder);
  rmSync(downloads, { recursive: true });
  const libraries = LIBRARIES.map((name) => join(folder, "lib", name));
  // Half of their size are symbols; without `strip` they stay.
  await run("strip", ["--strip-unneeded", ...libraries], { capture: true }).catch(() => {});
  for (const [link, target] of Object.entries(LINKS))
    symlinkSync(target, join(folder, "lib", link));
  console.error("Compiling the addon.");
  linkDependencies(folder);
  const nodedir = headers === undefined ? [] : ["--nodedir", headers];
  await must(
    "node-gyp",
    runBin(
      "@mapbox/node-pre-gyp",
      ["install", "--build-from-source", ...nodedir],
      { cwd: PACKAGE, capture: true },
      "node-pre-gyp",
    ),
  );
  rmSync(join(PACKAGE, "build"), { recursive: true, force: true });
  cpSync(join(PACKAGE, "lib"), join(folder, "addon"), { recursive: true });
}

/** The addon looks for its library in deps/lib of the package. */
function linkDependencies(folder) {
  rmSync(join(PACKAGE, "deps"), { recursive: true, force: true });
  symlinkSync(folder, join(PACKAGE, "deps"));
}

async function build() {
  const { version } = JSON.parse(readFileSync(join(PACKAGE, "package.json"), "utf8"));
  const folder = await cached("tfjs-native", [STEPS, WHEEL, version], make);
  linkDependencies(folder);
  cpSync(join(folder, "addon"), join(PACKAGE, "lib"), { recursive: true });
  return folder;
}

/** { version, path } of a library that computes, made where it was missing; { reason } where it cannot be. */
export async function nativeLibrary() {
  const path = join(PACKAGE, "deps");
  const installed = await probe();
  if (installed.version) return { version: installed.version, path };
  try {
    await installPackage();
    await download();
    const downloaded = await probe();
    if (downloaded.version) return { version: downloaded.version, path };
    const reason = await unsupported();
    if (reason) return { reason: `its download failed, and ${reason}` };
    const folder = await build();
    const built = await probe();
    return built.version
      ? { version: built.version, path: folder }
      : { reason: `it was built in ${folder} but does not compute: ${built.problem}` };
  } catch (error) {
    return { reason: error.message };
  }
}

if (isMain(import.meta.url)) {
  await ensure();
  const { version, path, reason } = await nativeLibrary();
  if (reason) {
    console.error(`tfjs-node has no native library: ${reason}`);
    process.exitCode = 1;
  } else {
    console.log(`tfjs-node computes with TensorFlow ${version}. Its library is in ${path}`);
    console.log("Use it with: graft train RECIPE --backend tfjs-node, or GRAFT_BACKEND=tfjs-node");
  }
}
