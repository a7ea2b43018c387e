// graft apply: the edits of a recipe as a checkpoint, without training.
import * as path from "node:path";
import { parseRecipe } from "../recipe/parse";
import { saveEdited } from "../train/saveEdited";
import { print, printJson } from "./output";
import { readRecipe } from "./plan";

export async function applyCommand(
  file: string,
  { as, json }: { readonly as?: string; readonly json: boolean },
): Promise<void> {
  const recipe = await readRecipe(file);
  const open = parseRecipe(recipe.path, recipe.text);
  const saved = await saveEdited(open, as === undefined ? undefined : path.resolve(as));
  if (json) {
    printJson(saved);
    return;
  }
  print(`saved ${saved.path}`);
  for (const note of saved.notes) print(`note  ${note}`);
}
