// Runs that a closed window cut off: remembered while they go on, offered when the window is back.
import type * as vscode from "vscode";
import type { RunSummary } from "../../protocol/run";
import type { App } from "../app";
import { execute } from "../commands/execute";
import { tell } from "../messages";
import { interruptedText } from "./outcome";

const UNFINISHED = "graft.unfinishedRuns";
/** A run that was cut off still stops its step and writes its state. */
const SETTLE_MS = 1000;
const SETTLE_TRIES = 15;

export function registerInterrupted(app: App): vscode.Disposable {
  const { memory, runs } = app;
  const before = memory.get<readonly string[]>(UNFINISHED, []);
  const going = new Set<string>();
  const subscription = runs.onEvent(({ run, event }) => {
    if (event.event === "started") going.add(run);
    else if (event.event === "ended") going.delete(run);
    else return;
    void memory.update(UNFINISHED, [...going]);
  });
  // The engine is asked only where there is something to ask for.
  if (before.length > 0) {
    void memory.update(UNFINISHED, []);
    void offer(app, before);
  }
  return subscription;
}

async function offer({ runs }: App, names: readonly string[]): Promise<void> {
  await runs.refresh();
  for (const name of names) {
    const run = await settled(runs, name);
    if (!run?.resumable) continue;
    tell("info", interruptedText(run), { Resume: () => execute("graft.resume", name) });
  }
}

async function settled(runs: App["runs"], name: string): Promise<RunSummary | undefined> {
  for (let i = 0; i < SETTLE_TRIES && runs.get(name)?.state === "running"; i++) {
    await new Promise((resolve) => setTimeout(resolve, SETTLE_MS));
    await runs.refresh();
  }
  return runs.get(name);
}
