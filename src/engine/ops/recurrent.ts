// Recurrent layers, step by step: what does not depend on the step before is one product over all steps.
import type { GRUInput, LSTMGate, LSTMInput, RecurrentActivation } from "../graph/catalogue";
import { gruUnits, LSTM_BLOCKS, lstmUnits, portOf, sequenceAxes } from "../graph/recurrent";
import { GraftError } from "../../protocol/errors";
import { maximum, minimum, relu6, selu } from "./gradients";
import type { Kernel } from "./kernel";
import { tf, type Tensor } from "./tf";

/** Keras' and DL4J's piecewise linear sigmoid. */
const hardSigmoid = (x: Tensor): Tensor =>
  minimum(maximum(tf.add(tf.mul(x, 0.2), 0.5), tf.scalar(0)), tf.scalar(1));

const ACTIVATIONS: { readonly [Name in RecurrentActivation]: (x: Tensor) => Tensor } = {
  tanh: tf.tanh,
  sigmoid: tf.sigmoid,
  hardSigmoid,
  relu: tf.relu,
  relu6,
  leakyRelu: (x) => tf.leakyRelu(x, 0.01),
  elu: tf.elu,
  selu,
  softplus: tf.softplus,
  softsign: (x) => tf.div(x, tf.add(tf.abs(x), 1)),
  identity: (x) => x,
};

const clipped = (x: Tensor, bound: number | null): Tensor =>
  bound === null ? x : minimum(maximum(x, tf.scalar(-bound)), tf.scalar(bound));

const plus = (a: Tensor, b: Tensor | undefined): Tensor => (b === undefined ? a : tf.add(a, b));

/** The sequence with its steps first. */
const stepsFirst = (x: Tensor, timeMajor: boolean): Tensor =>
  timeMajor ? x : tf.transpose(x, [1, 0, 2]);

/** x · kernel + bias for every step at once, as a tensor per step. */
function productsOfSteps(x: Tensor, kernel: Tensor, bias: Tensor | undefined): Tensor[] {
  const [time, batch, features] = x.shape;
  const rows = plus(tf.matMul(tf.reshape(x, [time * batch, features]), kernel), bias);
  return tf.unstack(tf.reshape(rows, [time, batch, kernel.shape[1]!]));
}

/** A condition [batch, 1] per step; none where every step is there. */
function masksOfSteps(mask: Tensor | undefined): Tensor[] | undefined {
  // What nothing is fed to is one number.
  if (mask === undefined || mask.rank < 2) return undefined;
  const [batch, time] = mask.shape;
  const columns = tf.unstack(tf.reshape(tf.transpose(mask), [time, batch, 1]));
  return columns.map((column) => tf.cast(column, "bool"));
}

const zero = tf.zerosLike;

/** The rows of a joined kernel that read the sequence, and those that read the state. */
function splitRows(kernel: Tensor, features: number): [Tensor, Tensor] {
  const [x, h] = tf.split(kernel, [features, kernel.shape[0] - features], 0);
  return [x, h];
}

/** The outputs of all steps as one sequence. */
const sequenceOf = (outputs: readonly Tensor[], timeMajor: boolean): Tensor =>
  tf.stack([...outputs], sequenceAxes(timeMajor).time);

function refuseEmpty(steps: readonly Tensor[], name: string): void {
  if (steps.length === 0)
    throw new GraftError("shape-mismatch", `${name} cannot run over a sequence of no steps.`);
}

export const LSTM: Kernel<"LSTM"> = (inputs, attributes, node) => {
  const { takes, gates, peepholeColumns, forgetBias, timeMajor, masked } = attributes;
  const given = (input: LSTMInput): Tensor | undefined => {
    const port = portOf<"LSTM">(takes, input);
    return port === undefined ? undefined : inputs[port];
  };
  const activation = ACTIVATIONS[attributes.activation];
  const gateActivation = ACTIVATIONS[attributes.gateActivation];
  const x = stepsFirst(inputs[0], timeMajor);
  const units = lstmUnits(
    attributes,
    inputs.map(({ shape }) => shape),
  );
  const joined = given("joinedKernel");
  const [kernel, behind] =
    joined === undefined
      ? [given("kernel")!, given("recurrentKernel")!]
      : splitRows(joined, x.shape[2]!);
  const [recurrent, columns] = splitColumns(behind, LSTM_BLOCKS * units);
  const peephole: { readonly [Gate in LSTMGate]?: Tensor } = {
    i: given("peepholeInput"),
    f: given("peepholeForget"),
    o: given("peepholeOutput"),
    ...Object.fromEntries(peepholeColumns.map((gate, place) => [gate, columns[place]])),
  };
  const bias = biasOf(given("bias"), units, gates, forgetBias);
  const projection = given("projection");
  const masks = masksOfSteps(given("mask"));
  const steps = productsOfSteps(x, kernel, bias);
  refuseEmpty(steps, node.name);

  let h = given("initialH");
  let c = given("initialC");
  const outputs = steps.map((step, time) => {
    const sums = tf.split(plus(step, h && tf.matMul(h, recurrent)), LSTM_BLOCKS, 1);
    const sum = (gate: LSTMGate): Tensor => sums[gates.indexOf(gate)];
    const seeing = (gate: LSTMGate, cell: Tensor | undefined): Tensor => {
      const weights = peephole[gate];
      return cell && weights ? tf.add(sum(gate), tf.mul(cell, weights)) : sum(gate);
    };
    const written = tf.mul(gateActivation(seeing("i", c)), activation(sum("c")));
    const kept = c && tf.mul(gateActivation(seeing("f", c)), c);
    const cell = clipped(plus(written, kept), attributes.cellClip);
    const seen = tf.mul(gateActivation(seeing("o", cell)), activation(cell));
    const state =
      projection === undefined
        ? seen
        : clipped(tf.matMul(seen, projection), attributes.projectionClip);
    const mask = masks?.[time];
    const output = mask ? tf.where(mask, state, zero(state)) : state;
    const before = {
      h: masked === "hold" && h ? h : zero(state),
      c: masked === "hold" && c ? c : zero(cell),
    };
    h = mask ? tf.where(mask, state, before.h) : state;
    c = mask ? tf.where(mask, cell, before.c) : cell;
    return output;
  });
  return sequenceOf(outputs, timeMajor);
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

export const GRU: Kernel<"GRU"> = (inputs, attributes, node) => {
  const { takes, gates, timeMajor, masked } = attributes;
  const given = (input: GRUInput): Tensor | undefined => {
    const port = portOf<"GRU">(takes, input);
    return port === undefined ? undefined : inputs[port];
  };
  const activation = ACTIVATIONS[attributes.activation];
  const gateActivation = ACTIVATIONS[attributes.gateActivation];
  const x = stepsFirst(inputs[0], timeMajor);
  const units = gruUnits(
    attributes,
    inputs.map(({ shape }) => shape),
  );
  const [gateKernel, gateRecurrent] = splitRows(given("gateKernel")!, x.shape[2]!);
  const [candidateKernel, candidateRecurrent] = splitRows(given("candidateKernel")!, x.shape[2]!);
  const gateSteps = productsOfSteps(x, gateKernel, given("gateBias"));
  const candidateSteps = productsOfSteps(x, candidateKernel, given("candidateBias"));
  const masks = masksOfSteps(given("mask"));
  refuseEmpty(gateSteps, node.name);

  let h = given("initialH");
  const outputs = gateSteps.map((step, time) => {
    const sums = plus(step, h && tf.matMul(h, gateRecurrent));
    const parts = tf.split(gateActivation(sums), [units, units], 1);
    const [reset, update] = [parts[gates.indexOf("r")], parts[gates.indexOf("u")]];
    const back = h && tf.matMul(tf.mul(reset, h), candidateRecurrent);
    const candidate = activation(plus(candidateSteps[time], back));
    const fresh = tf.mul(tf.sub(1, update), candidate);
    const state = plus(fresh, h && tf.mul(update, h));
    const mask = masks?.[time];
    const output = mask ? tf.where(mask, state, zero(state)) : state;
    h = mask ? tf.where(mask, state, masked === "hold" && h ? h : zero(state)) : state;
    return output;
  });
  return sequenceOf(outputs, timeMajor);
};

export const Reverse: Kernel<"Reverse"> = ([x, lengths], { axis, batchAxis }) => {
  if (lengths === undefined) return tf.reverse(x, axis);
  // Which step comes to which place, as a matrix for each sample.
  const time = x.shape[axis];
  const places = tf.range(0, time, 1, "float32");
  const ends = tf.reshape(tf.cast(lengths, "float32"), [-1, 1]);
  const turned = tf.sub(tf.sub(ends, 1), places);
  const from = tf.where(tf.less(places, ends), turned, tf.add(places, tf.mul(ends, 0)));
  const chooses = tf.cast(tf.equal(tf.expandDims(from, 2), places), "float32");
  const samples = batchAxis === 0 ? x : tf.transpose(x, [1, 0, 2]);
  const result = tf.matMul(chooses, samples);
  return batchAxis === 0 ? result : tf.transpose(result, [1, 0, 2]);
};

export const LastStep: Kernel<"LastStep"> = ([x, mask], { timeMajor }) => {
  const { time } = sequenceAxes(timeMajor);
  const last = x.shape[time] - 1;
  if (mask === undefined || mask.rank < 2) {
    const begin = [0, 0, 0].with(time, last);
    return tf.squeeze(tf.slice(x, begin, x.shape.with(time, 1)), [time]);
  }
  const there = tf.cast(mask, "float32");
  const places = tf.mul(there, tf.range(1, last + 2, 1, "float32"));
  const isLast = tf.cast(tf.equal(places, tf.max(places, 1, true)), "float32");
  const chosen = tf.mul(isLast, there);
  const weights = tf.expandDims(timeMajor ? tf.transpose(chosen) : chosen, 2);
  return tf.sum(tf.mul(x, weights), time);
};

export const SequenceMask: Kernel<"SequenceMask"> = ([lengths, x], { timeMajor }) => {
  const steps = tf.range(0, x.shape[sequenceAxes(timeMajor).time], 1, "float32");
  const ends = tf.reshape(tf.cast(lengths, "float32"), [-1, 1]);
  return tf.cast(tf.less(steps, ends), "float32");
};
