// How far the run is, written behind its phase as a decoration: the document does not change and is not dirty.
import * as vscode from "vscode";
import { Disposables, throttle } from "../disposables";
import { phaseLine } from "../run/progress";
import type { Runs } from "../run/store";
import { pointerNode } from "./pointers";
import { isRecipeDocument } from "./selector";

export function registerProgress(runs: Runs): vscode.Disposable {
  const store = new Disposables();
  const type = store.add(
    vscode.window.createTextEditorDecorationType({
      after: { margin: "0 0 0 2em", color: new vscode.ThemeColor("editorCodeLens.foreground") },
      rangeBehavior: vscode.DecorationRangeBehavior.ClosedClosed,
    }),
  );
  const decorated = new WeakSet<vscode.TextEditor>();
  const update = () => {
    for (const editor of vscode.window.visibleTextEditors) {
      if (!isRecipeDocument(editor.document)) continue;
      const options = decorationsOf(editor.document, runs);
      if (options.length === 0 && !decorated.has(editor)) continue;
      editor.setDecorations(type, options);
      if (options.length > 0) decorated.add(editor);
      else decorated.delete(editor);
    }
  };
  const soon = store.add(throttle(250, update));
  store.add(runs.onEvent(soon));
  store.add(runs.onDidChange(soon));
  store.add(vscode.window.onDidChangeVisibleTextEditors(soon));
  store.add(vscode.workspace.onDidChangeTextDocument(soon));
  return store;
}

function decorationsOf(document: vscode.TextDocument, runs: Runs): vscode.DecorationOptions[] {
  const progress = runs.runningOf(document.uri.fsPath);
  if (!progress) return [];
  const text = document.getText();
  const phase = pointerNode(text, `/train/${progress.phase}`) ?? pointerNode(text, "/train");
  if (!phase) return [];
  const end = document.lineAt(document.positionAt(phase.offset + phase.length)).range.end;
  return [
    {
      range: new vscode.Range(end, end),
      renderOptions: { after: { contentText: phaseLine(progress) } },
    },
  ];
}
