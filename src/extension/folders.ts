// Folders that come and go as a whole: moved, renamed, deleted. VS Code tells of the folder and not of the files in it, so
// that a pattern for files misses them.
import { stat } from "node:fs/promises";
import * as path from "node:path";
import * as vscode from "vscode";
import { Disposables } from "./disposables";

const IGNORED = /[\\/](?:node_modules|\.git|\.venv|venv|__pycache__)(?:[\\/]|$)/;

/** `deleted` gets everything that goes, files too: nobody can tell any more what it was. */
export function watchFolders(
  created: () => void,
  deleted: (path: string) => void,
): vscode.Disposable {
  const store = new Disposables();
  const watcher = store.add(vscode.workspace.createFileSystemWatcher("**/*", false, true, false));
  store.add(
    watcher.onDidCreate(async ({ scheme, fsPath }) => {
      if (scheme !== "file" || IGNORED.test(fsPath)) return;
      const found = await stat(fsPath).catch(() => undefined); // gone again
      if (found?.isDirectory()) created();
    }),
  );
  store.add(watcher.onDidDelete(({ fsPath }) => deleted(fsPath)));
  return store;
}

export function isInside(folder: string, file: string): boolean {
  return file.startsWith(folder + path.sep);
}
