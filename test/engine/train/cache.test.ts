// What decides whether bottlenecks may be reused: everything that they depend on, and nothing else.
import { afterAll, beforeAll, expect, test } from "vitest";
import { spaceKey } from "../../../src/engine/cache/keys";
import type { Model, Node } from "../../../src/engine/graph/model";
import { expectClose } from "../fixture";
import { digits, recipe, train, type Workplace } from "./world";

let place: Workplace;
beforeAll(() => {
  place = digits();
});
afterAll(() => place.dispose());

const SAMPLES = 696;
const samplesRun = async (what: object) =>
  (await train(place, recipe(what))).of("ended")[0].prefixSamples;

test("what a phase trained and a later one freezes has bottlenecks of its own", async () => {
  const [one, two] = [{ epochs: 2 }, { freeze: "hidden3", epochs: 2 }];
  const cached = await train(place, recipe({ train: [one, two] }));
  // In the second phase hidden3 lies below the cut, with the values that the first one gave it.
  expect(cached.of("ended")[0].prefixSamples).toBe(2 * SAMPLES);
  const uncached = await train(place, recipe({ train: [one, { ...two, cache: false }] }));
  for (const [name, values] of uncached.states.at(-1)!.values)
    expectClose(cached.states.at(-1)!.values.get(name)!, values, 1e-5, name);
  // With the checkpoint's own values they are others.
  expect(await samplesRun({ train: [two] })).toBe(SAMPLES);
  expect(await samplesRun({ train: [two] })).toBe(0);
});

test("a run that is resumed reuses its bottlenecks, although it says another reason for its backend", async () => {
  const what = recipe({ edits: [{ freeze: "hidden1" }] });
  const stopped = await train(place, what, { backend: "auto", stopAfter: 20 });
  expect(stopped.of("ended")[0]).toMatchObject({ state: "stopped", prefixSamples: SAMPLES });
  const resumed = await train(place, what, { resume: stopped.states.at(-1)! });
  expect(resumed.of("started")[0].backend.reason).not.toBe(stopped.of("started")[0].backend.reason);
  expect(resumed.of("ended")[0].prefixSamples).toBe(SAMPLES);
});

test("a space's key depends on the scalars that are fed to the frozen part", () => {
  const placeholder = (name: string): Node => ({
    name,
    op: "Placeholder",
    attributes: { dtype: "float32" },
    inputs: [],
    origin: [],
  });
  const scaled: Node = {
    name: "scaled",
    op: "Mul",
    attributes: {},
    inputs: [{ node: "x" }, { node: "scale" }],
    origin: [],
  };
  const model: Model = {
    nodes: new Map(
      [placeholder("x"), placeholder("scale"), scaled].map((each) => [each.name, each]),
    ),
    variables: new Map(),
    layers: [],
    roles: { inputs: ["x"] },
    shapes: new Map(),
    aliases: new Map(),
  };
  const key = (scale: number, other = 1) =>
    spaceKey(
      model,
      ["scaled"],
      () => "",
      { name: "cpu", version: "1" },
      new Map([
        ["scale", scale],
        ["other", other],
      ]),
    );
  expect(key(2)).not.toBe(key(3));
  expect(key(2, 1)).toBe(key(2, 5));
});
