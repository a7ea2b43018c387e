// Says how a run ended, and what can be done next.
import type * as vscode from "vscode";
import type { App } from "../app";
import { execute } from "../commands/execute";
import type { CommandId } from "../commands/ids";
import { Disposables } from "../disposables";
import { tell } from "../messages";
import { outcomeOf, type NextStep } from "./outcome";
import type { Progress } from "./progress";

export function registerOutcomes(app: App): vscode.Disposable {
  const store = new Disposables();
  store.add(
    app.runs.onEvent(({ event, progress }) => {
      if (event.event === "ended") void outcome(app, progress);
    }),
  );
  return store;
}

async function outcome(app: App, progress: Progress): Promise<void> {
  await app.runs.refresh();
  const resumable = app.runs.get(progress.run)?.resumable ?? false;
  const { severity, text, next } = outcomeOf(progress, resumable);
  const actions = next.map((step) => [step, () => execute(...STEPS[step](progress))] as const);
  tell(severity, text, Object.fromEntries(actions));
}

/** The command behind each button, and what it is about. */
const STEPS: Record<NextStep, (progress: Progress) => [CommandId, ...unknown[]]> = {
  "Copy Code to Load": ({ saved }) => ["graft.copyLoadCode", saved],
  "Show Training": ({ run }) => ["graft.showRun", run],
  "Save Result As…": ({ run }) => ["graft.saveResultAs", run],
  Resume: ({ run }) => ["graft.resume", run],
  "Show Log": () => ["graft.showLog"],
};
