// LSTM cells, as TensorFlow's BasicLSTMCell and LSTMCell compute a step.
import type { LSTMGate, LSTMInput, OpAttributes } from "../../../../graph/catalogue";
import { LSTM_BLOCKS, lstmUnits, portOf } from "../../../../graph/recurrent";
import * as attribute from "../attributes";
import { INT32, notWritable, typeOf, type Attributes, type Emission, type Emit } from "../emission";
import { activation } from "./activation";
import { emitRecurrence, type Body } from "./recurrence";

export const lstm: Emit<"LSTM"> = (to, attributes) => {
  const { takes, timeMajor, masked } = attributes;
  const given = (input: LSTMInput): string | undefined => {
    const port = portOf<"LSTM">(takes, input);
    return port === undefined ? undefined : to.inputs[port];
  };
  const rowsOf = (input: LSTMInput): number => {
    const port = portOf<"LSTM">(takes, input);
    return (port === undefined ? undefined : to.inputShapes[port]?.[0]) ?? -1;
  };
  const shapes = to.inputShapes.map((shape) => shape ?? []);
  const [units, features, width] = [
    lstmUnits(attributes, shapes),
    shapes[0]![2] ?? -1,
    to.shape?.[2] ?? -1,
  ];
  if (units < 0 || features < 0 || width < 0) throw notWritable(to, "its sizes are not known");
  if (!takes.includes("joinedKernel"))
    throw notWritable(to, "TensorFlow's cells have one kernel for the sequence and the state");
  return emitRecurrence(to, {
    x: to.inputs[0]!,
    features,
    timeMajor,
    masked,
    mask: given("mask"),
    width,
    states: [
      { initial: given("initialH"), rows: rowsOf("initialH"), width },
      { initial: given("initialC"), rows: rowsOf("initialC"), width: units },
    ],
    step: (body) => stepOf(to, body, attributes, given),
  });
};

function stepOf(
  to: Emission,
  body: Body,
  attributes: OpAttributes["LSTM"],
  given: (input: LSTMInput) => string | undefined,
): readonly string[] {
  const T: Attributes = { T: typeOf(to, to.inputs[0]!) };
  const [h, c] = body.states as [string, string];
  const op = (name: string, kind: string, inputs: readonly string[]): string =>
    body.op(name, kind, inputs, T);
  const weight = (input: LSTMInput): string | undefined => {
    const tensor = given(input);
    return tensor && body.outside(tensor);
  };
  const kernel = weight("joinedKernel")!;
  const sums = affine(body, T, "", { x: body.x, h, kernel, bias: weight("bias") });
  const blocks = body.op("split", "Split", [body.integer("split/split_dim", 1), sums], {
    ...T,
    num_split: attribute.integer(LSTM_BLOCKS),
  });
  const block = (gate: LSTMGate): string => {
    const index = attributes.gates.indexOf(gate);
    return index === 0 ? blocks : `${blocks}:${index}`;
  };
  const act = (name: string, kind: typeof attributes.activation, x: string): string =>
    op(name, activation(to, kind), [x]);
  /** A gate, which may see a cell through its peephole. */
  const gate = (
    name: string,
    of: LSTMGate,
    peephole: LSTMInput,
    cell: string,
    bias = 0,
  ): string => {
    let sum = block(of);
    if (bias !== 0) sum = op(`${name}/bias`, "Add", [sum, body.number(`${name}/bias/y`, bias)]);
    const seen = weight(peephole);
    if (seen !== undefined)
      sum = op(`${name}/sum`, "Add", [sum, op(`${name}/peephole`, "Mul", [seen, cell])]);
    return act(name, attributes.gateActivation, sum);
  };
  const forget = gate("forget", "f", "peepholeForget", c, attributes.forgetBias);
  const input = gate("input", "i", "peepholeInput", c);
  const candidate = act("candidate", attributes.activation, block("c"));
  const kept = op("kept", "Mul", [forget, c]);
  const cell = clipped(
    body,
    T,
    "cell",
    attributes.cellClip,
    op("cell", "Add", [kept, op("written", "Mul", [input, candidate])]),
  );
  const out = gate("out", "o", "peepholeOutput", cell);
  const seen = op("seen", "Mul", [out, act("activated", attributes.activation, cell)]);
  const projection = weight("projection");
  if (projection === undefined) return [seen, cell];
  const projected = body.op("projected", "MatMul", [seen, projection], PRODUCT(T));
  return [clipped(body, T, "projected", attributes.projectionClip, projected), cell];
}

function clipped(body: Body, T: Attributes, name: string, bound: number | null, x: string): string {
  if (bound === null) return x;
  const low = body.op(
    `${name}/clip/Minimum`,
    "Minimum",
    [x, body.number(`${name}/clip/high`, bound)],
    T,
  );
  return body.op(`${name}/clip`, "Maximum", [low, body.number(`${name}/clip/low`, -bound)], T);
}

const PRODUCT = (T: Attributes): Attributes => ({
  ...T,
  transpose_a: attribute.flag(false),
  transpose_b: attribute.flag(false),
});

export interface Sum {
  readonly x: string;
  readonly h: string;
  /** Rows [x; h]. */
  readonly kernel: string;
  readonly bias: string | undefined;
}

/** [x, h] · kernel + bias */
export function affine(body: Body, T: Attributes, scope: string, sum: Sum): string {
  const { kernel, bias } = sum;
  const both = join(body, T, scope, sum.x, sum.h);
  const product = body.op(`${scope}MatMul`, "MatMul", [both, kernel], PRODUCT(T));
  if (bias === undefined) return product;
  const attributes = { ...T, data_format: attribute.text("NHWC") };
  return body.op(`${scope}BiasAdd`, "BiasAdd", [product, bias], attributes);
}

const join = (body: Body, T: Attributes, scope: string, x: string, h: string): string =>
  body.op(`${scope}concat`, "ConcatV2", [x, h, body.integer(`${scope}concat/axis`, 1)], {
    ...T,
    N: attribute.integer(2),
    Tidx: INT32,
  });
