// Undo and redo of the recipe's last change while the tree has the focus. VS Code undoes in the focused editor only,
// so the recipe's editor gets the focus for the time of the command.
import * as vscode from "vscode";
import { columnOf } from "./edit";

export async function undoInRecipe(
  recipe: vscode.Uri,
  command: "undo" | "redo",
  focusBack: () => Promise<void>,
): Promise<boolean> {
  const document = await vscode.workspace.openTextDocument(recipe);
  const version = document.version;
  await vscode.window.showTextDocument(document, {
    viewColumn: columnOf(recipe) ?? vscode.ViewColumn.Beside,
    preserveFocus: false,
    preview: false,
  });
  // Undone is what has the focus; never something else.
  if (vscode.window.activeTextEditor?.document === document)
    await vscode.commands.executeCommand(command);
  await focusBack();
  return document.version !== version;
}
