// Only the new numbers of a widened recurrent layer move, where that is asked for.
import { beforeAll, describe, expect, test } from "vitest";
import { trainableMask } from "../../../src/engine/graph/regions";
import type { Executor } from "../../../src/engine/train/executor";
import type { Optimizer } from "../../../src/protocol/optimizers";
import { beginning, startOf, train } from "../compile/network";
import { executorOn } from "../executor";
import { builtSequence, FEATURES, sequenceLesson } from "./recurrentNetworks";
import { edited } from "./run";

const [UNITS, MORE] = [3, 2];
const ALL = UNITS + MORE;

/** Whether a number is of a new unit: by row and column, each variable in its own words. */
type IsNew = (row: number, column: number) => boolean;
const ofGates: IsNew = (_, column) => column % ALL >= UNITS;
const newRow =
  (before: number): IsNew =>
  (row) =>
    row >= before + UNITS;
const either =
  (a: IsNew, b: IsNew): IsNew =>
  (row, column) =>
    a(row, column) || b(row, column);

/** Of a second layer: the rows that read new units, and not those of its own state behind them. */
const READER = { "gru1/gateKernel": (row: number) => row >= UNITS && row < ALL };

const FORMS = {
  joined: {
    "joined0/joinedKernel": either(ofGates, newRow(FEATURES)),
    "joined0/bias": ofGates,
    ...READER,
  },
  apart: {
    "apart0/kernel": ofGates,
    "apart0/recurrentKernel": either(ofGates, newRow(0)),
    "apart0/bias": ofGates,
    ...READER,
  },
  graves: {
    "graves0/kernel": ofGates,
    // Three columns behind the gates are the peepholes of the row's own unit.
    "graves0/recurrentKernel": (row: number, column: number) =>
      row >= UNITS || (column < 4 * ALL && column % ALL >= UNITS),
    "graves0/bias": ofGates,
    ...READER,
  },
  projected: {
    "projected0/joinedKernel": ofGates,
    "projected0/bias": ofGates,
    "projected0/peepholeInput": (_: number, unit: number) => unit >= UNITS,
    "projected0/peepholeForget": (_: number, unit: number) => unit >= UNITS,
    "projected0/peepholeOutput": (_: number, unit: number) => unit >= UNITS,
    "projected0/projection": newRow(0),
  },
  gru: {
    "gru0/gateKernel": either(ofGates, newRow(FEATURES)),
    "gru0/gateBias": ofGates,
    "gru0/candidateKernel": either((_, column) => column >= UNITS, newRow(FEATURES)),
    "gru0/candidateBias": (_: number, unit: number) => unit >= UNITS,
    ...READER,
  },
} satisfies Readonly<Record<string, Readonly<Record<string, IsNew>>>>;

/** The first layer widened; the second one reads its units. */
const widened = (kind: keyof typeof FORMS, init: string) => {
  const source = builtSequence({
    ...{ masked: true, resets: kind === "graves", timeMajor: false, last: false },
    steps: [
      { kind, units: UNITS },
      { kind: "gru", units: 2 },
    ],
  });
  const { model, problems } = edited(
    source,
    { freeze: ".*" },
    { addUnits: { layer: `${kind}0`, units: MORE, init, train: "new" } },
  );
  expect(problems).toEqual([]);
  return model;
};

const OPTIMIZERS: readonly Optimizer[] = [
  { momentum: { learningRate: 0.05 } },
  { adam: { learningRate: 0.01 } },
  { rmsprop: { learningRate: 0.01 } },
];

let cpu: Executor;
beforeAll(async () => {
  cpu = await executorOn("cpu");
});

describe.each(Object.keys(FORMS) as (keyof typeof FORMS)[])("%s", (kind) => {
  const forms: Readonly<Record<string, IsNew>> = FORMS[kind];

  test.each(["random", "zero"])("%s: a number trains where it is of a new unit", (init) => {
    const model = widened(kind, init);
    for (const [name, isNew] of Object.entries(forms)) {
      const { shape, trainable } = model.variables.get(name)!;
      const columns = shape.at(-1)!;
      const mask = trainableMask({ shape, trainable })!;
      const wanted = mask.map((_, at) => Number(isNew(Math.floor(at / columns), at % columns)));
      expect([...mask], name).toEqual([...wanted]);
    }
  });

  test.each(OPTIMIZERS)(
    "50 steps move these numbers and no bit of another: %j",
    async (optimizer) => {
      const model = widened(kind, "random");
      const lesson = sequenceLesson(model, { samples: 10, batch: 5, epochs: 25, optimizer });
      const standing = beginning(lesson);
      const losses = await train(cpu, lesson, standing);
      expect(losses).toHaveLength(50);
      const before = startOf(model);
      let moved = 0;
      for (const variable of model.variables.values()) {
        if (!standing.live.has(variable.name)) continue;
        const mask = trainableMask(variable);
        const [now, was] = [standing.live.get(variable.name), before.get(variable.name)];
        now.forEach((value, index) => {
          if (mask?.[index] === 0) expect(Object.is(value, was[index]), variable.name).toBe(true);
          else if (!Object.is(value, was[index])) moved++;
        });
      }
      expect(moved).toBeGreaterThan(20);
    },
  );
});
