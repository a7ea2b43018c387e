// Old and new network side by side on the validation data.
import type { VerifyCheck } from "../../protocol/verify";
import { GraftError } from "../../protocol/errors";
import type { Checkpoint } from "../formats/format";
import { withLoss } from "../graph/loss";
import { editedModel } from "../recipe/apply";
import { classNames } from "../recipe/classes";
import type { OpenRecipe } from "../recipe/parse";
import type { RecipeSource } from "../recipe/source";
import type { BackendChoice } from "../train/backend";
import { fitted, readSamples } from "../train/prepare";
import { inferenceExecutor, score, untrained, type Scored } from "../train/score";

export interface ComparisonRequest {
  readonly open: OpenRecipe;
  readonly source: RecipeSource;
  /** What a finished run of the recipe has saved. */
  readonly result: Checkpoint | undefined;
  readonly backend: BackendChoice;
}

/** What a recipe is applied to. */
type Edited = Pick<RecipeSource, "model" | "read" | "others">;

/** Fails where the edited network or the result cannot be scored; the source may have been made for other labels. */
export async function checkComparison(request: ComparisonRequest): Promise<VerifyCheck> {
  const { open, source, result } = request;
  const without = withoutEdits(open);
  const networks: [name: string, recipe: OpenRecipe, checkpoint: Edited | undefined][] = [
    ["source", without, source],
    ["edited, untrained", open, source],
    ["result", without, result && { ...result, others: new Map() }],
  ];
  const figures: Record<string, number | null> = {};
  const details: string[] = [];
  const told: string[] = [];
  let failed = false;
  for (const [name, recipe, checkpoint] of networks) {
    if (checkpoint === undefined) continue;
    try {
      const { loss, accuracy, samples } = await scoreOf(recipe, checkpoint, request.backend);
      const [key] = name.split(",");
      figures["samples"] = samples;
      figures[`${key}Loss`] = loss;
      figures[`${key}Accuracy`] = accuracy;
      told.push(`${name} ${scoreText(loss, accuracy)}`);
    } catch (error) {
      if (!(error instanceof GraftError)) throw error;
      if (name !== "source") failed = true;
      told.push(`${name} not comparable`);
      details.push(`${name}: ${error.message}`);
    }
  }
  return {
    check: "comparison",
    state: failed ? "failed" : "passed",
    text: `on ${figures["samples"] ?? 0} samples: ${told.join("; ")}`,
    details,
    figures,
  };
}

/** The labels keep the names that a replaced output gives them. */
function withoutEdits(open: OpenRecipe): OpenRecipe {
  const { recipe } = open;
  const classes = classNames(recipe);
  const data = recipe.data && { ...recipe.data, ...(classes && { classes: [...classes] }) };
  return { ...open, recipe: { ...recipe, edits: [], data } };
}

const scoreText = (loss: number, accuracy: number | null): string =>
  `loss ${loss.toFixed(4)}${accuracy === null ? "" : `, accuracy ${(100 * accuracy).toFixed(1)} %`}`;

async function scoreOf(
  open: OpenRecipe,
  checkpoint: Edited,
  backend: BackendChoice,
): Promise<Scored> {
  const { others, read } = checkpoint;
  const edited = withLoss(editedModel(await checkpoint.model(), open.recipe, others));
  const samples = await readSamples(open, edited);
  const model = fitted(edited, samples);
  const { validation, training } = samples.split;
  const live = await untrained(model, read, open.recipe.seed);
  const executor = await inferenceExecutor(backend, model, () => undefined);
  const indices = validation.length > 0 ? validation : training;
  return score(model, live, executor, samples, indices);
}
