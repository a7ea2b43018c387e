// The variables of a graph: their nodes, what the collections say of them, and how a partitioned one is put together.
import { fromBinary } from "@bufbuild/protobuf";
import {
  VariableDefSchema,
  type MetaGraphDef,
  type NodeDef,
  type SaveSliceInfoDef,
  type VariableDef,
} from "../proto/tensorflow_pb";
import { nodeOf, type PatchedGraph } from "./graph";
import { isAssign, isRestore, isVariable } from "./ops";

export interface GraphVariable {
  readonly node: NodeDef;
  /** The name that the model and the checkpoint use: of a part, that of the whole. */
  readonly model: string;
  /** The box of a partitioned variable that this one holds. */
  readonly slice?: SaveSliceInfoDef;
  /** Assigns the initial value, its input 1. */
  readonly initializer?: NodeDef;
  /** Whether the graph says that it is trained by gradient. */
  readonly trainable: boolean;
  /** The ops that collections name along with it. */
  readonly named: readonly string[];
}

export const TRAINABLE = "trainable_variables";

/** All variables of the graph by the name of their node, in its order. */
export function graphVariables(
  meta: MetaGraphDef,
  graph: PatchedGraph,
): ReadonlyMap<string, GraphVariable> {
  const defs = new Map<string, VariableDef>();
  const trainable = new Set<string>();
  for (const [collection, { kind }] of Object.entries(meta.collectionDef))
    for (const bytes of kind.case === "bytesList" ? kind.value.value : []) {
      const def = variableDef(bytes, graph);
      if (def === undefined) continue;
      defs.set(variableNode(def), def);
      if (collection === TRAINABLE) trainable.add(variableNode(def));
    }
  const found = new Map<string, GraphVariable>();
  for (const node of graph.nodes.values()) {
    if (!isVariable(node)) continue;
    const def = defs.get(node.name);
    const slice = def?.saveSliceInfoDef;
    const initializer = initializerOf(graph, node, def);
    found.set(node.name, {
      node,
      model: slice?.fullName ?? node.name,
      trainable: trainable.has(node.name),
      named: def === undefined ? [] : namesOf(def).map(nodeOf),
      ...(slice === undefined ? {} : { slice }),
      ...(initializer === undefined ? {} : { initializer }),
    });
  }
  return found;
}

/** An entry of a collection of variables; undefined when it is something else. */
export function variableDef(bytes: Uint8Array, graph: PatchedGraph): VariableDef | undefined {
  try {
    const def = fromBinary(VariableDefSchema, bytes);
    return isVariable(graph.nodes.get(variableNode(def))) ? def : undefined;
  } catch {
    return undefined;
  }
}

const namesOf = (def: VariableDef): string[] => [
  def.initializerName,
  def.snapshotName,
  def.initialValueName,
];

export const variableNode = (def: VariableDef): string => def.variableName.replace(/:0$/, "");

function initializerOf(
  graph: PatchedGraph,
  node: NodeDef,
  def: VariableDef | undefined,
): NodeDef | undefined {
  const named = def === undefined ? undefined : graph.nodes.get(def.initializerName);
  if (named !== undefined && isAssign(named)) return named;
  // Without collections: the first thing that assigns a value that does not come from a checkpoint.
  return graph.users(node.name).find((user) => {
    if (!isAssign(user) || graph.inputNode(user, 0) !== node) return false;
    const value = graph.inputNode(user, 1);
    const source = value?.op === "Identity" ? graph.inputNode(value, 0) : value;
    return !isRestore(source);
  });
}
