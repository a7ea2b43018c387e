// Verify Recipe: the checks of a recipe on its own data, as a page beside it.
import * as vscode from "vscode";
import type { App } from "../app";
import { showReport } from "../report";
import { editable } from "./edit";
import { complete } from "./runs";

/** `uri`: the recipe whose lens was used; else the active one. */
export async function verify(app: App, uri: unknown): Promise<void> {
  const chosen = await editable(app, uri);
  const target = chosen && (await complete(app, chosen));
  if (!target) return;
  const { path, text, name } = target;
  const { verification, text: report } = await vscode.window.withProgress(
    {
      location: vscode.ProgressLocation.Notification,
      title: `Verifying ${name}`,
      cancellable: true,
    },
    (_, token) => app.engine.call("verify", { path, text }, token),
  );
  app.log.info(report);
  await showReport(`${name} ${verification.passed ? "✓" : "✗"}`, report);
}
