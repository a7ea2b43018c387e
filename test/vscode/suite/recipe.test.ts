// What a change does to the text of the recipe, and which recipe it goes to.
import { deepEqual, equal, match } from "node:assert/strict";
import { rmSync } from "node:fs";
import * as vscode from "vscode";
import { CHECKPOINT, digits, RECIPE } from "../harness/content";
import { toggle } from "./support/tree";
import { layerIs, openFolder, openIn, type, until, graft, makeFolder } from "./support/window";

describe("the first change", () => {
  it("creates a recipe beside the checkpoint, opens it beside, and leaves the focus where it was", async () => {
    const folder = await openFolder({ sample: "without recipes", files: { "notes.txt": "notes" } });
    const { app } = folder;
    equal(app.session.message, `A change creates ${RECIPE}. The checkpoint is never changed.`);
    const notes = await vscode.window.showTextDocument(await folder.document("notes.txt"));
    await toggle(app, "freeze", "hidden1");
    await layerIs(app, "hidden1", "frozen");

    equal(folder.read(RECIPE), `{\n  "checkpoint": "${CHECKPOINT}"\n}\n`);
    const document = await folder.document(RECIPE);
    deepEqual(JSON.parse(document.getText()), {
      checkpoint: CHECKPOINT,
      edits: [{ freeze: "hidden1" }],
    });
    equal(vscode.window.activeTextEditor?.document, notes.document);
    const columns = vscode.window.visibleTextEditors.map(({ document: { uri }, viewColumn }) => [
      uri.path.split("/").at(-1),
      viewColumn,
    ]);
    deepEqual(
      columns.toSorted((a, b) => String(a[0]).localeCompare(String(b[0]))),
      [
        [RECIPE, vscode.ViewColumn.Two],
        ["notes.txt", vscode.ViewColumn.One],
      ],
    );
    equal(app.session.message, `Changes go to ${RECIPE}. The checkpoint is never changed.`);
  });

  it("takes another name where its own is used for another checkpoint", async () => {
    const folder = await openFolder({
      sample: "without recipes",
      files: { [RECIPE]: { checkpoint: "elsewhere.ckpt" } },
    });
    await toggle(folder.app, "freeze", "hidden1");
    await layerIs(folder.app, "hidden1", "frozen");
    const document = await folder.document("digits_0_to_4-2.graft.json");
    match(document.getText(), /"freeze": "hidden1"/);
  });
});

describe("a change", () => {
  const TEXT = `// Why this recipe is here.
{
    "checkpoint": "${CHECKPOINT}",   // the digits 0 to 4
    "edits": [
        { "freeze": "hidden1" },     // cheap
        /* more to come */
    ],
    "train": [{ "epochs": 3 }]
}
`;

  it("keeps comments, order and indentation", async () => {
    const folder = await openFolder({ sample: "without recipes", files: { "a.graft.json": TEXT } });
    await toggle(folder.app, "freeze", "hidden2");
    await layerIs(folder.app, "hidden2", "frozen");
    const document = await folder.document("a.graft.json");
    const added = `        /* more to come */\n        { "freeze": "hidden2" },\n`;
    equal(document.getText(), TEXT.replace("        /* more to come */\n", added));
  });

  it("that is the opposite of the last one takes that away", async () => {
    const folder = await openFolder({ sample: "without recipes", files: { "a.graft.json": TEXT } });
    await toggle(folder.app, "freeze", "hidden2");
    await layerIs(folder.app, "hidden2", "frozen");
    await toggle(folder.app, "unfreeze", "hidden2");
    await layerIs(folder.app, "hidden2", "trainable");
    const document = await folder.document("a.graft.json");
    equal(document.getText().includes("hidden2"), false);
  });

  it("is one step to undo and redo, also with another file in front", async () => {
    const folder = await openFolder({
      sample: "without recipes",
      files: { "a.graft.json": TEXT, "notes.txt": "notes" },
    });
    const { app } = folder;
    const document = await folder.document("a.graft.json");
    await toggle(app, "freeze", "hidden2");
    const after = document.getText();
    const notes = await folder.document("notes.txt");
    await vscode.window.showTextDocument(notes, vscode.ViewColumn.One);
    await type(notes, "notes", "more notes");
    await vscode.commands.executeCommand("graft.undo");
    equal(document.getText(), TEXT);
    await layerIs(app, "hidden2", "trainable");
    await vscode.commands.executeCommand("graft.redo");
    equal(document.getText(), after);
    await layerIs(app, "hidden2", "frozen");
    equal(notes.getText(), "more notes");
  });

  it("is refused while the text cannot be read, and the layers stay with a word about it", async () => {
    const folder = await openFolder({ sample: "without recipes", files: { "a.graft.json": TEXT } });
    const { app } = folder;
    const document = await folder.document("a.graft.json");
    await type(document, `"train": [`, `"train": oops [`);
    const broken = document.getText();
    await until("the view says so", () => app.session.message.includes("cannot be read"));
    equal(
      app.session.message,
      "a.graft.json cannot be read at line 8, column 14. The layers show what it said before.",
    );
    equal(app.session.plan?.layers[0]?.state, "frozen");
    await toggle(app, "freeze", "hidden2");
    await vscode.commands.executeCommand("graft.undo");
    equal(document.getText(), TEXT);
    await vscode.commands.executeCommand("graft.redo");
    equal(document.getText(), broken);
  });

  it("shows what it asks for again after a mistake is mended by hand", async () => {
    const folder = await openFolder({ sample: "without recipes", files: { "a.graft.json": TEXT } });
    const document = await folder.document("a.graft.json");
    await vscode.window.showTextDocument(document);
    await type(document, `"hidden1"`, `"hidden[12]"`);
    await layerIs(folder.app, "hidden2", "frozen");
  });
});

describe("the recipe that a change goes to", () => {
  const two = {
    "a.graft.json": { checkpoint: CHECKPOINT },
    "b.graft.json": { checkpoint: CHECKPOINT },
  };

  it("is the one in front", async () => {
    const folder = await openFolder({ sample: "without recipes", files: two });
    const { app } = folder;
    match(app.session.message, /^2 recipes name this checkpoint; a change asks which\./);
    for (const name of ["b.graft.json", "a.graft.json"]) {
      await vscode.window.showTextDocument(folder.uri(name));
      await until(`${name} is in use`, () => app.session.recipe?.fsPath === folder.at(name));
      await toggle(app, "freeze", "hidden1");
      await layerIs(app, "hidden1", "frozen");
      match((await folder.document(name)).getText(), /hidden1/);
    }
  });

  it("is the one that was used last, when none is in front", async () => {
    const folder = await openFolder({ sample: "without recipes", files: two });
    const { app } = folder;
    await vscode.window.showTextDocument(folder.uri("b.graft.json"));
    await until("b is in use", () => app.session.recipe?.fsPath === folder.at("b.graft.json"));
    await vscode.commands.executeCommand("workbench.action.closeAllEditors");
    await toggle(app, "freeze", "hidden1");
    await layerIs(app, "hidden1", "frozen");
    match((await folder.document("b.graft.json")).getText(), /hidden1/);
  });

  it("opens where another recipe is open already", async () => {
    const app = await graft();
    const folder = makeFolder(app, {
      sample: "without recipes",
      fixtures: { other: "b1_mini_v2" },
      files: { "notes.txt": "notes" },
    });
    await app.checkpoints.refresh();
    await vscode.window.showTextDocument(folder.uri("notes.txt"));
    for (const file of [CHECKPOINT, "other/my_model_final.ckpt"]) {
      await openIn(folder, `${file}.index`);
      await toggle(app, "freeze", "hidden1");
      await layerIs(app, "hidden1", "frozen");
      // Editing it, as a person does, makes "beside" another place.
      const viewColumn = vscode.ViewColumn.Two;
      await vscode.window.showTextDocument(app.session.recipe ?? folder.uri(""), { viewColumn });
    }
    deepEqual(
      vscode.window.tabGroups.all.map(({ tabs }) => tabs.map(({ label }) => label)),
      [["notes.txt"], [RECIPE, "my_model_final.graft.json"]],
    );
  });

  it("opens its checkpoint when it comes to the front", async () => {
    const app = await graft();
    const folder = makeFolder(app, {
      sample: "without recipes",
      fixtures: { other: "b1_mini_v2" },
      files: { "a.graft.json": digits() },
    });
    await app.checkpoints.refresh();
    await openIn(folder, "other/checkpoint");
    await vscode.window.showTextDocument(folder.uri("a.graft.json"));
    await until("the digits are open", () => app.session.shown?.file.name === CHECKPOINT);
    await layerIs(app, "hidden1", "frozen");
  });

  it("is a new one after the old was deleted", async () => {
    const folder = await openFolder({
      sample: "without recipes",
      files: { [RECIPE]: digits() },
    });
    const { app } = folder;
    await layerIs(app, "hidden1", "frozen");
    rmSync(folder.at(RECIPE));
    await layerIs(app, "hidden1", "trainable");
    equal(app.session.message, `A change creates ${RECIPE}. The checkpoint is never changed.`);
  });
});
