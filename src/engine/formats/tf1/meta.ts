// The .meta file: the graph of a TensorFlow 1 checkpoint, as one message.
import { toBinary } from "@bufbuild/protobuf";
import { readFile, stat } from "node:fs/promises";
import { decode } from "./decode";
import { corrupt, readFailed, systemCode } from "./errors";
import { metaPath } from "./prefix";
import { MetaGraphDefSchema, type MetaGraphDef } from "./proto/tensorflow_pb";

/** No protocol buffer message is longer. */
const MAX_BYTES = 2 ** 31 - 1;

/** The .meta file of the checkpoint at `prefix`; undefined where it has none. */
export async function ownGraph(prefix: string): Promise<string | undefined> {
  const path = metaPath(prefix);
  return stat(path).then(
    () => path,
    (error: unknown) => {
      if (systemCode(error) === "ENOENT") return undefined;
      throw readFailed(path, error);
    },
  );
}

/** Throws `corrupt-file` and what reading a file may. */
export async function readMetaGraph(path: string): Promise<MetaGraphDef> {
  const bytes = await readWhole(path);
  if (bytes.length === 0) throw corrupt(path, "it is empty");
  const meta = decode(MetaGraphDefSchema, bytes, path, "it");
  // Even the smallest has the ops of its saver.
  if (!meta.graphDef?.node.length) throw corrupt(path, "its graph has no nodes");
  return meta;
}

export const encodeMetaGraph = (meta: MetaGraphDef): Uint8Array =>
  toBinary(MetaGraphDefSchema, meta);

async function readWhole(path: string): Promise<Uint8Array> {
  try {
    const { size } = await stat(path);
    if (size > MAX_BYTES)
      throw corrupt(path, `it has ${size} bytes, and a graph has at most ${MAX_BYTES}`);
    return await readFile(path);
  } catch (error) {
    throw readFailed(path, error);
  }
}
