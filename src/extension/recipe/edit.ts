// Writes to a recipe: one WorkspaceEdit, so one undo step; refused while the text cannot be read.
import * as vscode from "vscode";
import { isRecipe } from "../files";
import { tell } from "../messages";
import type { Target } from "./target";
import { difference, syntaxProblem } from "./text";

/** Applies `change` to the recipe's text as it is now. False when nothing was written; the reason was shown. */
export async function changeRecipe(
  target: Target,
  change: (text: string) => string,
): Promise<boolean> {
  if (!target.exists && !(await create(target))) return false;
  const document = await vscode.workspace.openTextDocument(target.uri);
  if (!hasTab(target.uri)) await showBeside(document);
  if (!(await readable(document))) return false;
  const before = document.getText();
  const after = change(before);
  if (after === before) return true;
  const { start, end, text } = difference(before, after);
  const edit = new vscode.WorkspaceEdit();
  const range = new vscode.Range(document.positionAt(start), document.positionAt(end));
  edit.replace(target.uri, range, text);
  if (await vscode.workspace.applyEdit(edit)) return true;
  tell("error", `${target.name} could not be changed. Is it read-only?`);
  return false;
}

/** Says where a text that is not JSON breaks, and offers to go there. */
export async function readable(document: vscode.TextDocument): Promise<boolean> {
  const problem = syntaxProblem(document.getText());
  if (!problem) return true;
  const name = document.uri.path.split("/").at(-1) ?? "";
  const place = `line ${problem.line}, column ${problem.column}`;
  const wrong = `${name} cannot be read at ${place}: ${problem.message}.`;
  tell("error", `${wrong} Nothing was changed; mend the text first.`, {
    Open: () => revealOffset(document.uri, problem.offset, 0),
  });
  return false;
}

export async function revealOffset(
  uri: vscode.Uri,
  offset: number,
  length: number,
  preserveFocus = false,
): Promise<void> {
  const document = await vscode.workspace.openTextDocument(uri);
  const selection = new vscode.Range(
    document.positionAt(offset),
    document.positionAt(offset + length),
  );
  const viewColumn = columnOf(uri) ?? recipeColumn() ?? vscode.ViewColumn.Beside;
  await vscode.window.showTextDocument(document, { viewColumn, selection, preserveFocus });
}

/** The group in which the document has a tab. */
export function columnOf(uri: vscode.Uri): vscode.ViewColumn | undefined {
  return columnWith((other) => other.toString() === uri.toString());
}

function columnWith(fits: (uri: vscode.Uri) => boolean): vscode.ViewColumn | undefined {
  const has = ({ input }: vscode.Tab) => input instanceof vscode.TabInputText && fits(input.uri);
  return vscode.window.tabGroups.all.find((group) => group.tabs.some(has))?.viewColumn;
}

/** Where recipes are open already: the next one goes there too. */
const recipeColumn = (): vscode.ViewColumn | undefined => columnWith(({ path }) => isRecipe(path));

export function hasTab(uri: vscode.Uri): boolean {
  return columnOf(uri) !== undefined;
}

export async function showBeside(document: vscode.TextDocument): Promise<void> {
  const empty = vscode.window.tabGroups.all.every((group) => group.tabs.length === 0);
  await vscode.window.showTextDocument(document, {
    viewColumn: recipeColumn() ?? (empty ? vscode.ViewColumn.One : vscode.ViewColumn.Beside),
    preserveFocus: true,
    preview: false,
  });
}

/** Gives a document the focus: in its own tab where it has one, never over the training panel. */
export async function openInFront(uri: vscode.Uri): Promise<void> {
  const document = await vscode.workspace.openTextDocument(uri);
  const viewColumn = columnOf(uri) ?? recipeColumn() ?? vscode.ViewColumn.One;
  await vscode.window.showTextDocument(document, { viewColumn, preview: false });
}

async function create(target: Target): Promise<boolean> {
  try {
    await vscode.workspace.fs.writeFile(target.uri, new TextEncoder().encode(target.text));
    return true;
  } catch (error) {
    const why = error instanceof Error ? error.message : String(error);
    tell("error", `${target.name} could not be created: ${why}`);
    return false;
  }
}
