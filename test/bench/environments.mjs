// What peers run in. Each is made once, in the cache: { command: program → [command, …arguments] }, or { reason } why there is none.
import { cpSync, readFileSync, rmSync } from "node:fs";
import { delimiter, join } from "node:path";
import { cached } from "../../scripts/cache.mjs";
import { nativeLibrary } from "../../scripts/native.mjs";
import { root, run } from "../../scripts/process.mjs";
import { pythonEnvironment } from "../../scripts/python-env.mjs";
import { program } from "./programs.mjs";

const PEERS = join(root, "test/bench/peers");

const inNode = (name) => [process.execPath, program(name)];

async function python() {
  const { python: path, reason } = await pythonEnvironment(
    join(root, "test/bench/requirements.txt"),
  );
  return reason ? { reason } : { command: (name) => [path, join(PEERS, `${name}.py`)] };
}

async function native() {
  const { reason } = await nativeLibrary();
  return reason ? { reason } : { command: inNode };
}

/** JavaCPP's names of the platforms that ND4J has native libraries for. */
const JAVA_PLATFORMS = {
  "linux-x64": "linux-x86_64",
  "linux-arm64": "linux-arm64",
  "darwin-x64": "macosx-x86_64",
  "darwin-arm64": "macosx-arm64",
  "win32-x64": "windows-x86_64",
};

async function java() {
  for (const [tool, flag] of Object.entries({ javac: "-version", mvn: "--version" })) {
    const { code } = await run(tool, [flag], { capture: true }).catch(() => ({ code: 1 }));
    if (code !== 0)
      return { reason: `there is no ${tool} in PATH (on Debian: apt install default-jdk maven)` };
  }
  const platform = JAVA_PLATFORMS[`${process.platform}-${process.arch}`];
  if (!platform) return { reason: `ND4J has no library for ${process.platform} ${process.arch}` };
  const project = join(PEERS, "dl4j");
  const pom = readFileSync(join(project, "pom.xml"), "utf8");
  const source = readFileSync(join(project, "src/Dl4jPeer.java"), "utf8");
  const folder = await cached("dl4j", [pom, source, platform], async (draft) => {
    console.error("Building the Deeplearning4j peer (some minutes where Maven has to download)");
    cpSync(project, draft, { recursive: true });
    const { code, output } = await run(
      "mvn",
      [
        ...["-B", "-q", `-Djavacpp.platform=${platform}`, "compile"],
        ...["dependency:copy-dependencies", "-DoutputDirectory=jars"],
      ],
      { cwd: draft, capture: true },
    );
    if (code !== 0) throw new Error(`mvn failed (${code}): ${output.trim().slice(-1500)}`);
    rmSync(join(draft, "src"), { recursive: true });
  });
  const classes = [join(folder, "target/classes"), join(folder, "jars/*")].join(delimiter);
  return { command: (name) => ["java", "-Xmx4g", "-cp", classes, name] };
}

const MAKERS = { node: async () => ({ command: inNode }), python, native, java };

const made = new Map();

/** The environment of that name, made the first time that it is asked for. */
export function environment(name) {
  if (!made.has(name))
    made.set(
      name,
      MAKERS[name]().catch((error) => ({ reason: error.message })),
    );
  return made.get(name);
}
