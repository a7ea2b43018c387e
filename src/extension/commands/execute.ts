// Runs one of our own commands by its id, which the compiler checks.
import * as vscode from "vscode";
import type { CommandId } from "./ids";

export function execute(id: CommandId, ...args: readonly unknown[]): Thenable<unknown> {
  return vscode.commands.executeCommand(id, ...args);
}
