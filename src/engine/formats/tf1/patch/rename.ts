// New names of nodes, everywhere that a MetaGraphDef mentions them. Names in checkpoints are the savers' own affair.
import { fromBinary, toBinary } from "@bufbuild/protobuf";
import {
  SaverDefSchema,
  VariableDefSchema,
  type MetaGraphDef,
  type NodeDef,
  type SaverDef,
} from "../proto/tensorflow_pb";
import { CONTEXTS } from "./contexts";
import { parseInput, type PatchedGraph } from "./graph";
import { variableDef } from "./variables";

/** Old names to new ones. A partitioned variable has a name as a whole, beside those of its parts. */
export interface NewNames {
  readonly nodes: ReadonlyMap<string, string>;
  readonly variables: ReadonlyMap<string, string>;
}

/** Gives the nodes of `meta`, which `graph` knows under their old names, their new ones. */
export function renameNodes(meta: MetaGraphDef, graph: PatchedGraph, names: NewNames): void {
  if (names.nodes.size === 0) return;
  const nameNow = (text: string): string => {
    const { node } = parseInput(text);
    const name = names.nodes.get(node);
    if (name === undefined) return text;
    const start = text.startsWith("^") ? 1 : 0;
    return text.slice(0, start) + name + text.slice(start + node.length);
  };
  for (const [collection, { kind }] of Object.entries(meta.collectionDef)) {
    if (kind.case === "nodeList") kind.value.value = kind.value.value.map(nameNow);
    if (kind.case !== "bytesList") continue;
    kind.value.value = kind.value.value.map((bytes) => {
      if (collection in CONTEXTS) return CONTEXTS[collection]!(bytes, nameNow)!;
      if (collection !== "savers") return renamedVariable(bytes, graph, nameNow, names);
      const saver = fromBinary(SaverDefSchema, bytes);
      renameSaver(saver, nameNow);
      return toBinary(SaverDefSchema, saver);
    });
  }
  if (meta.saverDef !== undefined) renameSaver(meta.saverDef, nameNow);
  for (const node of meta.graphDef!.node) renameNode(node, nameNow);
}

type NameNow = (text: string) => string;

function renameNode(node: NodeDef, nameNow: NameNow): void {
  const places = node.attr["_class"]?.value;
  if (places?.case === "list")
    places.value.s = places.value.s.map((place) =>
      encode(decode(place).replace(/^loc:@(.*)$/s, (_, name: string) => `loc:@${nameNow(name)}`)),
    );
  // Resources are told apart by it: the old name may be another variable's now.
  const shared = node.attr["shared_name"]?.value;
  if (shared?.case === "s" && decode(shared.value) === node.name)
    shared.value = encode(nameNow(node.name));
  node.name = nameNow(node.name);
  node.input = node.input.map(nameNow);
}

function renameSaver(saver: SaverDef, nameNow: NameNow): void {
  saver.filenameTensorName = nameNow(saver.filenameTensorName);
  saver.saveTensorName = nameNow(saver.saveTensorName);
  saver.restoreOpName = nameNow(saver.restoreOpName);
}

function renamedVariable(
  bytes: Uint8Array,
  graph: PatchedGraph,
  nameNow: NameNow,
  { variables }: NewNames,
): Uint8Array {
  const def = variableDef(bytes, graph);
  if (def === undefined) return bytes;
  def.variableName = nameNow(def.variableName);
  def.initializerName = nameNow(def.initializerName);
  def.snapshotName = nameNow(def.snapshotName);
  def.initialValueName = nameNow(def.initialValueName);
  const slice = def.saveSliceInfoDef;
  if (slice !== undefined) slice.fullName = variables.get(slice.fullName) ?? slice.fullName;
  return toBinary(VariableDefSchema, def);
}

const decode = (bytes: Uint8Array): string => new TextDecoder().decode(bytes);
const encode = (text: string): Uint8Array => new TextEncoder().encode(text);
