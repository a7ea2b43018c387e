// Gated recurrent units, with the reset before the product. As an LSTM (lstm.ts): in each step only what depends on the
// step before.
import type { GRUInput, OpAttributes } from "../graph/catalogue";
import { GRU_BLOCKS, gruUnits, portOf } from "../graph/recurrent";
import { ACTIVATIONS } from "./activations";
import { graded } from "./graded";
import type { Kernel } from "./kernel";
import { columnOf, masksOf, plus, sequenceOf, splitRows, stateOf, stepsOf } from "./steps";
import { tf, type Tensor } from "./tf";

export const GRU: Kernel<"GRU"> = (inputs, attributes, node) => {
  const { takes, timeMajor } = attributes;
  const given = (input: GRUInput): Tensor | undefined => {
    const port = portOf<"GRU">(takes, input);
    return port === undefined ? undefined : inputs[port];
  };
  const shapes = inputs.map(({ shape }) => shape);
  const { time, batch, rows } = stepsOf(inputs[0], timeMajor, node);
  const features = rows.shape[1]!;
  const [gateKernel, gateRecurrent] = splitRows(given("gateKernel")!, features);
  const [kernel, recurrent] = splitRows(given("candidateKernel")!, features);
  const mask = columnOf(given("mask"));
  const output = recurrence(
    attributes,
    time,
    plus(tf.matMul(rows, gateKernel), given("gateBias")),
    plus(tf.matMul(rows, kernel), given("candidateBias")),
    gateRecurrent,
    recurrent,
    stateOf(given("initialH"), batch, gruUnits(attributes, shapes)),
    ...(mask ? [mask] : []),
  );
  return sequenceOf({ time, batch, rows: output }, timeMajor);
};

/** What the way back needs of each step. */
interface Step {
  readonly r: Tensor;
  readonly u: Tensor;
  /** The state before it, and what the reset gate leaves of that. */
  readonly h: Tensor;
  readonly kept: Tensor;
  readonly candidate: Tensor;
}

const KEPT = ["r", "u", "h", "kept", "candidate"] as const;

/**
 * The outputs of all steps: rows, [time · batch, units], one step's after the other's. Of: what gates and candidate sum up
 * of the sequence, rows of 2 · units and of units; the kernels that read the state; the first state [batch, units]; and
 * optionally a mask, a column.
 */
const recurrence = (attributes: OpAttributes["GRU"], time: number, ...operands: Tensor[]) =>
  graded(
    (...tensors) => {
      const { output, steps } = forward(attributes, time, tensors);
      return [
        output,
        ...tensors.slice(2),
        ...steps.flatMap((step) => KEPT.map((name) => step[name])),
      ];
    },
    (dy, ...saved) => {
      const weights = operands.length - 2;
      const steps = Array.from({ length: time }, (_, step) => {
        const first = weights + step * KEPT.length;
        return Object.fromEntries(KEPT.map((name, place) => [name, saved[first + place]]));
      });
      const all = saved.slice(0, weights);
      const gradients = backward(attributes, all, steps as unknown as Step[], dy);
      return operands.map((operand, place) => gradients[place] ?? tf.zerosLike(operand));
    },
  )(...operands);

function forward(
  { gates, gateActivation, activation, masked }: OpAttributes["GRU"],
  time: number,
  [gateSums, sums, gateRecurrent, recurrent, first, mask]: readonly Tensor[],
): { output: Tensor; steps: Step[] } {
  const { value: gate } = ACTIVATIONS[gateActivation];
  const { value: activate } = ACTIVATIONS[activation];
  const masks = masksOf(mask, masked, time);
  const ofCandidate = tf.split(sums, time);
  const steps: Step[] = [];
  const states: Tensor[] = [];
  let h = first;
  tf.split(gateSums, time).forEach((ofGates, step) => {
    const both = gate(tf.add(ofGates, tf.matMul(h, gateRecurrent)));
    const parts = tf.split(both, GRU_BLOCKS, 1);
    const [r, u] = [parts[gates.indexOf("r")], parts[gates.indexOf("u")]];
    const kept = tf.mul(r, h);
    const candidate = activate(tf.add(ofCandidate[step], tf.matMul(kept, recurrent)));
    const state = tf.add(tf.mul(u, h), tf.mul(tf.sub(1, u), candidate));
    steps.push({ r, u, h, kept, candidate });
    states.push(state);
    h = masks.after(step, state, h);
  });
  return { output: masks.there(tf.concat(states)), steps };
}

/** Gradients by the operands but for the mask, given those by the outputs. */
function backward(
  { gates, gateActivation, activation, masked }: OpAttributes["GRU"],
  [gateRecurrent, recurrent, first, mask]: readonly Tensor[],
  steps: readonly Step[],
  dy: Tensor,
): Tensor[] {
  const time = steps.length;
  const rows = (name: keyof Step): Tensor => tf.concat(steps.map((each) => each[name]));
  const [r, u, h, candidate] = [rows("r"), rows("u"), rows("h"), rows("candidate")];
  const { slope: gateSlope } = ACTIVATIONS[gateActivation];
  const { slope } = ACTIVATIONS[activation];
  const masks = masksOf(mask, masked, time);
  const perStep = (rows: Tensor) => tf.split(rows, time);
  const perStepThere = (rows: Tensor) => perStep(masks.there(rows));
  const stateByUpdate = perStepThere(tf.mul(tf.sub(h, candidate), gateSlope(u)));
  const stateByCandidate = perStepThere(tf.mul(tf.sub(1, u), slope(candidate)));
  const keptByReset = perStep(tf.mul(h, gateSlope(r)));
  const updates = perStepThere(u);
  const outputs = perStepThere(dy);

  let dh = tf.zerosLike(first);
  const dGates: Tensor[] = [];
  const dSums: Tensor[] = [];
  for (let step = time - 1; step >= 0; step--) {
    const dState = tf.add(outputs[step], dh);
    const dSum = tf.mul(dState, stateByCandidate[step]);
    const dKept = tf.matMul(dSum, recurrent, false, true);
    const of = { r: tf.mul(dKept, keptByReset[step]), u: tf.mul(dState, stateByUpdate[step]) };
    const dGate = tf.concat(
      gates.map((gate) => of[gate]),
      1,
    );
    dSums.unshift(dSum);
    dGates.unshift(dGate);
    const past = tf.add(tf.mul(dState, updates[step]), tf.mul(dKept, steps[step].r));
    const through = tf.add(past, tf.matMul(dGate, gateRecurrent, false, true));
    dh = masks.back(step, through, dState);
  }
  const [gateSums, sums] = [tf.concat(dGates), tf.concat(dSums)];
  return [gateSums, sums, tf.matMul(h, gateSums, true), tf.matMul(rows("kept"), sums, true), dh];
}
