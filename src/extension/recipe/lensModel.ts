// Which lenses stand where in a recipe's text. Knows no VS Code.
import { parse } from "jsonc-parser";
import type { CommandId } from "../commands/ids";
import { phaseLine, type Progress } from "../run/progress";
import { keySpan, pointerNode } from "./pointers";

export interface Lens {
  readonly offset: number;
  readonly title: string;
  readonly command: CommandId;
  /** The run that the lens is about; otherwise the command gets the recipe. */
  readonly run?: string;
  readonly phase?: number;
}

export function lensesOf(text: string, progress: Progress | undefined): readonly Lens[] {
  const root = text.indexOf("{");
  if (root < 0) return [];
  const lenses: Lens[] = [];
  const at = (key: string) => keySpan(text, key)?.offset;
  const edits = at("edits");
  if (edits !== undefined)
    lenses.push(
      { offset: edits, title: "Preview Changes", command: "graft.previewChanges" },
      { offset: edits, title: "Save Edited Checkpoint As…", command: "graft.saveEditedAs" },
    );
  // What is not written yet stands above the whole.
  const train = at("train") ?? root;
  lenses.push(
    progress
      ? { offset: train, title: "$(debug-stop) Stop", command: "graft.stop", run: progress.run }
      : { offset: train, title: "$(play) Train", command: "graft.train" },
  );
  lenses.push({ offset: train, title: "Training Settings…", command: "graft.trainingSettings" });
  lenses.push({ offset: train, title: "Verify", command: "graft.verify" });
  lenses.push({ offset: at("data") ?? root, title: "Choose Data…", command: "graft.chooseData" });
  if (progress) lenses.push(progressLens(text, progress, train));
  return lenses;
}

function progressLens(text: string, progress: Progress, train: number): Lens {
  const phase = pointerNode(text, `/train/${progress.phase}`);
  const earlier = phase && changed(text.slice(phase.offset, phase.offset + phase.length), progress);
  return {
    offset: phase?.offset ?? train,
    title: `$(sync~spin) ${phaseLine(progress)}${earlier ? " · an earlier version of this phase runs" : ""}`,
    command: "graft.showRun",
    run: progress.run,
    phase: progress.phase,
  };
}

/** Whether the phase says something else than when the run began; layout and comments do not count. */
export function changed(now: string, { phaseText }: Progress): boolean {
  if (phaseText === undefined || phaseText === "") return false;
  return JSON.stringify(parse(now)) !== JSON.stringify(parse(phaseText));
}
