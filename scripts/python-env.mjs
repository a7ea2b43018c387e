// A Python with the packages of a requirements file, in the cache. Node built-ins only.
// Prints its path, or why there is none.   node scripts/python-env.mjs
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { cached } from "./cache.mjs";
import { isMain, root, run } from "./process.mjs";

const INTEROP = join(root, "test/interop/requirements.txt");
const OLDEST = [3, 10];
const CANDIDATES = ["python3", "python", "python3.13", "python3.12", "python3.11", "python3.10"];
const PRINT_VERSION = "import sys; print('%d.%d.%d' % sys.version_info[:3])";

/** [command, version] of the first Python that is new enough. */
export async function findPython() {
  for (const command of CANDIDATES) {
    const { code, output } = await run(command, ["-c", PRINT_VERSION], { capture: true }).catch(
      () => ({ code: 1, output: "" }),
    );
    const [major, minor] = output.trim().split(".").map(Number);
    if (code !== 0 || major !== OLDEST[0] || !(minor >= OLDEST[1])) continue;
    return [command, output.trim()];
  }
  return undefined;
}

const pythonIn = (dir) =>
  process.platform === "win32" ? join(dir, "Scripts/python.exe") : join(dir, "bin/python");

async function install(python, requirements, dir) {
  console.error(`Installing ${requirements} (a few minutes)`);
  const venv = await run(python, ["-m", "venv", dir], { capture: true });
  if (venv.code !== 0) throw new Error(`${python} -m venv failed: ${venv.output.trim()}`);
  const args = ["-m", "pip", "install", "--quiet", "--disable-pip-version-check"];
  // A virtual environment can be moved: `python -m` works, only the commands in bin/ would not.
  const pip = await run(pythonIn(dir), [...args, "-r", requirements], { capture: true });
  if (pip.code !== 0) throw new Error(`pip install failed: ${pip.output.trim().slice(-1500)}`);
}

/** { python } or { reason }. GRAFT_PYTHON names a Python that has everything. */
export async function pythonEnvironment(requirements = INTEROP) {
  if (process.env.GRAFT_PYTHON) return { python: process.env.GRAFT_PYTHON };
  const found = await findPython();
  if (!found) return { reason: `no Python ${OLDEST.join(".")} or newer in PATH` };
  const [command, version] = found;
  try {
    const inputs = [readFileSync(requirements, "utf8"), version];
    const make = (dir) => install(command, requirements, dir);
    return { python: pythonIn(await cached("python", inputs, make)) };
  } catch (error) {
    return { reason: error.message };
  }
}

if (isMain(import.meta.url)) console.log(await pythonEnvironment());
