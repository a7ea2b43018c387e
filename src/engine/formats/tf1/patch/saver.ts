// The savers of a graph: which tensors they write and read, under which names, as which slices.
// Every saver counts (save/, save_1/, …), whole or sharded, of format V1 or V2.
import { create } from "@bufbuild/protobuf";
import { GraftError } from "../../../../protocol/errors";
import { AttrValueSchema, type NodeDef } from "../proto/tensorflow_pb";
import { inputText, nodeOf, OUTPUT_SHAPES, parseInput, type PatchedGraph } from "./graph";
import { isRestore, isSave } from "./ops";
import { strings, stringVector } from "./tensors";

/** The slice of the tensor `name` that is to be saved in place of `slice`. */
export type Reslice = (name: string, slice: string) => string;

/** What is new of the tensors in checkpoints. */
export interface SavedAs {
  readonly reslice: Reslice;
  /** New names, by the old ones. */
  readonly names: ReadonlyMap<string, string>;
}

/** Takes removed nodes out of all savers, and writes down new slices and names. */
export function patchSavers(graph: PatchedGraph, saved: SavedAs): void {
  const all = [...graph.nodes.values()];
  for (const node of all) if (isRestore(node)) patchRestore(graph, node, saved);
  for (const node of all) if (isSave(node)) patchSave(graph, node, saved);
  for (const node of all) if (!graph.removed.has(node.name)) patchShards(graph, node);
}

/** Inputs of Save and Restore ops. */
export const NAMES = 1;
export const SLICES = 2;

function patchRestore(graph: PatchedGraph, node: NodeDef, saved: SavedAs): void {
  const users = graph.users(node.name);
  // A restored resource variable goes through an Identity of its own.
  for (const user of users)
    if (user.op === "Identity" && isUnused(graph, user)) graph.removed.add(user.name);
  const places = [...entriesOf(graph, node).keys()];
  const kept = places.filter((place) => {
    const readers = users.filter((user) => user.input.includes(inputText(node.name, place)));
    return readers.length === 0 || readers.some((user) => !graph.removed.has(user.name));
  });
  if (kept.length === 0) return removeWithConstants(graph, node);
  patchEntries(graph, node, kept, saved);
  if (kept.length === places.length) return;
  keepTypes(node, "dtypes", kept);
  // Its outputs moved up.
  for (const user of graph.keptUsers(node.name))
    graph.setInputs(
      user,
      user.input.map((text) => {
        const input = parseInput(text);
        if (input.node !== node.name || input.control) return text;
        return inputText(node.name, kept.indexOf(input.output));
      }),
    );
}

function patchSave(graph: PatchedGraph, node: NodeDef, saved: SavedAs): void {
  const first = node.op === "Save" ? SLICES : SLICES + 1;
  const tensors = node.input.slice(first).filter((input) => !input.startsWith("^"));
  const kept = [...tensors.keys()].filter((place) => !graph.removed.has(nodeOf(tensors[place]!)));
  if (kept.length === 0) return removeShard(graph, node);
  patchEntries(graph, node, kept, saved);
  if (kept.length === tensors.length) return;
  keepTypes(node, node.op === "SaveV2" ? "dtypes" : "T", kept);
  graph.setInputs(node, [
    ...node.input.slice(0, first),
    ...kept.map((place) => tensors[place]!),
    ...node.input.slice(first + tensors.length),
  ]);
}

function patchEntries(
  graph: PatchedGraph,
  node: NodeDef,
  kept: readonly number[],
  { reslice, names: renamed }: SavedAs,
): void {
  const names = entriesOf(graph, node);
  const short = kept.length < names.length;
  const now = kept.map((place) => {
    const name = renamed.get(text(names[place]!));
    return name === undefined ? names[place]! : new TextEncoder().encode(name);
  });
  if (short || now.some((name, place) => name !== names[place]))
    setStrings(graph, node, NAMES, now);
  if (node.op === "Save" || node.op === "Restore") return;
  const slices = stringsOf(graph, node, SLICES);
  const patched = kept.map((place) => {
    const slice = text(slices[place]!);
    const other = slice === "" ? slice : reslice(text(names[place]!), slice);
    return other === slice ? slices[place]! : new TextEncoder().encode(other);
  });
  if (short || patched.some((slice, place) => slice !== slices[place]))
    setStrings(graph, node, SLICES, patched);
}

/** Ops for one tensor take scalars. */
function setStrings(
  graph: PatchedGraph,
  node: NodeDef,
  place: number,
  values: readonly Uint8Array[],
): void {
  const scalar = graph.constant(node, place)!.tensorShape?.dim.length === 0;
  const tensor = stringVector(values);
  if (scalar) tensor.tensorShape!.dim = [];
  graph.setConstant(node, place, tensor);
}

/** A saver whose tensors are all gone goes too; of a sharded one, the shard: op, file name, and what hands that on. */
function removeShard(graph: PatchedGraph, save: NodeDef): void {
  const file = graph.inputNode(save, 0);
  const handOn = graph.keptUsers(save.name).filter((user) => graph.inputNode(user, 0) === file);
  removeWithConstants(graph, save);
  for (const node of handOn) graph.removed.add(node.name);
  if (file?.op === "ShardedFilename") graph.removed.add(file.name);
}

/** What puts the shards of a sharded saver together. */
function patchShards(graph: PatchedGraph, node: NodeDef): void {
  const isKept = (input: string): boolean => !graph.removed.has(nodeOf(input));
  if (node.op === "ShardedFilespec") {
    const shards = node.input.filter((input) => input.startsWith("^"));
    if (shards.every(isKept)) return;
    // The name of a V1 file says how many shards there are.
    if (shards.some(isKept)) throw emptyShard(node);
    graph.removed.add(node.name);
  }
  if (node.op !== "MergeV2Checkpoints") return;
  const files = graph.inputNode(node, 0);
  if (files?.op !== "Pack" || files.input.every(isKept)) return;
  const inputs = files.input.filter(isKept);
  graph.setInputs(files, inputs);
  files.attr["N"] = create(AttrValueSchema, { value: { case: "i", value: BigInt(inputs.length) } });
  delete files.attr[OUTPUT_SHAPES];
  if (inputs.length > 0) return;
  for (const gone of [files, node, ...graph.keptUsers(node.name)]) graph.removed.add(gone.name);
}

const emptyShard = (node: NodeDef): GraftError =>
  new GraftError(
    "unsupported-op",
    `A shard of the saver ${node.name} holds nothing but optimizer slots, which the edits drop. ` +
      "Save the network once more with tf.train.Saver() (not sharded), and open that.",
  );

const isUnused = (graph: PatchedGraph, node: NodeDef): boolean =>
  graph.users(node.name).length > 0 && graph.keptUsers(node.name).length === 0;

function removeWithConstants(graph: PatchedGraph, node: NodeDef): void {
  graph.removed.add(node.name);
  for (const place of [NAMES, SLICES]) {
    const source = graph.inputNode(node, place);
    if (source?.op === "Const" && isUnused(graph, source)) graph.removed.add(source.name);
  }
}

function keepTypes(node: NodeDef, attribute: string, kept: readonly number[]): void {
  const value = node.attr[attribute]?.value;
  if (value?.case === "list") value.value.type = kept.map((place) => value.value.type[place]!);
  delete node.attr[OUTPUT_SHAPES];
}

export const entriesOf = (graph: PatchedGraph, node: NodeDef): readonly Uint8Array[] =>
  stringsOf(graph, node, NAMES);

export function stringsOf(
  graph: PatchedGraph,
  node: NodeDef,
  place: number,
): readonly Uint8Array[] {
  const tensor = graph.constant(node, place);
  if (tensor !== undefined) return strings(tensor);
  throw new GraftError(
    "unsupported-op",
    `The saver's op ${node.name} computes the names that it saves or restores, so they cannot be changed. ` +
      "Save the network once more with tf.train.Saver(), and open that.",
  );
}

const text = (bytes: Uint8Array): string => new TextDecoder().decode(bytes);
