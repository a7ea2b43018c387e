// The tensors of a step as whole sequences: what the cells yield, and what ops between them make of it.
import {
  isUnknownRank,
  meaningOf,
  opaque,
  shapeOf,
  type Lifting,
  type Made,
  type Meaning,
} from "../lifting";
import { nodeAt, tensorName, type SourceNode, type Tensor } from "../source";
import { commonScope } from "../../scopes";
import { cellNode, type Setting } from "./cellnode";
import type { Cell } from "./cells";
import { behind } from "./loop";
import { isSame } from "./step";

/** Ops that do to a sequence what they do to each of its steps. */
const PER_STEP =
  /^(Add|AddV2|BiasAdd|MatMul|Mul|RealDiv|Sub|Floor|GreaterEqual|Select|SelectV2|Cast|Shape|Const|Relu|Tanh|Sigmoid)$/;

/** What such ops amount to. Others, such as the parts of a dropout, are no nodes of the model. */
const LIFTED: ReadonlySet<string> = new Set([
  "Dropout",
  "Add",
  "BiasAdd",
  "MatMul",
  "Relu",
  "Tanh",
  "Sigmoid",
]);

export interface Steps extends Setting {
  readonly cells: readonly Cell[];
  /** The names of what the loop writes, by the tensor of a step. */
  readonly names: ReadonlyMap<string, string>;
  readonly origin: readonly string[];
}

/** By tensor name, what is read in a step; gets what else turns out to be a sequence. */
export type Meanings = Map<string, Meaning>;

/** A tensor of the loop as a sequence, or outside of it as what it is. Undefined where no node yields just that. */
export function sequenceOf(
  lifting: Lifting,
  steps: Steps,
  known: Meanings,
  tensor: Tensor,
): Meaning | undefined {
  const { graph, members } = steps.loop;
  const at = behind(graph, tensor);
  if (!members.has(at.node)) return meaningOf(lifting, at);
  const name = tensorName(at);
  const before = known.get(name);
  if (before !== undefined) return before;
  const cell = steps.cells.find(({ output }) => isSame(steps.loop, output, at));
  const made = cell
    ? lifted(lifting, steps, known, cell, name)
    : between(lifting, steps, known, nodeAt(graph, at)!);
  if (made !== undefined) known.set(name, made);
  return made;
}

/** Whether it is a node of the model, and not a part of one. */
export const isSequence = (steps: Steps, meaning: Meaning | undefined): meaning is Made =>
  meaning?.kind === "node" && !isOfStep(steps, meaning.node.name);

function lifted(
  lifting: Lifting,
  steps: Steps,
  known: Meanings,
  cell: Cell,
  name: string,
): Made | undefined {
  const x = sequenceOf(lifting, steps, known, cell.x);
  if (!isSequence(steps, x)) return undefined;
  const kernels = cell.op === "GRU" ? [cell.kernel, cell.candidate.kernel] : [cell.kernel];
  const scope = `${commonScope(kernels.map(({ node }) => node))}:output`;
  // Two loops may share a cell.
  const free = lifting.made.has(scope) ? undefined : scope;
  return cellNode(lifting, steps, cell, x, { ...named(steps, name, free), batch: x.batch });
}

/** What is written has the name of the op that gathers it; nothing outside yields the rest. */
function named({ names, origin }: Steps, name: string, otherwise = `${name}:sequence`) {
  const own = names.get(name);
  return { name: own ?? otherwise, origin: [...origin, own ?? name] };
}

function between(
  lifting: Lifting,
  steps: Steps,
  known: Meanings,
  node: SourceNode,
): Meaning | undefined {
  if (/RandomUniform/.test(node.op)) return opaque(lifting, node, node.name);
  if (!PER_STEP.test(node.op)) return undefined;
  for (const input of node.inputs) {
    const meaning = sequenceOf(lifting, steps, known, input);
    if (meaning === undefined) return undefined;
    lifting.meanings.set(tensorName(input), meaning);
  }
  const made = lifting.lift(node);
  if (made === undefined || !("kind" in made)) return undefined;
  if (made.kind !== "node" || made.shape.length !== 3 || !LIFTED.has(made.node.op)) return made;
  const isOutside = made.node.inputs.every(
    (input) => "variable" in input || !isOfStep(steps, input.node),
  );
  if (!isOutside || (made.node.op === "Add" && !isSameInEachStep(lifting, node))) return undefined;
  lifting.made.delete(made.node.name);
  const moved: Made = { ...made, node: { ...made.node, ...named(steps, node.name) } };
  lifting.made.set(moved.node.name, moved);
  return moved;
}

/** Rows of samples that are added to every step would be added to the steps of a sequence in turn. */
const isSameInEachStep = (lifting: Lifting, node: SourceNode): boolean =>
  node.inputs.every((input) => {
    const meaning = meaningOf(lifting, input);
    const { length } = shapeOf(meaning);
    return length === 3 || (length < 2 && !isUnknownRank(meaning));
  });

const isOfStep = ({ loop }: Steps, name: string): boolean => loop.members.has(name);
