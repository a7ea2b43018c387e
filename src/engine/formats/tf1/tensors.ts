// The values of a checkpoint, whichever version of the format it has.
import type { TensorSource } from "../format";
import { openBundle } from "./bundle";
import { diagnose } from "./diagnose";
import { missingShard, unsupported } from "./errors";
import { findFiles, prefixOfPattern, shardCount } from "./prefix";
import { openSlices } from "./slices";

export interface TensorFiles extends TensorSource {
  readonly version: "V1" | "V2";
  readonly files: readonly string[];
}

/** `path` is a prefix, or for sharded V1 also the pattern `X-?????-of-0000n`. */
export async function openTensors(path: string): Promise<TensorFiles> {
  const prefix = prefixOfPattern(path) ?? path;
  const found = await findFiles(prefix);
  if (!found) throw await diagnose(prefix);
  const { version, tables, files } = found;
  if (version === "V2") return { ...(await openBundle(prefix)), version, files };
  return { ...(await openSlices(prefix, completeSet(prefix, tables))), version, files };
}

/** Each V1 shard lists only what it holds, so a missing one would hide tensors. */
function completeSet(prefix: string, tables: readonly string[]): readonly string[] {
  const count = shardCount(tables[0]!);
  if (tables.some((path) => shardCount(path) !== count))
    throw unsupported(
      prefix,
      `its folder holds shards of several checkpoints of this name (${tables.join(", ")}); keep one set`,
    );
  if (tables.length !== count && tables[0] !== prefix)
    throw missingShard(
      `A shard of ${prefix}`,
      `${count} are expected and ${tables.length} are there`,
    );
  return tables;
}
