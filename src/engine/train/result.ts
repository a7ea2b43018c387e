// Writes what a run made of a checkpoint as a checkpoint of the same format.
import { GraftError } from "../../protocol/errors";
import type { SaveResult } from "../formats/format";
import { formatOf } from "../formats/table";
import { movedBytes } from "../graph/dtypes";
import type { Model } from "../graph/model";
import { evaluate } from "../graph/value";
import type { RecipeSource } from "../recipe/source";

/**
 * Saves `model` at `as`. `trained` gives the numbers of the variables that training moved. What it did not move is
 * copied byte for byte.
 */
export async function saveResult(
  checkpoint: RecipeSource,
  model: Model,
  as: string,
  seed: number,
  trained: (name: string) => Float32Array | Promise<Float32Array> | undefined,
): Promise<SaveResult> {
  if (checkpoint.paths.includes(as))
    throw new GraftError(
      "write-failed",
      `${as} cannot be written: it is a checkpoint that the result is made from; choose another name.`,
    );
  let isTrained = false;
  const result = await formatOf(checkpoint).save(checkpoint, model, as, async (variable) => {
    const start = await evaluate(variable, checkpoint.read, seed);
    const numbers = await trained(variable.name);
    if (numbers === undefined) return start;
    isTrained = true;
    return movedBytes(start, numbers, variable.dtype);
  });
  const { onceTrained } = model;
  if (!isTrained || onceTrained === undefined) return result;
  return { ...result, notes: [...result.notes, onceTrained] };
}
