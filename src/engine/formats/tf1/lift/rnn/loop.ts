// A while loop of TensorFlow 1 read as a recurrence: sequences whose steps it reads and writes, and what it carries from
// one step to the next. Says nothing of what a step computes.
import { GraftError } from "../../../../../protocol/errors";
import * as attributes from "../attributes";
import { readConstant } from "../constants";
import {
  inputNode,
  nodeAt,
  tensorName,
  type SourceGraph,
  type SourceNode,
  type Tensor,
} from "../source";

/** A tensor that is carried from step to step. */
export interface State {
  /** Outside of the loop. */
  readonly initial: Tensor;
  /** What the step makes of it. */
  readonly next: Tensor;
  /** The op that yields its last value, where one does. */
  readonly exit?: string;
  /** The ops that yield it inside the loop. */
  readonly merge: string;
}

/** A sequence, time first, of which a step is written in each round. */
export interface Written {
  readonly step: Tensor;
  readonly exit: string;
  /** The TensorArray. */
  readonly array: string;
}

/** A sequence, time first, that is read step by step. */
export interface Read {
  readonly sequence: Tensor;
  /** The TensorArray. */
  readonly array: string;
}

export interface Recurrence {
  readonly graph: SourceGraph;
  readonly members: ReadonlySet<string>;
  readonly states: readonly State[];
  readonly written: readonly Written[];
  /** By the op that reads a step. */
  readonly read: ReadonlyMap<string, Read>;
  /** The step counter: `merge` of a State. */
  readonly counters: ReadonlySet<string>;
  /** What the counters must be below. */
  readonly bounds: readonly Tensor[];
}

const isOp = (node: SourceNode | undefined, ...ops: readonly string[]): node is SourceNode =>
  node !== undefined && ops.includes(node.op);

/** The tensor behind ops that hand it on, into the loop and inside of it. Throws `corrupt-file` where an op lacks an input. */
export function behind(graph: SourceGraph, tensor: Tensor | undefined): Tensor {
  if (tensor === undefined)
    throw new GraftError(
      "corrupt-file",
      "The graph is damaged: an op of a while loop lacks an input. Copy or download the .meta file again.",
    );
  let at = tensor;
  for (let node = nodeAt(graph, at); at.output === 0; node = nodeAt(graph, at)) {
    const [input] = node?.inputs ?? [];
    if (input === undefined || !isOp(node, "Identity", "Enter", "RefEnter", "ReadVariableOp"))
      break;
    at = input;
  }
  return at;
}

/** Undefined where the loop does anything else than a recurrence over whole sequences does. */
export function readRecurrence(
  graph: SourceGraph,
  members: readonly SourceNode[],
): Recurrence | undefined {
  const names = new Set(members.map((node) => node.name));
  const frames = new Set(
    members.flatMap((node) =>
      isOp(node, "Enter") ? (attributes.text(node, "frame_name") ?? "") : [],
    ),
  );
  const conditions = members.filter((node) => isOp(node, "LoopCond"));
  if (frames.size !== 1 || conditions.length !== 1) return undefined;
  const carried: State[] = [];
  for (const node of members) {
    if (!isOp(node, "Merge")) continue;
    const state = stateOf(graph, node);
    if (state === undefined) return undefined;
    carried.push(state);
  }
  const counters = new Set(
    carried.filter((state) => isCounter(graph, state)).map((state) => state.merge),
  );
  const bounds = boundsOf(graph, conditions[0].inputs[0], counters);
  if (bounds === undefined) return undefined;
  const arrays = carried.map((state) => writtenBy(graph, state, counters));
  const read = new Map<string, Read>();
  for (const node of members) {
    if (!isOp(node, "TensorArrayReadV3")) continue;
    const found = readBy(graph, node, counters);
    if (found === undefined) return undefined;
    read.set(node.name, found);
  }
  const states = carried.filter(
    (state, index) => arrays[index] === undefined && !counters.has(state.merge),
  );
  const written = arrays.filter((each) => each !== undefined);
  return { graph, members: names, states, written, read, counters, bounds };
}

/** Merge(Enter, NextIteration) → Switch → Exit */
function stateOf(graph: SourceGraph, merge: SourceNode): State | undefined {
  const [enter, back] = [inputNode(graph, merge, 0), inputNode(graph, merge, 1)];
  if (!isOp(enter, "Enter") || !isOp(back, "NextIteration")) return undefined;
  const switches = graph.readers.get(merge.name)!.filter((reader) => isOp(reader, "Switch"));
  if (switches.length !== 1) return undefined;
  const exit = graph.readers.get(switches[0].name)!.find((reader) => isOp(reader, "Exit"));
  return { initial: enter.inputs[0], next: back.inputs[0], exit: exit?.name, merge: merge.name };
}

/** The state whose value a tensor is inside the loop. */
export function carriedBy(graph: SourceGraph, tensor: Tensor): string | undefined {
  const at = behind(graph, tensor);
  const node = nodeAt(graph, at);
  if (isOp(node, "Merge")) return node.name;
  if (!isOp(node, "Switch") || at.output !== 1) return undefined;
  const merge = inputNode(graph, node, 0);
  return isOp(merge, "Merge") ? merge.name : undefined;
}

/** A number that the graph holds, behind what hands it on. */
export function numberOf(graph: SourceGraph, tensor: Tensor | undefined): number | undefined {
  const node = tensor && nodeAt(graph, behind(graph, tensor));
  const proto = isOp(node, "Const") ? attributes.tensor(node, "value") : undefined;
  const value = proto && readConstant(proto);
  return value?.values.length === 1 ? value.values[0] : undefined;
}

/** 0, 1, 2, … */
function isCounter(graph: SourceGraph, { initial, next, merge }: State): boolean {
  const sum = nodeAt(graph, behind(graph, next));
  if (!isOp(sum, "Add", "AddV2") || numberOf(graph, initial) !== 0) return false;
  return carriedBy(graph, sum.inputs[0]) === merge && numberOf(graph, sum.inputs[1]) === 1;
}

/** A loop that TensorFlow writes has two bounds. */
const DEEPEST_CONDITION = 4;

/** The condition is that counters are below numbers. */
function boundsOf(
  graph: SourceGraph,
  condition: Tensor,
  counters: ReadonlySet<string>,
  levels = DEEPEST_CONDITION,
): Tensor[] | undefined {
  const node = nodeAt(graph, behind(graph, condition));
  if (node?.op === "LogicalAnd" && levels > 0) {
    const [a, b] = node.inputs.map((input) => boundsOf(graph, input, counters, levels - 1));
    return a && b && [...a, ...b];
  }
  if (!isOp(node, "Less") || !counters.has(carriedBy(graph, node.inputs[0]) ?? ""))
    return undefined;
  return [behind(graph, node.inputs[1])];
}

const isArray = (node: SourceNode | undefined): node is SourceNode => isOp(node, "TensorArrayV3");

/** A TensorArray's flow that each step writes its own place of. */
function writtenBy(
  graph: SourceGraph,
  { initial, next, exit, merge }: State,
  counters: ReadonlySet<string>,
): Written | undefined {
  const write = nodeAt(graph, behind(graph, next));
  const array = nodeAt(graph, initial);
  if (!isArray(array) || !isOp(write, "TensorArrayWriteV3") || exit === undefined) return undefined;
  const [handle, index, step, flow] = write.inputs;
  const isOwn =
    behind(graph, handle).node === array.name &&
    counters.has(carriedBy(graph, index) ?? "") &&
    carriedBy(graph, flow) === merge;
  return isOwn ? { step, exit, array: array.name } : undefined;
}

/** A step of a TensorArray that a whole sequence was put into. */
function readBy(
  graph: SourceGraph,
  node: SourceNode,
  counters: ReadonlySet<string>,
): Read | undefined {
  const [handle, index, flow] = node.inputs;
  const array = nodeAt(graph, behind(graph, handle));
  const scatter = nodeAt(graph, behind(graph, flow));
  if (!isArray(array) || !isOp(scatter, "TensorArrayScatterV3")) return undefined;
  const [target, indices, sequence] = scatter.inputs;
  const isWhole =
    behind(graph, target).node === array.name &&
    isEveryStep(graph, indices) &&
    counters.has(carriedBy(graph, index) ?? "");
  return isWhole ? { sequence, array: array.name } : undefined;
}

/** range(0, steps) */
function isEveryStep(graph: SourceGraph, tensor: Tensor): boolean {
  const node = nodeAt(graph, behind(graph, tensor));
  const [start, , delta] = node?.inputs ?? [];
  return isOp(node, "Range") && numberOf(graph, start) === 0 && numberOf(graph, delta) === 1;
}

/** Whether a tensor is the size of the first axis of `sequence`. */
export function isStepsOf(graph: SourceGraph, tensor: Tensor, sequence: Tensor): boolean {
  const node = nodeAt(graph, tensor);
  const shape = node && inputNode(graph, node, 0);
  if (!isOp(node, "StridedSlice") || !isOp(shape, "Shape")) return false;
  if (numberOf(graph, node.inputs[1]) !== 0 || attributes.integer(node, "shrink_axis_mask") !== 1)
    return false;
  return tensorName(behind(graph, shape.inputs[0])) === tensorName(behind(graph, sequence));
}

/** Whether a loop that counts to `bound` goes through all steps of `sequence`, or all that some sample has. */
export function isWholeLength(
  graph: SourceGraph,
  bound: Tensor,
  sequence: Tensor,
  isLengths: (tensor: Tensor) => boolean,
): boolean {
  if (isStepsOf(graph, bound, sequence)) return true;
  const node = nodeAt(graph, bound);
  // min(steps, max(1, the largest length)): a loop with nothing to do still goes round once.
  if (!isOp(node, "Minimum")) return false;
  const most = inputNode(graph, node, 1);
  if (!isOp(most, "Maximum") || !isWholeLength(graph, node.inputs[0], sequence, isLengths))
    return false;
  if (isStepsOf(graph, most.inputs[1], sequence)) return true;
  const largest = inputNode(graph, most, 1);
  return isOp(largest, "Max") && isLengths(behind(graph, largest.inputs[0]));
}
