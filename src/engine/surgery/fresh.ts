// What new numbers start from, by what they are for.
import type { GRUInput, LSTMInput } from "../graph/catalogue";
import type { Fan } from "../graph/initializers";
import {
  elements,
  type Initializer,
  type Model,
  type Node,
  type Shape,
  type Value,
  type Variable,
} from "../graph/model";
import { LSTM_BLOCKS, portOf } from "../graph/recurrent";

export interface FreshNumbers {
  readonly shape: Shape;
  /** The shape that the whole variable gets: what the spread of a kernel follows. */
  readonly whole: Shape;
  /** What a kernel starts from. */
  readonly weights: Initializer;
  readonly key: string;
}

/**
 * Fresh numbers for (a part of) `variable`. A kernel starts from `weights`; a bias or a batch norm's shift from zero,
 * a factor and a moving variance from one.
 */
export function fresh(model: Model, variable: Variable, how: FreshNumbers): Value {
  const { whole, weights } = how;
  const recurrent = recurrentStart(model, variable.name, how);
  if (recurrent !== undefined) return recurrent;
  const isKernel = whole.length >= 2 && !isPerUnit(model, variable.name);
  const initializer = isKernel ? weights : vectorInitializer(model, variable.name);
  const used = asUsed(model, variable.name, whole);
  return isKernel ? drawn(how, initializer, fanOf(used)) : drawn(how, initializer);
}

/** Numbers that an initializer draws. */
export const drawn = (
  { shape, key }: Pick<FreshNumbers, "shape" | "key">,
  initializer: Initializer,
  fan: Fan = { in: 1, out: 1 },
): Value => ({ from: "initializer", initializer, shape, fanIn: fan.in, fanOut: fan.out, key });

/** The shape of a kernel that is stored in another order, as its op takes it. */
function asUsed({ nodes }: Model, name: string, shape: Shape): Shape {
  for (const { op, inputs, attributes } of nodes.values()) {
    const [x] = inputs;
    if (op === "Transpose" && "variable" in x && x.variable === name)
      return attributes.permutation.map((axis) => shape[axis]);
  }
  return shape;
}

/** A unit's fan: its inputs, and its readers, times the window of a convolution. */
export const fanOf = (shape: Shape): Fan => ({
  in: elements(shape.slice(0, -1)),
  out: elements(shape.slice(0, -2)) * shape[shape.length - 1],
});

/** Whether a variable is only added to units or multiplied with them, whatever its shape. */
function isPerUnit(model: Model, name: string): boolean {
  const users = [...model.nodes.values()].filter((node) =>
    node.inputs.some((input) => "variable" in input && input.variable === name),
  );
  return users.length > 0 && users.every(({ op }) => ["Add", "Sub", "Mul", "Div"].includes(op));
}

/** Zero, but for what units are multiplied or divided by. */
function vectorInitializer(model: Model, name: string): Initializer {
  for (const node of model.nodes.values()) {
    const place = node.inputs.findIndex((input) => "variable" in input && input.variable === name);
    if ((node.op === "Mul" || node.op === "Div") && place >= 0) return "ones";
    // Inputs: x, gamma, beta, moving mean, moving variance.
    if (node.op === "BatchNorm" && (place === 1 || place === 4)) return "ones";
  }
  return "zeros";
}

/** What a weight of a recurrent layer starts from; undefined for what is none. */
function recurrentStart(model: Model, name: string, how: FreshNumbers): Value | undefined {
  for (const node of model.nodes.values()) {
    if (node.op !== "LSTM" && node.op !== "GRU") continue;
    const port = node.inputs.findIndex((input) => "variable" in input && input.variable === name);
    if (port < 1) continue;
    if (node.op === "LSTM") return LSTM_STARTS[node.attributes.takes[port - 1]](how, node, model);
    return GRU_STARTS[node.attributes.takes[port - 1]](how);
  }
  return undefined;
}

const zeros = (how: FreshNumbers): Value => drawn(how, "zeros");
const ones = (how: FreshNumbers): Value => drawn(how, "ones");
const asKernel = (how: FreshNumbers): Value => drawn(how, how.weights, fanOf(how.whole));

const peephole = (how: FreshNumbers): Value => {
  const [units] = how.whole;
  return drawn(how, how.weights, { in: units, out: units });
};

/** Kernels of x and of h apart, with the spread that DL4J gives both: that of one gate, from f features and n units. */
function apart(how: FreshNumbers, features: number): Value {
  const units = Math.floor(how.whole[1] / LSTM_BLOCKS);
  return drawn(how, how.weights, { in: units, out: features + units });
}

function features({ inputs, attributes }: Node<"LSTM">, { variables }: Model): number {
  const kernel = inputs[portOf<"LSTM">(attributes.takes, "kernel") ?? 0];
  return "variable" in kernel ? variables.get(kernel.variable)!.shape[0] : 0;
}

/** The forget gate starts open: by its bias, where the kernels are apart (DL4J, Keras) and the graph adds nothing. */
function lstmBias(how: FreshNumbers, { attributes }: Node<"LSTM">): Value {
  const { gates, forgetBias, takes } = attributes;
  if (forgetBias !== 0 || takes.includes("joinedKernel")) return zeros(how);
  const shape = [how.shape[0] / LSTM_BLOCKS];
  return {
    from: "concat",
    axis: 0,
    parts: gates.map((gate) => drawn({ ...how, shape }, gate === "f" ? "ones" : "zeros")),
    shapes: gates.map(() => shape),
  };
}

/** As TensorFlow 1's cells and DL4J's layers do. */
const LSTM_STARTS: {
  readonly [Input in LSTMInput]: (how: FreshNumbers, node: Node<"LSTM">, model: Model) => Value;
} = {
  kernel: (how) => apart(how, how.whole[0]),
  recurrentKernel: (how, node, model) => apart(how, features(node, model)),
  joinedKernel: asKernel,
  bias: lstmBias,
  peepholeInput: peephole,
  peepholeForget: peephole,
  peepholeOutput: peephole,
  projection: asKernel,
  initialH: zeros,
  initialC: zeros,
  mask: ones,
};

const GRU_STARTS: { readonly [Input in GRUInput]: (how: FreshNumbers) => Value } = {
  gateKernel: asKernel,
  // Both gates start open.
  gateBias: ones,
  candidateKernel: asKernel,
  candidateBias: zeros,
  initialH: zeros,
  mask: ones,
};
