// graft plan: what a recipe would do, before it does it.
import * as fs from "node:fs/promises";
import * as path from "node:path";
import { GraftError } from "../../protocol/errors";
import type { Plan, PlanCut, PlanMeasure } from "../../protocol/plan";
import { bottleneckFolder } from "../cache/folder";
import { freeBytes } from "../cache/room";
import { costText, fasterText, phaseTexts, variableText } from "../recipe/effects";
import { placedError, placedText } from "../recipe/apply";
import { parseRecipe } from "../recipe/parse";
import { planRecipe } from "../recipe/plan";
import { parseBackend } from "../train/backend";
import { measure } from "../train/measure";
import { count, counted, percent, print, printJson, size, table } from "./output";

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

export interface PlanOptions {
  readonly json: boolean;
  /** False: --no-measure. */
  readonly measure: boolean;
  readonly backend?: string;
}

export async function planCommand(file: string, options: PlanOptions): Promise<void> {
  const recipe = await readRecipe(file);
  const plan = await planRecipe(recipe.path, recipe.text);
  const open = parseRecipe(recipe.path, recipe.text);
  const errors = plan.problems.filter((problem) => problem.severity === "error");
  const measured =
    options.measure && errors.length === 0 && plan.cut !== undefined
      ? await measure(open, parseBackend(options.backend ?? process.env["GRAFT_BACKEND"]))
      : undefined;
  if (options.json) printJson({ ...plan, ...(measured && { measured }) });
  else {
    // The first error is told last, and elsewhere.
    const listed = plan.problems.filter((problem) => problem !== errors[0]);
    for (const problem of listed) print(`${problem.severity}  ${placedText(problem, open.recipe)}`);
    if (listed.length > 0) print("");
    print(planText(plan));
    const { cut } = plan;
    const lines = [costText(plan), cut && (await roomText(cut)), gainText(plan, measured)];
    print(lines.filter((line) => line !== undefined).join("\n"));
  }
  if (errors.length > 0) throw placedError(errors[0], open.recipe);
}

/** What the bottlenecks take of the disk, where the data tell how many there are. */
async function roomText({ samples, bytesPerSample }: PlanCut): Promise<string> {
  const folder = bottleneckFolder();
  const free = `${size(await freeBytes(folder))} free in ${folder}`;
  if (samples === undefined) return `bottlenecks: ${size(bytesPerSample)} a sample, ${free}`;
  return `bottlenecks: ${size(samples * bytesPerSample)} for ${counted(samples, "sample")}, ${free}`;
}

/** What caching gains, and how that is known. */
function gainText({ cut }: Plan, measured: PlanMeasure | undefined): string | undefined {
  if (cut?.speedUp === undefined) return undefined;
  const byGraph = `${fasterText(cut.speedUp)}, going by multiply-adds`;
  if (measured === undefined) return `with bottlenecks training is ${byGraph}`;
  const { speedUp, prefixSeconds, stepSeconds, batch, backend } = measured;
  return `with bottlenecks training is ${fasterText(speedUp)}, as measured: ${duration(prefixSeconds)} a sample below the cut, ${duration(stepSeconds)} a step of ${batch} above it (${backend}); ${byGraph}`;
}

function planText(plan: Plan): string {
  const { checkpoint, parameters, trainableParameters } = plan;
  const lines = [
    `${checkpoint.name}: ${checkpoint.formatLabel}, ${count(parameters)} parameters, ${percent(trainableParameters / Math.max(parameters, 1))} will train${plan.phases === undefined ? "" : " in phase 1"}`,
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
    `${counted(plan.cut.valuesPerSample, "value")}, ${size(plan.cut.bytesPerSample)} a sample`,
    "",
    "",
  ];
  if (cutRow !== undefined) rows.splice(plan.cut!.beforeLayer, 0, cutRow);
  lines.push(table([["layer", "state", "what", "sizes", "parameters", "train"], ...rows], [4, 5]));
  const changes = plan.variableChanges.map((change) => `  ${variableText(change)}`);
  if (changes.length > 0) lines.push("", "changed variables", ...changes);
  const phases = phaseTexts(plan).map((text) => `  ${text}`);
  if (phases.length > 0) lines.push("", "training", ...phases);
  if (plan.data !== undefined) lines.push("", "data", ...plan.data.map((line) => `  ${line}`));
  return [...lines, ""].join("\n");
}

/** "64 µs", "1.2 ms", "0.5 s" */
function duration(seconds: number): string {
  const [unit, value] =
    seconds < 1e-3 ? ["µs", seconds * 1e6] : seconds < 1 ? ["ms", seconds * 1e3] : ["s", seconds];
  return `${value < 10 ? value.toFixed(1) : value.toFixed(0)} ${unit}`;
}
