// The names of the classes: a replaced output may give them, and so may the data. One order, that of the output's units.
import type { Recipe } from "./schema";

/** The names that a replaced output and classes added to it list; undefined where one of them gives a number only. */
export function namedClasses(recipe: Recipe): readonly string[] | undefined {
  let names: readonly string[] | undefined;
  for (const edit of recipe.edits) {
    const classesOf = (kind: "replaceOutput" | "addClasses") =>
      (edit[kind] as { readonly classes: number | readonly string[] } | undefined)?.classes;
    const [replaced, added] = [classesOf("replaceOutput"), classesOf("addClasses")];
    if (replaced !== undefined) names = typeof replaced === "number" ? undefined : replaced;
    if (added !== undefined)
      names = typeof added === "number" || names === undefined ? undefined : [...names, ...added];
  }
  return names;
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
