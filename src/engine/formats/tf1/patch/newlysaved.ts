// New variables join the savers: what a saver writes, what it reads back, and the assignment of that.
import * as attribute from "../emit/attributes";
import { numberOf } from "../dtypes";
import type { MetaGraphDef, NodeDef } from "../proto/tensorflow_pb";
import type { AddedVariable } from "./added";
import { inputText, nodeOf, type PatchedGraph } from "./graph";
import { isAssign, isRestore, isSave } from "./ops";
import { entriesOf, NAMES, SLICES, stringsOf } from "./saver";
import { stringVector } from "./tensors";

/** One saver: the ops that belong to one file name. Of a sharded one the first shard takes what is new. */
interface Saver {
  readonly file: string;
  readonly save: NodeDef;
  readonly restore: NodeDef;
  readonly names: ReadonlySet<string>;
}

/** A saver without entries has no assignments that would lead to what restores all. */
const restoresAll = (graph: PatchedGraph, meta: MetaGraphDef, restore: NodeDef): NodeDef[] => {
  const all = graph.nodes.get(meta.saverDef?.restoreOpName ?? "");
  return all !== undefined && graph.users(restore.name).length === 0 ? [all] : [];
};

/**
 * The saver that the graph goes by takes the new variables, and so does every other one that holds all that this one
 * holds: one that restores a part of the network must go on fitting older checkpoints.
 */
export function saveAdded(
  graph: PatchedGraph,
  meta: MetaGraphDef,
  added: readonly AddedVariable[],
): void {
  if (added.length === 0) return;
  const savers = saversOf(graph);
  const file = meta.saverDef === undefined ? undefined : nodeOf(meta.saverDef.filenameTensorName);
  const main =
    savers.find((saver) => saver.file === file) ??
    savers.toSorted((a, b) => b.names.size - a.names.size)[0];
  for (const saver of savers) {
    if (![...main!.names].every((name) => saver.names.has(name))) continue;
    const groups = [
      ...groupsBehind(graph, saver.restore),
      ...restoresAll(graph, meta, saver.restore),
    ];
    for (const each of added) {
      addToSave(graph, saver.save, each);
      addToRestore(graph, saver.restore, each, groups);
    }
  }
}

function saversOf(graph: PatchedGraph): Saver[] {
  const kept = [...graph.nodes.values()].filter((node) => graph.has(node.name));
  const saves = kept.filter(isSave);
  const savers = new Map<string, Saver>();
  for (const restore of kept.filter(isRestore)) {
    const file = nodeOf(restore.input[0]!);
    const own = saves.filter((save) => graph.sources([nodeOf(save.input[0]!)]).has(file));
    if (savers.has(file) || own.length === 0) continue;
    const names = own.flatMap((save) => entriesOf(graph, save).map(text));
    savers.set(file, { file, save: own[0]!, restore, names: new Set(names) });
  }
  return [...savers.values()];
}

function addToSave(
  graph: PatchedGraph,
  save: NodeDef,
  { variable, node, read }: AddedVariable,
): void {
  appendEntry(graph, save, variable.name);
  appendType(save, save.op === "SaveV2" ? "dtypes" : "T", numberOf(variable.dtype));
  const controls = save.input.findIndex((input) => input.startsWith("^"));
  const tensor = node.op === "VarHandleOp" ? read : node.name;
  graph.setInputs(
    save,
    save.input.toSpliced(controls < 0 ? save.input.length : controls, 0, tensor),
  );
}

function addToRestore(
  graph: PatchedGraph,
  restore: NodeDef,
  added: AddedVariable,
  groups: readonly NodeDef[],
): void {
  const tensor = restoredTensor(graph, restore, added);
  const assign = addAssign(graph, scopeOf(restore.name), tensor, added);
  for (const group of groups) graph.setInputs(group, [...group.input, `^${assign}`]);
}

/** One Restore op of the second version yields all tensors; of the first version, each variable has its own. */
function restoredTensor(
  graph: PatchedGraph,
  restore: NodeDef,
  { variable }: AddedVariable,
): string {
  if (restore.op === "RestoreV2") {
    const place = entriesOf(graph, restore).length;
    appendEntry(graph, restore, variable.name);
    appendType(restore, "dtypes", numberOf(variable.dtype));
    return inputText(restore.name, place);
  }
  const scope = scopeOf(restore.name);
  const string = (suffix: string, value: string): string => {
    const tensor = stringVector([new TextEncoder().encode(value)]);
    tensor.tensorShape!.dim = [];
    return graph.addConstant(`${scope}${restore.op}/${suffix}`, tensor, restore.device);
  };
  const names = [string("tensor_name", variable.name)];
  if (restore.op === "RestoreSlice") names.push(string("shape_and_slice", ""));
  return graph.add({
    name: `${scope}${restore.op}`,
    op: restore.op,
    inputs: [restore.input[0]!, ...names],
    attributes: {
      dt: attribute.ofType(variable.dtype),
      preferred_shard: restore.attr["preferred_shard"] ?? attribute.integer(-1),
    },
    device: restore.device,
  });
}

function addAssign(
  graph: PatchedGraph,
  scope: string,
  tensor: string,
  { variable, node }: AddedVariable,
): string {
  const type = attribute.ofType(variable.dtype);
  if (node.op === "VarHandleOp") {
    const handed = graph.add({
      name: `${scope}Identity`,
      op: "Identity",
      inputs: [tensor],
      attributes: { T: type },
    });
    return graph.add({
      name: `${scope}AssignVariableOp`,
      op: "AssignVariableOp",
      inputs: [node.name, handed],
      attributes: { dtype: type },
    });
  }
  return graph.add({
    name: `${scope}Assign`,
    op: "Assign",
    inputs: [node.name, tensor],
    attributes: {
      T: type,
      use_locking: attribute.flag(true),
      validate_shape: attribute.flag(true),
      _class: attribute.beside(node.name),
    },
  });
}

/**
 * What waits for the assignments of a Restore op: restore_all, or of a sharded saver the shard's own group. Before
 * anything is taken out of the saver: of old assignments none may stay.
 */
function groupsBehind(graph: PatchedGraph, restore: NodeDef): readonly NodeDef[] {
  const assigns = graph
    .users(restore.name)
    .flatMap((user) => (user.op === "Identity" ? graph.users(user.name) : [user]))
    .filter(isAssign);
  return [...new Set(assigns.flatMap((assign) => graph.keptUsers(assign.name)))].filter(
    (user) => user.op === "NoOp",
  );
}

function appendEntry(graph: PatchedGraph, node: NodeDef, name: string): void {
  const encoded = new TextEncoder().encode(name);
  graph.setConstant(node, NAMES, stringVector([...entriesOf(graph, node), encoded]));
  if (node.op === "Save") return;
  const slices = stringsOf(graph, node, SLICES);
  graph.setConstant(node, SLICES, stringVector([...slices, new Uint8Array()]));
}

function appendType(node: NodeDef, name: string, type: number): void {
  const value = node.attr[name]?.value;
  if (value?.case === "list") value.value.type.push(type);
}

const scopeOf = (name: string): string => name.slice(0, name.lastIndexOf("/") + 1);

const text = (bytes: Uint8Array): string => new TextDecoder().decode(bytes);
