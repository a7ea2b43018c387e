// One engine process: forked with the extension host's own Node, spoken to over its IPC channel.
import { fork } from "node:child_process";
import {
  createMessageConnection,
  IPCMessageReader,
  IPCMessageWriter,
  type MessageConnection,
} from "vscode-jsonrpc/node";

export interface EngineProcess {
  readonly pid: number | undefined;
  readonly connection: MessageConnection;
  /** Why it ended: "exit code 1", "signal SIGKILL", or the error that kept it from starting. */
  readonly ended: Promise<string>;
  /** Closes the channel; the engine stops its run, writes the run's state and ends. */
  close(): void;
}

export function startProcess(
  script: string,
  env: Readonly<Record<string, string>>,
  output: (line: string) => void,
): EngineProcess {
  const child = fork(script, [], {
    env: { ...process.env, ...env, ELECTRON_RUN_AS_NODE: "1" },
    execArgv: [],
    serialization: "advanced",
    stdio: ["ignore", "pipe", "pipe", "ipc"],
  });
  for (const stream of [child.stdout, child.stderr]) {
    stream?.setEncoding("utf8").on("data", (text: string) => {
      for (const line of text.split(/\r?\n/)) if (line.trim() !== "") output(line);
    });
  }
  const connection = createMessageConnection(
    new IPCMessageReader(child),
    new IPCMessageWriter(child),
  );
  const ended = new Promise<string>((resolve) => {
    child.once("error", (error) => resolve(error.message));
    child.once("exit", (code, signal) =>
      resolve(signal ? `signal ${signal}` : `exit code ${code}`),
    );
  });
  const close = () => {
    connection.dispose();
    if (child.connected) child.disconnect();
  };
  connection.onError(([error]) => output(`connection: ${error.message}`));
  return { pid: child.pid, connection, ended, close };
}
