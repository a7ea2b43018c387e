// Which documents are recipes.
import type * as vscode from "vscode";
import { isRecipe } from "../files";

export const RECIPES: vscode.DocumentSelector = { pattern: "**/*.graft.json", scheme: "file" };

export function isRecipeDocument(document: vscode.TextDocument): boolean {
  return document.uri.scheme === "file" && isRecipe(document.uri.fsPath);
}
