// The extension's settings, as the engine takes them: environment variables at its start.
import * as vscode from "vscode";
import type { EngineClient } from "./engine/client";
import { tell } from "./messages";
import type { Runs } from "./run/store";

const SETTINGS = "graft";

export function engineEnvironment(): Record<string, string> {
  const settings = vscode.workspace.getConfiguration(SETTINGS);
  const backend = settings.get<string>("backend", "auto");
  const cache = settings.get<string>("cacheDirectory", "").trim();
  const environment: Record<string, string> = {};
  if (backend !== "auto") environment["GRAFT_BACKEND"] = backend;
  if (cache !== "") environment["GRAFT_CACHE_DIR"] = cache;
  return environment;
}

/** A changed setting counts from the engine's next start: at once when nothing trains, else when asked for. */
export function watchSettings(engine: EngineClient, runs: Runs): vscode.Disposable {
  return vscode.workspace.onDidChangeConfiguration((change) => {
    if (!change.affectsConfiguration(SETTINGS)) return;
    if (runs.running.length === 0) return engine.restartIfStarted();
    tell(
      "info",
      "Graft uses the new setting after its engine restarts. That stops the training, which can be resumed.",
      { "Restart Engine": () => engine.restart() },
    );
  });
}
