// Restricted Mode: looking and editing work, what runs a network does not. The one place that asks.
import * as vscode from "vscode";
import type { App } from "../app";
import { tell } from "../messages";

type Run = (app: App, what: unknown) => unknown;

/** The command in a trusted workspace; elsewhere the reason, and the way to trust it. */
export const onlyTrusted =
  (run: Run): Run =>
  (app, what) =>
    vscode.workspace.isTrusted ? run(app, what) : tellUntrusted();

function tellUntrusted(): void {
  tell(
    "info",
    "Graft does not train in Restricted Mode, because a recipe decides which files are read and written. Trust this folder to train.",
    { "Manage Trust": () => vscode.commands.executeCommand("workbench.trust.manage") },
  );
}
