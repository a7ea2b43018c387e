// Java programs that use real Deeplearning4j, which Maven fetches once, in the cache. Node built-ins only.
// Prints how to start the one of test/interop, or why that is not possible.   node scripts/dl4j-env.mjs
import { cpSync, readdirSync, readFileSync } from "node:fs";
import { delimiter, join } from "node:path";
import { cached } from "./cache.mjs";
import { isMain, root, run } from "./process.mjs";

const POM = join(root, "scripts/dl4j/pom.xml");
const INTEROP = join(root, "test/interop/dl4j/src");

/** JavaCPP's names of the platforms that ND4J has native libraries for. */
const PLATFORMS = {
  "linux-x64": "linux-x86_64",
  "linux-arm64": "linux-arm64",
  "darwin-x64": "macosx-x86_64",
  "darwin-arm64": "macosx-arm64",
  "win32-x64": "windows-x86_64",
};

async function download(platform, dir) {
  console.error("Fetching Deeplearning4j (some minutes where Maven has to download)");
  cpSync(POM, join(dir, "pom.xml"));
  const copy = ["dependency:copy-dependencies", "-DoutputDirectory=jars"];
  const args = ["-B", "-q", `-Djavacpp.platform=${platform}`, ...copy];
  const { code, output } = await run("mvn", args, { cwd: dir, capture: true });
  if (code !== 0) throw new Error(`mvn failed (${code}): ${output.trim().slice(-1500)}`);
}

async function compile(sources, jars, dir) {
  const args = ["-nowarn", "-encoding", "UTF-8", "-cp", jars, "-d", dir, ...sources];
  const { code, output } = await run("javac", args, { capture: true });
  if (code !== 0) throw new Error(`javac failed (${code}): ${output.trim().slice(-1500)}`);
}

/** { command: main class → [command, …arguments] } of the Java sources in a folder, or { reason }. */
export async function dl4jEnvironment(folder = INTEROP) {
  for (const [tool, flag] of Object.entries({ javac: "-version", mvn: "--version" })) {
    const { code } = await run(tool, [flag], { capture: true }).catch(() => ({ code: 1 }));
    if (code !== 0)
      return { reason: `there is no ${tool} in PATH (on Debian: apt install default-jdk maven)` };
  }
  const platform = PLATFORMS[`${process.platform}-${process.arch}`];
  if (!platform) return { reason: `ND4J has no library for ${process.platform} ${process.arch}` };
  try {
    const pom = readFileSync(POM, "utf8");
    const home = await cached("dl4j", [pom, platform], (dir) => download(platform, dir));
    const jars = join(home, "jars/*");
    const sources = readdirSync(folder).map((file) => join(folder, file));
    const texts = sources.map((file) => readFileSync(file, "utf8"));
    const classes = await cached("dl4j-classes", [pom, texts], (dir) =>
      compile(sources, jars, dir),
    );
    return { command: (main) => ["java", "-Xmx4g", "-cp", [classes, jars].join(delimiter), main] };
  } catch (error) {
    return { reason: error.message };
  }
}

if (isMain(import.meta.url)) {
  const { command, reason } = await dl4jEnvironment();
  console.log(reason ?? JSON.stringify(command("Dl4j")));
}
