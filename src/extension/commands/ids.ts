// Every command that package.json contributes. The table of handlers is checked against this list by the compiler, the
// manifest by a test. Knows no VS Code.

export const COMMAND_IDS = [
  // open
  "graft.inspect",
  "graft.openCheckpoint",
  "graft.trySample",
  "graft.filter",
  "graft.clearFilter",
  // edits
  "graft.freeze",
  "graft.unfreeze",
  "graft.freezeLayer",
  "graft.unfreezeLayer",
  "graft.freezeUpTo",
  "graft.replaceOutput",
  "graft.addUnits",
  // recipe
  "graft.chooseData",
  "graft.setFeed",
  "graft.useGraph",
  "graft.trainingSettings",
  "graft.saveResultAs",
  "graft.previewChanges",
  "graft.switchRecipe",
  "graft.openRecipe",
  "graft.revealEdit",
  "graft.undo",
  "graft.redo",
  // runs
  "graft.train",
  "graft.stop",
  "graft.resume",
  "graft.showRun",
  "graft.copyLoadCode",
  // look
  "graft.copyName",
  "graft.showLog",
  "graft.restartEngine",
] as const;

export type CommandId = (typeof COMMAND_IDS)[number];
