// Parameter groups: steps against arithmetic on single numbers, and the bits of what is frozen.
import { describe, expect, test } from "vitest";
import type { Optimizer } from "../../../src/protocol/optimizers";
import { wholeRegion, type Model, type Variable } from "../../../src/engine/graph/model";
import type { Moving } from "../../../src/engine/recipe/groups";
import { takeOver, trainables } from "../../../src/engine/train/trainables";
import { beginning, numbersOf, startOf, train, type Lesson } from "../compile/network";
import { executorOn } from "../executor";
import { expectClose } from "../fixture";
import { handmade, node, PRODUCT } from "../handmade";
import { OPTIMIZER_CASES } from "./optimizers";

const [SAMPLES, INPUTS, UNITS, OLD] = [6, 3, 5, 3];

/** The same with units that are new, behind those out of the checkpoint; the first unit is frozen. */
function grown(variable: Variable): Variable {
  const shape = variable.shape;
  const axis = shape.length - 1;
  const from = (length: number) => shape.with(axis, length);
  const whole = wholeRegion(shape);
  return {
    ...variable,
    value: {
      from: "concat",
      axis,
      parts: [
        { from: "stored", name: variable.name },
        {
          from: "initializer",
          initializer: "zeros",
          shape: from(UNITS - OLD),
          fanIn: 1,
          fanOut: 1,
          key: "k",
        },
      ],
      shapes: [from(OLD), from(UNITS - OLD)],
    },
    trainable: [{ start: whole.start.with(axis, 1), size: whole.size.with(axis, UNITS - 1) }],
  };
}

/** x·w + b against y, by the mean of the squares. Of 5 units 3 are out of the checkpoint, the first of them frozen. */
function network(hyper: Variable["hyper"] = {}): Model {
  const model = handmade({
    fed: { x: [-1, INPUTS], y: [-1, UNITS] },
    weights: { w: [INPUTS, UNITS], b: [UNITS] },
    nodes: [
      node("product", "MatMul", ["x", "[w]"], PRODUCT),
      node("out", "BiasAdd", ["product", "[b]"], { dataFormat: "NHWC" }),
      node("squares", "SquaredDifference", ["out", "y"], {}),
      node("loss", "Mean", ["squares"], { axes: [0, 1], keepDims: false }),
    ],
    roles: { output: "out", labels: "y", loss: "loss" },
  });
  const variables = [...model.variables].map(([name, each]): [string, Variable] => [
    name,
    { ...grown(each), ...(name === "b" && { hyper }) },
  ]);
  return { ...model, variables: new Map(variables) };
}

const wave = (count: number, phase: number) =>
  Float32Array.from({ length: count }, (_, index) => Math.sin(1.3 * index + phase));
const X = wave(SAMPLES * INPUTS, 0.2);
const Y = wave(SAMPLES * UNITS, 1.1);

const lesson = (model: Model, moving: Moving, epochs: number): Lesson => ({
  model,
  arrays: [
    { node: "x", shape: [INPUTS], data: X },
    { node: "y", shape: [UNITS], data: Y },
  ],
  samples: SAMPLES,
  ...moving,
  epochs,
  // One step an epoch, so that the order of samples does not matter.
  batch: SAMPLES,
});

/** The gradient of the loss at w and b, by the sums that define it. */
function gradient(w: readonly number[], b: readonly number[]) {
  const [dw, db] = [w.map(() => 0), b.map(() => 0)];
  for (let row = 0; row < SAMPLES; row++)
    for (let unit = 0; unit < UNITS; unit++) {
      let out = b[unit];
      for (let at = 0; at < INPUTS; at++) out += X[row * INPUTS + at] * w[at * UNITS + unit];
      const d = (2 * (out - Y[row * UNITS + unit])) / (SAMPLES * UNITS);
      db[unit] += d;
      for (let at = 0; at < INPUTS; at++) dw[at * UNITS + unit] += d * X[row * INPUTS + at];
    }
  return { w: dw, b: db };
}

/** Optimizers of a single number: given gradients one after the other, how far to go. */
const ORACLES = {
  sgd: (rate: number) => (g: number) => rate * g,
  momentum: (rate: number) => {
    let a = 0;
    return (g: number) => rate * (a = 0.9 * a + g);
  },
  /** `t`: updates before the first one. */
  adam: (rate: number, t = 0) => {
    let [m, v] = [0, 0];
    return (g: number) => {
      t++;
      m = 0.9 * m + 0.1 * g;
      v = 0.999 * v + 0.001 * g * g;
      return (((rate * Math.sqrt(1 - 0.999 ** t)) / (1 - 0.9 ** t)) * m) / (Math.sqrt(v) + 1e-8);
    };
  },
};

interface Way {
  readonly move: (g: number) => number;
  readonly l2?: number;
}

/** Moves every number by itself, `steps` times. A number without a way is frozen. */
function expectedAfter(steps: number, wayOf: (name: "w" | "b", unit: number) => Way | undefined) {
  const start = startOf(network());
  const numbers = { w: [...start.get("w")], b: [...start.get("b")] };
  const ways = {
    w: numbers.w.map((_, index) => wayOf("w", index % UNITS)),
    b: numbers.b.map((_, unit) => wayOf("b", unit)),
  };
  for (let step = 0; step < steps; step++) {
    const gradients = gradient(numbers.w, numbers.b);
    for (const name of ["w", "b"] as const)
      numbers[name] = numbers[name].map((value, index) => {
        const way = ways[name][index];
        return way ? value - way.move(gradients[name][index] + (way.l2 ?? 0) * value) : value;
      });
  }
  return numbers;
}

const STEPS = 12;
/** Absolute, and relative to the expected number; Adam divides by small roots. */
const TOLERANCE = 2e-6;
const isNew = (unit: number) => unit >= OLD;

interface Case {
  readonly what: string;
  readonly hyper?: Variable["hyper"];
  readonly moving: Moving;
  /** Of units that train. */
  readonly ways: (name: "w" | "b", unit: number) => Way;
}

const CASES: readonly Case[] = [
  {
    what: "new numbers by Adam, old ones by momentum",
    moving: {
      optimizer: { momentum: { learningRate: 0.05 } },
      groups: [{ numbers: "new", optimizer: { adam: { learningRate: 0.02 } } }],
    },
    ways: (_, unit) =>
      isNew(unit) ? { move: ORACLES.adam(0.02) } : { move: ORACLES.momentum(0.05) },
  },
  {
    what: "two learning rates of one optimizer, and L2 on the old kernel",
    moving: {
      optimizer: { adam: { learningRate: 0.02 } },
      groups: [
        { numbers: "new", learningRate: 0.1 },
        { layers: "w", l2: 0.3 },
      ],
    },
    ways: (name, unit) => ({
      move: ORACLES.adam(isNew(unit) ? 0.1 : 0.02),
      ...(name === "w" && !isNew(unit) && { l2: 0.3 }),
    }),
  },
  {
    what: "three groups, of which one says nothing",
    moving: {
      optimizer: { sgd: { learningRate: 0.2 } },
      groups: [
        { layers: "b", numbers: "old" },
        { numbers: "old", optimizer: { momentum: {} }, learningRate: 0.1, l2: 0.5 },
        { layers: "b", optimizer: { adam: { learningRate: 0.01 } }, l2: 0.25 },
      ],
    },
    ways: (name, unit) => {
      if (name === "b")
        return isNew(unit) ? { move: ORACLES.adam(0.01), l2: 0.25 } : { move: ORACLES.sgd(0.2) };
      return isNew(unit) ? { move: ORACLES.sgd(0.2) } : { move: ORACLES.momentum(0.1), l2: 0.5 };
    },
  },
  {
    what: "settings of a variable, without groups",
    hyper: { learningRate: 0.3, l2: 0.2 },
    moving: { optimizer: { momentum: { learningRate: 0.05 } } },
    ways: (name) =>
      name === "b" ? { move: ORACLES.momentum(0.3), l2: 0.2 } : { move: ORACLES.momentum(0.05) },
  },
];

describe.each(["cpu", "wasm", "compiled"] as const)("on %s", (backend) => {
  test.each(CASES)("$what", async ({ hyper, moving, ways }) => {
    const asked = lesson(network(hyper), moving, STEPS);
    const standing = beginning(asked);
    await train(await executorOn(backend), asked, standing);
    const expected = expectedAfter(STEPS, (name, unit) =>
      unit === 0 ? undefined : ways(name, unit),
    );
    for (const name of ["w", "b"] as const)
      expectClose(standing.live.get(name), expected[name], TOLERANCE, name);
  });

  test("an optimizer that goes on counts on, beside one that does not", async () => {
    const adam: Optimizer = { adam: { learningRate: 0.02 } };
    const groups: Moving["groups"] = [
      { numbers: "new", optimizer: adam },
      { layers: "b", optimizer: { adamw: { learningRate: 0.02, weightDecay: 0, formula: "tf1" } } },
    ];
    const asked = lesson(
      network(),
      { optimizer: { momentum: { learningRate: 0.05 } }, groups },
      STEPS,
    );
    const training = trainables(asked.model, asked, (holds) => (holds === "adam" ? 40 : 3));
    const standing = { ...beginning(asked), training };
    await train(await executorOn(backend), asked, standing);
    const expected = expectedAfter(STEPS, (name, unit) => {
      if (unit === 0) return undefined;
      return {
        move: isNew(unit) || name === "b" ? ORACLES.adam(0.02, 40) : ORACLES.momentum(0.05),
      };
    });
    for (const name of ["w", "b"] as const)
      expectClose(standing.live.get(name), expected[name], TOLERANCE, name);
  });

  const everyOptimizer = OPTIMIZER_CASES.map((each) => [JSON.stringify(each), each] as const);
  test.each(everyOptimizer)(
    "%s: what is frozen keeps its bits for 50 steps",
    async (_, optimizer) => {
      const groups: Moving["groups"] = [{ numbers: "new", optimizer, learningRate: 0.03, l2: 0.1 }];
      const asked = lesson(network({ l2: 0.1 }), { optimizer, groups }, 50);
      const standing = beginning(asked);
      const before = numbersOf(standing);
      await train(await executorOn(backend), asked, standing);
      for (const [name, numbers] of Object.entries(numbersOf(standing)))
        numbers.forEach((value, index) => {
          const stays = index % UNITS === 0 || !trains(name, index % UNITS, optimizer);
          expect(Object.is(value, before[name][index]), `${name}[${index}]`).toBe(stays);
        });
    },
  );
});

/** Whether the elements of a unit move: of a variable all do, of a slot those of its group. */
function trains(name: string, unit: number, optimizer: Optimizer): boolean {
  const slot = /, slot (\d+)$/.exec(name);
  if (slot === null) return true;
  const ofNew = Number(slot[1]) < trainables(network(), { optimizer })[0].slots.length;
  return ofNew === isNew(unit);
}

test("a phase that continues gives every number the slots that it had", () => {
  const momentum: Optimizer = { momentum: { learningRate: 0.1 } };
  const adam: Optimizer = { adam: { learningRate: 0.1 } };
  const before = trainables(network(), {
    optimizer: momentum,
    groups: [{ numbers: "new", optimizer: adam }],
  });
  // Of the bias: Adam's two of the new units, and momentum's.
  before.find(({ name }) => name === "b")!.slots = [10, 20, 30].map((from) =>
    Float32Array.from({ length: UNITS }, (_, unit) => from + unit),
  );
  const slotsOfBias = (moving: Moving) => {
    const now = trainables(network(), moving);
    takeOver(now, before);
    return now.find(({ name }) => name === "b")!.slots.map((slot) => [...slot]);
  };
  expect(slotsOfBias({ optimizer: momentum })).toEqual([[0, 31, 32, 0, 0]]);
  expect(slotsOfBias({ optimizer: adam })).toEqual([
    [0, 0, 0, 13, 14],
    [0, 0, 0, 23, 24],
  ]);
  expect(
    slotsOfBias({ optimizer: { sgd: {} }, groups: [{ layers: "w", optimizer: adam }] }),
  ).toEqual([]);
  expect(
    slotsOfBias({ optimizer: { nesterov: {} }, groups: [{ numbers: "old", optimizer: adam }] }),
  ).toEqual([
    [0, 0, 0, 13, 14],
    [0, 0, 0, 23, 24],
    [0, 31, 32, 0, 0],
  ]);
});
