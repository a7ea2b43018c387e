// The Runs view: what was trained, the newest first, the live one moving.
import * as path from "node:path";
import * as vscode from "vscode";
import type { RunState, RunSummary } from "../../protocol/run";
import { Disposables, throttle } from "../disposables";
import { brief } from "./progress";
import type { Runs } from "./store";

const ICONS: Record<RunState, string> = {
  running: "sync~spin",
  finished: "pass",
  stopped: "debug-stop",
  failed: "error",
  interrupted: "debug-disconnect",
};

export function registerRunsView(runs: Runs): vscode.Disposable {
  const store = new Disposables();
  const changed = store.add(new vscode.EventEmitter<RunSummary | undefined>());
  let asked = false;
  const provider: vscode.TreeDataProvider<RunSummary> = {
    onDidChangeTreeData: changed.event,
    getTreeItem: (run) => itemOf(run, runs),
    async getChildren(run) {
      if (run) return [];
      if (!asked) {
        asked = true;
        await runs.refresh();
      }
      return [...runs.list];
    },
    getParent: () => undefined,
  };
  store.add(vscode.window.createTreeView("graft.runs", { treeDataProvider: provider }));
  const soon = store.add(throttle(500, () => changed.fire(undefined)));
  store.add(runs.onDidChange(soon));
  store.add(runs.onEvent(({ event }) => (event.event === "step" ? undefined : soon())));
  return store;
}

function itemOf(run: RunSummary, runs: Runs): vscode.TreeItem {
  const live = runs.at(run.run);
  const state = live?.state ?? run.state;
  const item = new vscode.TreeItem(path.basename(run.recipe));
  const started = new Date(run.started).toLocaleString();
  const where = state === "running" && live ? brief(live) : `epoch ${run.epoch}/${run.epochs}`;
  item.id = run.run;
  item.description = `${state} · ${where} · ${started}`;
  item.iconPath = new vscode.ThemeIcon(ICONS[state]);
  item.contextValue = [
    "run",
    state,
    ...(run.resumable ? ["resumable"] : []),
    ...(run.saved === undefined ? ["unsaved"] : ["saved"]),
  ].join(".");
  const saved = run.saved === undefined ? "" : `\n\nSaved as \`${run.saved}\``;
  item.tooltip = new vscode.MarkdownString(`\`${run.recipe}\`\n\n${item.description}${saved}`);
  item.accessibilityInformation = {
    label: `${path.basename(run.recipe)}, ${state}, ${where}, ${started}`,
  };
  item.command = { command: "graft.showRun", title: "Show Training", arguments: [run] };
  return item;
}
