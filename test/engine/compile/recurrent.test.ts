// Cells of recurrent networks, unrolled: functions of TensorFlow.js that are not ops of the catalogue.
import { beforeAll, describe, expect, test } from "vitest";
import { traceForward } from "../../../src/engine/compile/program";
import { Session, type Fed } from "../../../src/engine/compile/session";
import { elements, type Shape } from "../../../src/engine/graph/model";
import { tf, type Tensor } from "../../../src/engine/ops/tf";
import { executorOn } from "../executor";
import { expectClose, fixture } from "../fixture";

type CellName = "lstm" | "gru";
type Step = (x: Tensor, state: readonly Tensor[], weights: readonly Tensor[]) => Tensor[];

interface Cell {
  /** Tensors of the state; the first is the output. */
  readonly state: number;
  readonly weights: (inputs: number, units: number) => readonly Shape[];
  readonly step: Step;
}

const dense = (x: Tensor, h: Tensor, kernel: Tensor, bias: Tensor) =>
  tf.add(tf.matMul(tf.concat([x, h], 1), kernel), bias);

/** As tf.nn.rnn_cell has them. */
const CELLS: { readonly [Name in CellName]: Cell } = {
  lstm: {
    state: 2,
    weights: (inputs, units) => [[inputs + units, 4 * units], [4 * units]],
    step: (x, [h, c], [kernel, bias]) => {
      const [i, j, f, o] = tf.split(dense(x, h, kernel, bias), 4, 1);
      const kept = tf.mul(c, tf.sigmoid(tf.add(f, 1)));
      const cell = tf.add(kept, tf.mul(tf.sigmoid(i), tf.tanh(j)));
      return [tf.mul(tf.tanh(cell), tf.sigmoid(o)), cell];
    },
  },
  gru: {
    state: 1,
    weights: (inputs, units) => [
      [inputs + units, 2 * units],
      [2 * units],
      [inputs + units, units],
      [units],
    ],
    step: (x, [h], [gateKernel, gateBias, kernel, bias]) => {
      const [r, u] = tf.split(tf.sigmoid(dense(x, h, gateKernel, gateBias)), 2, 1);
      const candidate = tf.tanh(dense(x, tf.mul(r, h), kernel, bias));
      return [tf.add(tf.mul(u, h), tf.mul(tf.sub(1, u), candidate))];
    },
  },
};

/** sin(1.7 i + seed) / 2, as test/fixtures/recurrent/make.py has it. */
const numbers = (shape: Shape, seed: number): Float32Array =>
  Float32Array.from({ length: elements(shape) }, (_, i) => Math.sin(1.7 * i + seed) / 2);

interface Problem {
  readonly cell: CellName;
  readonly steps: number;
  readonly batch: number;
  readonly inputs: number;
  readonly units: number;
}

const shapesOf = ({ cell, steps, batch, inputs, units }: Problem): Shape[] => [
  [batch, steps, inputs],
  ...CELLS[cell].weights(inputs, units),
];

/** The last output, and the gradients of the sum of its products with fixed numbers, by x and by each weight. */
function valueAndGradients({ cell, batch, units }: Problem, tensors: readonly Tensor[]): Tensor[] {
  const { state: count, step } = CELLS[cell];
  let output: Tensor | undefined;
  const lossOf = (x: Tensor, ...weights: Tensor[]): tf.Scalar => {
    let state: Tensor[] = Array.from({ length: count }, () => tf.zeros([batch, units]));
    for (const now of tf.unstack(x, 1)) state = step(now, state, weights);
    output = tf.keep(tf.clone(state[0]));
    return tf.sum(tf.mul(state[0], tf.tensor(numbers([batch, units], 9), [batch, units])));
  };
  const { value, grads } = tf.valueAndGrads(lossOf as never)([...tensors]);
  value.dispose();
  return [output!, ...grads];
}

async function compiled(problem: Problem): Promise<Float32Array[]> {
  const shapes = shapesOf(problem);
  const fed = shapes.map((shape, index): [string, Fed] => [
    `input ${index}`,
    { dtype: "float32", shape, data: numbers(shape, index) },
  ]);
  const { model } = traceForward(new Map(fed), {}, (inputs) => {
    const results = valueAndGradients(problem, [...inputs.values()]);
    return new Map(results.map((tensor, index) => [`output ${index}`, tensor]));
  });
  const session = await Session.create(model, { threads: 1 });
  const results = await session.run(new Map(fed));
  await session.release();
  return [...shapes, null].map((_, index) => results.get(`output ${index}`) as Float32Array);
}

function eager(problem: Problem): Float32Array[] {
  const inputs = shapesOf(problem).map((shape, index) =>
    tf.tensor(numbers(shape, index), [...shape]),
  );
  const results = valueAndGradients(problem, inputs);
  const values = results.map((tensor) => tensor.dataSync() as Float32Array);
  tf.dispose([...inputs, ...results]);
  return values;
}

const CELL_NAMES = Object.keys(CELLS) as CellName[];

beforeAll(async () => {
  await executorOn("cpu");
});

test.each(CELL_NAMES)("%s, 8 to 32, 20 steps: value and gradients are the cpu's", async (cell) => {
  const problem = { cell, steps: 20, batch: 6, inputs: 8, units: 32 };
  const [actual, expected] = [await compiled(problem), eager(problem)];
  expect(actual).toHaveLength(expected.length);
  actual.forEach((each, index) => expectClose(each, expected[index], 1e-5, `result ${index}`));
});

interface Expected extends Omit<Problem, "cell"> {
  readonly lstm: Recorded;
  readonly gru: Recorded;
}
interface Recorded {
  readonly variables: readonly { readonly name: string; readonly shape: Shape }[];
  readonly output: readonly number[];
  readonly gradients: readonly (readonly number[])[];
}

describe.each(CELL_NAMES)("%s, 100 steps", (cell) => {
  const { expected } = fixture<Expected>("recurrent");
  const { variables, output, gradients } = expected[cell];

  test.each([
    ["compiled", compiled],
    ["cpu", async (problem: Problem) => eager(problem)],
  ] as const)("on %s: value and gradients are TensorFlow's", async (_, run) => {
    const problem = { ...expected, cell };
    expect(shapesOf(problem).slice(1)).toEqual(variables.map(({ shape }) => shape));
    const [value, ...slopes] = await run(problem);
    // Relative to the largest number: what lies a hundred steps back is 1e-14.
    const near = (actual: Float32Array, recorded: readonly number[], what: string) => {
      const scale = Math.max(...recorded.map(Math.abs));
      expectClose(
        actual.map((each) => each / scale),
        recorded.map((each) => each / scale),
        1e-4 / 2,
        what,
      );
    };
    near(value, output, "output");
    expect(slopes).toHaveLength(gradients.length);
    slopes.forEach((slope, index) => near(slope, gradients[index], `gradient ${index}`));
  });
});
