// The TensorFlow 1 checkpoint format: `tf.train.Saver`'s V1 and V2 files with their graph.
import type { Model } from "../../graph/model";
import type { Checkpoint, Format } from "../format";
import { importGraph } from "./import";
import { loadCode } from "./loadcode";
import { checkpointFiles, matchPrefix } from "./match";
import { readMetaGraph } from "./meta";
import { saveCheckpoint } from "./save";
import { openTensors } from "./tensors";

const NAME = "tf1";

export const tf1: Format = {
  name: NAME,
  label: "TensorFlow 1",
  match: matchPrefix,
  files: checkpointFiles,
  open: openCheckpoint,
  save: saveCheckpoint,
  loadCode,
};

async function openCheckpoint(path: string): Promise<Checkpoint> {
  const source = await openTensors(path);
  let model: Promise<Model> | undefined;
  return {
    tensors: source.tensors,
    read: source.read,
    readStrings: source.readStrings,
    close: source.close,
    format: NAME,
    path,
    model: () => (model ??= readMetaGraph(path).then((meta) => importGraph(meta, source.tensors))),
  };
}
