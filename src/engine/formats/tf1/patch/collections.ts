// The collections of a MetaGraphDef: variables as they are now, and nothing that is gone.
import { create, fromBinary, toBinary } from "@bufbuild/protobuf";
import {
  CollectionDefSchema,
  SaverDefSchema,
  VariableDefSchema,
  type MetaGraphDef,
  type SaverDef,
  type SaveSliceInfoDef,
  type VariableDef,
} from "../proto/tensorflow_pb";
import { CONTEXTS } from "./contexts";
import { nodeOf, type PatchedGraph } from "./graph";
import { TRAINABLE, variableDef, variableNode } from "./variables";

/** What is new: of a variable by its node, variables themselves, ops that run with training. */
export interface VariableChanges {
  readonly trainable: ReadonlyMap<string, boolean>;
  readonly slices: ReadonlyMap<string, SaveSliceInfoDef>;
  readonly initialValues: ReadonlyMap<string, string>;
  /** VariableDefs. */
  readonly added: readonly Uint8Array[];
  readonly updates: readonly string[];
  /** WhileContextDefs. */
  readonly whileContexts: readonly Uint8Array[];
}

const VARIABLES = "variables";
const WHILE_CONTEXTS = "while_context";
/** What tf.layers and slim ask a program to run with each step. */
const UPDATES = "update_ops";

export function patchCollections(
  meta: MetaGraphDef,
  graph: PatchedGraph,
  changes: VariableChanges,
): void {
  const isRemoved = (node: string): boolean => graph.removed.has(node);
  const listsVariables = VARIABLES in meta.collectionDef;
  for (const [name, { kind }] of Object.entries(meta.collectionDef)) {
    if (kind.case === undefined || kind.value.value.length === 0) continue;
    if (kind.case === "nodeList")
      kind.value.value = kind.value.value.filter((item) => !isRemoved(nodeOf(item)));
    else if (name in CONTEXTS)
      kind.value.value = kind.value.value.flatMap(
        (item) =>
          CONTEXTS[name]!(item, (tensor) => (isRemoved(nodeOf(tensor)) ? null : tensor)) ?? [],
      );
    else if (name === "savers")
      kind.value.value = kind.value.value.filter(
        (item) => !isLost(graph, fromBinary(SaverDefSchema, item)),
      );
    else
      kind.value.value = kind.value.value.flatMap((item) => {
        const def = variableDef(item, graph);
        if (def === undefined) return [item];
        return isRemoved(variableNode(def)) ? [] : [patchVariable(item, def, changes)];
      });
    if (kind.value.value.length === 0) delete meta.collectionDef[name];
  }
  if (listsVariables) addVariables(meta, changes.added);
  addUpdates(meta, changes.updates);
  addWhileContexts(meta, changes.whileContexts);
  if (changes.trainable.size > 0) setTrainable(meta, graph, changes.trainable);
  if (meta.saverDef !== undefined && isLost(graph, meta.saverDef)) meta.saverDef = undefined;
}

function addVariables(meta: MetaGraphDef, added: readonly Uint8Array[]): void {
  const old = meta.collectionDef[VARIABLES]?.kind;
  const value = [...(old?.case === "bytesList" ? old.value.value : []), ...added];
  if (value.length === 0) return;
  meta.collectionDef[VARIABLES] = create(CollectionDefSchema, {
    kind: { case: "bytesList", value: { value } },
  });
}

function addUpdates(meta: MetaGraphDef, updates: readonly string[]): void {
  if (updates.length === 0) return;
  const old = meta.collectionDef[UPDATES]?.kind;
  const value = [...(old?.case === "nodeList" ? old.value.value : []), ...updates];
  meta.collectionDef[UPDATES] = create(CollectionDefSchema, {
    kind: { case: "nodeList", value: { value } },
  });
}

function addWhileContexts(meta: MetaGraphDef, contexts: readonly Uint8Array[]): void {
  if (contexts.length === 0) return;
  const old = meta.collectionDef[WHILE_CONTEXTS]?.kind;
  const value = [...(old?.case === "bytesList" ? old.value.value : []), ...contexts];
  meta.collectionDef[WHILE_CONTEXTS] = create(CollectionDefSchema, {
    kind: { case: "bytesList", value: { value } },
  });
}

/** Bytes of a variable that did not change are kept as they are. */
function patchVariable(bytes: Uint8Array, def: VariableDef, changes: VariableChanges): Uint8Array {
  const node = variableNode(def);
  const trainable = changes.trainable.get(node);
  const slice = changes.slices.get(node);
  const initial = changes.initialValues.get(node);
  if (trainable === undefined && slice === undefined && initial === undefined) return bytes;
  if (trainable !== undefined) def.trainable = trainable;
  if (slice !== undefined) def.saveSliceInfoDef = slice;
  if (initial !== undefined && def.initialValueName !== "") def.initialValueName = initial;
  return toBinary(VariableDefSchema, def);
}

/** `trainable_variables` in its own order; what joins it comes after its predecessor among all variables. */
function setTrainable(
  meta: MetaGraphDef,
  graph: PatchedGraph,
  trainable: ReadonlyMap<string, boolean>,
): void {
  const listed = entries(meta, graph, [TRAINABLE]);
  const all = entries(meta, graph, [VARIABLES, ...Object.keys(meta.collectionDef)]);
  const names = [...listed.keys()].filter((name) => trainable.get(name) !== false);
  let previous = -1;
  for (const [name] of all) {
    const place = names.indexOf(name);
    if (place >= 0) previous = place;
    else if (trainable.get(name) === true) names.splice(++previous, 0, name);
  }
  if (names.length === 0) delete meta.collectionDef[TRAINABLE];
  else
    meta.collectionDef[TRAINABLE] = create(CollectionDefSchema, {
      kind: { case: "bytesList", value: { value: names.map((name) => all.get(name)!) } },
    });
}

/** The variables of some collections, each once, by the name of its node. */
function entries(
  meta: MetaGraphDef,
  graph: PatchedGraph,
  collections: readonly string[],
): Map<string, Uint8Array> {
  const found = new Map<string, Uint8Array>();
  for (const collection of collections) {
    const kind = meta.collectionDef[collection]?.kind;
    for (const bytes of kind?.case === "bytesList" ? kind.value.value : []) {
      const def = variableDef(bytes, graph);
      if (def !== undefined && !found.has(variableNode(def))) found.set(variableNode(def), bytes);
    }
  }
  return found;
}

const isLost = (graph: PatchedGraph, saver: SaverDef): boolean =>
  graph.removed.has(nodeOf(saver.saveTensorName)) || graph.removed.has(nodeOf(saver.restoreOpName));
