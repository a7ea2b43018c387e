// graft plan: what a recipe would do, before it does it.
import * as fs from "node:fs/promises";
import * as path from "node:path";
import { GraftError } from "../../protocol/errors";
import type { Plan } from "../../protocol/plan";
import { planRecipe } from "../recipe/plan";
import { count, percent, print, printJson, size, table } from "./output";

/** The text of a recipe file. Throws `file-not-found`. */
export async function readRecipe(file: string): Promise<{ path: string; text: string }> {
  const full = path.resolve(file);
  try {
    return { path: full, text: await fs.readFile(full, "utf8") };
  } catch (cause) {
    throw new GraftError(
      "file-not-found",
      `The recipe ${file} cannot be read: ${(cause as Error).message}.`,
      {
        cause,
      },
    );
  }
}

export async function planCommand(
  file: string,
  { json }: { readonly json: boolean },
): Promise<void> {
  const recipe = await readRecipe(file);
  const plan = await planRecipe(recipe.path, recipe.text);
  if (json) printJson(plan);
  else print(planText(plan));
  const error = plan.problems.find((problem) => problem.severity === "error");
  if (error !== undefined)
    throw new GraftError("invalid-edit", `${error.pointer || "recipe"}: ${error.message}`);
}

function planText(plan: Plan): string {
  const { checkpoint, parameters, trainableParameters } = plan;
  const lines = [
    `${checkpoint.name}: ${checkpoint.formatLabel}, ${count(parameters)} parameters, ${percent(trainableParameters / Math.max(parameters, 1))} will train`,
    ...plan.changes.map((change) => `  ${change}`),
    "",
  ];
  const rows = plan.layers.map((layer) => [
    layer.name,
    layer.state,
    layer.what,
    layer.change === undefined ? layer.sizes : `${layer.sizes} (${layer.change})`,
    count(layer.parameters),
    count(layer.trainableParameters),
  ]);
  const cutRow = plan.cut && [
    "┄ bottleneck",
    "",
    "",
    `${count(plan.cut.valuesPerSample)} values, ${size(plan.cut.bytesPerSample)} a sample`,
    "",
    "",
  ];
  if (cutRow !== undefined) rows.splice(plan.cut!.beforeLayer, 0, cutRow);
  lines.push(table([["layer", "state", "what", "sizes", "parameters", "train"], ...rows], [4, 5]));
  return lines.join("\n");
}
