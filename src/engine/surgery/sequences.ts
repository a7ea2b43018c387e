// Sequences in a network: how the layers around a place run over them.
import type { OpAttributes } from "../graph/catalogue";
import { modelInput } from "../graph/inputs";
import type { Model, Node, Ref } from "../graph/model";
import { ancestors } from "../graph/order";
import { dataInputs } from "../graph/recurrent";
import { newNode } from "./blocks";
import { changed, freeName, readersOf } from "./rewire";

export interface SequenceStyle {
  /** Whether the sequence is [time, batch, features]. */
  readonly timeMajor: boolean;
  readonly masked: OpAttributes["LSTM"]["masked"];
  /** Which steps are there, where the layers around ask. */
  readonly mask?: Ref;
  /** The nearest LSTM; failing that, any. */
  readonly lstm?: Node<"LSTM">;
}

/** How a new recurrent layer runs over the sequence that `from` yields: as the nearest one does. */
export function sequenceStyle(model: Model, from: string): SequenceStyle {
  const found = readBy(model, from) ?? readFor(model, from);
  const lstm =
    found?.node.op === "LSTM"
      ? found.node
      : [...model.nodes.values()].find((node) => node.op === "LSTM");
  const like = lstm === undefined ? {} : { lstm };
  if (found === undefined) return { timeMajor: false, masked: "hold", ...like };
  const { node, swapped } = found;
  const mask = node.inputs.find((input) => !dataInputs(node).includes(input));
  return {
    timeMajor: node.attributes.timeMajor !== swapped,
    masked: (node.op === "LastStep" ? lstm : node)?.attributes.masked ?? "hold",
    ...(mask !== undefined && { mask }),
    ...like,
  };
}

/**
 * Which steps of the sequence that `from` yields are there, and `model` with what tells it. Where padding resets layers, as
 * in Deeplearning4j, that is a mask that comes with the samples, even if nothing has asked for it yet.
 */
export function withMask(model: Model, from: string): { model: Model; mask?: Ref } {
  const { mask, masked } = sequenceStyle(model, from);
  if (mask !== undefined) return { model, mask };
  const needed = ancestors(model, [from]);
  const input = model.roles.inputs.find(
    (name) => needed.has(name) && modelInput(model, name).sequence,
  );
  if (masked !== "reset" || input === undefined) return { model };
  const { origin } = model.nodes.get(input)!;
  const isItsMask = (node: Node) =>
    node.op === "Placeholder" && node.attributes.value === 1 && node.origin[0] === origin[0];
  const known = [...model.nodes.values()].find(isItsMask)?.name;
  if (known !== undefined) return { model, mask: { node: known } };
  const name = freeName(model, "mask");
  const placeholder = newNode(name, "Placeholder", [], { dtype: "float32", value: 1 });
  const after = changed(model, { nodes: [{ ...placeholder, origin }] });
  const shapes = new Map(model.shapes).set(name, model.shapes.get(input)!.slice(0, 2));
  return { model: { ...after, shapes }, mask: { node: name } };
}

type Recurrent = Node<"LSTM" | "GRU">;
const isRecurrent = (node: Node): node is Recurrent => node.op === "LSTM" || node.op === "GRU";
const isSequential = (node: Node): node is Node<"LSTM" | "GRU" | "LastStep"> =>
  isRecurrent(node) || node.op === "LastStep";

/** A tensor, and whether batch and time stand in the other order than where the search began. */
interface Tensor {
  readonly name: string;
  readonly swapped: boolean;
}

const swaps = (node: Node): boolean =>
  node.op === "Transpose" && node.attributes.permutation.join() === "1,0,2";

/** The nearest layer that reads the sequence, whatever ops lie between. */
function readBy(model: Model, from: string) {
  const open: Tensor[] = [{ name: from, swapped: false }];
  for (const { name, swapped } of open)
    for (const reader of readersOf(model, name)) {
      if (!dataInputs(reader).some((input) => "node" in input && input.node === name)) continue;
      if (isSequential(reader)) return { node: reader, swapped };
      const next = { name: reader.name, swapped: swapped !== swaps(reader) };
      follow(model, open, next);
    }
  return undefined;
}

/** The nearest layer that the sequence comes from. */
function readFor(model: Model, from: string) {
  const open: Tensor[] = [{ name: from, swapped: false }];
  for (const { name, swapped } of open) {
    const node = model.nodes.get(name)!;
    if (isRecurrent(node)) return { node, swapped };
    for (const input of dataInputs(node))
      if ("node" in input)
        follow(model, open, { name: input.node, swapped: swapped !== swaps(node) });
  }
  return undefined;
}

/** Adds `next` to what is to be visited, where it is a sequence, or of no known shape yet, and new. */
function follow(model: Model, open: Tensor[], next: Tensor): void {
  const isSequence = (model.shapes.get(next.name)?.length ?? 3) === 3;
  if (isSequence && open.every(({ name }) => name !== next.name)) open.push(next);
}
