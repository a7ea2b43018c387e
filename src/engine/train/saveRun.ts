// Saves what a run has learned, finished or not, as a checkpoint.
import * as path from "node:path";
import { GraftError } from "../../protocol/errors";
import type { SaveResult } from "../formats/format";
import { parseRecipe } from "../recipe/parse";
import { savedModel } from "../recipe/savable";
import { openSource } from "../recipe/source";
import { trainingModels } from "./prepare";
import { saveResult } from "./result";
import { appendEvent, openRun } from "./runs";
import { readState } from "./state";

/** Writes the run's latest state at `as`. */
export async function saveRun(name: string, as: string): Promise<SaveResult> {
  const run = openRun(name);
  const state = await readState(run.stateFile);
  if (state === null)
    throw new GraftError("run-not-found", `The run ${name} has not kept anything to save yet.`);
  const open = parseRecipe(run.record.recipe, run.text);
  const checkpoint = await openSource(open);
  try {
    const models = await trainingModels(checkpoint, open);
    const { phases } = models;
    const phase = phases[Math.min(state.position.phase, phases.length - 1)];
    const result = await saveResult(
      checkpoint,
      savedModel(models.edited, phase),
      path.resolve(as),
      open.recipe.seed,
      (variable) => state.values.get(variable),
    );
    appendEvent(run, { event: "saved", path: path.resolve(as), ...result });
    return result;
  } finally {
    await checkpoint.close();
  }
}
