// The recipe of a work, which prepare.mjs wrote.
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { parseRecipe, type OpenRecipe } from "../../../src/engine/recipe/parse";

export function openWork(folder: string): OpenRecipe {
  const file = join(folder, "work.graft.json");
  return parseRecipe(file, readFileSync(file, "utf8"));
}
