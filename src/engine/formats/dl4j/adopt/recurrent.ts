// LSTMs in Deeplearning4j's form: a kernel for the sequence and one for the state, gates in the order c, f, o, i, peepholes
// as columns of the second, and what is added to the forget gate in its bias.
import type { LSTMGate, LSTMInput } from "../../../graph/catalogue";
import {
  isFrozen,
  wholeRegion,
  type Model,
  type Node,
  type Shape,
  type Value,
  type Variable,
} from "../../../graph/model";
import { LSTM_BLOCKS } from "../../../graph/recurrent";
import { notSaid } from "../patch/groups";
import { rewritten } from "./rewrite";

const GATES = ["c", "f", "o", "i"] as const;

/** The order of the columns behind the gates. */
const PEEPHOLES = ["f", "o", "i"] as const;
const PEEPHOLE_INPUTS: Readonly<Record<(typeof PEEPHOLES)[number], LSTMInput>> = {
  f: "peepholeForget",
  o: "peepholeOutput",
  i: "peepholeInput",
};

/** A value and its shape. */
interface Part {
  readonly value: Value;
  readonly shape: Shape;
}

export function separateKernels(model: Model): Model {
  const variables = new Map(model.variables);
  return rewritten({ ...model, variables }, (node) => {
    if (node.op !== "LSTM") return undefined;
    const made = separated(model, node);
    for (const variable of made.variables) variables.set(variable.name, variable);
    return [made.node];
  });
}

function separated(model: Model, node: Node<"LSTM">) {
  const { takes, gates, forgetBias, cellClip, projectionClip } = node.attributes;
  if (takes.includes("projection"))
    throw notSaid(node.name, "it projects its output, which no LSTM of Deeplearning4j does");
  if (cellClip !== null || projectionClip !== null)
    throw notSaid(node.name, "its cell is clipped, which no LSTM of Deeplearning4j does");
  if (takes.includes("initialH") || takes.includes("initialC"))
    throw notSaid(node.name, "it begins with a state of its own, and Deeplearning4j's with zeros");
  const variableOf = (input: LSTMInput): Variable | undefined => {
    const at = takes.indexOf(input);
    const ref = at < 0 ? undefined : node.inputs[at + 1];
    if (ref === undefined) return undefined;
    const found = "variable" in ref ? model.variables.get(ref.variable) : undefined;
    if (found === undefined) throw notSaid(node.name, `its ${input} is computed by other ops`);
    return found;
  };
  const source = (variableOf("joinedKernel") ?? variableOf("kernel"))!;
  const units = source.shape[1] / LSTM_BLOCKS;
  const { kernel, recurrent } = kernelsOf(variableOf, units);
  const columns = GATES.flatMap((gate) => blockOf(gates, gate, units));
  const peepholes = peepholesOf(node, variableOf, units);
  const own = variableOf("bias");
  const bias = own === undefined ? constant("zeros", [LSTM_BLOCKS * units]) : partOf(own);
  const isTrainable = !isFrozen(source);
  const variable = (name: string, { value, shape }: Part): Variable => ({
    ...{ name: `${node.name}/${name}`, dtype: source.dtype, shape, value, role: "weight" },
    trainable: isTrainable ? [wholeRegion(shape)] : [],
  });
  const made = new Map<LSTMInput, Variable>([
    ["kernel", variable("W", taken(kernel, 1, columns))],
    ["recurrentKernel", variable("RW", joined([taken(recurrent, 1, columns), ...peepholes], 1))],
    ["bias", variable("b", withForgetBias(taken(bias, 0, columns), forgetBias, units))],
  ]);
  const now: Node = {
    ...node,
    inputs: [node.inputs[0], ...[...made.values()].map(({ name }) => ({ variable: name }))],
    attributes: {
      ...node.attributes,
      takes: [...made.keys()],
      gates: GATES,
      peepholeColumns: peepholes.length > 0 ? PEEPHOLES : [],
      forgetBias: 0,
    },
  };
  return { node: now, variables: [...made.values()] };
}

/** Rows for the sequence, and rows for the state. */
function kernelsOf(
  variableOf: (input: LSTMInput) => Variable | undefined,
  units: number,
): { readonly kernel: Part; readonly recurrent: Part } {
  const whole = variableOf("joinedKernel");
  const columns = range(LSTM_BLOCKS * units);
  if (whole === undefined)
    return {
      kernel: partOf(variableOf("kernel")!),
      recurrent: taken(partOf(variableOf("recurrentKernel")!), 1, columns),
    };
  const features = whole.shape[0] - units;
  return {
    kernel: taken(partOf(whole), 0, range(features)),
    recurrent: taken(partOf(whole), 0, range(units, features)),
  };
}

/** A column each; none where the layer has none. */
function peepholesOf(
  { name, attributes }: Node<"LSTM">,
  variableOf: (input: LSTMInput) => Variable | undefined,
  units: number,
): readonly Part[] {
  const columns = attributes.peepholeColumns;
  if (columns.length > 0) {
    const recurrent = partOf(variableOf("recurrentKernel")!);
    return PEEPHOLES.map((gate) =>
      taken(recurrent, 1, [LSTM_BLOCKS * units + columns.indexOf(gate)]),
    );
  }
  const found = PEEPHOLES.flatMap((gate) => variableOf(PEEPHOLE_INPUTS[gate]) ?? []);
  if (found.length !== 0 && found.length !== PEEPHOLES.length)
    throw notSaid(name, "it has some peepholes, and Deeplearning4j's GravesLSTM has all three");
  return found.map(({ value }) => ({ value, shape: [units, 1] }));
}

const blockOf = (gates: readonly LSTMGate[], gate: LSTMGate, units: number): number[] =>
  range(units, gates.indexOf(gate) * units);

const range = (count: number, from = 0): number[] =>
  Array.from({ length: count }, (_, at) => from + at);

const partOf = ({ value, shape }: Variable): Part => ({ value, shape });

const taken = ({ value: part, shape }: Part, axis: number, indices: readonly number[]): Part => ({
  value: { from: "take", axis, indices, part, shape },
  shape: shape.with(axis, indices.length),
});

function joined(parts: readonly Part[], axis: number): Part {
  if (parts.length === 1) return parts[0];
  const shapes = parts.map(({ shape }) => shape);
  const size = shapes.reduce((sum, shape) => sum + shape[axis], 0);
  return {
    value: { from: "concat", axis, parts: parts.map(({ value }) => value), shapes },
    shape: shapes[0].with(axis, size),
  };
}

const constant = (initializer: "zeros" | "ones", shape: Shape): Part => ({
  value: { from: "initializer", initializer, shape, fanIn: 1, fanOut: 1, key: initializer },
  shape,
});

/** The bias with a number added to the block of the forget gate: a sum of each unit's bias and a constant. */
function withForgetBias(bias: Part, added: number, units: number): Part {
  if (added === 0) return bias;
  const { value: ones, shape } = constant("ones", [units]);
  const factors = new Array<number>(units).fill(added);
  const numbers: Value = { from: "scale", axis: 0, factors, part: ones, shape };
  const length = LSTM_BLOCKS * units;
  const start = GATES.indexOf("f") * units;
  const both = joined([bias, { value: numbers, shape }], 0);
  const terms = range(length).map((at) =>
    at >= start && at < start + units ? [at, length + at - start] : [at],
  );
  return {
    value: { from: "sum", axis: 0, terms, part: both.value, shape: both.shape },
    shape: [length],
  };
}
