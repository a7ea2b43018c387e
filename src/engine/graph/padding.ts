// Which steps at the end of padded sequences need not be run, because masks keep them from whatever is fetched.
import type { OpAttributes, OpName } from "./catalogue";
import { tiesOf } from "./coupling/rules";
import type { Node, Shape } from "./model";
import { portOf, sequenceAxes } from "./recurrent";
import { fromStart } from "./shapes";

/** The part of a graph that is run, and what is fed to it. */
interface Part {
  readonly nodes: readonly Node[];
  readonly fetches: readonly string[];
  /** Of what nodes give for a batch, and of variables. */
  readonly shapes: ReadonlyMap<string, Shape>;
  readonly variableShape: (name: string) => Shape;
  /** Shapes of one sample. */
  readonly fed: ReadonlyMap<string, Shape>;
}

export interface Padding {
  /** Steps of a sequence with its padding. */
  readonly time: number;
  /** Where the steps lie in what nodes give; a node that is not here has none. */
  readonly axes: ReadonlyMap<string, number>;
  /** What is fed and has one number for each step: a step that is 0 in all of them may be left out, if all after it are. */
  readonly masks: readonly string[];
  /** What is fed and says how many steps there are. */
  readonly lengths: readonly string[];
  /** Fetches are 0 where steps may be left out; else they are anything there. */
  readonly zero: boolean;
}

/** Steps in what a node gives. */
interface Steps {
  readonly axis: number;
  /** 0 behind the end of a sequence. */
  readonly zero: boolean;
}

/** Where what is behind the end changes what counts. */
const COUNTS = Symbol("counts");
type Found = Steps | undefined | typeof COUNTS;

/** Undefined where every step may count, or where nothing says where sequences end. */
export function padding(part: Part): Padding | undefined {
  const { nodes, fetches, fed } = part;
  const time = timeOf(part);
  if (time === undefined || time < 0) return undefined;
  const steps = new Map<string, Steps>();
  for (const [name, [first, ...rest]] of fed)
    if (first === time) steps.set(name, { axis: 1, zero: rest.length === 0 });
  const masks = [...steps.keys()].filter((name) => steps.get(name)!.zero);
  const lengths = new Set<string>();
  // Masks that nothing is fed to are 1 everywhere.
  for (const { name, op } of nodes)
    if (op === "Placeholder" && !fed.has(name) && part.shapes.get(name)?.[1] === time)
      steps.set(name, { axis: 1, zero: false });
  const byName = new Map(nodes.map((node) => [node.name, node]));
  for (const node of nodes) {
    if (steps.has(node.name) || fed.has(node.name)) continue;
    const inputs = node.inputs.map((input) =>
      "node" in input ? steps.get(input.node) : undefined,
    );
    if (inputs.every((input) => input === undefined)) continue;
    const source = lengthsOf(node, byName, fed);
    if (source === COUNTS) return undefined;
    if (source !== undefined) lengths.add(source);
    const found = stepsOf(node, inputs, part);
    if (found === COUNTS) return undefined;
    if (found !== undefined) steps.set(node.name, found);
  }
  if (masks.length + lengths.size === 0) return undefined;
  return {
    time,
    axes: new Map([...steps].map(([name, { axis }]) => [name, axis])),
    masks,
    lengths: [...lengths],
    zero: fetches.every((name) => steps.get(name)?.zero ?? true),
  };
}

/** Steps that the first recurrent layer runs. */
function timeOf({ nodes, shapes }: Part): number | undefined {
  for (const node of nodes)
    if (node.op === "LSTM" || node.op === "GRU") {
      const [x] = node.inputs;
      return "node" in x
        ? shapes.get(x.node)?.[sequenceAxes(node.attributes.timeMajor).time]
        : undefined;
    }
  return undefined;
}

/** What is fed that the node takes for lengths; undefined where it takes none. */
function lengthsOf(
  node: Node,
  byName: ReadonlyMap<string, Node>,
  fed: Part["fed"],
): string | undefined | typeof COUNTS {
  const port = node.op === "SequenceMask" ? 0 : 1;
  if (node.op !== "SequenceMask" && !(node.op === "Reverse" && node.inputs.length > 1))
    return undefined;
  for (let from = node.inputs[port]; "node" in from;) {
    if (fed.has(from.node)) return from.node;
    const source = byName.get(from.node);
    if (source?.op !== "Cast" && source?.op !== "Identity") return COUNTS;
    [from] = source.inputs;
  }
  return COUNTS;
}

type Rule<Op extends OpName> = (
  attributes: OpAttributes[Op],
  inputs: readonly (Steps | undefined)[],
  /** Axes of the first input. */
  rank: number,
) => Found;

const counting = (): Found => COUNTS;

const crossEntropy = (_: object, [logits, labels]: readonly Found[], rank: number): Found => {
  if (typeof logits !== "object" || typeof labels !== "object") return COUNTS;
  return logits.axis === labels.axis && logits.axis < rank - 1
    ? { axis: logits.axis, zero: false }
    : COUNTS;
};

/** Ops that do more with steps than what ties of axes tell, or less. */
const RULES: { readonly [Op in OpName]?: Rule<Op> } = {
  Sum: ({ axes, keepDims }, [x], rank) => {
    const over = axes.map((axis) => fromStart(axis, rank));
    if (over.includes(x!.axis)) return x!.zero ? undefined : COUNTS;
    const before = keepDims ? 0 : over.filter((axis) => axis < x!.axis).length;
    return { axis: x!.axis - before, zero: x!.zero };
  },
  L2Loss: (_, [x]) => (x!.zero ? undefined : COUNTS),
  Reverse: ({ axis }, [x, ...lengths]) => (axis === x?.axis && lengths.length === 0 ? COUNTS : x),
  LastStep: (_, [, mask]) => (mask?.zero === true ? undefined : COUNTS),
  SequenceMask: () => ({ axis: 1, zero: true }),
  SparseSoftmaxCrossEntropy: crossEntropy,
  SoftmaxCrossEntropy: crossEntropy,
  Gather: ({ axis }, [table, indices]) =>
    table === undefined && axis === 0 ? { axis: indices!.axis, zero: false } : COUNTS,
  // Statistics of all steps of a batch.
  BatchNorm: counting,
  // Sizes that are written down.
  Reshape: counting,
};

function stepsOf(node: Node, inputs: readonly (Steps | undefined)[], part: Part): Found {
  // The table pairs each op with its attributes; the union loses that pairing.
  const rule = RULES[node.op] as Rule<OpName> | undefined;
  if (rule !== undefined) return rule(node.attributes, inputs, shapeOf(node, 0, part)?.length ?? 0);
  const axis = axisThrough(node, inputs, part);
  if (axis === undefined) return COUNTS;
  return { axis, zero: keepsZero(node, inputs) };
}

/** Where the steps go by what the op ties together; undefined where it does more with them than pass them on. */
function axisThrough(
  node: Node,
  inputs: readonly (Steps | undefined)[],
  part: Part,
): number | undefined {
  const shapes = inputs.map((_, port) => shapeOf(node, port, part));
  const ties = tiesOf(node, shapes, part.shapes.get(node.name));
  const tied = ties.find(({ ends }) =>
    ends.some(({ port, axis }) => port !== "output" && inputs[port]?.axis === axis),
  );
  if (tied === undefined || tied.contracts || tied.mixes) return undefined;
  if (tied.ends.some(({ embedding }) => embedding !== undefined)) return undefined;
  const places = new Map(tied.ends.map(({ port, axis }) => [port, axis]));
  // What has steps and what has not do not go together, unless it is the same for all of them.
  const together = inputs.every((input, port) => places.get(port) === input?.axis);
  return together ? places.get("output") : undefined;
}

function shapeOf(node: Node, port: number, part: Part): Shape | undefined {
  const input = node.inputs[port];
  if ("variable" in input) return part.variableShape(input.variable);
  const fed = part.fed.get(input.node);
  if (fed !== undefined) return [-1, ...fed];
  return part.shapes.get(input.node);
}

const zeroIn = (input: Steps | undefined): boolean => input?.zero === true;
type Zero = (inputs: readonly (Steps | undefined)[]) => boolean;
const first: Zero = ([x]) => zeroIn(x);
const any: Zero = (inputs) => inputs.some(zeroIn);
const all: Zero = (inputs) => inputs.every(zeroIn);

/** Whether what an op gives is 0 where its inputs are; of others it is not known. */
const ZERO: { readonly [Op in OpName]?: Zero } = {
  ...{ Identity: first, StopGradient: first, Cast: first, Dropout: first, MatMul: first },
  ...{ Relu: first, Relu6: first, Elu: first, Selu: first, LeakyRelu: first, Tanh: first },
  ...{ Neg: first, Abs: first, Square: first, Sqrt: first, Floor: first, Log1p: first },
  ...{ Transpose: first, Squeeze: first, ExpandDims: first },
  ...{ Mean: first, Div: first, Mul: any, Concat: all },
  ...{ Add: all, Sub: all, Maximum: all, Minimum: all, SquaredDifference: all },
};

function keepsZero(node: Node, inputs: readonly (Steps | undefined)[]): boolean {
  if (node.op !== "LSTM" && node.op !== "GRU") return ZERO[node.op]?.(inputs) ?? false;
  const mask = portOf<typeof node.op>(node.attributes.takes, "mask");
  return mask !== undefined && zeroIn(inputs[mask]);
}
