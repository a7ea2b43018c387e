// Runs on disk: a folder each, with the recipe as it was, the events and the state. What a crash leaves is enough
// to show the run, and to go on.
import { randomBytes } from "node:crypto";
import * as fs from "node:fs";
import * as path from "node:path";
import { GraftError } from "../../protocol/errors";
import type { RunEvent, RunState, RunSummary } from "../../protocol/run";
import { runsFolder } from "../cache/folder";

interface RunRecord {
  readonly recipe: string;
  readonly checkpoint: string;
  readonly started: string;
  /** The process that trains; a run without an end whose process is gone was interrupted. */
  readonly pid: number;
  /** How often the run had ended when that process began. */
  readonly ends: number;
}

const RECORD = "run.json";
const RECIPE = "recipe.graft.json";
const EVENTS = "events.jsonl";
const STATE = "state.bin";

export interface RunFolder {
  readonly run: string;
  readonly folder: string;
  readonly stateFile: string;
}

const folderOf = (run: string): RunFolder => {
  if (!/^[\w-]+$/.test(run))
    throw new GraftError("run-not-found", `${run} is not the name of a run.`);
  const folder = path.join(runsFolder(), run);
  return { run, folder, stateFile: path.join(folder, STATE) };
};

/** A new run of `recipe`, whose text is kept as it is now. */
export function createRun(recipe: string, checkpoint: string, text: string): RunFolder {
  const stamp = new Date().toISOString().replace(/[-:]/g, "").replace(/\..*/, "");
  const run = folderOf(`${stamp}-${randomBytes(3).toString("hex")}`);
  fs.mkdirSync(run.folder, { recursive: true });
  fs.writeFileSync(path.join(run.folder, RECIPE), text);
  const started = new Date().toISOString();
  writeRecord(run, { recipe, checkpoint, started, pid: process.pid, ends: 0 });
  return run;
}

function writeRecord(run: RunFolder, record: RunRecord): void {
  const file = path.join(run.folder, RECORD);
  fs.writeFileSync(`${file}.tmp`, JSON.stringify(record));
  fs.renameSync(`${file}.tmp`, file);
}

export interface OpenedRun extends RunFolder {
  readonly record: RunRecord;
  /** The recipe's text as it was when the run began. */
  readonly text: string;
}

/** Throws `run-not-found`. */
export function openRun(name: string): OpenedRun {
  const run = folderOf(name);
  try {
    const record = JSON.parse(fs.readFileSync(path.join(run.folder, RECORD), "utf8")) as RunRecord;
    return { ...run, record, text: fs.readFileSync(path.join(run.folder, RECIPE), "utf8") };
  } catch (cause) {
    throw new GraftError("run-not-found", `There is no run ${name}.`, { cause });
  }
}

export const busy = (run: string): GraftError =>
  new GraftError("run-busy", `The run ${run} is still going on in another process.`);

/** Throws `run-busy` while another process trains the run. */
export function refuseBusy(run: OpenedRun): void {
  if (summarize(run).state === "running") throw busy(run.run);
}

/** Makes this process the one that trains the run. */
export function claimRun(run: OpenedRun): void {
  const ends = countEnds(readEvents(run.run));
  writeRecord(run, { ...run.record, pid: process.pid, ends });
  // So that a line which a crash cut short does not take the next one with it.
  if (fs.existsSync(eventsFile(run))) fs.appendFileSync(eventsFile(run), "\n");
}

const countEnds = (events: readonly RunEvent[]): number =>
  events.filter((event) => event.event === "ended").length;

const eventsFile = (run: RunFolder): string => path.join(run.folder, EVENTS);

/** Steps pass too quickly to be kept. */
export function appendEvent(run: RunFolder, event: RunEvent): void {
  if (event.event === "step") return;
  fs.appendFileSync(eventsFile(run), `${JSON.stringify(event)}\n`);
}

/** The events so far. A line that a crash cut short is left out. */
export function readEvents(name: string): RunEvent[] {
  const file = eventsFile(folderOf(name));
  if (!fs.existsSync(file)) return [];
  return fs
    .readFileSync(file, "utf8")
    .split("\n")
    .flatMap((line) => {
      try {
        return [JSON.parse(line) as RunEvent];
      } catch {
        return [];
      }
    });
}

/** All runs, the newest first. */
export function listRuns(): RunSummary[] {
  if (!fs.existsSync(runsFolder())) return [];
  return fs
    .readdirSync(runsFolder())
    .sort()
    .reverse()
    .flatMap((name) => {
      try {
        return [summarize(openRun(name))];
      } catch (error) {
        // A folder that is no run, or one that was being made when the machine stopped.
        if (error instanceof GraftError) return [];
        throw error;
      }
    });
}

export function summarize(run: OpenedRun): RunSummary {
  const events = readEvents(run.run);
  const started = events.findLast((event) => event.event === "started");
  const ended = events.findLast((event) => event.event === "ended");
  const saved = events.findLast((event) => event.event === "saved");
  const isOver = countEnds(events) > run.record.ends;
  const state: RunState = isOver
    ? ended!.state
    : isAlive(run.record.pid)
      ? "running"
      : "interrupted";
  const hasState = fs.existsSync(run.stateFile);
  return {
    run: run.run,
    recipe: run.record.recipe,
    checkpoint: run.record.checkpoint,
    started: run.record.started,
    state,
    resumable: hasState && (state === "stopped" || state === "interrupted" || state === "failed"),
    epoch: epochsDone(events),
    epochs: started?.epochs ?? 0,
    ...(saved && { saved: saved.path }),
  };
}

/** Epochs over all phases; a resumed run tells an epoch again only if it trained it again. */
const epochsDone = (events: readonly RunEvent[]): number =>
  new Set(
    events.flatMap((event) => (event.event === "epoch" ? [`${event.phase}.${event.epoch}`] : [])),
  ).size;

function isAlive(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch (error) {
    return (error as NodeJS.ErrnoException).code === "EPERM";
  }
}
