// graft plan: what a recipe would do, before it does it.
import * as fs from "node:fs/promises";
import * as path from "node:path";
import { GraftError } from "../../protocol/errors";
import type { Plan, PlanCut } from "../../protocol/plan";
import { bottleneckFolder } from "../cache/folder";
import { freeBytes } from "../cache/room";
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
  else {
    print(planText(plan));
    if (plan.cut !== undefined) print(await roomText(plan.cut));
  }
  const error = plan.problems.find((problem) => problem.severity === "error");
  if (error !== undefined)
    throw new GraftError("invalid-edit", `${error.pointer || "recipe"}: ${error.message}`);
}

/** What the bottlenecks take of the disk, where the data tell how many there are. */
async function roomText({ samples, bytesPerSample }: PlanCut): Promise<string> {
  const folder = bottleneckFolder();
  const free = `${size(await freeBytes(folder))} free in ${folder}`;
  if (samples === undefined) return `bottlenecks: ${size(bytesPerSample)} a sample, ${free}`;
  return `bottlenecks: ${size(samples * bytesPerSample)} for ${count(samples)} samples, ${free}`;
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
