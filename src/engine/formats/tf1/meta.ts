// The .meta file: the graph of a TensorFlow 1 checkpoint, as one message.
import { toBinary } from "@bufbuild/protobuf";
import { readFile, stat } from "node:fs/promises";
import { decode } from "./decode";
import { corrupt, readFailed, systemCode } from "./errors";
import { metaPath } from "./prefix";
import { MetaGraphDefSchema, type MetaGraphDef } from "./proto/tensorflow_pb";

/** No protocol buffer message is longer. */
const MAX_BYTES = 2 ** 31 - 1;

/** null when the checkpoint has no .meta file. */
export async function readMetaGraph(prefix: string): Promise<MetaGraphDef | null> {
  const path = metaPath(prefix);
  const bytes = await readWhole(path);
  if (!bytes) return null;
  if (bytes.length === 0) throw corrupt(path, "it is empty");
  const meta = decode(MetaGraphDefSchema, bytes, path, "it");
  // Even the smallest has the ops of its saver.
  if (!meta.graphDef?.node.length) throw corrupt(path, "its graph has no nodes");
  return meta;
}

export const encodeMetaGraph = (meta: MetaGraphDef): Uint8Array =>
  toBinary(MetaGraphDefSchema, meta);

async function readWhole(path: string): Promise<Uint8Array | null> {
  try {
    const { size } = await stat(path);
    if (size > MAX_BYTES)
      throw corrupt(path, `it has ${size} bytes, and a graph has at most ${MAX_BYTES}`);
    return await readFile(path);
  } catch (error) {
    if (systemCode(error) === "ENOENT") return null;
    throw readFailed(path, error);
  }
}
