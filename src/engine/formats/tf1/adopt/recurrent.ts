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
  for (const node of model.nodes.values()) {
    if (node.op !== "LSTM" || portOf<"LSTM">(node.attributes.takes, "kernel") === undefined)
      continue;
    const made = joined(model, node);
    nodes.set(node.name, made.node);
    for (const name of made.gone) variables.delete(name);
    for (const variable of made.variables) variables.set(variable.name, variable);
  }
  const layers = model.layers.map((layer) => ({
    ...layer,
    variables: layer.nodes.flatMap((name) =>
      (nodes.get(name)?.inputs ?? []).flatMap((ref) => ("variable" in ref ? [ref.variable] : [])),
    ),
  }));
  return { ...model, nodes, variables, layers };
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
  return { node: now, variables: [...made.values()], gone };
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
