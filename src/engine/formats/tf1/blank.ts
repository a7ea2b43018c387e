// The graph of a program that has no variables yet: what saves, restores and initializes those that are added.
import { create } from "@bufbuild/protobuf";
import type { Model } from "../../graph/model";
import * as attribute from "./emit/attributes";
import { INIT } from "./patch/added";
import { PatchedGraph } from "./patch/graph";
import { stringVector } from "./patch/tensors";
import {
  CollectionDefSchema,
  GraphDefSchema,
  MetaGraphDefSchema,
  SaverDef_CheckpointFormatVersion,
  type MetaGraphDef,
  type TensorProto,
} from "./proto/tensorflow_pb";

/** The model of such a graph. */
export const BLANK_MODEL: Model = {
  nodes: new Map(),
  variables: new Map(),
  layers: [],
  roles: { inputs: [] },
  shapes: new Map(),
  aliases: new Map(),
};

/** TensorFlow 1's own form, of its second format of checkpoints. */
export function blankMetaGraph(): MetaGraphDef {
  const graphDef = create(GraphDefSchema, { versions: { producer: PRODUCER } });
  const graph = new PatchedGraph(graphDef);
  const constant = (name: string, tensor: TensorProto) => graph.addConstant(name, tensor);
  const types = attribute.types([]);
  const file = constant("save/Const", scalarString("model"));
  const entries = (op: string) => [
    file,
    constant(`save/${op}/tensor_names`, stringVector([])),
    constant(`save/${op}/shape_and_slices`, stringVector([])),
  ];
  const save = graph.add({
    name: "save/SaveV2",
    op: "SaveV2",
    inputs: entries("SaveV2"),
    attributes: { dtypes: types },
  });
  const saved = graph.add({
    name: "save/control_dependency",
    op: "Identity",
    inputs: [file, `^${save}`],
    attributes: { T: attribute.ofType("string"), _class: attribute.beside(file) },
  });
  graph.add({
    name: "save/RestoreV2",
    op: "RestoreV2",
    inputs: entries("RestoreV2"),
    attributes: { dtypes: attribute.types([]) },
  });
  const restored = graph.add({ name: "save/restore_all", op: "NoOp" });
  graph.add({ name: INIT, op: "NoOp" });
  return create(MetaGraphDefSchema, {
    metaInfoDef: { metaGraphVersion: "", tensorflowVersion: "1.15.0" },
    graphDef,
    saverDef: {
      filenameTensorName: `${file}:0`,
      saveTensorName: `${saved}:0`,
      restoreOpName: restored,
      maxToKeep: 5,
      keepCheckpointEveryNHours: 10000,
      version: SaverDef_CheckpointFormatVersion.V2,
    },
    collectionDef: {
      variables: create(CollectionDefSchema, { kind: { case: "bytesList", value: { value: [] } } }),
    },
  });
}

/** Version of graphs that TensorFlow 1.15 writes. */
const PRODUCER = 134;

function scalarString(value: string): TensorProto {
  const tensor = stringVector([new TextEncoder().encode(value)]);
  tensor.tensorShape!.dim = [];
  return tensor;
}
