// Long short-term memory. What does not depend on the step before is one product over all steps. So are, on the way
// back, the gradients of the weights, and all derivatives are taken at once: what is left to each step is little.
import type { LSTMGate, LSTMInput, OpAttributes } from "../graph/catalogue";
import { LSTM_BLOCKS, lstmUnits, portOf } from "../graph/recurrent";
import { ACTIVATIONS } from "./activations";
import { graded } from "./graded";
import type { Kernel } from "./kernel";
import { columnOf, masksOf, plus, sequenceOf, splitRows, stateOf, stepsOf } from "./steps";
import { tf, type Tensor } from "./tf";

export const LSTM: Kernel<"LSTM"> = (inputs, attributes, node) => {
  const { takes, gates, peepholeColumns, forgetBias, timeMajor } = attributes;
  const given = (input: LSTMInput): Tensor | undefined => {
    const port = portOf<"LSTM">(takes, input);
    return port === undefined ? undefined : inputs[port];
  };
  const shapes = inputs.map(({ shape }) => shape);
  const units = lstmUnits(attributes, shapes);
  const { time, batch, rows } = stepsOf(inputs[0], timeMajor, node);
  const joined = given("joinedKernel");
  const [kernel, behind] =
    joined === undefined
      ? [given("kernel")!, given("recurrentKernel")!]
      : splitRows(joined, rows.shape[1]!);
  const [recurrent, columns] = splitColumns(behind, LSTM_BLOCKS * units);
  const bias = biasOf(given("bias"), units, gates, forgetBias);
  const output = recurrence(attributes, time, {
    sums: plus(tf.matMul(rows, kernel), bias),
    recurrent,
    h: stateOf(given("initialH"), batch, recurrent.shape[0]),
    c: stateOf(given("initialC"), batch, units),
    i: given("peepholeInput"),
    f: given("peepholeForget"),
    o: given("peepholeOutput"),
    ...Object.fromEntries(peepholeColumns.map((gate, place) => [gate, columns[place]])),
    projection: given("projection"),
    mask: columnOf(given("mask")),
  });
  return sequenceOf({ time, batch, rows: output }, timeMajor);
};

/** A recurrent kernel, and each column that stands behind its gates as a row. */
function splitColumns(kernel: Tensor, gates: number): [Tensor, Tensor[]] {
  const more = kernel.shape[1]! - gates;
  if (more === 0) return [kernel, []];
  const [recurrent, ...columns] = tf.split(kernel, [gates, ...Array<number>(more).fill(1)], 1);
  return [recurrent, columns.map((column) => tf.reshape(column, [-1]))];
}

/** The bias of all gates, with what is added to the forget gate. */
function biasOf(
  bias: Tensor | undefined,
  units: number,
  gates: readonly LSTMGate[],
  forgetBias: number,
): Tensor | undefined {
  if (forgetBias === 0) return bias;
  const all = gates.flatMap((gate) => Array<number>(units).fill(gate === "f" ? forgetBias : 0));
  const more = tf.tensor1d(all);
  return bias ? tf.add(bias, more) : more;
}

/** Rows are [time · batch, …], one step's after the other's. */
interface Operands<T = Tensor | undefined> {
  /** What the gates sum up of the sequence and the bias: rows of 4 · units. */
  readonly sums: Tensor;
  readonly recurrent: Tensor;
  /** The first states: [batch, out], [batch, units]. */
  readonly h: Tensor;
  readonly c: Tensor;
  /** Peepholes: [units]. */
  readonly i: T;
  readonly f: T;
  readonly o: T;
  readonly projection: T;
  /** A column. */
  readonly mask: T;
}

const NAMES = ["sums", "recurrent", "h", "c", "i", "f", "o", "projection", "mask"] as const;

/** What the way back needs of each step. */
interface Step {
  /** Gates and candidate, activated. */
  readonly i: Tensor;
  readonly f: Tensor;
  readonly g: Tensor;
  readonly o: Tensor;
  /** States before the step. */
  readonly h: Tensor;
  readonly c: Tensor;
  /** The cell, and it activated. */
  readonly cell: Tensor;
  readonly active: Tensor;
  /** What is projected, and the output: the same where nothing is. */
  readonly seen: Tensor;
  readonly state: Tensor;
}

const KEPT = ["i", "f", "g", "o", "h", "c", "cell", "active", "seen", "state"] as const;

/** The outputs of all steps: rows. */
function recurrence(attributes: OpAttributes["LSTM"], time: number, operands: Operands): Tensor {
  const names = NAMES.filter((name) => operands[name] !== undefined);
  const given = (tensors: readonly Tensor[]) =>
    Object.fromEntries(names.map((name, place) => [name, tensors[place]])) as unknown as Operands;
  return graded(
    (...tensors) => {
      const { output, steps } = forward(attributes, time, given(tensors));
      return [output, ...tensors, ...steps.flatMap((step) => KEPT.map((name) => step[name]))];
    },
    (dy, ...saved) => {
      const steps = Array.from({ length: time }, (_, step) => {
        const first = names.length + step * KEPT.length;
        return Object.fromEntries(KEPT.map((name, place) => [name, saved[first + place]]));
      });
      const all = backward(attributes, given(saved), steps as unknown as Step[], dy);
      return names.map((name) => all[name] ?? tf.zerosLike(operands[name]!));
    },
  )(...names.map((name) => operands[name]!));
}

const clipped = (x: Tensor, bound: number | null): Tensor =>
  bound === null ? x : tf.clipByValue(x, -bound, bound);

/** Gradients pass where a number was not clipped. */
const unclipped = (gradient: Tensor, x: Tensor, bound: number | null): Tensor =>
  bound === null ? gradient : tf.mul(gradient, tf.cast(tf.less(tf.abs(x), bound), gradient.dtype));

const times = (a: Tensor, b: Tensor | undefined): Tensor | undefined => b && tf.mul(a, b);

function forward(
  attributes: OpAttributes["LSTM"],
  time: number,
  { sums, recurrent, projection, mask, ...first }: Operands,
): { output: Tensor; steps: Step[] } {
  const { gates, cellClip, projectionClip } = attributes;
  const gate = ACTIVATIONS[attributes.gateActivation].value;
  const activation = ACTIVATIONS[attributes.activation].value;
  const masks = masksOf(mask, attributes.masked, time);
  const steps: Step[] = [];
  let { h, c } = first;
  tf.split(sums, time).forEach((ofSequence, step) => {
    const all = tf.split(tf.add(ofSequence, tf.matMul(h, recurrent)), LSTM_BLOCKS, 1);
    const sum = (each: LSTMGate): Tensor => all[gates.indexOf(each)];
    const i = gate(plus(sum("i"), times(c, first.i)));
    const f = gate(plus(sum("f"), times(c, first.f)));
    const g = activation(sum("c"));
    const cell = clipped(tf.add(tf.mul(f, c), tf.mul(i, g)), cellClip);
    const o = gate(plus(sum("o"), times(cell, first.o)));
    const active = activation(cell);
    const seen = tf.mul(o, active);
    const state = projection ? clipped(tf.matMul(seen, projection), projectionClip) : seen;
    steps.push({ i, f, g, o, h, c, cell, active, seen, state });
    h = masks.after(step, state, h);
    c = masks.after(step, cell, c);
  });
  return { output: masks.there(tf.concat(steps.map(({ state }) => state))), steps };
}

/** Gradients by the operands, given those by the outputs. */
function backward(
  { gates, gateActivation, activation, masked, cellClip, projectionClip }: OpAttributes["LSTM"],
  { recurrent, projection, mask, ...first }: Operands,
  steps: readonly Step[],
  dy: Tensor,
): Partial<Operands> {
  const time = steps.length;
  const rows = (name: keyof Step): Tensor => tf.concat(steps.map((each) => each[name]));
  const [i, f, g, o] = [rows("i"), rows("f"), rows("g"), rows("o")];
  const [c, active] = [rows("c"), rows("active")];
  const { slope: gateSlope } = ACTIVATIONS[gateActivation];
  const { slope } = ACTIVATIONS[activation];
  const masks = masksOf(mask, masked, time);
  const throughCell = (gradient: Tensor): Tensor =>
    cellClip === null ? gradient : unclipped(gradient, rows("cell"), cellClip);
  // How what the gates sum up changes the cell; of the output gate, how it changes what is seen.
  const by: Record<LSTMGate, Tensor> = {
    i: throughCell(tf.mul(g, gateSlope(i))),
    f: throughCell(tf.mul(c, gateSlope(f))),
    c: throughCell(tf.mul(i, slope(g))),
    o: tf.mul(active, gateSlope(o)),
  };
  const perStep = (rows: Tensor) => tf.split(rows, time);
  const byGates = gates.map((gate) => by[gate]);
  const sumBy = perStep(masks.there(tf.concat(byGates, 1)));
  const seenByCell = perStep(plus(tf.mul(o, slope(active)), times(by.o, first.o)));
  const ofPeepholes = [times(by.i, first.i), times(by.f, first.f)];
  const cellByCell = perStep(masks.there(ofPeepholes.reduce<Tensor>(plus, throughCell(f))));
  const outputs = perStep(masks.there(dy));

  let dh = tf.zerosLike(first.h);
  let dc = tf.zerosLike(first.c);
  const dSums: Tensor[] = [];
  const dProjected: Tensor[] = [];
  for (let step = time - 1; step >= 0; step--) {
    const dState = tf.add(outputs[step], dh);
    const dOut = unclipped(dState, steps[step].state, projectionClip);
    const dSeen = projection ? tf.matMul(dOut, projection, false, true) : dState;
    const dCell = tf.add(tf.mul(dSeen, seenByCell[step]), dc);
    const behind = gates.map((gate) => (gate === "o" ? dSeen : dCell));
    const dSum = tf.mul(tf.concat(behind, 1), sumBy[step]);
    dSums.unshift(dSum);
    dProjected.unshift(dOut);
    dh = masks.back(step, tf.matMul(dSum, recurrent, false, true), dState);
    dc = masks.back(step, tf.mul(dCell, cellByCell[step]), dc);
  }
  const sums = tf.concat(dSums);
  const ofGates = tf.split(sums, LSTM_BLOCKS, 1);
  const ofPeephole = (gate: LSTMGate, seenCell: Tensor): Tensor =>
    tf.sum(tf.mul(ofGates[gates.indexOf(gate)], seenCell), 0);
  return {
    sums,
    recurrent: tf.matMul(rows("h"), sums, true),
    h: dh,
    c: dc,
    i: first.i && ofPeephole("i", c),
    f: first.f && ofPeephole("f", c),
    o: first.o && ofPeephole("o", rows("cell")),
    projection: projection && tf.matMul(rows("seen"), masks.there(tf.concat(dProjected)), true),
  };
}
