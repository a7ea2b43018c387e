// Runs: watched by their events, found on disk, and killed.
import { existsSync, readdirSync, statSync } from "node:fs";
import { join } from "node:path";
import * as vscode from "vscode";
import type { RunEvent } from "../../../../src/protocol/run";
import type { App } from "../../../../src/extension/app";
import { jobPid } from "../../../claims";
import { until, type Folder } from "./window";

export type EventOf<Name extends RunEvent["event"]> = Extract<RunEvent, { event: Name }>;

/** What a run tells from now on. */
export class Watched {
  readonly events: RunEvent[] = [];
  private readonly subscription: vscode.Disposable;

  constructor(app: App) {
    this.subscription = app.runs.onEvent(({ event }) => this.events.push(event));
  }

  all<Name extends RunEvent["event"]>(name: Name): EventOf<Name>[] {
    return this.events.filter((event): event is EventOf<Name> => event.event === name);
  }

  first<Name extends RunEvent["event"]>(name: Name): Promise<EventOf<Name>> {
    return until(`the run tells ${name}`, () => this.all(name)[0]);
  }

  async ended(): Promise<EventOf<"ended">> {
    const ended = await this.first("ended");
    this.subscription.dispose();
    return ended;
  }
}

/** Trains a recipe as its lens does. */
export async function train(folder: Folder, recipe: string): Promise<Watched> {
  const watched = new Watched(folder.app);
  await vscode.commands.executeCommand("graft.train", folder.uri(recipe));
  return watched;
}

export async function startedRun(app: App): Promise<string> {
  return (await until("a run goes on", () => app.runs.running[0])).run;
}

const folderOf = (run: string) => join(process.env.GRAFT_CACHE_DIR ?? "", "runs", run);

/** The process that trains, from the moment it took the run. */
export const jobOf = (run: string): Promise<number> =>
  until("a process has the run", () =>
    readdirSync(folderOf(run)).some((name) => name.startsWith("claim-"))
      ? jobPid(folderOf(run))
      : undefined,
  );

/** Waits until the run has kept epochs: the first state that it keeps is the one that it starts from. */
export async function epochsKept(run: string): Promise<void> {
  const file = join(folderOf(run), "state.bin");
  const written = () => (existsSync(file) ? statSync(file).mtimeMs : undefined);
  const first = await until("the run has kept where it starts", written);
  await until("the run has kept epochs", () => written() !== first);
}
