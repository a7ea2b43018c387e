// Every command that package.json contributes. The table of handlers is checked against this list by the compiler, the
// manifest by a test. Knows no VS Code.

import { EDIT_COMMAND_NAMES, type EditCommandName } from "../../protocol/edits";

export const editId = <Name extends EditCommandName>(name: Name) => `graft.${name}` as const;

export const COMMAND_IDS = [
  // open
  "graft.inspect",
  "graft.openCheckpoint",
  "graft.trySample",
  "graft.filter",
  "graft.clearFilter",
  // edits
  ...EDIT_COMMAND_NAMES.map(editId),
  "graft.edit",
  "graft.freezeLayer",
  "graft.unfreezeLayer",
  // recipe
  "graft.chooseData",
  "graft.setFeed",
  "graft.useGraph",
  "graft.trainingSettings",
  "graft.trainPart",
  "graft.addPhase",
  "graft.saveEditedAs",
  "graft.saveResultAs",
  "graft.convert",
  "graft.previewChanges",
  "graft.switchRecipe",
  "graft.openRecipe",
  "graft.revealEdit",
  "graft.undo",
  "graft.redo",
  // runs
  "graft.train",
  "graft.verify",
  "graft.stop",
  "graft.resume",
  "graft.showRun",
  "graft.copyLoadCode",
  // look
  "graft.copyName",
  "graft.showLog",
  "graft.restartEngine",
] as const;

export type EditCommandId = ReturnType<typeof editId<EditCommandName>>;
export type CommandId = (typeof COMMAND_IDS)[number];
