// A run as the editor sees it: what it tells, what it leaves alone, and what is on disk afterwards.
import { deepEqual, equal, match, ok } from "node:assert/strict";
import * as vscode from "vscode";
import { CHECKPOINT, digits, ENDLESS } from "../harness/content";
import { startedRun, train, Watched } from "./support/runs";
import { openFolder, openIn, type, until } from "./support/window";

const SAVE = { as: "result/digits_5_to_9.ckpt" };

describe("training", () => {
  it("tells its stages, learns, and saves a checkpoint that opens", async () => {
    const folder = await openFolder({
      sample: "without recipes",
      files: { "a.graft.json": digits({ save: SAVE }) },
    });
    const source = folder.bytes(/ckpt\./);
    const watched = await train(folder, "a.graft.json");
    equal((await watched.ended()).state, "finished");

    const stages = new Set(watched.events.map(({ event }) => event));
    deepEqual(
      [...stages].filter((stage) => stage !== "note"),
      [
        ...["started", "data", "phase", "bottlenecks", "step", "epoch"],
        ...["evaluation", "variables", "saved", "ended"],
      ],
    );
    const epochs = watched.all("epoch");
    equal(epochs.length, 20);
    ok((epochs[19]?.loss ?? 1) < (epochs[0]?.loss ?? 0) / 2);
    const kept = (layer: string) =>
      watched
        .all("variables")[0]
        ?.variables.filter(({ name }) => name.startsWith(`${layer}/`))
        .map(({ frozen, unchanged }) => frozen && unchanged);
    for (const layer of ["hidden1", "hidden2"]) deepEqual(kept(layer), [true, true], layer);
    for (const layer of ["hidden3", "outputs"]) deepEqual(kept(layer), [false, false], layer);
    deepEqual(
      folder.files().filter((file) => file.startsWith("result")),
      [
        "result/checkpoint",
        "result/digits_5_to_9.ckpt.data-00000-of-00001",
        "result/digits_5_to_9.ckpt.index",
        "result/digits_5_to_9.ckpt.meta",
      ],
    );
    deepEqual(folder.bytes(new RegExp(`^${CHECKPOINT}\\.`)), source);
    await openIn(folder, "result/checkpoint");
    equal(folder.app.session.plan?.output?.classes, 5);
  });

  it("does not touch the recipe's document", async () => {
    const folder = await openFolder({
      sample: "without recipes",
      files: { "a.graft.json": digits() },
    });
    const document = await folder.document("a.graft.json");
    await vscode.window.showTextDocument(document);
    const { version } = document;
    const changes: unknown[] = [];
    const subscription = vscode.workspace.onDidChangeTextDocument((change) => {
      if (change.document === document) changes.push(change);
    });
    await (await train(folder, "a.graft.json")).ended();
    subscription.dispose();
    deepEqual([document.version, document.isDirty, changes.length], [version, false, 0]);
  });

  it("uses the text in the editor, saved or not", async () => {
    const folder = await openFolder({
      sample: "without recipes",
      files: { "a.graft.json": digits() },
    });
    const document = await folder.document("a.graft.json");
    await type(document, `"epochs": 20`, `"epochs": 3`);
    const watched = await train(folder, "a.graft.json");
    await watched.ended();
    equal(watched.all("epoch").length, 3);
    ok(document.isDirty);
  });

  it("does not start with a mistake in the recipe", async () => {
    const folder = await openFolder({
      sample: "without recipes",
      files: { "a.graft.json": digits({ edits: [{ freeze: "hiden1" }] }) },
    });
    const before = await folder.app.runs.refresh();
    await train(folder, "a.graft.json");
    deepEqual(await folder.app.runs.refresh(), before);
  });

  it("of a recipe that trains already shows that run", async () => {
    const folder = await openFolder({
      sample: "without recipes",
      files: { "a.graft.json": digits({ train: ENDLESS }) },
    });
    await train(folder, "a.graft.json");
    const run = await startedRun(folder.app);
    await train(folder, "a.graft.json");
    deepEqual(
      folder.app.runs.running.map((running) => running.run),
      [run],
    );
  });

  it("stops, keeps what it learned, and goes on with Resume", async () => {
    const folder = await openFolder({
      sample: "without recipes",
      files: { "a.graft.json": digits({ train: ENDLESS }) },
    });
    const { app } = folder;
    const watched = await train(folder, "a.graft.json");
    const run = await startedRun(app);
    await until("it has an epoch", () => watched.all("epoch")[1]);
    await vscode.commands.executeCommand("graft.stop");
    equal((await watched.ended()).state, "stopped");
    const reached = watched.all("epoch").at(-1)?.epoch ?? 0;
    await until("it can be resumed", () => app.runs.get(run)?.resumable);

    const again = new Watched(app);
    await vscode.commands.executeCommand("graft.resume", run);
    equal((await again.first("started")).resumed, true);
    const next = await again.first("epoch");
    ok(next.epoch === reached || next.epoch === reached + 1, `${reached} → ${next.epoch}`);
    deepEqual(
      app.runs.running.map((running) => running.run),
      [run],
    );
  });

  it("copies the code that loads a checkpoint", async () => {
    const folder = await openFolder({
      sample: "without recipes",
      files: { "a.graft.json": digits({ save: SAVE }) },
    });
    await vscode.commands.executeCommand("graft.copyLoadCode", folder.at(CHECKPOINT));
    match(await vscode.env.clipboard.readText(), new RegExp(`restore\\(.*${CHECKPOINT}`, "s"));
  });
});
