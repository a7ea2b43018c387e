// The graph of another checkpoint in the folder, for one that has none: offered by its row, and by Train.
import * as path from "node:path";
import type { App } from "../app";
import { relativeTo } from "../files";
import { tell } from "../messages";
import { changeRecipe } from "../recipe/edit";
import type { Target } from "../recipe/target";
import { setValue } from "../recipe/text";
import { confirmText } from "./confirm";
import { editable } from "./edit";
import { planOf } from "./plan";

export async function useGraph(app: App): Promise<void> {
  const target = await editable(app);
  if (!target) return;
  const { noGraph, fittingGraph } = await planOf(app, target);
  if (fittingGraph !== undefined) await confirmGraph(target, fittingGraph);
  else tell("info", noGraph ?? "The checkpoint has a graph already.");
}

/** The graph that training lacks and could use. */
export const missingGraph = async (app: App, target: Target): Promise<string | undefined> =>
  (await planOf(app, target)).fittingGraph;

/** False when a person says no. */
export async function confirmGraph(target: Target, graph: string): Promise<boolean> {
  const name = path.basename(graph);
  const answer = await confirmText(
    target,
    `The graph of ${name} is used: it has the same variables.`,
    {
      title: "Use Graph of Another Checkpoint",
      prompt: "",
    },
  );
  if (answer !== "write") return false;
  const meta = relativeTo(path.dirname(target.path), graph);
  return changeRecipe(target, (text) => setValue(text, ["graph", "meta"], meta));
}
