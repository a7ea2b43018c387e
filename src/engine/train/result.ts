// Writes what a run made of a checkpoint as a checkpoint of the same format.
import type { Checkpoint, SaveResult } from "../formats/format";
import { FORMATS } from "../formats/table";
import type { Model } from "../graph/model";
import { evaluate } from "../graph/value";

/**
 * Saves `model` at `as`. `trained` gives the bytes of the variables that training moved; the others are evaluated,
 * which copies what the checkpoint stores byte for byte.
 */
export function saveResult(
  checkpoint: Checkpoint,
  model: Model,
  as: string,
  seed: number,
  trained: (name: string) => Promise<Uint8Array> | undefined,
): Promise<SaveResult> {
  const format = FORMATS.find((each) => each.name === checkpoint.format)!;
  return format.save(checkpoint, model, as, (variable) => {
    const bytes = trained(variable.name);
    return bytes ?? evaluate(variable, (name) => checkpoint.read(name), seed);
  });
}
