// What the engine process answers: one handler per method of the protocol.
import { dirname } from "node:path";
import { EDIT_COMMANDS } from "../protocol/edits";
import type { EngineHandlers, RecipeText } from "../protocol/engine";
import { convert } from "./convert";
import { proposeData } from "./data/propose";
import { FORMATS, formatOf, openCheckpoint, recognize } from "./formats/table";
import { modelInputs } from "./graph/inputs";
import { withLoss } from "./graph/loss";
import type { Model } from "./graph/model";
import { labelTarget } from "./graph/target";
import { inspect } from "./inspect";
import type { Jobs } from "./jobs";
import { applyRecipe } from "./recipe/apply";
import { inNamedOrder } from "./recipe/classes";
import { checkRecipe, parseRecipe } from "./recipe/parse";
import { openSource } from "./recipe/source";
import { planCheckpoint, planRecipe, recipeProblems } from "./recipe/plan";
import { previewEdit } from "./recipe/preview";
import type { EditKind } from "./surgery/edit";
import { EDITS } from "./surgery/table";
import { listRuns, readEvents } from "./train/runs";
import { saveEdited } from "./train/saveEdited";
import { saveRun } from "./train/saveRun";

export const handlers = (jobs: Jobs): EngineHandlers => ({
  formats: async () => FORMATS.map(({ name, label, suffix }) => ({ name, label, suffix })),
  recognize: ({ files }) => recognize(files),
  inspect: ({ path, hash }) => inspect(path, hash ?? false),
  plan: ({ path, text }) => planRecipe(path, text),
  planCheckpoint: ({ path }) => planCheckpoint(path),
  problems: ({ path, text }) => recipeProblems(path, text),
  questions: async ({ command, given, ...recipe }) => {
    const edit = EDITS[EDIT_COMMANDS[command].edit] as unknown as EditKind<unknown>;
    const questions = edit.variants?.[command] ?? edit.questions;
    return questions(await modelSoFar(recipe), given);
  },
  preview: ({ edit, ...recipe }) => previewEdit(recipe.path, recipe.text, edit),
  proposeData: async ({ files, ...recipe }) => {
    const model = withLoss(await modelSoFar(recipe));
    const inputs = modelInputs(model);
    const target = labelTarget(model);
    const candidates = await proposeData(files, inputs, dirname(recipe.path), {
      ...(target.kind === "classes" && { classes: target.classes }),
      perStep: target.steps !== undefined,
    });
    const open = parseRecipe(recipe.path, recipe.text).recipe;
    return candidates.map((each) => ({ ...each, classes: inNamedOrder(open, each.classes) }));
  },
  startRun: async ({ path, text }) => ({ run: jobs.start(path, text) }),
  resumeRun: async ({ run }) => {
    jobs.resume(run);
    return { run };
  },
  stopRun: async ({ run }) => {
    jobs.stop(run);
    return null;
  },
  runs: async () => listRuns(),
  runEvents: async ({ run }) => readEvents(run),
  saveRun: ({ run, as }) => saveRun(run, as),
  verify: ({ path, text }, cancelled) => jobs.verify(path, text, cancelled),
  saveEdited: ({ path, text, as }) => saveEdited(parseRecipe(path, text), as),
  convert: ({ path, to, as }, cancelled) => convert(path, to, as, cancelled),
  loadCode: async ({ path }) => {
    const checkpoint = await openCheckpoint(path);
    try {
      return await formatOf(checkpoint).loadCode(checkpoint.path, await checkpoint.model());
    } finally {
      await checkpoint.close();
    }
  },
});

/** The model that a recipe describes so far; edits that do not fit are left out. */
async function modelSoFar({ path, text }: RecipeText): Promise<Model> {
  const { recipe } = checkRecipe(path, text);
  const open = recipe === undefined ? parseRecipe(path, text) : { path, text, recipe };
  const checkpoint = await openSource(open);
  try {
    return applyRecipe(await checkpoint.model(), open.recipe, checkpoint.others).model;
  } finally {
    await checkpoint.close();
  }
}
