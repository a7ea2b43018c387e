// Edits of inputs and outputs on networks made at random: what they keep of the function, and that they fit together.
import fc from "fast-check";
import { beforeAll, expect, test } from "vitest";
import { elements, type Model } from "../../../src/engine/graph/model";
import { uniforms } from "../../../src/engine/graph/random";
import { INFERENCE } from "../../../src/engine/ops/kernel";
import { pathTo, run } from "../../../src/engine/ops/run";
import { tf } from "../../../src/engine/ops/tf";
import { unitLayers } from "../../../src/engine/surgery/unitLayers";
import { executorOn } from "../executor";
import { built, designs, type Design } from "./networks";
import { edited, largestDifference, logits, numbersOf } from "./run";

const RUNS = 100;

beforeAll(async () => {
  await executorOn("cpu");
});

const property = (check: (design: Design, number: number) => Promise<boolean>) => async () => {
  let done = 0;
  await fc.assert(
    fc.asyncProperty(designs, fc.nat(), async (design, number) => {
      if (await check(design, number)) done++;
    }),
    { numRuns: RUNS, seed: 1 },
  );
  // Not only networks that the edit is not for.
  expect(done).toBeGreaterThan(RUNS / 4);
};

/** What the output of `model` is for samples whose channels, those of `source`, `map` may change. */
async function output(
  source: Model,
  model: Model,
  map: (x: tf.Tensor) => tf.Tensor = (x) => x,
  scalars: ReadonlyMap<string, number> = new Map(),
): Promise<Float32Array> {
  const values = await numbersOf(source, model);
  const variables = new Map(
    [...values].map(([name, numbers]) => [
      name,
      tf.tensor(numbers, [...model.variables.get(name)!.shape]),
    ]),
  );
  const shape = [4, ...source.shapes.get("x")!.slice(1)];
  const x = uniforms(5, ["x"], elements(shape)).map((value) => 2 * value - 1);
  const feeds = new Map([["x", map(tf.tensor(x, shape))]]);
  const path = pathTo(model, [model.roles.output!]);
  const [result] = run(path, feeds, variables, { ...INFERENCE, scalars });
  return result.dataSync() as Float32Array;
}

test(
  "the switch gives the network as it was, and the one that the edit makes",
  property(async (design, number) => {
    const source = built(design);
    const layers = unitLayers(source);
    if (layers.length === 0) return false;
    const edit = { layer: layers[number % layers.length], units: 1 + (number % 3) };
    const wider = edited(source, { addUnits: edit });
    const both = edited(source, { addUnits: { ...edit, keepOldBranch: true } });
    expect(both.problems).toEqual(wider.problems);
    if (both.problems.length > 0) return false;
    const old = await output(source, both.model, undefined, new Map([["graft/use_new", 0]]));
    expect([...old]).toEqual([...(await logits(source, source))]);
    expect([...(await output(source, both.model))]).toEqual([
      ...(await logits(source, wider.model)),
    ]);
    return true;
  }),
);

const channelAxis = ({ image, channelsFirst }: Design) => (image && !channelsFirst ? 3 : 1);

/**
 * Whether the channels are known (in the second axis only a window tells them), and nothing but kernels has numbers for
 * them: where they are added to units, say, those change too, and so does the function.
 */
const isPlain = ({ image, channelsFirst, steps }: Design): boolean =>
  (!image || !channelsFirst || /conv|pool/.test(steps[0].kind)) &&
  !steps.some(({ kind }) => ["residual", "doubleBias", "scale", "depthwise"].includes(kind));

test(
  "channels that are copied, and those that count for nothing, change no output",
  property(async (design, number) => {
    const source = built(design);
    const axis = channelAxis(design);
    if (!isPlain(design)) return false;
    const copies = 2 + (number % 3);
    const how = number % 2 === 0 ? "repeat" : "zero";
    const edit = edited(source, { setInput: { channels: 3 * copies, how } });
    expect(edit.problems).toEqual([]);
    const more = (x: tf.Tensor) => tf.concat(Array<tf.Tensor>(copies).fill(x), axis);
    const [now, was] = [await output(source, edit.model, more), await logits(source, source)];
    expect(largestDifference(now, was)).toBeLessThan(1e-6);
    return true;
  }),
);

test(
  "a network of grey images gives what it gave for three equal channels",
  property(async (design) => {
    const source = built(design);
    const axis = channelAxis(design);
    if (!isPlain(design)) return false;
    const edit = edited(source, { setInput: { channels: 1 } });
    expect(edit.problems).toEqual([]);
    const first = (x: tf.Tensor) => tf.split(x, 3, axis)[0];
    const [now, was] = [
      await output(source, edit.model, first),
      await output(source, source, (x) => tf.concat([first(x), first(x), first(x)], axis)),
    ];
    expect(largestDifference(now, was)).toBeLessThan(1e-6);
    return true;
  }),
);

test(
  "any layer can become the output, and take a new head",
  property(async (design, number) => {
    const source = built(design);
    const { name } = source.layers[number % source.layers.length];
    const isMap = source.shapes.get(source.layers.find((each) => each.name === name)!.output!)!;
    const { model, problems } = edited(
      source,
      { setOutputs: { outputs: name } },
      { replaceOutput: { classes: 2, head: isMap.length === 4 ? "pooling" : "dense" } },
    );
    expect(problems).toEqual([]);
    expect(await logits(source, model)).toHaveLength(8);
    const used = new Set(
      [...model.nodes.values()].flatMap(({ inputs }) =>
        inputs.flatMap((input) => ("variable" in input ? [input.variable] : [])),
      ),
    );
    // What nothing uses any more is gone.
    expect([...model.variables.keys()].sort()).toEqual([...used].sort());
    return true;
  }),
);
