// LSTMs in TensorFlow's form: one kernel with rows [x; h], gates in the order i, c, f, o, peepholes as vectors.
import type { LSTMGate, LSTMInput } from "../../../graph/catalogue";
import {
  isFrozen,
  wholeRegion,
  type Model,
  type Node,
  type Ref,
  type Shape,
  type Value,
  type Variable,
} from "../../../graph/model";
import { LSTM_BLOCKS, portOf } from "../../../graph/recurrent";
import { GraftError } from "../../../../protocol/errors";
import { isPenalty } from "./penalties";

const GATES = ["i", "c", "f", "o"] as const;

const PEEPHOLES = { i: "w_i_diag", f: "w_f_diag", o: "w_o_diag" } as const;
type Peeping = keyof typeof PEEPHOLES;
const INPUTS: Readonly<Record<Peeping, LSTMInput>> = {
  i: "peepholeInput",
  f: "peepholeForget",
  o: "peepholeOutput",
};

/** Every LSTM with kernels for sequence and state as one with a joined kernel. Masks of padding are left out. */
export function joinedKernels(model: Model): Model {
  const variables = new Map(model.variables);
  const nodes = new Map(model.nodes);
  const parts = new Map<string, readonly Node[]>();
  for (const node of model.nodes.values()) {
    if (node.op !== "LSTM" || portOf<"LSTM">(node.attributes.takes, "kernel") === undefined)
      continue;
    const made = joined(model, node);
    nodes.set(node.name, made.node);
    for (const name of made.gone) variables.delete(name);
    for (const [name, part] of made.parts) parts.set(name, part);
    for (const variable of made.variables) variables.set(variable.name, variable);
  }
  const layers = model.layers.map((layer) => ({
    ...layer,
    variables: layer.nodes.flatMap((name) =>
      (nodes.get(name)?.inputs ?? []).flatMap((ref) => ("variable" in ref ? [ref.variable] : [])),
    ),
  }));
  return { ...model, nodes: withParts(nodes, parts), variables, layers };
}

/** What penalties read of a kernel that is part of a joined one: the same numbers, in another order. */
function withParts(
  nodes: ReadonlyMap<string, Node>,
  parts: ReadonlyMap<string, readonly Node[]>,
): ReadonlyMap<string, Node> {
  const all = new Map<string, Node>();
  for (const node of nodes.values()) {
    const inputs = node.inputs.map((ref): Ref => {
      const part = "variable" in ref ? parts.get(ref.variable) : undefined;
      if (part === undefined) return ref;
      if (!isPenalty(node))
        throw new GraftError(
          "unsupported-op",
          `${node.name} reads a kernel of an LSTM on its own, which is part of a larger one in TensorFlow's form.`,
        );
      for (const each of part) all.set(each.name, each);
      return { node: part.at(-1)!.name };
    });
    all.set(node.name, { ...node, inputs } as Node);
  }
  return all;
}

function joined(model: Model, node: Node<"LSTM">) {
  const { takes, gates, peepholeColumns } = node.attributes;
  const refOf = (input: LSTMInput): Ref | undefined => {
    const port = portOf<"LSTM">(takes, input);
    return port === undefined ? undefined : node.inputs[port];
  };
  const variableOf = (input: LSTMInput): Variable | undefined => {
    const ref = refOf(input);
    if (ref === undefined) return undefined;
    const found = "variable" in ref ? model.variables.get(ref.variable) : undefined;
    if (found !== undefined) return found;
    throw new GraftError(
      "unsupported-op",
      `The ${input} of ${node.name} is computed by other ops, so it cannot be put into TensorFlow's form.`,
    );
  };
  const kernel = variableOf("kernel")!;
  const recurrent = variableOf("recurrentKernel")!;
  const bias = variableOf("bias");
  const units = kernel.shape[1] / LSTM_BLOCKS;
  const columns = GATES.flatMap((gate) => blockOf(gates, gate, units));
  const isTrainable = ![kernel, recurrent].every(isFrozen);
  const part = (name: string, shape: Shape, value: Value): Variable => ({
    ...{ name: `${node.name}/${name}`, dtype: kernel.dtype, shape, value, role: "weight" },
    trainable: isTrainable ? [wholeRegion(shape)] : [],
  });
  const shapes = [kernel, recurrent].map(({ shape }) => [shape[0], columns.length]);
  const made = new Map<LSTMInput, Variable>([
    [
      "joinedKernel",
      part("kernel", [kernel.shape[0] + recurrent.shape[0], columns.length], {
        from: "concat",
        axis: 0,
        parts: [taken(kernel, 1, columns), taken(recurrent, 1, columns)],
        shapes,
      }),
    ],
  ]);
  if (bias !== undefined) made.set("bias", part("bias", bias.shape, taken(bias, 0, columns)));
  peepholeColumns.forEach((gate, place) => {
    if (gate === "c") return;
    const column = LSTM_BLOCKS * units + place;
    made.set(INPUTS[gate], part(PEEPHOLES[gate], [units], taken(recurrent, 1, [column])));
  });
  const others = takes.flatMap((input): [LSTMInput, Ref][] =>
    STAYING.has(input) ? [[input, refOf(input)!]] : [],
  );
  const now: Node = {
    ...node,
    inputs: [
      node.inputs[0],
      ...[...made.values()].map(({ name }) => ({ variable: name })),
      ...others.map(([, ref]) => ref),
    ],
    attributes: {
      ...node.attributes,
      takes: [...made.keys(), ...others.map(([input]) => input)],
      gates: GATES,
      peepholeColumns: [],
      masked: "hold",
    },
  };
  const gone = [kernel, recurrent, bias].flatMap((variable) => variable?.name ?? []);
  const parts = new Map([
    [kernel.name, [rowsOf(node, made.get("joinedKernel")!, "x", 0, kernel.shape[0])]],
    [recurrent.name, recurrentNodes(node, made, kernel.shape[0])],
    ...(bias === undefined ? [] : [[bias.name, [whole(node, made.get("bias")!)]] as const]),
  ]);
  return { node: now, variables: [...made.values()], gone, parts };
}

type Made = ReadonlyMap<LSTMInput, Variable>;

const whole = ({ name }: Node, variable: Variable): Node => ({
  ...{ name: `${name}/b`, op: "Identity", attributes: {}, origin: [] },
  inputs: [{ variable: variable.name }],
});

/** The rows of a joined kernel from `start` to `end`. */
const rowsOf = (
  { name }: Node,
  joinedKernel: Variable,
  of: string,
  start: number | null,
  end: number | null,
): Node => ({
  ...{ name: `${name}/kernel_of_${of}`, op: "Slice", origin: [] },
  inputs: [{ variable: joinedKernel.name }],
  attributes: { begin: [start, null], end: [end, null], strides: [1, 1] },
});

/** The rows for the state, with the peepholes as columns behind them. */
function recurrentNodes(node: Node, made: Made, features: number): readonly Node[] {
  const rows = rowsOf(node, made.get("joinedKernel")!, "h", features, null);
  const columns = Object.values(INPUTS).flatMap((input): Node[] => {
    const variable = made.get(input);
    if (variable === undefined) return [];
    const name = `${variable.name}/column`;
    const inputs = [{ variable: variable.name }];
    return [{ name, op: "ExpandDims", inputs, attributes: { axis: 1 }, origin: [] }];
  });
  if (columns.length === 0) return [rows];
  const inputs = [rows, ...columns].map(({ name }) => ({ node: name }));
  const name = `${node.name}/kernel_and_peepholes`;
  return [
    ...[rows, ...columns],
    { name, op: "Concat", inputs, attributes: { axis: 1 }, origin: [] },
  ];
}

const STAYING: ReadonlySet<LSTMInput> = new Set(["projection", "initialH", "initialC"]);

const blockOf = (gates: readonly LSTMGate[], gate: LSTMGate, units: number): number[] =>
  Array.from({ length: units }, (_, unit) => gates.indexOf(gate) * units + unit);

const taken = (variable: Variable, axis: number, indices: readonly number[]): Value => ({
  from: "take",
  axis,
  indices,
  part: variable.value,
  shape: variable.shape,
});
