// What peers run in. Each is made once, in the cache: { command: program → [command, …arguments] }, or { reason } why there is none.
import { join } from "node:path";
import { dl4jEnvironment } from "../../scripts/dl4j-env.mjs";
import { nativeLibrary } from "../../scripts/native.mjs";
import { root } from "../../scripts/process.mjs";
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

const MAKERS = {
  node: async () => ({ command: inNode }),
  python,
  native,
  java: () => dl4jEnvironment(join(PEERS, "dl4j/src")),
};

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
