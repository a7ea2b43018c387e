// The TensorFlow 1 checkpoint format: `tf.train.Saver`'s V1 and V2 files with their graph.
import type { Model } from "../../graph/model";
import { adopted, leftOut } from "./adopt";
import type { Checkpoint, Format, StoredTensor } from "../format";
import { importGraph } from "./import";
import { loadCode } from "./loadcode";
import { checkpointFiles, matchPrefix } from "./match";
import { ownGraph, readMetaGraph } from "./meta";
import { fittingGraph } from "./neighbours";
import { createCheckpoint, saveCheckpoint } from "./save";
import { openTensors } from "./tensors";

const NAME = "tf1";

export const tf1: Format = {
  name: NAME,
  label: "TensorFlow 1",
  suffix: ".ckpt",
  isSuffixOptional: true,
  match: matchPrefix,
  files: checkpointFiles,
  open: openCheckpoint,
  fittingGraph: ({ path, tensors }) => fittingGraph(path, tensors),
  save: saveCheckpoint,
  create: async (model, as, read) => {
    const { files, notes } = await createCheckpoint(adopted(model), as, read);
    return { files, notes: [...leftOut(model), ...notes] };
  },
  loadCode,
};

async function openCheckpoint(path: string, given?: string): Promise<Checkpoint> {
  const graph = given ?? (await ownGraph(path));
  const source = await openTensors(path);
  let model: Promise<Model> | undefined;
  return {
    tensors: source.tensors,
    read: source.read,
    readStrings: source.readStrings,
    close: source.close,
    format: NAME,
    path,
    graph,
    model: () => (model ??= readModel(graph, source.tensors)),
  };
}

async function readModel(
  graph: string | undefined,
  tensors: ReadonlyMap<string, StoredTensor>,
): Promise<Model> {
  return importGraph(graph === undefined ? null : await readMetaGraph(graph), tensors);
}
