// Writes what a run made of a checkpoint as a checkpoint of the same format.
import type { Checkpoint, SaveResult } from "../formats/format";
import { formatOf } from "../formats/table";
import { movedBytes } from "../graph/dtypes";
import type { Model } from "../graph/model";
import { evaluate } from "../graph/value";

/**
 * Saves `model` at `as`. `trained` gives the numbers of the variables that training moved. What it did not move is
 * copied byte for byte.
 */
export function saveResult(
  checkpoint: Checkpoint,
  model: Model,
  as: string,
  seed: number,
  trained: (name: string) => Float32Array | Promise<Float32Array> | undefined,
): Promise<SaveResult> {
  return formatOf(checkpoint).save(checkpoint, model, as, async (variable) => {
    const start = await evaluate(variable, (name) => checkpoint.read(name), seed);
    const numbers = await trained(variable.name);
    return numbers === undefined ? start : movedBytes(start, numbers, variable.dtype);
  });
}
