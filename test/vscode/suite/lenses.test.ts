// The lenses of a recipe: where they stand and what they do.
import { deepEqual, equal, ok } from "node:assert/strict";
import * as vscode from "vscode";
import { digits, ENDLESS } from "../harness/content";
import { startedRun, Watched } from "./support/runs";
import { openFolder, type, until, type Folder } from "./support/window";

const lensesOf = async ({ uri }: vscode.TextDocument) =>
  (await vscode.commands.executeCommand<vscode.CodeLens[]>(
    "vscode.executeCodeLensProvider",
    uri,
  )) ?? [];

const titles = async (document: vscode.TextDocument) =>
  (await lensesOf(document)).map(
    ({ command, range }) =>
      `${document.lineAt(range.start.line).text.trim()} | ${command?.title ?? ""}`,
  );

async function press(document: vscode.TextDocument, title: RegExp): Promise<void> {
  const lens = (await lensesOf(document)).find(({ command }) => title.test(command?.title ?? ""));
  ok(lens?.command, `There is no lens ${title}: ${(await titles(document)).join(", ")}`);
  await vscode.commands.executeCommand(lens.command.command, ...(lens.command.arguments ?? []));
}

async function show(recipe: unknown): Promise<[Folder, vscode.TextDocument]> {
  const folder = await openFolder({ sample: "without recipes", files: { "a.graft.json": recipe } });
  const document = await folder.document("a.graft.json");
  await vscode.window.showTextDocument(document);
  return [folder, document];
}

describe("lenses", () => {
  it("stand at what they are about", async () => {
    const [, document] = await show(digits());
    deepEqual(await titles(document), [
      '"edits": [ | Preview Changes',
      '"edits": [ | Save Edited Checkpoint As…',
      '"data": { | Choose Data…',
      '"train": [ | $(play) Train',
      '"train": [ | Training Settings…',
      '"train": [ | Verify',
    ]);
  });

  it("stand at the top for what is not written yet", async () => {
    const [, document] = await show({ checkpoint: "digits_0_to_4.ckpt" });
    deepEqual(await titles(document), [
      "{ | $(play) Train",
      "{ | Training Settings…",
      "{ | Verify",
      "{ | Choose Data…",
    ]);
  });

  it("train, tell how far it is, and stop", async () => {
    const [{ app }, document] = await show(digits({ train: ENDLESS }));
    const watched = new Watched(app);
    await press(document, /Train$/);
    await startedRun(app);
    await until("a lens tells the epoch", async () =>
      (await titles(document)).some((title) => /epoch [1-9]\d*\/1000000 · loss \d/.test(title)),
    );
    equal((await titles(document)).filter((title) => / Train$/.test(title)).length, 0);
    await press(document, /Stop$/);
    equal((await watched.ended()).state, "stopped");
    await until("the lens trains again", async () =>
      (await titles(document)).some((title) => / Train$/.test(title)),
    );
  });

  it("say that a phase was changed after its run began", async () => {
    const [{ app }, document] = await show(digits({ train: ENDLESS }));
    await press(document, /Train$/);
    await until("it trains", () => app.runs.running[0]?.stage === "training");
    await type(document, "1000000", "2000");
    await until("a lens says so", async () =>
      (await titles(document)).some((title) => title.includes("an earlier version of this phase")),
    );
  });
});
