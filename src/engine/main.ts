// The engine process: answers the extension over IPC, and starts the jobs. Wiring only.
import {
  createMessageConnection,
  IPCMessageReader,
  IPCMessageWriter,
  ResponseError,
  type CancellationToken,
} from "vscode-jsonrpc/node";
import type { EngineHandlers, EngineMethod, EngineNotifications } from "../protocol/engine";
import { toErrorData } from "../protocol/errors";
import { handlers } from "./handlers";
import { jobs } from "./jobs";

/** JSON-RPC wants a number; the code that counts is in the error's data. */
const SERVER_ERROR = -32000;

const connection = createMessageConnection(
  new IPCMessageReader(process),
  new IPCMessageWriter(process),
);
const notify = <Name extends keyof EngineNotifications>(
  name: Name,
  params: EngineNotifications[Name],
) => void connection.sendNotification(name, params);

const running = jobs(
  (run, events) => notify("progress", { run, events }),
  (text) => notify("log", { level: "info", text }),
);

const table: EngineHandlers = handlers(running);
for (const method of Object.keys(table) as EngineMethod[]) {
  const handle = table[method] as (params: unknown, cancelled: AbortSignal) => Promise<unknown>;
  connection.onRequest(method, async (params: unknown, token: CancellationToken) => {
    const cancel = new AbortController();
    // A request that was cancelled before it came here has a token that fires no more.
    if (token.isCancellationRequested) cancel.abort();
    const subscription = token.onCancellationRequested(() => cancel.abort());
    try {
      return await handle(params, cancel.signal);
    } catch (error) {
      const data = toErrorData(error);
      if (data.code === "internal")
        notify("log", { level: "error", text: String((error as Error).stack ?? error) });
      return new ResponseError(SERVER_ERROR, data.message, data);
    } finally {
      subscription.dispose();
    }
  });
}
// The window is gone: jobs see their own channel close when this process ends.
process.on("disconnect", () => process.exit(0));
connection.listen();
