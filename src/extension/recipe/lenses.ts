// The lenses of recipes: what can be done with each part, and how far the run is. They move without touching the text.
import * as vscode from "vscode";
import { Disposables, throttle } from "../disposables";
import type { Runs } from "../run/store";
import { lensesOf, type Lens } from "./lensModel";
import { RECIPES } from "./selector";

/** VS Code serves three changes a second; more are dropped. */
const EVERY_MS = 700;

export function registerLenses(runs: Runs): vscode.Disposable {
  const store = new Disposables();
  const changed = store.add(new vscode.EventEmitter<void>());
  const soon = store.add(throttle(EVERY_MS, () => changed.fire()));
  store.add(runs.onEvent(soon));
  store.add(runs.onDidChange(soon));
  store.add(
    vscode.languages.registerCodeLensProvider(RECIPES, {
      onDidChangeCodeLenses: changed.event,
      provideCodeLenses: (document) =>
        lensesOf(document.getText(), runs.runningOf(document.uri.fsPath)).map((lens) =>
          toCodeLens(document, lens),
        ),
    }),
  );
  return store;
}

function toCodeLens(document: vscode.TextDocument, lens: Lens): vscode.CodeLens {
  const place = document.positionAt(lens.offset);
  return new vscode.CodeLens(new vscode.Range(place, place), {
    title: lens.title,
    command: lens.command,
    arguments: [lens.run ?? document.uri],
  });
}
