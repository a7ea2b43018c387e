// Restricted Mode: looking and editing work, what runs a network does not. The one place that asks.
import * as vscode from "vscode";
import type { App } from "../app";
import { tell } from "../messages";

type Run = (app: App, what: unknown) => unknown;

/** The command in a trusted workspace; elsewhere the reason, and the way to trust it. */
export const onlyTrusted =
  (run: Run, verb = "train"): Run =>
  (app, what) =>
    vscode.workspace.isTrusted ? run(app, what) : tellUntrusted(verb);

function tellUntrusted(verb: string): void {
  tell(
    "info",
    `Graft does not ${verb} in Restricted Mode, because a recipe decides which files are read and written. Trust this folder to ${verb}.`,
    { "Manage Trust": () => vscode.commands.executeCommand("workbench.trust.manage") },
  );
}
