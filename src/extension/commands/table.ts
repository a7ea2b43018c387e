// Every command and what it does. A command without a handler does not compile.
import * as vscode from "vscode";
import { EDIT_COMMAND_NAMES } from "../../protocol/edits";
import { GraftError } from "../../protocol/errors";
import type { App } from "../app";
import { Disposables } from "../disposables";
import { messageOf } from "../engine/errors";
import { tell } from "../messages";
import { endQuestions } from "./ask";
import { convert } from "./convert";
import { chooseData } from "./data";
import { anyEdit, edit, layerOf, toggleFreeze } from "./edit";
import { setFeed } from "./feeds";
import { COMMAND_IDS, editId, type CommandId, type EditCommandId } from "./ids";
import { useGraph } from "./graph";
import { trainPart } from "./groups";
import { filterLayers, inspect, openCheckpoint, trySample } from "./open";
import { openRecipe, previewChanges, revealEdit, switchRecipe, undo } from "./recipe";
import { copyLoadCode, resume, showRun, stop, train } from "./runs";
import { saveEditedAs, saveResultAs } from "./save";
import { addPhase, trainingSettings } from "./training";
import { onlyTrusted } from "./trust";
import { verify } from "./verify";

/** `what` is what VS Code passes: a file, a row of a tree, or what a lens, a button or a quick fix was about. */
type Handler = (app: App, what: unknown, more?: unknown) => unknown;

const OWN_HANDLERS: Record<Exclude<CommandId, EditCommandId>, Handler> = {
  "graft.inspect": inspect,
  "graft.openCheckpoint": openCheckpoint,
  "graft.trySample": trySample,
  "graft.filter": filterLayers,
  "graft.clearFilter": (app) => filterLayers(app, ""),
  "graft.edit": anyEdit,
  "graft.freezeLayer": (app, row) => toggleFreeze(app, "freeze", row),
  "graft.unfreezeLayer": (app, row) => toggleFreeze(app, "unfreeze", row),
  "graft.chooseData": chooseData,
  "graft.setFeed": setFeed,
  "graft.useGraph": useGraph,
  "graft.trainingSettings": trainingSettings,
  "graft.trainPart": trainPart,
  "graft.addPhase": addPhase,
  "graft.saveEditedAs": onlyTrusted(saveEditedAs, "save"),
  "graft.saveResultAs": saveResultAs,
  "graft.convert": onlyTrusted(convert, "convert"),
  "graft.previewChanges": previewChanges,
  "graft.switchRecipe": switchRecipe,
  "graft.openRecipe": openRecipe,
  "graft.revealEdit": revealEdit,
  "graft.undo": (app) => undo(app, "undo"),
  "graft.redo": (app) => undo(app, "redo"),
  "graft.train": onlyTrusted(train),
  "graft.verify": onlyTrusted(verify, "verify"),
  "graft.stop": stop,
  "graft.resume": onlyTrusted(resume),
  "graft.showRun": showRun,
  "graft.copyLoadCode": copyLoadCode,
  "graft.copyName": (app, row) => copyName(app, row),
  "graft.showLog": (app) => app.log.show(),
  "graft.restartEngine": (app) => app.engine.restart(),
};

const HANDLERS: Readonly<Record<string, Handler>> = {
  ...OWN_HANDLERS,
  ...Object.fromEntries(
    EDIT_COMMAND_NAMES.map((name): [EditCommandId, Handler] => [
      editId(name),
      (app, row) => edit(app, name, row),
    ]),
  ),
};

export function registerCommands(app: App): vscode.Disposable {
  const store = new Disposables();
  for (const id of COMMAND_IDS) {
    store.add(
      vscode.commands.registerCommand(id, (what: unknown, more: unknown) =>
        perform(app, id, what, more),
      ),
    );
  }
  return store;
}

/** Runs a command; what goes wrong is said once, with what helps. */
export async function perform(
  app: App,
  id: CommandId,
  what?: unknown,
  more?: unknown,
): Promise<void> {
  try {
    app.log.debug(id);
    await HANDLERS[id]!(app, what, more);
  } catch (error) {
    const code = error instanceof GraftError ? error.code : "internal";
    if (code === "cancelled") return;
    app.log.error(
      `${id}: ${error instanceof Error ? (error.stack ?? error.message) : String(error)}`,
    );
    const restart = { "Restart Engine": () => app.engine.restart() };
    tell("error", messageOf(error), {
      ...(code === "engine-stopped" ? restart : {}),
      "Show Log": () => app.log.show(),
    });
  } finally {
    endQuestions();
  }
}

async function copyName(app: App, row: unknown): Promise<void> {
  const variable =
    typeof row === "object" && row !== null && "variable" in row ? row.variable : undefined;
  const named = variable ?? layerOf(row) ?? { name: app.layers.selectedLayer };
  const { name } = named as { name?: string };
  if (name !== undefined) await vscode.env.clipboard.writeText(name);
}
