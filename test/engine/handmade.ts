// Small graphs made by hand, for what no fixture happens to contain.
import type { OpAttributes, OpName } from "../../src/engine/graph/catalogue";
import {
  wholeRegion,
  type Layer,
  type Model,
  type Node,
  type Roles,
  type Shape,
  type Variable,
} from "../../src/engine/graph/model";
import { reinfer } from "../../src/engine/graph/reinfer";

interface Handmade {
  /** Shapes of what is fed. */
  readonly fed?: Readonly<Record<string, Shape>>;
  readonly weights?: Readonly<Record<string, Shape>>;
  readonly nodes: readonly Node[];
  readonly layers?: readonly Layer[];
  readonly roles?: Partial<Roles>;
}

/** `inputs` are names of nodes; of variables, in brackets. */
export const node = <Op extends OpName>(
  name: string,
  op: Op,
  inputs: readonly string[],
  attributes: OpAttributes[Op],
): Node =>
  ({
    name,
    op,
    attributes,
    inputs: inputs.map((input) =>
      input.startsWith("[") ? { variable: input.slice(1, -1) } : { node: input },
    ),
    origin: [],
  }) as Node;

export const PRODUCT = { transposeA: false, transposeB: false };

const RECURRENT = {
  activation: "tanh",
  gateActivation: "sigmoid",
  masked: "hold",
  timeMajor: false,
} as const;

/** What a BasicLSTMCell of TensorFlow is; `takes` is the caller's. */
export const LSTM_CELL = {
  ...RECURRENT,
  gates: ["i", "c", "f", "o"],
  peepholeColumns: [],
  forgetBias: 1,
  cellClip: null,
  projectionClip: null,
} as const;

/** What a GRUCell of TensorFlow is. */
export const GRU_CELL = { ...RECURRENT, gates: ["r", "u"] } as const;

export function handmade({ fed = {}, weights = {}, nodes, layers = [], roles }: Handmade): Model {
  const placeholders = Object.keys(fed).map((name) =>
    node(name, "Placeholder", [], { dtype: "float32" }),
  );
  const declared = new Set(nodes.map((each) => each.name));
  const all = [...placeholders.filter((each) => !declared.has(each.name)), ...nodes];
  const variables = Object.entries(weights).map(([name, shape]): [string, Variable] => [
    name,
    {
      name,
      dtype: "float32",
      shape,
      value: { from: "stored", name },
      role: "weight",
      trainable: [wholeRegion(shape)],
    },
  ]);
  return reinfer({
    nodes: new Map(all.map((each) => [each.name, each])),
    variables: new Map(variables),
    layers,
    roles: { inputs: ["x"], ...roles },
    shapes: new Map(Object.entries(fed)),
    aliases: new Map(),
  });
}
