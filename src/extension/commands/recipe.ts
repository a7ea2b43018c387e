// Commands about the recipe as a whole: which one is in use, what it changes, and its last change undone.
import * as path from "node:path";
import * as vscode from "vscode";
import type { App } from "../app";
import { tell } from "../messages";
import { openInFront, readable, revealOffset } from "../recipe/edit";
import { pointerNode } from "../recipe/pointers";
import { existing, planned } from "../recipe/target";
import { undoInRecipe } from "../recipe/undo";
import { count, percent } from "../words";
import { lines } from "./confirm";
import { layerOf } from "./edit";
import { openOrAsk } from "./open";

/** Opens another recipe of this checkpoint, or a new one; edits go to the one that is in front. */
export async function switchRecipe(app: App): Promise<void> {
  const file = await openOrAsk(app);
  if (!file) return;
  const recipes = await app.recipes.naming(file);
  const current = app.session.recipe?.toString();
  const items = recipes.map((uri) => ({
    label: path.basename(uri.fsPath),
    description: [
      uri.toString() === current ? "in use" : "",
      vscode.workspace.asRelativePath(path.dirname(uri.fsPath)),
    ]
      .filter((part) => part !== "")
      .join(" · "),
    uri: uri as vscode.Uri | undefined,
  }));
  const fresh = await planned(file);
  const create = { label: "$(add) New recipe", description: fresh.name, uri: undefined };
  const chosen = await vscode.window.showQuickPick([...items, create], {
    placeHolder: `Recipe that changes of ${file.name} go to`,
  });
  if (!chosen) return;
  const uri = chosen.uri ?? fresh.uri;
  if (!chosen.uri) await vscode.workspace.fs.writeFile(uri, new TextEncoder().encode(fresh.text));
  await app.recipes.remember(file.path, uri);
  await openInFront(uri);
  await app.session.open(file, uri);
}

export async function openRecipe(app: App): Promise<void> {
  const { recipe } = app.session;
  if (recipe) return openInFront(recipe);
  const file = await openOrAsk(app);
  if (!file) return;
  const target = await app.session.target();
  if (target?.exists) return openInFront(target.uri);
  tell("info", `${file.name} has no recipe yet. The first change creates one.`);
}

/** What the recipe would do, edit by edit; choosing one shows it in the text. */
export async function previewChanges(app: App, uri: unknown): Promise<void> {
  const target =
    uri instanceof vscode.Uri
      ? await existing(uri)
      : (await openOrAsk(app)) && (await app.session.target());
  if (!target) return;
  if (!target.exists)
    return tell("info", "Nothing is changed yet. The first change creates a recipe.");
  const document = await vscode.workspace.openTextDocument(target.uri);
  if (!(await readable(document))) return;
  const plan = await app.plans.of(document);
  const problems = plan.problems.map(({ severity, message, pointer }) => ({
    label: `$(${severity}) ${message}`,
    pointer,
  }));
  const changes = plan.changes.flatMap((sentence, i) =>
    lines(sentence).map((line, at) => ({
      label: `$(${at === 0 ? "edit" : "blank"}) ${line}`,
      pointer: `/edits/${i}`,
    })),
  );
  const effects = plan.effects.map((label) => ({ label: `$(blank) ${label}`, pointer: "" }));
  const share = percent(plan.trainableParameters, plan.parameters);
  const train = `${count(plan.trainableParameters)} of ${count(plan.parameters)} parameters train (${share})`;
  const chosen = await vscode.window.showQuickPick([...problems, ...changes, ...effects], {
    title: `${target.name}: ${train}`,
    placeHolder: changes.length === 0 ? "No change yet" : "Choose one to see it in the recipe",
  });
  if (chosen && chosen.pointer !== "") await revealPointer(target.uri, chosen.pointer);
}

/** The edit that changed a layer, in the text. */
export async function revealEdit(app: App, row: unknown): Promise<void> {
  const name = layerOf(row)?.name ?? app.layers.selectedLayer;
  const layer = app.session.plan?.layers.find((other) => other.name === name);
  const { recipe } = app.session;
  if (recipe && layer?.edit !== undefined) return revealPointer(recipe, `/edits/${layer.edit}`);
  tell(
    "info",
    name === undefined ? "Select a changed layer first." : `No edit of the recipe changes ${name}.`,
  );
}

export async function undo(app: App, command: "undo" | "redo"): Promise<void> {
  const { recipe } = app.session;
  const done = recipe && (await undoInRecipe(recipe, command, () => app.layers.focus()));
  if (!done) vscode.window.setStatusBarMessage(`Graft: nothing to ${command} in the recipe`, 4000);
}

async function revealPointer(uri: vscode.Uri, pointer: string): Promise<void> {
  const text = (await vscode.workspace.openTextDocument(uri)).getText();
  const span = pointerNode(text, pointer);
  await revealOffset(uri, span?.offset ?? 0, span?.length ?? 0);
}
