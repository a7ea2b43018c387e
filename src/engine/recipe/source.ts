// The checkpoint that a recipe starts from, with the graph that it names.
import type { Checkpoint } from "../formats/format";
import { openCheckpoint } from "../formats/table";
import { resolveIn, type OpenRecipe } from "./parse";

/** The caller closes it. */
export function openSource(open: Pick<OpenRecipe, "path" | "recipe">): Promise<Checkpoint> {
  const { checkpoint, graph } = open.recipe;
  const meta = graph?.meta === undefined ? undefined : resolveIn(open, graph.meta);
  return openCheckpoint(resolveIn(open, checkpoint), meta);
}
