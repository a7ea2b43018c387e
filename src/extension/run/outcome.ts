// What a person is told when a run is over: what exists now, and what to do next. Knows no VS Code.
import * as path from "node:path";
import type { RunSummary } from "../../protocol/run";
import type { Progress } from "./progress";

export type NextStep =
  "Copy Code to Load" | "Show Training" | "Save Result As…" | "Resume" | "Show Log";

export interface Outcome {
  readonly severity: "info" | "warning" | "error";
  readonly text: string;
  readonly next: readonly NextStep[];
}

export function outcomeOf(progress: Progress, resumable: boolean): Outcome {
  const recipe = path.basename(progress.recipe);
  const at = progress.epochs > 0 ? ` at epoch ${progress.epoch}/${progress.epochs}` : "";
  const kept = resumable ? " What it computed is kept." : "";
  const why = progress.message ? ` ${sentence(progress.message)}` : "";
  const resume: NextStep[] = resumable ? ["Resume"] : [];
  switch (progress.state) {
    case "running":
    case "finished":
      return progress.saved === undefined
        ? {
            severity: "info",
            text: `Training of ${recipe} finished. The result is kept with the run.`,
            next: ["Save Result As…", "Show Training"],
          }
        : {
            severity: "info",
            text: `Saved ${path.basename(progress.saved)}.`,
            next: ["Copy Code to Load", "Show Training"],
          };
    case "stopped":
      return {
        severity: "info",
        text: `Training of ${recipe} stopped${at}.${kept}`,
        next: [...resume, "Save Result As…"],
      };
    case "failed":
      return {
        severity: "error",
        text: `Training of ${recipe} failed${at}.${why}${kept}`,
        next: [...resume, "Show Training", "Show Log"],
      };
    case "interrupted":
      return {
        severity: "warning",
        text: `Training of ${recipe} was interrupted${at}.${kept}`,
        next: resume,
      };
  }
}

export function interruptedText({ recipe, epoch, epochs }: RunSummary): string {
  return `Training of ${path.basename(recipe)} was interrupted at epoch ${epoch}/${epochs}.`;
}

function sentence(text: string): string {
  return /[.?]$/.test(text) ? text : `${text}.`;
}
