// graft verify: the checks of a recipe, one line each.
import * as path from "node:path";
import { parseRecipe } from "../recipe/parse";
import { parseBackend } from "../train/backend";
import { reportText } from "../verify/report";
import { verifyRecipe } from "../verify/verify";
import { print, printJson } from "./output";
import { readRecipe } from "./plan";

export interface VerifyOptions {
  readonly steps: number;
  readonly result?: string;
  readonly backend?: string;
  readonly json: boolean;
}

export async function verifyRecipeCommand(file: string, options: VerifyOptions): Promise<void> {
  const recipe = await readRecipe(file);
  let stopping = false;
  const stop = () => void (stopping = true);
  process.once("SIGINT", stop);
  try {
    const verification = await verifyRecipe({
      open: parseRecipe(recipe.path, recipe.text),
      steps: options.steps,
      result: options.result === undefined ? undefined : path.resolve(options.result),
      backend: parseBackend(options.backend ?? process.env["GRAFT_BACKEND"]),
      stopRequested: () => stopping,
    });
    if (options.json) printJson(verification);
    else print(reportText(verification));
    if (!verification.passed) process.exitCode = 1;
  } finally {
    process.off("SIGINT", stop);
  }
}
