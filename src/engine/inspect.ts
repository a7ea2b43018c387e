// What a checkpoint stores, before any edit.
import { createHash } from "node:crypto";
import type { CheckpointSummary, VariableSummary } from "../protocol/checkpoint";
import { GraftError } from "../protocol/errors";
import type { Checkpoint, StoredTensor } from "./formats/format";
import { openCheckpoint } from "./formats/table";
import { elements, storedName } from "./graph/model";

/** Layers and variables of the checkpoint at `file`; with `hash`, every value is read and hashed. */
export async function inspect(file: string, hash: boolean): Promise<CheckpointSummary> {
  const checkpoint = await openCheckpoint(file);
  try {
    const model = await checkpoint.model();
    const variables: VariableSummary[] = [];
    for (const tensor of checkpoint.tensors.values())
      variables.push(hash ? await hashed(checkpoint, tensor) : summarize(tensor));
    const layers = model.layers.map(({ name, kind, variables: names }) => ({
      name,
      kind,
      parameters: names.reduce((sum, each) => sum + elements(model.variables.get(each)!.shape), 0),
      variables: names.map((each) => storedName(model.variables.get(each)!)),
    }));
    return { format: checkpoint.format, layers, variables };
  } finally {
    await checkpoint.close();
  }
}

const summarize = ({ name, dtype, shape, bytes, problem }: StoredTensor): VariableSummary => ({
  name,
  dtype,
  shape,
  bytes,
  ...(problem !== undefined && { problem }),
});

async function hashed(checkpoint: Checkpoint, tensor: StoredTensor): Promise<VariableSummary> {
  const summary = summarize(tensor);
  if (tensor.problem !== undefined) return summary;
  try {
    const hash = createHash("sha256");
    if (tensor.dtype !== "string") hash.update(await checkpoint.read(tensor.name));
    else
      for (const item of await checkpoint.readStrings(tensor.name)) {
        const length = Buffer.alloc(4);
        length.writeUInt32LE(item.length);
        hash.update(length).update(item);
      }
    return { ...summary, sha256: hash.digest("hex") };
  } catch (error) {
    if (!(error instanceof GraftError)) throw error;
    return { ...summary, problem: error.message };
  }
}
