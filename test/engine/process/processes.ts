// The built command line and engine, as processes of their own with a cache of their own.
import { execFile, fork, spawn, type ChildProcess } from "node:child_process";
import * as path from "node:path";
import {
  createMessageConnection,
  IPCMessageReader,
  IPCMessageWriter,
  type MessageConnection,
} from "vscode-jsonrpc/node";
import type {
  EngineMethod,
  EngineNotifications,
  Params,
  Result,
} from "../../../src/protocol/engine";
import type { RunEvent } from "../../../src/protocol/run";

const DIST = path.join(__dirname, "../../../dist");

export interface CliResult {
  readonly code: number;
  readonly stdout: string;
  readonly stderr: string;
}

const environment = (cache: string) => ({
  ...process.env,
  GRAFT_CACHE_DIR: cache,
  GRAFT_BACKEND: "cpu",
});

export function graft(cache: string, ...args: string[]): Promise<CliResult> {
  return new Promise((resolve) => {
    const options = { env: environment(cache), maxBuffer: 2 ** 26 };
    execFile(
      process.execPath,
      [path.join(DIST, "cli.js"), ...args],
      options,
      (error, stdout, stderr) =>
        resolve({ code: error === null ? 0 : Number(error.code ?? -1), stdout, stderr }),
    );
  });
}

/** The command, with its output as it comes. */
export const spawnGraft = (cache: string, ...args: string[]) =>
  spawn(process.execPath, [path.join(DIST, "cli.js"), ...args], {
    env: environment(cache),
    stdio: ["ignore", "pipe", "pipe"],
  });

/** A training process whose events are read as they come. */
export function trainProcess(
  cache: string,
  recipe: string,
  ...more: string[]
): {
  child: ChildProcess;
  events: RunEvent[];
  until(test: (event: RunEvent) => boolean): Promise<RunEvent>;
  exit: Promise<number | null>;
} {
  const child = spawn(
    process.execPath,
    [path.join(DIST, "cli.js"), "train", recipe, "--json", ...more],
    {
      env: environment(cache),
      stdio: ["ignore", "pipe", "inherit"],
    },
  );
  const events: RunEvent[] = [];
  const waiting: { test: (event: RunEvent) => boolean; done: (event: RunEvent) => void }[] = [];
  let rest = "";
  child.stdout.on("data", (data: Buffer) => {
    const lines = (rest + data.toString()).split("\n");
    rest = lines.pop()!;
    for (const line of lines) {
      const event = JSON.parse(line) as RunEvent;
      events.push(event);
      for (const each of waiting) if (each.test(event)) each.done(event);
    }
  });
  return {
    child,
    events,
    exit: new Promise((resolve) => child.on("close", resolve)),
    until: (test) =>
      new Promise((done) => {
        const seen = events.find(test);
        if (seen !== undefined) done(seen);
        else waiting.push({ test, done });
      }),
  };
}

export interface EngineProcess {
  readonly child: ChildProcess;
  readonly connection: MessageConnection;
  request<M extends EngineMethod>(method: M, params: Params<M>): Promise<Result<M>>;
  /** Resolves with the first event of any run that passes the test. */
  event(test: (event: RunEvent) => boolean): Promise<RunEvent>;
}

export function engine(cache: string): EngineProcess {
  const child = fork(path.join(DIST, "engine.js"), [], {
    env: environment(cache),
    execArgv: [],
    serialization: "advanced",
    stdio: ["ignore", "inherit", "inherit", "ipc"],
  });
  const connection = createMessageConnection(
    new IPCMessageReader(child),
    new IPCMessageWriter(child),
  );
  connection.onClose(() => connection.dispose());
  const waiting: { test: (event: RunEvent) => boolean; done: (event: RunEvent) => void }[] = [];
  // A connection has one handler for a notification.
  connection.onNotification("progress", ({ events }: EngineNotifications["progress"]) => {
    for (const event of events) for (const each of waiting) if (each.test(event)) each.done(event);
  });
  connection.listen();
  return {
    child,
    connection,
    request: (method, params) => connection.sendRequest(method, params),
    event: (test) => new Promise((done) => void waiting.push({ test, done })),
  };
}
