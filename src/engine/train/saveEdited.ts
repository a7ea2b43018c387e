// Saves what a recipe's edits make of its checkpoint, without training.
import * as path from "node:path";
import { GraftError } from "../../protocol/errors";
import type { SaveResult } from "../formats/format";
import { recognize } from "../formats/table";
import { editedModel } from "../recipe/apply";
import { resolveIn, type OpenRecipe } from "../recipe/parse";
import { openSource } from "../recipe/source";
import { saveResult } from "./result";

/**
 * Writes the edited model at `as`, else where the recipe saves what it trains, unless something is there. Data and
 * phases are not looked at. Throws the first error of an edit.
 */
export async function saveEdited(
  open: OpenRecipe,
  as?: string,
): Promise<SaveResult & { readonly path: string }> {
  const target = as ?? (await unusedTarget(open));
  const checkpoint = await openSource(open);
  try {
    const model = editedModel(await checkpoint.model(), open.recipe, checkpoint.others);
    const result = await saveResult(checkpoint, model, target, open.recipe.seed, () => undefined);
    return { path: target, ...result };
  } finally {
    await checkpoint.close();
  }
}

async function unusedTarget(open: OpenRecipe): Promise<string> {
  const { save } = open.recipe;
  if (save === undefined)
    throw new GraftError(
      "invalid-option",
      `${path.basename(open.path)} does not say where to save. Give a name with --as FILE.`,
    );
  const target = resolveIn(open, save.as);
  if ((await recognize([target])).length === 0) return target;
  throw new GraftError(
    "write-failed",
    `${target} exists already, and may be what the recipe has trained. Give another name with --as FILE, or this one to replace it.`,
  );
}
