// Running peers: processes that stay alive and answer one request at a time, and whole jobs in fresh ones.
import { spawn } from "node:child_process";
import { mkdirSync, rmSync } from "node:fs";
import { availableParallelism } from "node:os";
import { join } from "node:path";
import { createInterface } from "node:readline";

/** Everybody gets as many threads: those of the machine, as Graft takes them. `taskset` makes them fewer. */
export const THREADS = availableParallelism();

const environmentOfAll = {
  OMP_NUM_THREADS: String(THREADS),
  TF_NUM_INTRAOP_THREADS: String(THREADS),
  TF_NUM_INTEROP_THREADS: String(THREADS),
  TF_CPP_MIN_LOG_LEVEL: "3",
  PYTHONDONTWRITEBYTECODE: "1",
};

/** The line of a stack trace, from Python, Java or Node, that says what went wrong. */
function reason(stderr) {
  const lines = stderr.trim().split("\n");
  return lines.findLast((line) => /(Error|Exception)\b.*: /.test(line)) ?? lines.at(-1);
}

function start([command, ...args], env = {}) {
  const child = spawn(command, args, {
    env: { ...process.env, ...environmentOfAll, ...env },
    stdio: ["pipe", "pipe", "pipe"],
  });
  let stderr = "";
  child.stderr.setEncoding("utf8").on("data", (text) => (stderr = (stderr + text).slice(-2000)));
  child.stdin.on("error", () => {}); // it ended; `exit` tells
  const exit = new Promise((done, fail) => {
    child.on("error", fail);
    child.on("close", (code) => done(code));
  });
  exit.catch(() => {}); // whoever awaits it hears of it, but perhaps later
  return { child, exit, why: () => reason(stderr) };
}

/** A peer's process, once it has told its version. */
export async function startPeer(command, env) {
  const { child, exit, why } = start(command, env);
  const lines = createInterface({ input: child.stdout })[Symbol.asyncIterator]();
  const answer = async () => {
    const { value, done } = await lines.next();
    if (done) throw new Error(`it ended with exit code ${await exit}: ${why()}`);
    const message = JSON.parse(value);
    if (message.error) throw new Error(message.error);
    return message;
  };
  const { version } = await answer().catch((error) => {
    child.kill();
    throw error;
  });
  return {
    version,
    ask(request) {
      child.stdin.write(`${JSON.stringify(request)}\n`);
      return answer();
    },
    async stop() {
      child.stdin.end();
      await exit;
    },
  };
}

/** A whole job, from the start of its process to its end. */
export async function runJob(makeJob, folder) {
  const result = join(folder, "result");
  rmSync(result, { recursive: true, force: true });
  mkdirSync(result);
  const { command, env, check } = makeJob();
  const began = performance.now();
  const { child, exit, why } = start(command, env);
  let output = "";
  child.stdout.setEncoding("utf8").on("data", (text) => (output += text));
  const code = await exit;
  const seconds = (performance.now() - began) / 1000;
  if (code !== 0) throw new Error(`it ended with exit code ${code}: ${why()}`);
  return { seconds, check: check(output) };
}
