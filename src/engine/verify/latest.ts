// The result of a recipe's last run, to be verified with it.
import { GraftError } from "../../protocol/errors";
import { parseRecipe, type OpenRecipe } from "../recipe/parse";
import { recognize } from "../formats/table";
import { listRuns, openRun } from "../train/runs";

/** What the newest finished run of the recipe, as it is now, has saved and is still there. */
export async function latestResult(open: OpenRecipe): Promise<string | undefined> {
  const now = JSON.stringify(open.recipe);
  for (const { run, recipe, state, saved } of listRuns()) {
    if (recipe !== open.path || state !== "finished" || saved === undefined) continue;
    if (saysTheSame(run, open.path, now) && (await recognize([saved])).length > 0) return saved;
  }
  return undefined;
}

function saysTheSame(run: string, path: string, now: string): boolean {
  try {
    return JSON.stringify(parseRecipe(path, openRun(run).text).recipe) === now;
  } catch (error) {
    // A recipe that an earlier version of Graft understood.
    if (error instanceof GraftError) return false;
    throw error;
  }
}
