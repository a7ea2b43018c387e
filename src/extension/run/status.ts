// The status bar item: there only while something runs.
import * as vscode from "vscode";
import { Disposables, throttle } from "../disposables";
import { brief, spoken } from "./progress";
import type { Runs } from "./store";

export function registerStatus(runs: Runs): vscode.Disposable {
  const store = new Disposables();
  const item = store.add(
    vscode.window.createStatusBarItem("graft.status", vscode.StatusBarAlignment.Left, 50),
  );
  item.name = "Graft Training";
  const update = () => {
    const { running } = runs;
    const last = running.at(-1);
    void vscode.commands.executeCommand("setContext", "graft.running", last !== undefined);
    if (!last) return item.hide();
    item.text = `$(sync~spin) Graft ${brief(last)}`;
    item.tooltip = "Show the training";
    item.accessibilityInformation = { label: spoken(last) };
    item.command = { command: "graft.showRun", title: "Show Training", arguments: [last.run] };
    item.show();
  };
  const soon = store.add(throttle(500, update));
  store.add(runs.onEvent(soon));
  store.add(runs.onDidChange(soon));
  return store;
}
