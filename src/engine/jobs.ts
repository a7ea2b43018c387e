// Starts, watches and stops job processes: one per run.
import { fork, type ChildProcess } from "node:child_process";
import * as path from "node:path";
import { GraftError, type ErrorData } from "../protocol/errors";
import type { RunEvent } from "../protocol/run";
import type { Result } from "../protocol/engine";
import { parseRecipe, resolveIn } from "./recipe/parse";
import { appendEvent, busy, createRun, openRun, refuseBusy, type RunFolder } from "./train/runs";

export type JobOrder =
  | { readonly type: "run"; readonly run: string; readonly resume: boolean }
  | { readonly type: "verify"; readonly recipe: string; readonly text: string }
  | { readonly type: "stop" };

export type JobMessage =
  | { readonly type: "events"; readonly events: readonly RunEvent[] }
  | { readonly type: "verified"; readonly result: Result<"verify"> }
  | { readonly type: "failed"; readonly error: ErrorData };

/** A job that does not stop by itself in this time is stuck in a native call, and is killed. */
const STOP_MS = 10_000;

export interface Jobs {
  /** Starts a run of a recipe; returns its name at once. Throws where the recipe cannot be read. */
  start(recipe: string, text: string): string;
  resume(run: string): void;
  stop(run: string): void;
  /** Rejects with `cancelled` where the caller no longer wants it. */
  verify(recipe: string, text: string, cancelled: AbortSignal): Promise<Result<"verify">>;
}

export function jobs(
  listen: (run: string, events: readonly RunEvent[]) => void,
  log: (text: string) => void,
): Jobs {
  const running = new Map<string, ChildProcess>();

  function forkJob(order: JobOrder): ChildProcess {
    const child = fork(path.join(__dirname, "job.js"), [], {
      execArgv: [],
      serialization: "advanced",
      stdio: ["ignore", "pipe", "pipe", "ipc"],
    });
    child.stdout?.on("data", (data: Buffer) => log(data.toString().trimEnd()));
    child.stderr?.on("data", (data: Buffer) => log(data.toString().trimEnd()));
    child.send(order);
    return child;
  }

  function launch(run: RunFolder, resume: boolean): void {
    const child = forkJob({ type: "run", run: run.run, resume });
    running.set(run.run, child);
    let ended = false;
    let failure: ErrorData | undefined;
    const forget = () => {
      // A resumed run may have a new process already.
      if (running.get(run.run) === child) running.delete(run.run);
    };
    child.on("message", (message: JobMessage) => {
      if (message.type === "verified") return;
      if (message.type === "failed") {
        failure = message.error;
        return;
      }
      if (message.events.some(({ event }) => event === "ended")) {
        ended = true;
        forget();
      }
      listen(run.run, message.events);
    });
    const end = (how: string) => {
      forget();
      if (ended) return;
      ended = true;
      const nothing = { event: "ended", prefixSamples: 0, seconds: 0 } as const;
      if (failure !== undefined) {
        // It did not get as far as the run's folder, which another process may be using.
        listen(run.run, [{ ...nothing, state: "failed", ...failure }]);
        return;
      }
      const event: RunEvent = {
        ...nothing,
        state: "interrupted",
        code: "job-crashed",
        message: `The training process ended unexpectedly (${how}). Nothing was saved half; what was learned up to the last kept state can be resumed.`,
      };
      appendEvent(run, event);
      listen(run.run, [event]);
    };
    child.on("exit", (code, signal) => end(exitText(code, signal)));
    child.on("error", (error) => {
      log(error.message);
      if (child.pid === undefined) end(error.message);
    });
  }

  const stop = (child: ChildProcess) => {
    if (child.connected) child.send({ type: "stop" } satisfies JobOrder);
    const timer = setTimeout(() => child.kill("SIGKILL"), STOP_MS);
    child.once("exit", () => clearTimeout(timer));
  };

  return {
    start(recipe, text) {
      const open = parseRecipe(recipe, text);
      const run = createRun(recipe, resolveIn(open, open.recipe.checkpoint), text);
      launch(run, false);
      return run.run;
    },
    resume(name) {
      const run = openRun(name);
      // A process that was just started has not claimed the run yet.
      if (running.has(name)) throw busy(name);
      refuseBusy(run);
      launch(run, true);
    },
    stop(name) {
      const child = running.get(name);
      if (child === undefined)
        throw new GraftError("run-not-found", `The run ${name} is not going on.`);
      stop(child);
    },
    async verify(recipe, text, cancelled) {
      if (cancelled.aborted) throw stopped();
      const child = forkJob({ type: "verify", recipe, text });
      cancelled.addEventListener("abort", () => stop(child));
      return new Promise((resolve, reject) => {
        child.on("message", (message: JobMessage) => {
          if (message.type === "verified") resolve(message.result);
          if (message.type === "failed")
            reject(new GraftError(message.error.code, message.error.message));
        });
        child.on("error", reject);
        // After its answer this comes too late to be heard.
        child.on("exit", (code, signal) =>
          reject(
            cancelled.aborted
              ? stopped()
              : new GraftError(
                  "job-crashed",
                  `The verifying process ended unexpectedly (${exitText(code, signal)}). Nothing was written.`,
                ),
          ),
        );
      });
    },
  };
}

const stopped = () => new GraftError("cancelled", "The verification was stopped.");

const exitText = (code: number | null, signal: string | null): string =>
  signal === null ? `exit code ${code}` : `signal ${signal}`;
