// Which checkpoints there are, and which one is open.
import { deepEqual, equal, match, ok } from "node:assert/strict";
import { readFileSync, rmSync, writeFileSync } from "node:fs";
import { basename } from "node:path";
import * as vscode from "vscode";
import { CHECKPOINT } from "../harness/content";
import { graft, makeFolder, openFolder, openIn, until } from "./support/window";
import { roots, rows } from "./support/tree";

describe("opening", () => {
  it("shows the only checkpoint of the workspace, unasked, as soon as it is there", async () => {
    const app = await graft();
    await app.checkpoints.ready();
    equal(app.session.shown?.file.path, undefined);
    const folder = makeFolder(app, { sample: "without recipes" });
    await until("the checkpoint is open", () => app.session.plan);
    equal(app.session.shown?.file.path, folder.at(CHECKPOINT));
  });

  it("lists several and opens none of them by itself", async () => {
    const app = await graft();
    makeFolder(app, { fixtures: { one: "b1_mini_v1", two: "b1_mini_v2" } });
    await app.checkpoints.refresh();
    equal(app.session.shown, undefined);
    deepEqual(
      (await rows(app)).map((row) =>
        row.replace(/graft-folder-\w+/, "F").replace(/workspace\//, ""),
      ),
      [
        "package my_model_final.ckpt | F/one · TensorFlow 1",
        "package my_model_final.ckpt | F/two · TensorFlow 1",
      ],
    );
  });

  it("opens the row that is clicked, and leaves the others in the list", async () => {
    const app = await graft();
    const folder = makeFolder(app, { fixtures: { one: "b1_mini_v1", two: "b1_mini_v2" } });
    await app.checkpoints.refresh();
    const [, second] = await roots(app);
    ok(second);
    const { command } = app.layers.getTreeItem(second);
    ok(command);
    await vscode.commands.executeCommand(command.command, ...(command.arguments ?? []));
    equal(app.session.shown?.file.path, folder.at("two/my_model_final.ckpt"));
    equal(app.checkpoints.files.length, 2);
  });

  const FILES: Record<string, readonly string[]> = {
    b1_mini_v2: [
      "my_model_final.ckpt.index",
      "my_model_final.ckpt.meta",
      "my_model_final.ckpt.data-00000-of-00001",
      "checkpoint",
    ],
    b1_mini_v2_sharded: [
      "my_model_final.ckpt.data-00000-of-00002",
      "my_model_final.ckpt.data-00001-of-00002",
    ],
    b1_mini_v1: ["my_model_final.ckpt", "my_model_final.ckpt.meta", "checkpoint"],
  };
  for (const [fixture, names] of Object.entries(FILES)) {
    it(`opens ${fixture} by ${names.join(", ")}`, async () => {
      const app = await graft();
      const folder = makeFolder(app, {
        fixtures: { this: fixture, other: "b1_mini_momentum" },
      });
      await app.checkpoints.refresh();
      for (const name of names) {
        await openIn(folder, "other/checkpoint");
        await openIn(folder, `this/${name}`);
        equal(app.session.shown?.file.path, folder.at("this/my_model_final.ckpt"), name);
        equal(app.session.plan?.layers.length, 4, name);
      }
    });
  }

  it("opens the step that a file belongs to, and the latest by the file named checkpoint", async () => {
    const app = await graft();
    const folder = makeFolder(app, { fixtures: { ".": "b1_mini_multi_state" } });
    await app.checkpoints.refresh();
    for (const [file, name] of [
      ["model.ckpt-300.index", "model.ckpt-300"],
      ["checkpoint", "model.ckpt-500"],
    ] as const) {
      await openIn(folder, file);
      equal(app.session.shown?.file.name, name);
    }
  });

  it("keeps what is open when a file is no checkpoint", async () => {
    const folder = await openFolder({
      sample: "without recipes",
      files: { "notes.index": "not a table" },
    });
    await openIn(folder, "notes.index");
    equal(folder.app.session.shown?.file.path, folder.at(CHECKPOINT));
  });

  it("says what is wrong with a damaged checkpoint in a row below it", async () => {
    const app = await graft();
    const folder = makeFolder(app, { fixtures: { ".": "b1_mini_v2" } });
    const index = readFileSync(folder.at("my_model_final.ckpt.index"));
    index.fill(0xff, 20, 40);
    writeFileSync(folder.at("my_model_final.ckpt.index"), index);
    await app.checkpoints.refresh();
    await openIn(folder, "my_model_final.ckpt.index");
    const [checkpoint, failure] = await rows(app);
    equal(checkpoint, "package my_model_final.ckpt | TensorFlow 1");
    match(failure ?? "", /^ {2}error .*my_model_final\.ckpt\.index/);
  });

  it("reads a checkpoint again when its files change", async () => {
    const folder = await openFolder({ sample: "without recipes" });
    const { app } = folder;
    const index = readFileSync(folder.at(`${CHECKPOINT}.index`));
    writeFileSync(folder.at(`${CHECKPOINT}.index`), Buffer.from(index).fill(0xff, 20, 40));
    await until("the damage is told", () => app.session.shown?.failure);
    writeFileSync(folder.at(`${CHECKPOINT}.index`), index);
    await until("the layers are back", () => app.session.plan?.layers.length === 4);
    equal(app.session.shown?.failure, undefined);
  });

  it("takes a deleted checkpoint out of the tree, and shows the one that is left", async () => {
    const app = await graft();
    const folder = makeFolder(app, { fixtures: { one: "b1_mini_v1", two: "b1_mini_v2" } });
    await app.checkpoints.refresh();
    await openIn(folder, "two/checkpoint");
    rmSync(folder.at("two"), { recursive: true });
    await until("the other one is shown", () => {
      const path = app.session.shown?.file.path;
      return app.session.plan && path === folder.at("one/my_model_final.ckpt");
    });
    deepEqual(
      app.checkpoints.files.map(({ path }) => basename(path)),
      ["my_model_final.ckpt"],
    );
  });
});
