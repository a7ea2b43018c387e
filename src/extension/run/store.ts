// The runs that this window knows: their summaries, their events, and where each one is.
import * as vscode from "vscode";
import type { Result } from "../../protocol/engine";
import type { RunEvent, RunSummary } from "../../protocol/run";
import { Disposables } from "../disposables";
import type { EngineClient } from "../engine/client";
import { messageOf } from "../engine/errors";
import { samePath } from "../files";
import { EventLog } from "./events";
import { advance, startOf, type Progress } from "./progress";

export class Runs implements vscode.Disposable {
  private readonly store = new Disposables();
  private readonly changed = this.store.add(new vscode.EventEmitter<void>());
  private readonly happened = this.store.add(
    new vscode.EventEmitter<{ run: string; event: RunEvent; progress: Progress }>(),
  );
  private readonly progress = new Map<string, Progress>();
  private readonly logs = new Map<string, EventLog>();
  private summaries: readonly RunSummary[] = [];

  /** The list of runs, or the state of one, changed. */
  readonly onDidChange = this.changed.event;
  readonly onEvent = this.happened.event;

  constructor(
    private readonly engine: EngineClient,
    private readonly log: vscode.LogOutputChannel,
  ) {
    this.store.add(
      engine.onRunEvents(({ run, events }) => {
        for (const event of events) this.receive(run, event);
      }),
    );
    this.store.add(engine.onStopped(() => this.lose()));
    this.store.add(engine.onRestarted(() => void this.refresh()));
  }

  /** The runs that go on now, latest last. */
  get running(): readonly Progress[] {
    return [...this.progress.values()].filter(({ state }) => state === "running");
  }

  runningOf(recipe: string): Progress | undefined {
    return this.running.find((run) => run.recipe !== "" && samePath(run.recipe, recipe));
  }

  /** The runs of this workspace's recipes, the newest first. */
  get list(): readonly RunSummary[] {
    return this.summaries.filter(({ run, recipe }) => this.progress.has(run) || isHere(recipe));
  }

  get(run: string): RunSummary | undefined {
    return this.summaries.find((summary) => summary.run === run);
  }

  at(run: string): Progress | undefined {
    return this.progress.get(run);
  }

  /** Asks the engine; resolves with `list`. */
  async refresh(): Promise<readonly RunSummary[]> {
    try {
      const runs = await this.engine.call("runs", null);
      this.summaries = runs.toSorted((a, b) => b.started.localeCompare(a.started));
    } catch (error) {
      this.log.warn(`Listing the runs: ${messageOf(error)}`);
    }
    this.changed.fire();
    return this.list;
  }

  async start(path: string, text: string): Promise<string> {
    const { run } = await this.engine.call("startRun", { path, text });
    await this.began(run, path);
    return run;
  }

  async resume(run: string): Promise<string> {
    const before = this.get(run);
    // The engine may go on under the same name: what is kept of the run so far is asked for again.
    this.logs.delete(run);
    this.progress.delete(run);
    const resumed = await this.engine.call("resumeRun", { run });
    await this.began(resumed.run, before?.recipe ?? "");
    return resumed.run;
  }

  async stop(run: string): Promise<void> {
    try {
      await this.engine.call("stopRun", { run });
    } catch (error) {
      // It is over, and its end was missed: what the engine wrote down counts.
      await this.refresh();
      const progress = this.progress.get(run);
      const state = this.get(run)?.state ?? "interrupted";
      if (progress && state !== "running")
        this.progress.set(run, { ...progress, state, stage: "ended" });
      this.changed.fire();
      throw error;
    }
  }

  /** Writes what a run has learned as a checkpoint. */
  async save(run: string, as: string): Promise<Result<"saveRun">> {
    const result = await this.engine.call("saveRun", { run, as });
    // The engine notes it among the run's events, which are asked for again.
    this.logs.delete(run);
    await this.refresh();
    return result;
  }

  /** Every event of a run so far; those that come meanwhile are in it once. */
  async events(run: string): Promise<readonly RunEvent[]> {
    const log = this.logOf(run);
    if (!log.complete) log.prepend(await this.engine.call("runEvents", { run }));
    return log.all();
  }

  dispose(): void {
    this.store.dispose();
  }

  private async began(run: string, recipe: string): Promise<void> {
    if (!this.progress.has(run)) this.progress.set(run, startOf(run, recipe));
    await this.refresh();
  }

  private receive(run: string, event: RunEvent): void {
    this.logOf(run).add(event);
    const progress = advance(this.progress.get(run) ?? startOf(run), event);
    this.progress.set(run, progress);
    this.happened.fire({ run, event, progress });
    if (event.event === "started") void this.refresh();
    if (event.event === "ended") {
      void this.refresh();
      this.changed.fire();
    }
  }

  /** The engine is gone, and its runs with it. */
  private lose(): void {
    for (const [run, progress] of this.progress) {
      if (progress.state === "running")
        this.progress.set(run, { ...progress, state: "interrupted", stage: "ended" });
    }
    this.changed.fire();
  }

  private logOf(run: string): EventLog {
    let log = this.logs.get(run);
    if (!log) this.logs.set(run, (log = new EventLog()));
    return log;
  }
}

/** The engine keeps the runs of every folder; a window shows those that it is about. */
function isHere(recipe: string): boolean {
  const { workspaceFolders = [], textDocuments } = vscode.workspace;
  return (
    workspaceFolders.length === 0 ||
    vscode.workspace.getWorkspaceFolder(vscode.Uri.file(recipe)) !== undefined ||
    textDocuments.some(({ uri }) => uri.scheme === "file" && samePath(uri.fsPath, recipe))
  );
}
