// Every op's value and gradient on every backend against what TensorFlow recorded.
import { beforeAll, describe, expect, test } from "vitest";
import { tf } from "../../../src/engine/ops/tf";
import { chooseExecutor, NO_GRADIENT_ON_WASM } from "../../../src/engine/train/backend";
import { handmade } from "../handmade";
import { nameOf, type Case } from "./case";
import { CASES } from "./cases";
import { expectResult, recorded, TOLERANCE } from "./compare";
import { compiledGradients, gradients } from "./run";

const named = (cases: readonly Case[]) => cases.map((each) => [nameOf(each), each] as const);

describe.each([
  ["cpu", CASES],
  ["wasm", CASES.filter(({ op }) => !NO_GRADIENT_ON_WASM.has(op))],
] as const)("value and gradient on %s are TensorFlow's", (backend, cases) => {
  beforeAll(() =>
    chooseExecutor(backend, handmade({ nodes: [] }), { trained: new Set(), note: () => {} }),
  );

  test.each(named(cases))("%s", async (name, each) => {
    const before = tf.memory().numTensors;
    expectResult(await gradients(each, backend), recorded[name], TOLERANCE);
    expect(tf.memory().numTensors).toBe(before);
  });
});

describe("value and gradient compiled are TensorFlow's", () => {
  test.each(named(CASES))("%s", async (name, each) => {
    expectResult(await compiledGradients(each), recorded[name], TOLERANCE);
  });
});

test("every case has a name of its own, and is recorded", () => {
  const names = CASES.map(nameOf);
  expect(new Set(names).size).toBe(names.length);
  expect(Object.keys(recorded).sort()).toEqual(names.sort());
});
