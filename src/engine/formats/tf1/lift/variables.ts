// The variables that a graph declares: their shapes, which are trainable, how parts make up one, and under which
// name the checkpoint holds them.
import { fromBinary } from "@bufbuild/protobuf";
import { GraftError } from "../../../../protocol/errors";
import type { DType } from "../../../../protocol/checkpoint";
import type { Shape } from "../../../graph/model";
import type { StoredTensor } from "../../format";
import { VariableDefSchema, type MetaGraphDef, type VariableDef } from "../proto/tensorflow_pb";
import * as attributes from "./attributes";
import { readConstant } from "./constants";
import { inputNode, readTensor, type SourceGraph, type SourceNode } from "./source";

export interface SourceVariable {
  /** Of the whole variable; a part has its own op beside it. */
  readonly name: string;
  readonly dtype: DType;
  readonly shape: Shape;
  /** Name in the checkpoint. */
  readonly stored: string;
  /** Undefined: the graph does not say. */
  readonly trainable: boolean | undefined;
  /** The ops of its parts, in order; one for a variable in one piece. */
  readonly ops: readonly string[];
}

const VARIABLE_OP = /^(VariableV2|Variable|VarHandleOp|AutoReloadVariable)$/;

export const isVariableOp = (op: string): boolean => VARIABLE_OP.test(op);

/** By op name; the parts of one variable share an entry. */
export function readVariables(
  meta: MetaGraphDef,
  graph: SourceGraph,
  tensors: ReadonlyMap<string, StoredTensor>,
): Map<string, SourceVariable> {
  const definitions = readDefinitions(meta, "variables");
  const trainable = readDefinitions(meta, "trainable_variables");
  const says = meta.collectionDef["trainable_variables"] !== undefined;
  for (const [op, definition] of trainable) definitions.set(op, definition);
  const savedAs = savedNames(graph);
  const parts = new Map<string, { op: string; offset: number }[]>();
  const variables = new Map<string, SourceVariable>();
  for (const node of graph.nodes.values()) {
    if (!isVariableOp(node.op)) continue;
    const slice = definitions.get(node.name)?.saveSliceInfoDef;
    const name = slice === undefined ? node.name : slice.fullName;
    const declared = slice?.fullShape.map(Number) ?? attributes.shape(node, "shape");
    const stored =
      [...(savedAs.get(node.name) ?? []), name].find((key) => tensors.has(key)) ?? name;
    const tensor = tensors.get(stored);
    if (tensor !== undefined) refuseOtherShape(name, declared, tensor);
    const siblings = parts.get(name) ?? [];
    parts.set(name, siblings);
    const offset = slice?.varOffset.reduce((sum, each) => sum + Number(each), 0) ?? 0;
    siblings.push({ op: node.name, offset });
    variables.set(node.name, {
      name,
      stored,
      dtype: tensor?.dtype ?? attributes.type(node, "dtype") ?? "float32",
      shape: tensor?.shape ?? declared ?? [],
      trainable: says ? trainable.has(node.name) : undefined,
      ops: [],
    });
  }
  return new Map(
    [...variables].map(([op, variable]) => {
      const ops = parts.get(variable.name)!.toSorted((a, b) => a.offset - b.offset);
      return [op, { ...variable, ops: ops.map((part) => part.op) }];
    }),
  );
}

function refuseOtherShape(name: string, declared: Shape | undefined, tensor: StoredTensor): void {
  const fit =
    declared === undefined ||
    (declared.length === tensor.shape.length &&
      declared.every((size, axis) => size < 0 || size === tensor.shape[axis]));
  if (!fit)
    throw new GraftError(
      "corrupt-file",
      `The graph and the checkpoint contradict each other: the graph declares ${name} as [${declared.join(", ")}], the checkpoint holds [${tensor.shape.join(", ")}]. Put the .meta file that was written with this checkpoint beside it.`,
    );
}

function readDefinitions(meta: MetaGraphDef, collection: string): Map<string, VariableDef> {
  const kind = meta.collectionDef[collection]?.kind;
  const definitions = new Map<string, VariableDef>();
  if (kind?.case !== "bytesList") return definitions;
  for (const bytes of kind.value.value) {
    const definition = decode(bytes);
    if (definition !== undefined)
      definitions.set(readTensor(definition.variableName).node, definition);
  }
  return definitions;
}

/** A collection may hold anything under a known name; what is no VariableDef says nothing. */
function decode(bytes: Uint8Array): VariableDef | undefined {
  try {
    return fromBinary(VariableDefSchema, bytes);
  } catch {
    return undefined;
  }
}

/** Under which names the graph's savers store each variable op. */
function savedNames(graph: SourceGraph): Map<string, string[]> {
  const names = new Map<string, string[]>();
  for (const node of graph.nodes.values()) {
    const skip = node.op === "Save" ? 2 : node.op === "SaveV2" || node.op === "SaveSlices" ? 3 : 0;
    if (skip === 0) continue;
    const keys = strings(inputNode(graph, node, 1));
    node.inputs.slice(skip).forEach((input, index) => {
      const op = variableBehind(graph, graph.nodes.get(input.node));
      const key = keys[index];
      if (op !== undefined && key !== undefined) names.set(op, [...(names.get(op) ?? []), key]);
    });
  }
  return names;
}

function strings(node: SourceNode | undefined): string[] {
  const proto = node?.op === "Const" ? attributes.tensor(node, "value") : undefined;
  return proto?.stringVal.map((bytes) => new TextDecoder().decode(bytes)) ?? [];
}

const READS =
  /^(Identity|ReadVariableOp|RefIdentity|Enter|RefEnter|Switch|RefSwitch|StopGradient)$/;

/** The variable op that `node` is, or reads without changing it. */
export function variableBehind(
  graph: SourceGraph,
  node: SourceNode | undefined,
): string | undefined {
  let at = node;
  for (let steps = 0; at !== undefined && steps < 20; steps++) {
    if (isVariableOp(at.op)) return at.name;
    if (!READS.test(at.op)) return undefined;
    at = inputNode(graph, at, 0);
  }
  return undefined;
}

/** A scalar constant, read from the graph as it is in training: a cond takes its true branch. */
export function scalarInTraining(
  graph: SourceGraph,
  node: SourceNode | undefined,
  depth = 0,
): number | undefined {
  if (node === undefined || depth > 12) return undefined;
  const of = (index: number): number | undefined =>
    scalarInTraining(graph, inputNode(graph, node, index), depth + 1);
  const both = (compute: (a: number, b: number) => number): number | undefined => {
    const [a, b] = [of(0), of(1)];
    return a === undefined || b === undefined ? undefined : compute(a, b);
  };
  switch (node.op) {
    case "Const": {
      const proto = attributes.tensor(node, "value");
      const constant = proto === undefined ? undefined : readConstant(proto);
      return constant?.shape.length === 0 ? constant.values[0] : undefined;
    }
    case "Identity":
    case "Switch":
    case "Cast":
    case "StopGradient":
      return of(0);
    // tf.cond lists the false branch first.
    case "Merge":
      return of(1);
    case "Sub":
      return both((a, b) => a - b);
    case "Mul":
      return both((a, b) => a * b);
    default:
      return undefined;
  }
}
