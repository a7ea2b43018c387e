// Verify Recipe, and the plan that commands show, in the editor.
import { deepEqual, equal, match, ok } from "node:assert/strict";
import * as vscode from "vscode";
import { digits } from "../harness/content";
import { train } from "./support/runs";
import { openFolder, until } from "./support/window";

const SAVE = { as: "result/digits_5_to_9.ckpt" };

const report = (): vscode.TextDocument | undefined =>
  vscode.window.visibleTextEditors.find(({ document }) => document.uri.scheme === "graft-report")
    ?.document;

describe("Verify Recipe", () => {
  it("opens a report beside the recipe, and writes nothing", async () => {
    const folder = await openFolder({
      sample: "without recipes",
      files: { "a.graft.json": digits({ save: SAVE }) },
    });
    await (await train(folder, "a.graft.json")).ended();
    const before = folder.files();
    const document = await folder.document("a.graft.json");
    await vscode.window.showTextDocument(document);
    await vscode.commands.executeCommand("graft.verify", document.uri);
    const text = (await until("the report is shown", report)).getText();
    match(text, /^a\.graft\.json, by /);
    equal(text.match(/^✓ /gm)?.length, 4, text);
    match(text, /✓ frozen .*4 frozen tensors unchanged, bit for bit, .*, and in the result$/m);
    match(text, /result loss [\d.]+, accuracy [\d.]+ %/);
    deepEqual(folder.files(), before);
    ok(!document.isDirty);
    equal(vscode.window.activeTextEditor?.document, document);
  });

  it("of a recipe with a mistake says what is wrong instead", async () => {
    const folder = await openFolder({
      sample: "without recipes",
      files: { "a.graft.json": digits({ edits: [{ freeze: "hiden1" }] }) },
    });
    await vscode.commands.executeCommand("graft.verify", folder.uri("a.graft.json"));
    equal(report(), undefined);
  });
});

describe("the plan", () => {
  it("says by multiply-adds what caching gains", async () => {
    const folder = await openFolder({
      sample: "without recipes",
      files: { "a.graft.json": digits() },
    });
    const { app } = folder;
    const plan = await app.plans.of(await folder.document("a.graft.json"));
    deepEqual(plan.cost, { prefix: 49_200, tail: 5250, training: 10_750 });
    ok(
      plan.effects.some((line) => line.endsWith("going by multiply-adds")),
      plan.effects.join(),
    );
  });
});
