// The checkpoints that a recipe is made of: the one that it starts from, with the graph that it names, and those that
// its edits name.
import { GraftError } from "../../protocol/errors";
import type { Checkpoint } from "../formats/format";
import { openCheckpoint } from "../formats/table";
import type { ReadStored } from "../graph/value";
import type { EditKind } from "../surgery/edit";
import type { OtherCheckpoint, OtherCheckpoints } from "../surgery/others";
import { EDITS } from "../surgery/table";
import { resolveIn, type OpenRecipe } from "./parse";
import { editOf, type Recipe } from "./schema";

/** The checkpoint that a recipe starts from, and the others beside it. */
export interface RecipeSource extends Checkpoint {
  readonly others: OtherCheckpoints;
  /** Every checkpoint that the recipe reads: none of them may be written over. */
  readonly paths: readonly string[];
  readonly read: ReadStored;
}

/** The caller closes it. */
export async function openSource(open: Pick<OpenRecipe, "path" | "recipe">): Promise<RecipeSource> {
  const { checkpoint, graph } = open.recipe;
  const meta = graph?.meta === undefined ? undefined : resolveIn(open, graph.meta);
  const own = await openCheckpoint(resolveIn(open, checkpoint), meta);
  const opened = new Map<string, Checkpoint>();
  const others = new Map<string, OtherCheckpoint>();
  for (const name of namedCheckpoints(open.recipe)) {
    const other = await openCheckpoint(resolveIn(open, name)).catch(asGraftError);
    others.set(name, other instanceof GraftError ? other : other.tensors);
    if (!(other instanceof GraftError)) opened.set(name, other);
  }
  const all = [own, ...opened.values()];
  return {
    ...own,
    others,
    paths: all.map(({ path }) => path),
    read: (name, from) => (from === undefined ? own : opened.get(from)!).read(name),
    close: async () => void (await Promise.all(all.map((each) => each.close()))),
  };
}

const namedCheckpoints = ({ edits }: Recipe): ReadonlySet<string> =>
  new Set(
    edits.flatMap((edit) => {
      const { kind, spec } = editOf(edit);
      return (EDITS[kind] as unknown as EditKind<unknown>).checkpoints?.(spec) ?? [];
    }),
  );

function asGraftError(error: unknown): GraftError {
  if (error instanceof GraftError) return error;
  throw error;
}
