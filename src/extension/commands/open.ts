// Opening: a checkpoint by its file, from a dialog, or the sample; and the filter of the tree.
import * as path from "node:path";
import * as vscode from "vscode";
import type { CheckpointFile } from "../../protocol/checkpoint";
import type { App } from "../app";
import { isRecipe } from "../files";
import type { LayerNode } from "../layers/nodes";
import { tell } from "../messages";

const KNOWN_FILES =
  "Graft opens checkpoints of TensorFlow 1 (.index with .data-*, .meta, .ckpt, or the file named checkpoint) and of Deeplearning4j (the .zip of ModelSerializer).";

/** `what`: a file from the explorer, a row of the tree, or a path. Without one, asks. */
export async function inspect(app: App, what: unknown): Promise<void> {
  if (isClosedRow(what)) return show(app, what.file);
  const uri =
    typeof what === "string"
      ? vscode.Uri.file(what)
      : what instanceof vscode.Uri
        ? what
        : undefined;
  if (!uri) return openCheckpoint(app);
  if (uri.scheme !== "file") {
    return tell(
      "info",
      `Graft reads files on disk; ${uri.scheme}: is another kind of place. Copy the checkpoint to a folder first.`,
    );
  }
  const file = await app.session.recognize(uri.fsPath);
  if (file) return show(app, file);
  // Opening it rejects with what the file is instead, or with what is missing.
  await app.engine.call("planCheckpoint", { path: uri.fsPath });
  tell(
    "error",
    `${path.basename(uri.fsPath)} belongs to no checkpoint that Graft knows. ${KNOWN_FILES}`,
  );
}

export async function openCheckpoint(app: App): Promise<void> {
  await app.checkpoints.ready();
  const { files } = app.checkpoints;
  const items = files.map((file) => ({
    label: file.name,
    description: vscode.workspace.asRelativePath(path.dirname(file.path)),
    detail: file.formatLabel,
    file,
  }));
  const other = { label: "$(folder-opened) Choose a file…", detail: KNOWN_FILES };
  const choices: readonly (vscode.QuickPickItem & { file?: CheckpointFile })[] = [...items, other];
  const chosen =
    files.length === 0
      ? choices.at(0)
      : await vscode.window.showQuickPick(choices, { placeHolder: "Checkpoint to open" });
  if (!chosen) return;
  if (chosen.file) return show(app, chosen.file);
  const options = { openLabel: "Inspect", title: "Open a checkpoint" };
  const [uri] = (await vscode.window.showOpenDialog(options)) ?? [];
  if (uri) await inspect(app, uri);
}

/** The open checkpoint; asks for one when there is none. */
export async function openOrAsk(app: App): Promise<CheckpointFile | undefined> {
  const open = () => app.session.shown?.file;
  if (open()) return open();
  await app.checkpoints.refresh();
  if (!open()) await openCheckpoint(app);
  return open();
}

/** Copies the sample somewhere a person may write, and opens its recipe. */
export async function trySample(app: App): Promise<void> {
  const source = vscode.Uri.joinPath(app.extensionUri, "samples", "digits");
  const parent = await sampleParent();
  if (!parent) return;
  const folder = await freeFolder(parent, "graft-digits");
  await vscode.workspace.fs.copy(source, folder);
  const names = (await vscode.workspace.fs.readDirectory(folder)).map(([name]) => name);
  const recipe = names.filter(isRecipe).sort((a, b) => a.length - b.length)[0];
  await app.checkpoints.refresh();
  if (recipe === undefined) return;
  const uri = vscode.Uri.joinPath(folder, recipe);
  const document = await vscode.workspace.openTextDocument(uri);
  await vscode.window.showTextDocument(document, { preview: false });
  await app.session.follow(document);
  await app.layers.revealOpen();
}

export async function filterLayers(app: App, text: unknown): Promise<void> {
  if (typeof text === "string") {
    app.layers.filter = text;
    return;
  }
  const typed = await vscode.window.showInputBox({
    title: "Filter Layers",
    prompt: "Part of a layer's or variable's name, or of its kind. Empty shows all.",
    value: app.layers.filter,
  });
  if (typed === undefined) return;
  app.layers.filter = typed;
  await app.layers.focus();
}

async function show(app: App, file: CheckpointFile): Promise<void> {
  await app.layers.focus();
  await app.session.open(file);
  await app.layers.revealOpen();
}

async function sampleParent(): Promise<vscode.Uri | undefined> {
  const folders =
    vscode.workspace.workspaceFolders?.filter(({ uri }) => uri.scheme === "file") ?? [];
  const items = folders.map(({ name, uri }) => ({
    label: `In ${name}`,
    description: uri.fsPath,
    uri: uri as vscode.Uri | undefined,
  }));
  const other = { label: "$(folder-opened) Choose a folder…", description: "", uri: undefined };
  const chosen =
    items.length === 0
      ? other
      : await vscode.window.showQuickPick([...items, other], {
          placeHolder: "Where the folder graft-digits is created",
        });
  if (!chosen || chosen.uri) return chosen?.uri;
  const options = {
    canSelectFiles: false,
    canSelectFolders: true,
    openLabel: "Copy the Sample Here",
  };
  return (await vscode.window.showOpenDialog(options))?.[0];
}

async function freeFolder(parent: vscode.Uri, name: string): Promise<vscode.Uri> {
  for (let i = 1; ; i++) {
    const uri = vscode.Uri.joinPath(parent, i === 1 ? name : `${name}-${i}`);
    try {
      await vscode.workspace.fs.stat(uri);
    } catch {
      return uri;
    }
  }
}

function isClosedRow(what: unknown): what is LayerNode & { kind: "checkpoint" } {
  return typeof what === "object" && what !== null && "kind" in what && what.kind === "checkpoint";
}
