// Runs on disk: a folder each, with the recipe as it was, the events and the state. What a crash leaves is enough
// to show the run, and to go on.
import { randomBytes } from "node:crypto";
import * as fs from "node:fs";
import * as path from "node:path";
import { GraftError } from "../../protocol/errors";
import type { RunEvent, RunState, RunSummary } from "../../protocol/run";
import { makeFolder, writeFailed } from "../cache/durable";
import { runsFolder } from "../cache/folder";
import { isAlive, OWNER } from "../files/owner";
import { sweepTemporaries, temporaryName } from "../files/replace";

interface RunRecord {
  readonly recipe: string;
  readonly checkpoint: string;
  readonly started: string;
  /** The process that made the run; another one may train it. */
  readonly creator: string;
}

/** A process that took the run to train it. A run without an end whose process is gone was interrupted. */
interface Claim {
  readonly owner: string;
  /** How often the run had ended when that process took it. */
  readonly ends: number;
}

const RECORD = "run.json";
const RECIPE = "recipe.graft.json";
const EVENTS = "events.jsonl";
const STATE = "state.bin";
/** Claims are numbered: whoever makes the next one has the run, and only one can. */
const CLAIM = /^claim-(\d+)\.json$/;

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
  makeFolder(run.folder);
  const started = new Date().toISOString();
  const record: RunRecord = { recipe, checkpoint, started, creator: OWNER };
  // The record comes last: a folder without one is no run yet.
  const file = path.join(run.folder, RECORD);
  try {
    fs.writeFileSync(path.join(run.folder, RECIPE), text, { flush: true });
    fs.writeFileSync(`${file}.tmp`, JSON.stringify(record), { flush: true });
    fs.renameSync(`${file}.tmp`, file);
  } catch (error) {
    throw writeFailed(file, error);
  }
  return run;
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

/** Throws `run-busy` while a process trains the run. */
export function refuseBusy(run: OpenedRun): void {
  if (summarize(run).state === "running") throw busy(run.run);
}

/** Makes this process the one that trains the run. Throws `run-busy` where another one does, or was quicker. */
export async function claimRun(run: OpenedRun): Promise<void> {
  const { number, claim } = latestClaim(run);
  const ends = countEnds(readEvents(run.run));
  if (claim !== undefined && ends <= claim.ends && isAlive(claim.owner)) throw busy(run.run);
  const file = (of: number) => path.join(run.folder, `claim-${of}.json`);
  // Linked in place, so that it is never seen without its content; a link does not replace what is there.
  const draft = temporaryName(file(number + 1));
  try {
    fs.writeFileSync(draft, JSON.stringify({ owner: OWNER, ends } satisfies Claim));
    fs.linkSync(draft, file(number + 1));
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === "EEXIST") throw busy(run.run);
    throw writeFailed(file(number + 1), error);
  } finally {
    fs.rmSync(draft, { force: true });
  }
  // Not the last one: who looks at it just now must find it.
  fs.rmSync(file(number - 1), { force: true });
  await sweepTemporaries(run.folder);
  // So that a line which a crash cut short does not take the next one with it.
  if (fs.existsSync(eventsFile(run))) fs.appendFileSync(eventsFile(run), "\n");
}

/** The claim with the highest number; 0 where there is none. */
function latestClaim(run: RunFolder): { readonly number: number; readonly claim?: Claim } {
  const numbers = fs
    .readdirSync(run.folder)
    .flatMap((name) => (CLAIM.test(name) ? [Number(CLAIM.exec(name)![1])] : []));
  const number = Math.max(0, ...numbers);
  if (number === 0) return { number };
  const text = fs.readFileSync(path.join(run.folder, `claim-${number}.json`), "utf8");
  return { number, claim: JSON.parse(text) as Claim };
}

const countEnds = (events: readonly RunEvent[]): number =>
  events.filter((event) => event.event === "ended").length;

const eventsFile = (run: RunFolder): string => path.join(run.folder, EVENTS);

/** Steps pass too quickly to be kept. Throws `write-failed`. */
export function appendEvent(run: RunFolder, event: RunEvent): void {
  if (event.event === "step") return;
  try {
    fs.appendFileSync(eventsFile(run), `${JSON.stringify(event)}\n`);
  } catch (error) {
    throw writeFailed(eventsFile(run), error);
  }
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
  const { claim = { owner: run.record.creator, ends: 0 } } = latestClaim(run);
  const isOver = countEnds(events) > claim.ends;
  const state: RunState = isOver ? ended!.state : isAlive(claim.owner) ? "running" : "interrupted";
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
