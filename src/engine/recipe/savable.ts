// Whether what a recipe makes of its checkpoint can be written: better known before the training than after it.
import { GraftError } from "../../protocol/errors";
import type { Problem } from "../../protocol/plan";
import type { Model } from "../graph/model";
import { applyRecipe } from "./apply";
import type { Recipe } from "./schema";
import type { RecipeSource } from "./source";
import type { Validated } from "./validate";

/** What is saved of a phase: a loss that only training needed is no part of the network. */
export const savedModel = (edited: Model, phase: Model): Model => ({
  ...edited,
  variables: phase.variables,
});

/** What keeps the network from being saved, at the edit since which that is so, or at the phase. */
export async function unsavable(
  checkpoint: RecipeSource,
  recipe: Recipe,
  { model, phases }: Pick<Validated, "model" | "phases">,
): Promise<Problem | undefined> {
  const error = await refusal(checkpoint, model);
  if (error !== undefined) return problemOf(error, await sinceWhen(checkpoint, recipe));
  for (const [index, phase] of phases.entries()) {
    const ofPhase = await refusal(checkpoint, savedModel(model, phase));
    if (ofPhase !== undefined) return problemOf(ofPhase, `/train/${index}`);
  }
  return undefined;
}

const problemOf = ({ code, message }: GraftError, pointer: string): Problem => ({
  ...{ code, message, pointer },
  severity: "error",
});

async function sinceWhen(checkpoint: RecipeSource, recipe: Recipe): Promise<string> {
  const source = await checkpoint.model();
  for (let count = recipe.edits.length - 1; count >= 0; count--) {
    const before = { ...recipe, edits: recipe.edits.slice(0, count) };
    const { model } = applyRecipe(source, before, checkpoint.others);
    if ((await refusal(checkpoint, model)) === undefined) return `/edits/${count}`;
  }
  return "/checkpoint";
}

async function refusal(checkpoint: RecipeSource, model: Model): Promise<GraftError | undefined> {
  try {
    await checkpoint.checkSavable?.(model);
    return undefined;
  } catch (error) {
    if (!(error instanceof GraftError)) throw error;
    return error;
  }
}
