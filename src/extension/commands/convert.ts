// Convert Checkpoint: a new checkpoint of another format beside one, with the same network.
import * as path from "node:path";
import * as vscode from "vscode";
import type { CheckpointFile } from "../../protocol/checkpoint";
import type { FormatSummary } from "../../protocol/engine";
import type { App } from "../app";
import { convertedName } from "../files";
import { tell } from "../messages";
import { execute } from "./execute";
import { openOrAsk } from "./open";
import { askName } from "./save";

const TITLE = "Convert Checkpoint";

/** `what`: a file of a checkpoint, or its row; without one the open checkpoint. */
export async function convert(app: App, what: unknown): Promise<void> {
  const file = await checkpointOf(app, what);
  if (!file) return;
  const formats = await app.engine.call("formats", null);
  const target = await askFormat(formats.filter(({ name }) => name !== file.format));
  if (!target) return;
  const folder = path.dirname(file.path);
  const name = await askName(folder, convertedName(file.name, target.suffix), {
    title: TITLE,
    what: `Writes the network as a checkpoint of ${target.label}`,
  });
  if (name === undefined) return;
  const as = path.resolve(folder, name);
  const { notes } = await vscode.window.withProgress(
    {
      location: vscode.ProgressLocation.Notification,
      title: `Converting ${file.name}`,
      cancellable: true,
    },
    (_, token) => app.engine.call("convert", { path: file.path, to: target.name, as }, token),
  );
  for (const note of notes) app.log.info(note);
  const told = notes.length === 0 ? "" : " What differs is in the log.";
  tell("info", `Saved ${path.basename(as)}, a checkpoint of ${target.label}.${told}`, {
    Open: () => execute("graft.inspect", as),
    ...(notes.length > 0 && { "Show Log": () => app.log.show() }),
  });
}

async function checkpointOf(app: App, what: unknown): Promise<CheckpointFile | undefined> {
  if (typeof what === "object" && what !== null && "file" in what)
    return what.file as CheckpointFile;
  if (!(what instanceof vscode.Uri)) return openOrAsk(app);
  const file = await app.session.recognize(what.fsPath);
  // Opening it rejects with what the file is instead.
  if (!file) await app.engine.call("planCheckpoint", { path: what.fsPath });
  return file;
}

async function askFormat(formats: readonly FormatSummary[]): Promise<FormatSummary | undefined> {
  if (formats.length < 2) return formats.at(0);
  const items = formats.map((format) => ({ label: format.label, format }));
  const options = { title: TITLE, placeHolder: "Format of the new checkpoint" };
  return (await vscode.window.showQuickPick(items, options))?.format;
}
