// The recipe that a command writes to, which may not exist yet. Nothing is created before there is something to write.
import { constants, existsSync } from "node:fs";
import { access } from "node:fs/promises";
import * as path from "node:path";
import * as vscode from "vscode";
import type { RecipeText } from "../../protocol/engine";
import type { CheckpointFile } from "../../protocol/checkpoint";
import { recipeName, relativeTo } from "../files";
import type { Recipes } from "./recipes";
import { newRecipe } from "./text";

export interface Target extends RecipeText {
  readonly uri: vscode.Uri;
  readonly name: string;
  readonly exists: boolean;
}

/**
 * The active recipe of a checkpoint; undefined when a person was asked and did not say. `shown` is the recipe whose plan
 * is on the screen: it counts even while its text is too broken to name a checkpoint.
 */
export async function findTarget(
  recipes: Recipes,
  file: CheckpointFile,
  shown: vscode.Uri | undefined,
): Promise<Target | undefined> {
  const active = await recipes.active(file);
  if (active.kind === "use") return existing(vscode.Uri.file(active.recipe));
  if (shown) return existing(shown);
  if (active.kind === "create") return planned(file);
  const chosen = await pickRecipe(active.recipes, `Which recipe of ${file.name} changes?`);
  if (!chosen) return undefined;
  await recipes.remember(file.path, chosen);
  return existing(chosen);
}

export async function pickRecipe(
  recipes: readonly string[],
  placeHolder: string,
): Promise<vscode.Uri | undefined> {
  const items = recipes.map((recipe) => ({
    label: path.basename(recipe),
    description: vscode.workspace.asRelativePath(path.dirname(recipe)),
    recipe,
  }));
  const item = await vscode.window.showQuickPick(items, { placeHolder });
  return item && vscode.Uri.file(item.recipe);
}

export async function existing(uri: vscode.Uri): Promise<Target> {
  const document = await vscode.workspace.openTextDocument(uri);
  return {
    uri,
    path: uri.fsPath,
    name: path.basename(uri.fsPath),
    text: document.getText(),
    exists: true,
  };
}

/** A recipe beside the checkpoint; in the workspace folder where that place is read-only. */
export async function planned(file: CheckpointFile): Promise<Target> {
  const beside = path.dirname(file.path);
  const workspace = vscode.workspace.getWorkspaceFolder(vscode.Uri.file(file.path));
  const spare = (workspace ?? vscode.workspace.workspaceFolders?.[0])?.uri.fsPath;
  const folder = spare !== undefined && !(await writable(beside)) ? spare : beside;
  const name = recipeName(file.name, (taken) => existsSync(path.join(folder, taken)));
  const uri = vscode.Uri.file(path.join(folder, name));
  const text = newRecipe(relativeTo(folder, file.path));
  return { uri, path: uri.fsPath, name, text, exists: false };
}

async function writable(folder: string): Promise<boolean> {
  try {
    await access(folder, constants.W_OK);
    return true;
  } catch {
    return false;
  }
}
