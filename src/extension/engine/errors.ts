// Errors as the engine sends them, back into `GraftError`. Knows no VS Code.
import { ResponseError } from "vscode-jsonrpc/node";
import { ERROR_CODES, GraftError, type ErrorCode, type ErrorData } from "../../protocol/errors";

export const engineStopped = (cause?: unknown) =>
  new GraftError("engine-stopped", "The Graft engine stopped before it answered. Try again.", {
    cause,
  });

export const engineDown = (why: string) =>
  new GraftError(
    "engine-stopped",
    `The Graft engine stopped too often (${why}) and is not started again by itself.`,
  );

/** Every request that fails fails with a `GraftError`. */
export function fromWire(error: unknown): GraftError {
  if (error instanceof GraftError) return error;
  if (error instanceof ResponseError && isErrorData(error.data))
    return new GraftError(error.data.code, error.data.message, { cause: error });
  const message = error instanceof Error ? error.message : String(error);
  // Everything else that the connection rejects with means that there is no connection.
  if (error instanceof ResponseError && error.code === -32603)
    return new GraftError("internal", message, { cause: error });
  return engineStopped(error);
}

export function messageOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}

function isErrorData(data: unknown): data is ErrorData {
  if (typeof data !== "object" || data === null) return false;
  const { code, message } = data as Partial<ErrorData>;
  return typeof message === "string" && ERROR_CODES.includes(code as ErrorCode);
}
