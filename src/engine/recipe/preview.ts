// What one more edit would do: the consequence that a command shows before it writes.
import { GraftError } from "../../protocol/errors";
import type { EditValue } from "../../protocol/engine";
import type { Problem } from "../../protocol/plan";
import { parseRecipe } from "./parse";
import { RecipeSchema } from "./schema";
import { openSource } from "./source";
import { validate } from "./validate";

export interface Preview {
  readonly consequence: string;
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
    const model = await checkpoint.model();
    const { edits, problems } = validate(model, extended.data, checkpoint.others);
    const index = open.recipe.edits.length;
    const applied = edits.find((each) => each.index === index);
    const own = problems.filter((problem) => problem.pointer === `/edits/${index}`);
    return { consequence: applied?.sentence ?? "", problems: own };
  } finally {
    await checkpoint.close();
  }
}
