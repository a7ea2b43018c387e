// A kernel that cannot be compiled: the whole step runs on an eager backend, and the run says so.
import * as fs from "node:fs";
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from "vitest";
import { RULES } from "../../../src/engine/compile/kernels/table";
import type { BackendName } from "../../../src/engine/train/backend";
import { expectClose } from "../fixture";
import { digits, recipe, train, type Trained, type Workplace } from "../train/world";
import { bitsOf } from "./network";

const rules = RULES as Record<string, (typeof RULES)[string]>;

let place: Workplace;
beforeAll(() => {
  place = digits();
});
afterAll(() => place.dispose());
beforeEach(() => fs.rmSync(place.store, { recursive: true, force: true }));

const phase = { epochs: 2, batch: 50, optimizer: { momentum: { learningRate: 0.02 } } };
const what = recipe({ train: [phase, { ...phase, unfreeze: "hidden2" }] });

const notes = (run: Trained) => run.of("note").map(({ text }) => text);
/** The backend that the notes name. */
const otherBackend = (run: Trained) => / on (\S+):/.exec(notes(run)[0])![1] as BackendName;
const finalValues = ({ states }: Trained) => states.at(-1)!.values;
const finalBits = (run: Trained) =>
  Object.fromEntries([...finalValues(run)].map(([name, numbers]) => [name, bitsOf(numbers)]));
const losses = (run: Trained) =>
  run.of("epoch").flatMap(({ loss, validationLoss }) => [loss, validationLoss!]);

describe.each([
  ["of the loss, above the cut", "OneHot"],
  ["of the layers, above the cut and below", "Relu"],
])("without a rule for a kernel %s", (_, kernel) => {
  const rule = rules[kernel];
  beforeEach(() => {
    delete rules[kernel];
  });
  afterEach(() => {
    rules[kernel] = rule;
  });

  test("the run says so once, however many epochs and phases there are", async () => {
    const run = await train(place, what);
    const because = `${kernel} cannot be compiled, so`;
    expect(notes(run)).toHaveLength(2);
    for (const part of ["training runs", "the forward pass runs"])
      expect(notes(run).filter((note) => note.startsWith(`${because} ${part} on `))).toHaveLength(
        1,
      );
    expect(run.of("started")[0].backend.name).toBe("compiled");
    expect(run.of("ended")[0].state).toBe("finished");
  });

  test("results are those of the backend that took over", async () => {
    const run = await train(place, what);
    fs.rmSync(place.store, { recursive: true });
    const eager = await train(place, what, { backend: otherBackend(run) });
    expectClose(losses(run), losses(eager), 1e-5);
    for (const [name, values] of finalValues(eager))
      expectClose(finalValues(run).get(name)!, values, 1e-5, name);
    // Where nothing was compiled, bit for bit: a step runs on one backend or on the other.
    if (kernel === "Relu") expect(finalBits(run)).toEqual(finalBits(eager));
  });

  test("bottlenecks lie in the space of the backend that computed them", async () => {
    const run = await train(place, what);
    const eager = await train(place, what, { backend: otherBackend(run) });
    const below = kernel === "Relu";
    const computed = (each: Trained) => each.of("ended")[0].prefixSamples;
    expect(computed(run)).toBeGreaterThan(0);
    expect(computed(eager)).toBe(below ? 0 : computed(run));
  });

  test("a stopped run goes on to the same bits", async () => {
    const whole = await train(place, what);
    const stopped = await train(place, what, { stopAfter: 7 });
    const resumed = await train(place, what, { resume: stopped.states.at(-1)! });
    expect(finalBits(resumed)).toEqual(finalBits(whole));
  });
});

test("with every rule nothing is said", async () => {
  expect(notes(await train(place, what))).toEqual([]);
});
