// Lifts a recurrence: a node per cell over the whole sequence, and the last step where only that is read.
import {
  consumed,
  isUnknownRank,
  make,
  meaningOf,
  numbersOf,
  type Lifter,
  type Lifting,
  type Made,
  type Meaning,
} from "../lifting";
import { plain } from "../known";
import { inputNode, nodeAt, readTensor, tensorName, type SourceNode, type Tensor } from "../source";
import { initialState } from "./cellnode";
import { isMaskedAlike, readCells, type Cells } from "./cells";
import { behind, isWholeLength, readRecurrence, type Recurrence, type Written } from "./loop";
import { isSame, unmasked, type Mask } from "./step";
import { isSequence, sequenceOf, type Meanings, type Steps } from "./stepwise";

/** A loop of which every output is a sequence that some node yields. */
interface Lifted extends Steps {
  readonly known: Meanings;
}

/** By loop; undefined: not understood, and opaque. */
const LIFTED = new WeakMap<Lifting, Map<string, Lifted | undefined>>();

/** The loop that a node is in. */
function loopAt(lifting: Lifting, node: string): Lifted | undefined {
  const name = lifting.loops.inside.get(node);
  if (name === undefined) return undefined;
  const loops = LIFTED.get(lifting) ?? new Map<string, Lifted | undefined>();
  LIFTED.set(lifting, loops);
  if (!loops.has(name)) {
    const loop = readRecurrence(lifting.graph, lifting.loops.members.get(name)!);
    loops.set(name, loop && liftLoop(lifting, loop));
  }
  return loops.get(name);
}

const stepOf = ({ loop, known }: Lifted, tensor: Tensor): Meaning =>
  known.get(tensorName(behind(loop.graph, unmasked(loop, tensor).value)))!;

/** The last output of a cell, which is the state that it ends in. */
export function lastStep(lifting: Lifting, node: SourceNode): Meaning | undefined {
  const lifted = node.op === "Exit" ? loopAt(lifting, node.name) : undefined;
  const cell = lifted?.cells.find(({ states }) => states[0].exit === node.name);
  if (lifted === undefined || cell === undefined) return undefined;
  // Behind the end of a sample that state is gone.
  if (lifted.mask !== undefined && lifted.masked === "reset") return undefined;
  const output = stepOf(lifted, cell.output);
  const inputs = lifted.mask ? [output, lifted.mask] : [output];
  const origin = [...lifted.origin, node.name];
  const details = output.kind === "node" ? { origin, batch: output.batch } : { origin };
  return make(lifting, node, "LastStep", { timeMajor: lifted.timeMajor }, inputs, details);
}

/** All steps that a loop wrote, steps first. */
export const gathered: Lifter = (lifting, node) => {
  const found = writtenAt(lifting, node);
  return found?.lifted.timeMajor ? stepOf(found.lifted, found.written.step) : undefined;
};

/** All steps that a loop wrote, samples first; else what `otherwise` makes of it. */
export const swapped =
  (otherwise: Lifter): Lifter =>
  (lifting, node) => {
    const found = writtenAt(lifting, inputNode(lifting.graph, node, 0));
    return found?.lifted.timeMajor === false && isSwap(numbersOf(lifting, node, 1))
      ? stepOf(found.lifted, found.written.step)
      : otherwise(lifting, node);
  };

function writtenAt(lifting: Lifting, gather: SourceNode | undefined) {
  if (gather?.op !== "TensorArrayGatherV3") return undefined;
  const exit = gather.inputs[2]?.node ?? "";
  const lifted = loopAt(lifting, exit);
  const written = lifted?.loop.written.find((each) => each.exit === exit);
  return lifted && written && { lifted, written };
}

/** Steps and samples change places. */
const isSwap = (permutation: readonly number[] | undefined): boolean =>
  permutation?.join() === "1,0,2" || permutation?.join() === "1,0";

function liftLoop(lifting: Lifting, loop: Recurrence): Lifted | undefined {
  const found = readCells(loop);
  if (found === undefined || !isMaskedAlike(loop, found) || !isWhole(loop, found)) return undefined;
  const { cells, mask, masked } = found;
  const isMask = (name: string): boolean =>
    mask !== undefined && "step" in mask && mask.step.node === name;
  const read = [...loop.read].filter(([name]) => !isMask(name));
  const results = loop.written.map((written) => resultOf(lifting, written));
  const timeMajor =
    read.some(([, { sequence }]) => samplesFirst(lifting, sequence) === undefined) ||
    results.some((result) => result !== undefined && result.swapped === undefined);
  const known: Meanings = new Map();
  for (const [name, { sequence }] of read) {
    const x = meaningOf(lifting, timeMajor ? sequence : samplesFirst(lifting, sequence)!);
    if (x.kind !== "node" || isUnknownRank(x) || x.shape.length !== 3) return undefined;
    known.set(name, x);
  }
  const names = new Map<string, string>();
  results.forEach((result, index) => {
    const { value } = unmasked(loop, loop.written[index].step);
    const name = timeMajor ? result?.gather : result?.swapped;
    if (name !== undefined) names.set(tensorName(behind(loop.graph, value)), name);
  });
  const origin = originOf(lifting, loop, found, [...known.values()], [...names.values()]);
  const [x] = known.values();
  const maskNode = mask && x && maskOf(lifting, loop, mask, { x, timeMajor, origin });
  if (mask !== undefined && maskNode === undefined) return undefined;
  const steps: Steps = { loop, cells, masked, timeMajor, mask: maskNode, names, origin };
  const wanted = [
    ...cells.map(({ output }) => output),
    ...loop.written.map(({ step }) => unmasked(loop, step).value),
  ];
  const all = wanted.map((tensor) => sequenceOf(lifting, steps, known, tensor));
  // Outside, nothing has the value of a single step.
  for (const name of lifting.meanings.keys())
    if (loop.members.has(readTensor(name).node)) lifting.meanings.delete(name);
  const isLifted = all.every((each) =>
    mask === undefined ? isSequence(steps, each) : endsInZeros(lifting, each),
  );
  return isLifted ? { ...steps, known } : undefined;
}

/** Behind the end of a sample the loop writes 0: so do cells, and dropouts of what they yield. */
function endsInZeros(lifting: Lifting, meaning: Meaning | undefined): boolean {
  if (meaning?.kind !== "node") return false;
  const { op, inputs } = meaning.node;
  const [x] = inputs;
  if (op !== "Dropout" || !("node" in x)) return op === "LSTM" || op === "GRU";
  return endsInZeros(lifting, lifting.made.get(x.node));
}

/** Whether the loop goes through all steps, or all that some sample has. */
function isWhole(loop: Recurrence, { mask }: Cells): boolean {
  const isLengths = (tensor: Tensor): boolean =>
    mask !== undefined && "lengths" in mask && isSame(loop, tensor, mask.lengths);
  return loop.bounds.every((bound) =>
    [...loop.read.values()].some(({ sequence }) =>
      isWholeLength(loop.graph, bound, sequence, isLengths),
    ),
  );
}

interface Result {
  readonly gather: string;
  /** The op that puts samples first, where nothing else reads the steps. */
  readonly swapped?: string;
}

function resultOf(lifting: Lifting, { exit }: Written): Result | undefined {
  const { readers } = lifting.graph;
  const gather = readers.get(exit)!.find((reader) => reader.op === "TensorArrayGatherV3");
  if (gather === undefined) return undefined;
  const uses = readers.get(gather.name)!.filter(({ op }) => !/^(Shape|Size|Rank)$/.test(op));
  const isSwapped = (use: SourceNode): boolean =>
    use.op === "Transpose" && isSwap(constantOf(lifting, use.inputs[1]));
  const [first] = uses;
  return uses.length > 0 && uses.every(isSwapped)
    ? { gather: gather.name, swapped: first.name }
    : { gather: gather.name };
}

/** Numbers that constants yield, by a node that was not reached yet. */
function constantOf(lifting: Lifting, tensor: Tensor): readonly number[] | undefined {
  const node = nodeAt(lifting.graph, tensor);
  if (node === undefined || !/^(Const|Range|ConcatV2|Rank|Identity)$/.test(node.op))
    return undefined;
  if (!lifting.meanings.has(tensorName(tensor))) {
    for (const input of node.inputs) if (constantOf(lifting, input) === undefined) return undefined;
    const made = lifting.lift(node);
    if (made === undefined || !("kind" in made)) return undefined;
    lifting.meanings.set(tensorName(tensor), made);
  }
  const meaning = meaningOf(lifting, tensor);
  return meaning.kind === "static" ? plain(meaning.value) : undefined;
}

/** What is transposed into `sequence`, which has its steps first. */
function samplesFirst(lifting: Lifting, sequence: Tensor): Tensor | undefined {
  const node = nodeAt(lifting.graph, sequence);
  return node?.op === "Transpose" && isSwap(numbersOf(lifting, node, 1))
    ? node.inputs[0]
    : undefined;
}

/** The ops of the loop and around it, down to what it reads. */
function originOf(
  lifting: Lifting,
  loop: Recurrence,
  { cells, mask }: Cells,
  read: readonly Meaning[],
  results: readonly string[],
): string[] {
  const states = cells.flatMap((cell) =>
    cell.states.flatMap(({ initial }) => initialState(lifting, loop, initial) ?? []),
  );
  const lengths = mask && "lengths" in mask ? [meaningOf(lifting, mask.lengths)] : [];
  const inputs = [...loop.members, ...results].map((node) => ({ node, output: 0 }));
  const all = { name: "", op: "", inputs, controls: [], attr: {} };
  return consumed(lifting, all, [...read, ...states, ...lengths]).slice(0, -1);
}

interface Masked {
  readonly x: Meaning;
  readonly timeMajor: boolean;
  readonly origin: readonly string[];
}

/** [batch, time]: 1 where a step is there. */
function maskOf(
  lifting: Lifting,
  { graph, read, members }: Recurrence,
  mask: Mask,
  { x, timeMajor, origin }: Masked,
): Made | undefined {
  if ("lengths" in mask) {
    const source = nodeAt(graph, mask.lengths)!;
    const lengths = meaningOf(lifting, mask.lengths);
    const name = `${[...members][0]}:mask`;
    return make(lifting, source, "SequenceMask", { timeMajor }, [lengths, x], { name, origin });
  }
  const sequence = samplesFirst(lifting, read.get(mask.step.node)!.sequence);
  const found = sequence && meaningOf(lifting, sequence);
  if (found?.kind !== "node") return undefined;
  const [input] = found.node.inputs;
  const isCast = found.node.op === "Cast" && found.node.attributes.to === "bool" && "node" in input;
  return isCast ? lifting.made.get(input.node) : found;
}
