// What optimizers are compared on: their parameters, and steps along gradients that tell formulas apart.
import { withDefaults, type Optimizer, type OptimizerName } from "../../../src/protocol/optimizers";
import type { ValueType } from "../../../src/engine/compile/graph";
import { traceForward } from "../../../src/engine/compile/program";
import { Session, type Fed } from "../../../src/engine/compile/session";
import { tf } from "../../../src/engine/ops/tf";
import { optimizerRule } from "../../../src/engine/train/optimizers/table";

export const OPTIMIZER_CASES: readonly Optimizer[] = [
  { sgd: { learningRate: 0.05 } },
  { momentum: { learningRate: 0.05 } },
  { nesterov: { learningRate: 0.05, momentum: 0.8 } },
  { adagrad: { learningRate: 0.05 } },
  { adagrad: { learningRate: 0.05, initialAccumulatorValue: 0.5, formula: "keras" } },
  { rmsprop: { learningRate: 0.05 } },
  { rmsprop: { learningRate: 0.05, rho: 0.8, momentum: 0.7, epsilon: 0.01 } },
  { rmsprop: { learningRate: 0.05, centered: true } },
  { rmsprop: { learningRate: 0.05, centered: true, momentum: 0.5 } },
  { rmsprop: { learningRate: 0.05, formula: "keras" } },
  { rmsprop: { learningRate: 0.05, formula: "keras", momentum: 0.5 } },
  { rmsprop: { learningRate: 0.05, formula: "keras", momentum: 0.5, centered: true } },
  { adam: { learningRate: 0.01 } },
  { adam: { learningRate: 0.05, beta1: 0.8, beta2: 0.99, epsilon: 0.001 } },
  { adam: { learningRate: 0.01, formula: "keras" } },
  { adamw: { learningRate: 0.01, weightDecay: 0.1 } },
  { adamw: { learningRate: 0.01, weightDecay: 0.001, formula: "tf1" } },
];

/** The gradient of one element over time, t from 1 on. */
export const GRADIENTS = {
  "of usual size": (t: number) => Math.sin(1.7 * t + 0.3) / 2,
  tiny: () => 1e-6,
  "lost beside epsilon": () => 1e-12,
  // Of one sign: where huge values cancel, the last bits of their history are all that is left.
  huge: (t: number) => 1e4 * (1.2 + Math.cos(t)),
  zero: () => 0,
  "of changing sign": (t: number) => (t % 2 === 0 ? 1 : -1),
  late: (t: number) => (t > 10 ? 0.5 : 0),
  fading: (t: number) => 1 / t ** 3,
} as const;

const STEPS = 24;

export const START = Object.keys(GRADIENTS).map((_, index) => Math.fround(0.3 * index - 1));

/** The gradient of every element, step by step, as float32. */
export const gradients = (): number[][] =>
  Array.from({ length: STEPS }, (_, step) =>
    Object.values(GRADIENTS).map((at) => Math.fround(at(step + 1))),
  );

/** What an oracle is asked. */
export const question = () => ({
  start: START,
  gradients: gradients(),
  optimizers: OPTIMIZER_CASES.map((optimizer) => {
    const [[name, said]] = Object.entries(optimizer) as [[OptimizerName, object]];
    return { [name]: withDefaults(name, { ...said }) };
  }),
});

export interface Steps {
  /** The values after each step. */
  readonly steps: readonly (readonly number[])[];
  /** The slots after the last one. */
  readonly slots: readonly (readonly number[])[];
}

/** Our rule's steps on the backend that is set. */
export function ourSteps(optimizer: Optimizer): Steps {
  const rule = optimizerRule(optimizer);
  return tf.tidy(() => {
    let value: tf.Tensor = tf.tensor1d(START);
    let slots: readonly tf.Tensor[] = rule.slots.map((start) => tf.fill(value.shape, start));
    const steps = gradients().map((gradient, index) => {
      const step = tf.scalar(index + 1);
      ({ value, slots } = rule.update(value, tf.tensor1d(gradient), slots, step));
      return [...value.dataSync()];
    });
    return { steps, slots: slots.map((slot) => [...slot.dataSync()]) };
  });
}

/** The same, with the rule as a traced program. */
export async function compiledSteps(optimizer: Optimizer): Promise<Steps> {
  const rule = optimizerRule(optimizer);
  const vector: ValueType = { dtype: "float32", shape: [START.length] };
  const scalar: ValueType = { dtype: "float32", shape: [] };
  const slots = rule.slots.map((_, index) => `slot${index}`);
  const types = new Map([["step", scalar]]);
  for (const name of ["value", "gradient", ...slots]) types.set(name, vector);
  const { model } = traceForward(types, {}, (fed) => {
    const of = (name: string) => fed.get(name)!;
    const moved = rule.update(of("value"), of("gradient"), slots.map(of), of("step"));
    const all = [moved.value, ...moved.slots];
    return new Map(["value", ...slots].map((name, index) => [`new ${name}`, all[index]]));
  });
  const session = await Session.create(model, { threads: 1 });
  let state: Float32Array[] = [
    Float32Array.from(START),
    ...rule.slots.map((start) => new Float32Array(START.length).fill(start)),
  ];
  const steps: number[][] = [];
  for (const [index, gradient] of gradients().entries()) {
    const feeds = new Map<string, Fed>([
      ["gradient", { ...vector, data: Float32Array.from(gradient) }],
      ["step", { ...scalar, data: Float32Array.of(index + 1) }],
    ]);
    ["value", ...slots].forEach((name, at) => feeds.set(name, { ...vector, data: state[at] }));
    const results = await session.run(feeds);
    state = ["value", ...slots].map((name) => results.get(`new ${name}`) as Float32Array);
    steps.push([...state[0]]);
  }
  await session.release();
  return { steps, slots: state.slice(1).map((slot) => [...slot]) };
}
