// The one window that the tests in the extension host share: each test has a folder of its own in it, and leaves nothing open.
import { mkdtempSync, readdirSync, readFileSync, renameSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { basename, join } from "node:path";
import * as vscode from "vscode";
import type { App } from "../../../../src/extension/app";
import type { Api } from "../../../../src/extension/extension";
import { fill, type Content } from "../../harness/content";

export const EXTENSION = "graft.graft-model-inspector";
const PATIENCE = 15_000;

function extension(): vscode.Extension<Api> {
  const found = vscode.extensions.getExtension<Api>(EXTENSION);
  if (!found) throw new Error(`${EXTENSION} is not installed`);
  return found;
}

export const graft = async (): Promise<App> => (await extension().activate()).app;

/** Resolves with the first value that says something. */
export async function until<T>(
  what: string,
  value: () => T | Promise<T>,
): Promise<Exclude<T, undefined | false | null>> {
  const end = Date.now() + PATIENCE;
  for (;;) {
    const now = await value();
    if (now !== undefined && now !== false && now !== null)
      return now as Exclude<T, undefined | false | null>;
    if (Date.now() > end) throw new Error(`This did not come true: ${what}`);
    await new Promise((resolve) => setTimeout(resolve, 20));
  }
}

export class Folder {
  constructor(
    readonly app: App,
    readonly path: string,
  ) {}

  at(name: string): string {
    return join(this.path, name);
  }

  uri(name: string): vscode.Uri {
    return vscode.Uri.file(this.at(name));
  }

  read(name: string): string {
    return readFileSync(this.at(name), "utf8");
  }

  /** Names of all files, with their folders. */
  files(): string[] {
    const all = readdirSync(this.path, { recursive: true, withFileTypes: true });
    return all
      .filter((entry) => entry.isFile())
      .map((entry) => join(entry.parentPath, entry.name).slice(this.path.length + 1))
      .sort();
  }

  /** Bytes of every file whose name matches. */
  bytes(name: RegExp): Map<string, Buffer> {
    const matching = this.files().filter((file) => name.test(file));
    return new Map(matching.map((file) => [file, readFileSync(this.at(file))]));
  }

  async document(name: string): Promise<vscode.TextDocument> {
    return vscode.workspace.openTextDocument(this.uri(name));
  }
}

/** A new folder in the workspace. It appears with everything in it. */
export function makeFolder(app: App, content: Content): Folder {
  const workspace = vscode.workspace.workspaceFolders?.[0]?.uri.fsPath;
  if (workspace === undefined) throw new Error("No folder is open");
  const draft = mkdtempSync(join(tmpdir(), "graft-folder-"));
  fill(extension().extensionPath, draft, content);
  const path = join(workspace, basename(draft));
  renameSync(draft, path);
  return new Folder(app, path);
}

/** A new folder with one checkpoint, which is open. */
export async function openFolder(content: Content): Promise<Folder> {
  const app = await graft();
  const folder = makeFolder(app, content);
  await app.checkpoints.refresh();
  await until("the only checkpoint is open", () => app.session.plan);
  return folder;
}

export async function openIn(folder: Folder, file: string): Promise<void> {
  await vscode.commands.executeCommand("graft.inspect", folder.uri(file));
  const { session } = folder.app;
  await until("it is read", () => session.plan !== undefined || session.shown?.failure);
}

/** Waits until the tree shows what `layer` says. */
export function layerIs(app: App, name: string, state: string): Promise<true> {
  return until(`${name} is ${state}`, () => {
    const layer = app.session.plan?.layers.find((other) => other.name === name);
    return layer?.state === state;
  });
}

/** As typed: one change of the text, not saved. */
export async function type(document: vscode.TextDocument, from: string, to: string): Promise<void> {
  const start = document.getText().indexOf(from);
  if (start < 0) throw new Error(`${document.uri.path} does not contain ${from}`);
  const range = new vscode.Range(
    document.positionAt(start),
    document.positionAt(start + from.length),
  );
  const edit = new vscode.WorkspaceEdit();
  edit.replace(document.uri, range, to);
  if (!(await vscode.workspace.applyEdit(edit))) throw new Error("The edit was not applied");
}

/** After each test: no run, no editor, no file. */
export async function cleanUp(): Promise<void> {
  const app = await graft();
  for (const { run } of app.runs.running) await app.runs.stop(run).catch(() => {});
  await until("no run goes on", () => app.runs.running.length === 0);
  const [workspace] = vscode.workspace.workspaceFolders ?? [];
  const root = workspace?.uri.fsPath ?? "";
  const dirty = vscode.workspace.textDocuments.filter(
    ({ isDirty, uri }) => isDirty && uri.fsPath.startsWith(root),
  );
  for (const document of dirty) {
    await vscode.window.showTextDocument(document);
    await vscode.commands.executeCommand("workbench.action.files.revert");
  }
  await vscode.commands.executeCommand("workbench.action.closeAllEditors");
  app.layers.filter = "";
  for (const name of readdirSync(root)) rmSync(join(root, name), { recursive: true, force: true });
  await app.checkpoints.refresh();
  await until("no checkpoint is shown", () => app.session.shown === undefined);
}
