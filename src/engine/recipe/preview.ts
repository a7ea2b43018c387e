// What one more edit would do: the consequence that a command shows before it writes.
import { GraftError } from "../../protocol/errors";
import type { EditValue } from "../../protocol/engine";
import type { Problem } from "../../protocol/plan";
import { newEffects } from "./effects";
import { parseRecipe } from "./parse";
import { toPlan } from "./plan";
import { RecipeSchema, type Recipe } from "./schema";
import { openSource } from "./source";
import { validate, type Validated } from "./validate";

export interface Preview {
  readonly consequence: string;
  /** Variables before and after, what trains, what it costs: a line each. */
  readonly effects: readonly string[];
  readonly problems: readonly Problem[];
}

/** The recipe with `edit` appended: what it changes in a sentence, and what would be wrong with it. */
export async function previewEdit(file: string, text: string, edit: EditValue): Promise<Preview> {
  const open = parseRecipe(file, text);
  const extended = RecipeSchema.safeParse({ ...open.recipe, edits: [...open.recipe.edits, edit] });
  if (!extended.success)
    throw new GraftError(
      "invalid-edit",
      `The edit is not complete: ${extended.error.issues[0].message}.`,
    );
  const checkpoint = await openSource({ path: file, recipe: extended.data });
  try {
    const source = await checkpoint.model();
    const { others } = checkpoint;
    const after = validate(source, extended.data, others);
    const plan = (recipe: Recipe, validated: Validated) =>
      toPlan(checkpoint, source, recipe, validated);
    const index = open.recipe.edits.length;
    const applied = after.edits.find((each) => each.index === index);
    return {
      consequence: applied?.sentence ?? "",
      effects: newEffects(
        plan(open.recipe, validate(source, open.recipe, others)),
        plan(extended.data, after),
      ),
      problems: after.problems.filter((problem) => problem.pointer === `/edits/${index}`),
    };
  } finally {
    await checkpoint.close();
  }
}
