// A process is killed while it trains: the editor knows, nothing on disk is half-written, and the next run works.
import { deepEqual, equal, ok, rejects } from "node:assert/strict";
import * as vscode from "vscode";
import { digits, ENDLESS } from "../harness/content";
import { epochsKept, jobOf, startedRun, train, Watched } from "./support/runs";
import { openFolder, until, type Folder } from "./support/window";

const RECIPE = "a.graft.json";

const open = (changes: Record<string, unknown> = {}) =>
  openFolder({
    sample: "without recipes",
    files: {
      [RECIPE]: digits({ train: ENDLESS, save: { as: "result/new.ckpt" }, ...changes }),
      "short.graft.json": digits({ train: [{ epochs: 2 }], save: { as: "result/new.ckpt" } }),
    },
  });

async function endsWell(folder: Folder, recipe: string): Promise<void> {
  const next = await train(folder, recipe);
  equal((await next.ended()).state, "finished");
  ok(folder.files().includes("result/new.ckpt.index"));
}

async function resumes(folder: Folder, run: string): Promise<void> {
  const { app } = folder;
  await until("it can be resumed", async () => {
    await app.runs.refresh();
    return app.runs.get(run)?.resumable;
  });
  const again = new Watched(app);
  await vscode.commands.executeCommand("graft.resume", run);
  equal((await again.first("started")).resumed, true);
  ok((await again.first("epoch")).epoch > 1);
  await vscode.commands.executeCommand("graft.stop", run);
  equal((await again.ended()).state, "stopped");
}

describe("a killed training process", () => {
  it("is told, leaves no file behind, can be resumed, and the next run works", async () => {
    const folder = await open();
    const before = folder.bytes(/./);
    const watched = await train(folder, RECIPE);
    const run = await startedRun(folder.app);
    await epochsKept(run);
    process.kill(await jobOf(run), "SIGKILL");
    const ended = await watched.ended();
    deepEqual([ended.state, ended.code], ["interrupted", "job-crashed"]);
    equal(folder.app.runs.running.length, 0);
    deepEqual(folder.bytes(/./), before);
    await endsWell(folder, "short.graft.json");
    await resumes(folder, run);
  });

  it("that had kept nothing yet cannot be resumed, and the recipe trains anew", async () => {
    const folder = await open();
    const watched = await train(folder, RECIPE);
    const run = await startedRun(folder.app);
    process.kill(await jobOf(run), "SIGKILL");
    await watched.ended();
    await folder.app.runs.refresh();
    equal(folder.app.runs.get(run)?.state, "interrupted");
    equal(folder.app.runs.get(run)?.resumable, false);
    await endsWell(folder, "short.graft.json");
  });
});

describe("a killed engine", () => {
  it("is started again; its run is interrupted, keeps its state and can be resumed", async () => {
    const folder = await open();
    const { app } = folder;
    const before = folder.bytes(/./);
    const watched = await train(folder, RECIPE);
    const run = await startedRun(app);
    await watched.first("epoch");
    const { pid } = app.engine;
    ok(pid);
    process.kill(pid, "SIGKILL");
    await until(
      "there is another engine",
      () => app.engine.pid !== undefined && app.engine.pid !== pid,
    );
    equal(app.runs.running.length, 0);
    equal(app.runs.at(run)?.state, "interrupted");
    deepEqual(folder.bytes(/./), before);
    await resumes(folder, run);
    await endsWell(folder, "short.graft.json");
  });

  it("rejects what it was asked, and answers again", async () => {
    const { app } = await open();
    await app.engine.call("recognize", { files: [] });
    const { pid } = app.engine;
    ok(pid);
    process.kill(pid, "SIGSTOP");
    const asked = rejects(app.engine.call("runs", null), { code: "engine-stopped" });
    process.kill(pid, "SIGKILL");
    await asked;
    deepEqual(await app.engine.call("recognize", { files: [] }), []);
  });

  it("that dies again and again is given up, until it is restarted", async () => {
    const { app } = await open();
    let reason = "";
    const subscription = app.engine.onGaveUp((why) => (reason = why));
    let killed: number | undefined;
    await until("it is given up", () => {
      const { pid } = app.engine;
      if (pid !== undefined && pid !== killed) process.kill((killed = pid), "SIGKILL");
      return reason !== "";
    });
    subscription.dispose();
    equal(reason, "signal SIGKILL");
    await rejects(app.engine.call("runs", null), { code: "engine-stopped" });
    await vscode.commands.executeCommand("graft.restartEngine");
    deepEqual(await app.engine.call("recognize", { files: [] }), []);
  });
});
