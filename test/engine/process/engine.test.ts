// The engine process and its jobs: what happens when one of them, or the window, goes away.
import * as fs from "node:fs";
import * as path from "node:path";
import { afterAll, afterEach, beforeAll, beforeEach, expect, test, vi } from "vitest";
import { CancellationTokenSource } from "vscode-jsonrpc/node";
import { jobPid } from "../../claims";
import { digits, recipe, type Workplace } from "../train/world";
import { engine, type EngineProcess } from "./processes";

let place: Workplace;
let cache: string;
let running: EngineProcess;
beforeAll(() => {
  place = digits();
  cache = path.join(place.folder, "cache");
});
afterAll(() => place.dispose());
beforeEach(() => {
  running = engine(cache);
});
afterEach(() => void running.child.kill());

const file = (name: string) => path.join(place.folder, name);
const text = (more: object) => ({ path: file("r.graft.json"), text: JSON.stringify(recipe(more)) });
const endless = () =>
  text({ train: [{ epochs: 1_000_000, batch: 10 }], save: { as: "endless.ckpt" } });
const epoch = (number: number) => (event: { event: string; epoch?: number }) =>
  event.event === "epoch" && event.epoch! >= number;
const gone = async (pid: number) => {
  for (let tries = 0; tries < 200; tries++) {
    try {
      process.kill(pid, 0);
    } catch {
      return true;
    }
    await new Promise((resolve) => setTimeout(resolve, 50));
  }
  return false;
};
const jobOf = (run: string) => jobPid(path.join(cache, "runs", run));

test("recognizes a checkpoint by any of its files", async () => {
  const files = fs.readdirSync(place.folder).map(file);
  const found = await running.request("recognize", { files });
  expect(found.map((each) => [each.name, each.formatLabel])).toEqual([
    ["digits_0_to_4.ckpt", "TensorFlow 1"],
  ]);
});

test("trains in the background, and tells it in events", async () => {
  const ended = running.event((event) => event.event === "ended");
  const { run } = await running.request("startRun", text({ save: { as: "done.ckpt" } }));
  expect(await ended).toMatchObject({ state: "finished" });
  expect(fs.existsSync(file("done.ckpt.index"))).toBe(true);
  const [latest] = await running.request("runs", null);
  expect(latest).toMatchObject({
    run,
    state: "finished",
    epoch: 3,
    epochs: 3,
    saved: file("done.ckpt"),
  });
});

test("a job that is killed is told, and the next run works", async () => {
  const reached = running.event(epoch(3));
  const ended = running.event((event) => event.event === "ended");
  const { run } = await running.request("startRun", endless());
  await reached;
  process.kill(jobOf(run), "SIGKILL");
  expect(await ended).toMatchObject({ state: "interrupted", code: "job-crashed" });
  expect(fs.readdirSync(place.folder).filter((name) => name.startsWith("endless"))).toEqual([]);
  const next = running.event((event) => event.event === "ended");
  await running.request("startRun", text({}));
  expect(await next).toMatchObject({ state: "finished" });
});

test("when the engine goes, its job stops, keeps its state, and another engine resumes it", async () => {
  const reached = running.event(epoch(3));
  const { run } = await running.request("startRun", endless());
  await reached;
  const pid = jobOf(run);
  running.child.kill("SIGKILL");
  expect(await gone(pid)).toBe(true);
  const next = engine(cache);
  const summary = (await next.request("runs", null)).find((each) => each.run === run)!;
  expect(summary).toMatchObject({ state: "interrupted", resumable: true });
  const events = await next.request("runEvents", { run });
  // It ended by itself: nobody to tell it to was no reason to crash.
  expect(events.at(-1)).toMatchObject({ event: "ended", state: "interrupted" });
  expect(events.at(-1)).not.toHaveProperty("code");
  const again = next.event((event) => event.event === "epoch");
  await next.request("resumeRun", { run });
  expect(await again).toMatchObject({ epoch: summary.epoch + 1 });
  const stopped = next.event((event) => event.event === "ended");
  await next.request("stopRun", { run });
  expect(await stopped).toMatchObject({ state: "stopped" });
  await next.request("saveRun", { run, as: file("kept.ckpt") });
  expect(fs.existsSync(file("kept.ckpt.index"))).toBe(true);
  next.child.kill();
});

test("when the engine goes before its job told anything, the job ends as it should", async () => {
  const { run } = await running.request("startRun", endless());
  running.child.kill("SIGKILL");
  const next = engine(cache);
  const summary = async () => (await next.request("runs", null)).find((each) => each.run === run)!;
  await vi.waitFor(async () => expect(await summary()).toMatchObject({ resumable: true }), 10_000);
  await vi.waitFor(async () => expect((await summary()).state).toBe("interrupted"), 10_000);
  const events = await next.request("runEvents", { run });
  expect(events.at(-1)).toMatchObject({ event: "ended", state: "interrupted" });
  next.child.kill();
});

test("a run that is resumed twice goes on once", async () => {
  const reached = running.event(epoch(2));
  const { run } = await running.request("startRun", endless());
  await reached;
  const stopped = running.event((event) => event.event === "ended");
  await running.request("stopRun", { run });
  await stopped;
  const again = running.event((event) => event.event === "epoch");
  const both = [running.request("resumeRun", { run }), running.request("resumeRun", { run })];
  await both[0];
  await expect(both[1]).rejects.toMatchObject({ data: { code: "run-busy" } });
  await again;
  const end = running.event((event) => event.event === "ended");
  await running.request("stopRun", { run });
  expect(await end).toMatchObject({ state: "stopped" });
});

test("an error carries its code across the process border", async () => {
  await expect(running.request("inspect", { path: file("none") })).rejects.toMatchObject({
    data: { code: "file-not-found" },
  });
  await expect(
    running.request("plan", { path: file("r.graft.json"), text: "{" }),
  ).rejects.toMatchObject({
    data: { code: "recipe-syntax" },
  });
});

test("previews say what an edit would do", async () => {
  const edit = { addUnits: { layer: "hidden3", units: 8, init: "zero" } };
  const preview = await running.request("preview", { ...text({}), edit });
  expect(preview.consequence).toContain(
    "hidden3 100 → 50 becomes 100 → 58; outputs 50 → 5 becomes 58 → 5",
  );
  expect(preview.effects).toEqual([
    "hidden3/weights 100 × 50 → 100 × 58, 5,000 → 5,800 numbers",
    "hidden3/biases 50 → 58, 50 → 58 numbers",
    "outputs/weights 50 × 5 → 58 × 5, 250 → 290 numbers, all new",
    "6,153 of 55,753 parameters train",
    "49,200 multiply-adds a sample below the cut, 6,090 above it, 12,470 in training",
    expect.stringMatching(/^bottlenecks of 400 bytes a sample; with them training is [\d.]+ times/),
  ]);
  const bad = await running.request("preview", {
    ...text({}),
    edit: { addUnits: { layer: "outputs", units: 8 } },
  });
  expect(bad.problems[0].message).toContain("replaceOutput");
});

test("a recipe is verified in a process of its own, with the result of its last run", async () => {
  const what = text({ edits: [{ freeze: "hidden[12]" }], save: { as: "verified.ckpt" } });
  const ended = running.event((event) => event.event === "ended");
  await running.request("startRun", what);
  expect(await ended).toMatchObject({ state: "finished" });
  const { verification, text: report } = await running.request("verify", what);
  expect(verification.passed).toBe(true);
  expect(report).toMatch(/✓ frozen .*, and in the result$/m);
  // As it is now it has never run.
  const changed = text({ edits: [{ freeze: "hidden1" }], save: { as: "verified.ckpt" } });
  const other = await running.request("verify", changed);
  expect(other.text).not.toContain("in the result");
});

test.each([
  ["before the engine has read it", 0],
  ["while its process starts", 300],
])("a verification is cancelled %s", async (_, wait) => {
  const { connection } = running;
  if (wait > 0) await running.request("runs", null);
  const cancel = new CancellationTokenSource();
  const long = text({ train: [{ epochs: 100_000, batch: 1, cache: false }] });
  const verified = connection.sendRequest("verify", long, cancel.token);
  setTimeout(() => cancel.cancel(), wait);
  await expect(verified).rejects.toMatchObject({ data: { code: "cancelled" } });
});

test("what keeps a recipe from being verified is told by its code", async () => {
  const wrong = running.request("verify", text({ edits: [{ freeze: "hidden9" }] }));
  await expect(wrong).rejects.toMatchObject({ data: { code: "invalid-edit" } });
});
