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
  const folder = path.join(cache, "runs", run);
  const file = path.join(
    folder,
    fs
      .readdirSync(folder)
      .filter((name) => /^claim/.test(name))
      .at(-1)!,
  );
  const claim = JSON.parse(fs.readFileSync(file, "utf8"));
  // The same number, but a process that began at another time: as after a reboot.
  const owner = claim.owner.replace(/-\d+-/, "-1-");
  fs.writeFileSync(file, JSON.stringify({ ...claim, owner }));
}

test("a run goes on, ends, goes on again, and is interrupted when its process is gone", async () => {
  const { run } = make();
  expect(state()).toBe("running");
  appendEvent(openRun(run), ended("stopped"));
  expect(state()).toBe("stopped");
  await claimRun(openRun(run));
  expect(state()).toBe("running");
  abandon(run);
  expect(state()).toBe("interrupted");
});

test("a run is busy from the moment that it is claimed again", async () => {
  const { run } = make();
  appendEvent(openRun(run), ended("stopped"));
  refuseBusy(openRun(run));
  await claimRun(openRun(run));
  // Before the process has said that it started, too.
  expect(() => refuseBusy(openRun(run))).toThrow(/still going on/);
});

test("a run that goes on is not claimed twice, one that was interrupted once", async () => {
  const { run } = make();
  await claimRun(openRun(run));
  await expect(claimRun(openRun(run))).rejects.toMatchObject({ code: "run-busy" });
  abandon(run);
  const tries = await Promise.allSettled([1, 2, 3].map(() => claimRun(openRun(run))));
  expect(tries.filter(({ status }) => status === "fulfilled")).toHaveLength(1);
});

test("a line that a crash cut short costs itself only", async () => {
  const { run, folder } = make();
  const note = (text: string): RunEvent => ({ event: "note", text });
  appendEvent(openRun(run), note("one"));
  fs.appendFileSync(path.join(folder, "events.jsonl"), '{"event":"note","te');
  await claimRun(openRun(run));
  appendEvent(openRun(run), note("two"));
  expect(readEvents(run)).toEqual([note("one"), note("two")]);
});

test("a name that is no run's leads nowhere", () => {
  for (const name of ["../../etc", "a/b", "", "nothing"])
    expect(() => openRun(name)).toThrow(expect.objectContaining({ code: "run-not-found" }));
});
