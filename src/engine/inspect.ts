// What a checkpoint stores, before any edit.
import { createHash } from "node:crypto";
import type {
  CheckpointSummary,
  LayerSummary,
  NormalizerSummary,
  VariableSummary,
} from "../protocol/checkpoint";
import { GraftError } from "../protocol/errors";
import type { Checkpoint, StoredTensor } from "./formats/format";
import { openCheckpoint } from "./formats/table";
import { elements, isFrozen, storedName } from "./graph/model";
import type { Normalizer } from "./graph/normalizer";

/** Layers and variables of the checkpoint at `file`; with `hash`, every value is read and hashed. */
export async function inspect(file: string, hash: boolean): Promise<CheckpointSummary> {
  const checkpoint = await openCheckpoint(file);
  try {
    const model = await checkpoint.model();
    const variables: VariableSummary[] = [];
    for (const tensor of checkpoint.tensors.values())
      variables.push(hash ? await hashed(checkpoint, tensor) : summarize(tensor));
    const layers = model.layers.map(({ name, kind, variables: names }): LayerSummary => {
      const own = names.map((each) => model.variables.get(each)!);
      const weights = own.filter(({ role }) => role === "weight");
      const updater = checkpoint.updaters?.get(name);
      return {
        name,
        kind,
        parameters: own.reduce((sum, { shape }) => sum + elements(shape), 0),
        frozen: weights.length > 0 && weights.every(isFrozen),
        ...(updater !== undefined && { updater }),
        variables: own.map(storedName),
      };
    });
    const { normalizer } = model;
    return {
      format: checkpoint.format,
      ...(normalizer && { normalizer: summarizeNormalizer(normalizer) }),
      layers,
      variables,
    };
  } finally {
    await checkpoint.close();
  }
}

function summarizeNormalizer(normalizer: Normalizer): NormalizerSummary {
  if (normalizer.kind === "unknown") return normalizer;
  const numbers = normalizer.kind === "standardize" ? normalizer.mean : normalizer.min;
  return { kind: normalizer.kind, features: numbers.length };
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
