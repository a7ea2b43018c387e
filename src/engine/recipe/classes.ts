// The names of the classes: a replaced output may give them, and so may the data. One order, that of the output's units.
import type { Recipe } from "./schema";

/** The names that the last replaced output lists; undefined where it gives a number only. */
export function namedClasses(recipe: Recipe): readonly string[] | undefined {
  const replaced = recipe.edits.findLast((edit) => "replaceOutput" in edit)?.["replaceOutput"];
  const classes = (replaced as { classes?: unknown } | undefined)?.classes;
  return Array.isArray(classes) ? (classes as string[]) : undefined;
}

/** The labels in the order of the output's units, where the recipe lists them. */
export const classNames = (recipe: Recipe): readonly string[] | undefined =>
  recipe.data?.classes ?? namedClasses(recipe);

/** `found` in the order that the replaced output lists, where the two are the same labels. */
export function inNamedOrder(recipe: Recipe, found: readonly string[]): readonly string[] {
  const named = namedClasses(recipe);
  return named !== undefined && [...named].sort().join("\n") === [...found].sort().join("\n")
    ? named
    : found;
}
