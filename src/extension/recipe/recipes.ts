// The recipes of the workspace, which checkpoint each names, and which one is in use for a checkpoint.
import * as path from "node:path";
import * as vscode from "vscode";
import type { CheckpointFile } from "../../protocol/checkpoint";
import { Disposables, debounce } from "../disposables";
import { EXCLUDE_GLOB, isRecipe, RECIPE_GLOB, samePath } from "../files";
import { isInside, watchFolders } from "../folders";
import { chooseRecipe, type ActiveRecipe } from "./active";
import { readRecipe } from "./text";

const MOST_RECIPES = 500;
const LAST_USED = "graft.lastRecipes";

export class Recipes implements vscode.Disposable {
  private readonly store = new Disposables();
  private readonly changed = this.store.add(new vscode.EventEmitter<void>());

  private inWorkspace: Thenable<readonly vscode.Uri[]> | undefined;
  /** What was found there last. */
  private known: readonly vscode.Uri[] = [];

  /** Recipes were created, deleted or written on disk. */
  readonly onDidChange = this.changed.event;

  constructor(private readonly memory: vscode.Memento) {
    const watcher = this.store.add(vscode.workspace.createFileSystemWatcher(RECIPE_GLOB));
    const fire = this.store.add(
      debounce(200, () => {
        this.inWorkspace = undefined;
        this.changed.fire();
      }),
    );
    this.store.add(watcher.onDidCreate(fire));
    this.store.add(watcher.onDidChange(fire));
    this.store.add(watcher.onDidDelete(fire));
    const within = (folder: string) => this.known.some(({ fsPath }) => isInside(folder, fsPath));
    this.store.add(watchFolders(fire, (folder) => within(folder) && fire()));
    this.store.add(vscode.workspace.onDidChangeWorkspaceFolders(fire));
  }

  /** Every recipe that names the checkpoint, from the workspace and from the checkpoint's own folder. */
  async naming(file: CheckpointFile): Promise<readonly vscode.Uri[]> {
    const found = new Map<string, vscode.Uri>();
    const add = (uri: vscode.Uri) => found.set(uri.toString(), uri);
    for (const { uri } of vscode.workspace.textDocuments)
      if (uri.scheme === "file" && isRecipe(uri.fsPath)) add(uri);
    this.inWorkspace ??= vscode.workspace.findFiles(RECIPE_GLOB, EXCLUDE_GLOB, MOST_RECIPES);
    this.known = await this.inWorkspace;
    this.known.forEach(add);
    const folder = vscode.Uri.file(path.dirname(file.path));
    for (const [name] of await readFolder(folder))
      if (isRecipe(name)) add(vscode.Uri.joinPath(folder, name));
    const naming: vscode.Uri[] = [];
    for (const uri of found.values()) {
      const named = await readCheckpoint(uri);
      if (named !== undefined && names(named, file)) naming.push(uri);
    }
    return naming.sort((a, b) => a.fsPath.localeCompare(b.fsPath));
  }

  /** Where the next edit of this checkpoint goes. */
  async active(file: CheckpointFile): Promise<ActiveRecipe> {
    const naming = (await this.naming(file)).map((uri) => uri.fsPath);
    const editor = vscode.window.activeTextEditor?.document.uri;
    const last = this.memory.get<Record<string, string>>(LAST_USED, {})[file.path];
    return chooseRecipe({
      naming,
      ...(editor && naming.includes(editor.fsPath) ? { editor: editor.fsPath } : {}),
      ...(last === undefined ? {} : { last }),
    });
  }

  async remember(checkpoint: string, recipe: vscode.Uri): Promise<void> {
    const last = this.memory.get<Record<string, string>>(LAST_USED, {});
    if (last[checkpoint] === recipe.fsPath) return;
    await this.memory.update(LAST_USED, { ...last, [checkpoint]: recipe.fsPath });
  }

  dispose(): void {
    this.store.dispose();
  }
}

/** The checkpoint that a recipe's text names, resolved against the recipe's folder. */
export function namedCheckpoint(recipe: string, text: string): string | undefined {
  const { checkpoint } = readRecipe(text);
  if (typeof checkpoint !== "string" || checkpoint === "") return undefined;
  return path.resolve(path.dirname(recipe), checkpoint);
}

/** Whether a path in a recipe means the checkpoint: its prefix, or one of its files. */
export function names(named: string, file: CheckpointFile): boolean {
  return samePath(named, file.path) || file.files.some((other) => samePath(named, other));
}

/** The text in the editor where it is not saved, else the one on disk: VS Code keeps documents whose file was deleted. */
async function readCheckpoint(uri: vscode.Uri): Promise<string | undefined> {
  const unsaved = vscode.workspace.textDocuments.find(
    (document) => document.isDirty && document.uri.toString() === uri.toString(),
  );
  try {
    const text =
      unsaved?.getText() ?? new TextDecoder().decode(await vscode.workspace.fs.readFile(uri));
    return namedCheckpoint(uri.fsPath, text);
  } catch {
    return undefined; // deleted meanwhile, or not readable: it names nothing
  }
}

async function readFolder(folder: vscode.Uri): Promise<readonly [string, vscode.FileType][]> {
  try {
    return await vscode.workspace.fs.readDirectory(folder);
  } catch {
    return [];
  }
}
