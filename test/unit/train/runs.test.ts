// Runs on disk: what their folder says about them, whatever happened to the process that trained.
import * as fs from "node:fs";
import * as os from "node:os";
import * as path from "node:path";
import { afterEach, beforeEach, expect, test } from "vitest";
import type { RunEvent } from "../../../src/protocol/run";
import {
  appendEvent,
  claimRun,
  createRun,
  listRuns,
  openRun,
  readEvents,
  refuseBusy,
} from "../../../src/engine/train/runs";

let cache: string;
const before = process.env["GRAFT_CACHE_DIR"];
beforeEach(() => {
  cache = fs.mkdtempSync(path.join(os.tmpdir(), "graft-runs-"));
  process.env["GRAFT_CACHE_DIR"] = cache;
});
afterEach(() => {
  if (before === undefined) delete process.env["GRAFT_CACHE_DIR"];
  else process.env["GRAFT_CACHE_DIR"] = before;
  fs.rmSync(cache, { recursive: true, force: true });
});

const ended = (state: "stopped" | "finished"): RunEvent => ({
  event: "ended",
  state,
  message: "",
  prefixSamples: 0,
  seconds: 1,
});
const make = () => createRun("/r.graft.json", "/m.ckpt", "{}");
const state = () => listRuns()[0].state;
/** As if the process that claimed the run were gone. */
function abandon(run: string): void {
  const file = path.join(cache, "runs", run, "run.json");
  const record = JSON.parse(fs.readFileSync(file, "utf8"));
  // The largest number that a process can have, and so never does.
  fs.writeFileSync(file, JSON.stringify({ ...record, pid: 2 ** 22 + 1 }));
}

test("a run goes on, ends, goes on again, and is interrupted when its process is gone", () => {
  const { run } = make();
  expect(state()).toBe("running");
  appendEvent(openRun(run), ended("stopped"));
  expect(state()).toBe("stopped");
  claimRun(openRun(run));
  expect(state()).toBe("running");
  abandon(run);
  expect(state()).toBe("interrupted");
});

test("a run is busy from the moment that it is claimed again", () => {
  const { run } = make();
  appendEvent(openRun(run), ended("stopped"));
  refuseBusy(openRun(run));
  claimRun(openRun(run));
  // Before the process has said that it started, too.
  expect(() => refuseBusy(openRun(run))).toThrow(/still going on/);
});

test("a line that a crash cut short costs itself only", () => {
  const { run, folder } = make();
  const note = (text: string): RunEvent => ({ event: "note", text });
  appendEvent(openRun(run), note("one"));
  fs.appendFileSync(path.join(folder, "events.jsonl"), '{"event":"note","te');
  claimRun(openRun(run));
  appendEvent(openRun(run), note("two"));
  expect(readEvents(run)).toEqual([note("one"), note("two")]);
});

test("a name that is no run's leads nowhere", () => {
  for (const name of ["../../etc", "a/b", "", "nothing"])
    expect(() => openRun(name)).toThrow(expect.objectContaining({ code: "run-not-found" }));
});
