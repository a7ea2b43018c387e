// Messages between the extension and the training panel (a webview).
import type { RunEvent, RunSummary } from "./run";

export type ToPanel =
  | { readonly type: "show"; readonly run: RunSummary; readonly events: readonly RunEvent[] }
  | { readonly type: "events"; readonly run: string; readonly events: readonly RunEvent[] }
  /** No run yet, or the run is gone. */
  | { readonly type: "empty"; readonly message: string };

export type FromPanel =
  | { readonly type: "ready" }
  | { readonly type: "stop"; readonly run: string }
  | { readonly type: "resume"; readonly run: string }
  | { readonly type: "saveAs"; readonly run: string }
  | { readonly type: "copyCode"; readonly path: string }
  | { readonly type: "openRecipe"; readonly recipe: string };
