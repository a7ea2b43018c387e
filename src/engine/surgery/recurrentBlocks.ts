// New recurrent layers, in the form that those of the network have: one joined kernel, and the forget gate's bias in the
// graph (TensorFlow 1), or a kernel for the sequence and one for the state (DL4J).
import type { LSTMGate, RecurrentActivation } from "../graph/catalogue";
import type { Initializer, Model, Node, Ref, Shape } from "../graph/model";
import { GRU_BLOCKS, LSTM_BLOCKS } from "../graph/recurrent";
import { newNode, newVariable } from "./blocks";
import { fresh } from "./fresh";
import { changed, type Block } from "./rewire";
import { sequenceStyle } from "./sequences";

export interface NewRecurrent {
  readonly model: Model;
  readonly name: string;
  /** The sequence that it reads, with so many features. */
  readonly from: string;
  readonly features: number;
  readonly units: number;
  readonly activation: RecurrentActivation;
  readonly init: Initializer;
  readonly key: string;
}

export function lstm(how: NewRecurrent & { readonly peepholes: boolean }): Block {
  const { model, name, from, features, units, activation, peepholes } = how;
  const { lstm: like, mask: around, ...runs } = sequenceStyle(model, from);
  // Where padding resets layers, as in Deeplearning4j, it does so only in those that run back in time or yield a last step.
  const mask = runs.masked === "reset" ? undefined : around;
  const isApart = like?.attributes.takes.includes("kernel") ?? false;
  const peepholeColumns = peepholes && isApart ? peepholeOrder(like) : [];
  const columns = LSTM_BLOCKS * units;
  const bias = ["bias", "bias", [columns]] as const;
  const weights: Weights<"LSTM"> = isApart
    ? [
        ["kernel", "kernel", [features, columns]],
        ["recurrentKernel", "recurrent_kernel", [units, columns + peepholeColumns.length]],
        bias,
      ]
    : [
        ["joinedKernel", "kernel", [features + units, columns]],
        bias,
        ...(peepholes ? diagonals(units) : []),
      ];
  const node = newNode(`${name}/LSTM`, "LSTM", inputsOf(how, weights, mask), {
    ...runs,
    takes: [...weights.map(([input]) => input), ...(mask === undefined ? [] : ["mask" as const])],
    gates: like?.attributes.gates ?? ["i", "c", "f", "o"],
    peepholeColumns,
    forgetBias: like?.attributes.forgetBias ?? 1,
    activation,
    gateActivation: like?.attributes.gateActivation ?? "sigmoid",
    cellClip: null,
    projectionClip: null,
  });
  return started(how, node, weights);
}

export function gru(how: NewRecurrent): Block {
  const { model, name, from, features, units, activation } = how;
  const { lstm: _, mask, ...runs } = sequenceStyle(model, from);
  const weights: Weights<"GRU"> = [
    ["gateKernel", "gates/kernel", [features + units, GRU_BLOCKS * units]],
    ["gateBias", "gates/bias", [GRU_BLOCKS * units]],
    ["candidateKernel", "candidate/kernel", [features + units, units]],
    ["candidateBias", "candidate/bias", [units]],
  ];
  const node = newNode(`${name}/GRU`, "GRU", inputsOf(how, weights, mask), {
    ...runs,
    takes: [...weights.map(([input]) => input), ...(mask === undefined ? [] : ["mask" as const])],
    gates: ["r", "u"],
    activation,
    gateActivation: "sigmoid",
  });
  return started(how, node, weights);
}

/** What an op takes, its name as TensorFlow's cells have it, and its shape. */
type Weights<Op extends "LSTM" | "GRU"> = readonly (readonly [
  Node<Op>["attributes"]["takes"][number],
  string,
  Shape,
])[];

/** Behind the gates' columns, as DL4J's GravesLSTM has them. */
const peepholeOrder = (like: Node<"LSTM"> | undefined): readonly LSTMGate[] => {
  const order = like?.attributes.peepholeColumns ?? [];
  return order.length > 0 ? order : ["f", "o", "i"];
};

const diagonals = (units: number): Weights<"LSTM"> => [
  ["peepholeInput", "w_i_diag", [units]],
  ["peepholeForget", "w_f_diag", [units]],
  ["peepholeOutput", "w_o_diag", [units]],
];

const inputsOf = (
  { name, from }: NewRecurrent,
  weights: Weights<"LSTM"> | Weights<"GRU">,
  mask: Ref | undefined,
): Ref[] => [
  { node: from },
  ...weights.map(([, part]) => ({ variable: `${name}/${part}` })),
  ...(mask === undefined ? [] : [mask]),
];

/** The layer with the numbers that weights of its op start from. */
function started(
  { model, name, init, key }: NewRecurrent,
  node: Node,
  weights: Weights<"LSTM"> | Weights<"GRU">,
): Block {
  const empty = weights.map(([, part, shape]) =>
    newVariable(`${name}/${part}`, shape, "zeros", key),
  );
  const block = { nodes: [node], variables: empty };
  const within = changed(model, block);
  const variables = empty.map((variable) => {
    const { shape } = variable;
    const value = fresh(within, variable, { shape, whole: shape, weights: init, key });
    return { ...variable, value };
  });
  return { ...block, variables };
}
