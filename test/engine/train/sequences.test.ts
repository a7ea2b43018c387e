// Training on sequences: layouts, padding, masks, bottlenecks and scores, on networks made by hand.
import * as fs from "node:fs";
import * as os from "node:os";
import * as path from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import type { RunEvent } from "../../../src/protocol/run";
import { swapTimeAndFeatures } from "../../../src/engine/data/layout";
import { writeNpy } from "../../../src/engine/data/npy";
import type { OpAttributes } from "../../../src/engine/graph/catalogue";
import { withLoss } from "../../../src/engine/graph/loss";
import { elements, type Model, type Node, type Shape } from "../../../src/engine/graph/model";
import { uniforms } from "../../../src/engine/graph/random";
import { labelTarget } from "../../../src/engine/graph/target";
import { INFERENCE } from "../../../src/engine/ops/kernel";
import { pathTo, run } from "../../../src/engine/ops/run";
import { RecipeSchema } from "../../../src/engine/recipe/schema";
import type { RecipeSource } from "../../../src/engine/recipe/source";
import { freezeWeights } from "../../../src/engine/surgery/freeze";
import type { BackendChoice } from "../../../src/engine/train/backend";
import { fitted, readSamples } from "../../../src/engine/train/prepare";
import { gather } from "../../../src/engine/train/samples";
import { inferenceExecutor, score, untrained } from "../../../src/engine/train/score";
import { begin } from "../../../src/engine/train/train";
import { tensorsOf } from "../executor";
import { expectClose } from "../fixture";
import { GRU_CELL, handmade, LSTM_CELL, node, PRODUCT } from "../handmade";

let folder: string;
beforeAll(async () => {
  folder = fs.mkdtempSync(path.join(os.tmpdir(), "graft-sequences-"));
  await writeNpy(path.join(folder, "ntf.npy"), X);
  await writeNpy(path.join(folder, "nft.npy"), swapTimeAndFeatures(X));
  await save("labels.npy", [SAMPLES, STEPS], LABELS);
  await save(
    "wholes.npy",
    [SAMPLES],
    LABELS.filter((_, at) => at % STEPS === 0),
  );
  await save("lengths.npy", [SAMPLES], LENGTHS);
});
afterAll(() => fs.rmSync(folder, { recursive: true, force: true }));

const save = (name: string, shape: Shape, values: readonly number[]) =>
  writeNpy(path.join(folder, name), { shape, dtype: "int32", data: Int32Array.from(values) });

const [SAMPLES, STEPS, FEATURES, UNITS, CLASSES] = [3, 5, 4, 6, 3];
const LENGTHS = [2, 5, 3];
const X = {
  shape: [SAMPLES, STEPS, FEATURES],
  dtype: "float32" as const,
  data: uniforms(1, ["x"], SAMPLES * STEPS * FEATURES).map((value) => 2 * value - 1),
};
const LABELS = Array.from({ length: SAMPLES * STEPS }, (_, at) => (at * 7 + 1) % CLASSES);
const there = (at: number): boolean => at % STEPS < LENGTHS[Math.floor(at / STEPS)];

type Masked = OpAttributes["LSTM"]["masked"];

/** A recurrent layer, and the shapes of its weights. */
const CELLS = {
  LSTM: (masked: Masked): [Node, Record<string, Shape>] => [
    node("h", "LSTM", ["x", "[w]", "[r]", "[b]", "mask"], {
      ...{ ...LSTM_CELL, masked, takes: ["kernel", "recurrentKernel", "bias", "mask"] },
      peepholeColumns: ["f", "o", "i"],
    }),
    { w: [FEATURES, 4 * UNITS], r: [UNITS, 4 * UNITS + 3], b: [4 * UNITS] },
  ],
  GRU: (masked: Masked): [Node, Record<string, Shape>] => [
    node("h", "GRU", ["x", "[w]", "[b]", "[r]", "[c]", "mask"], {
      ...{ ...GRU_CELL, masked },
      takes: ["gateKernel", "gateBias", "candidateKernel", "candidateBias", "mask"],
    }),
    {
      ...{ w: [FEATURES + UNITS, 2 * UNITS], b: [2 * UNITS] },
      ...{ r: [FEATURES + UNITS, UNITS], c: [UNITS] },
    },
  ],
};

const optional = (name: string) => node(name, "Placeholder", [], { dtype: "float32", value: 1 });
const SUM = { axes: [0], keepDims: false };

interface Kind {
  readonly cell?: keyof typeof CELLS;
  readonly masked?: Masked;
  /** Each step has a label, or the last one. */
  readonly labels?: "steps" | "last";
}

/** The loss is the sum over all labels that count, so that it can be compared with that of each sequence by itself. */
function network({ cell = "LSTM", masked = "reset", labels = "steps" }: Kind = {}): Model {
  const [recurrent, weights] = CELLS[cell](masked);
  const perStep = labels === "steps";
  const ids = node("y", "Placeholder", [], { dtype: "int32" });
  return handmade({
    fed: {
      x: [-1, -1, FEATURES],
      mask: [-1, -1],
      labelsMask: [-1, -1],
      y: perStep ? [-1, -1] : [-1],
    },
    weights: { ...weights, k: [UNITS, CLASSES] },
    nodes: [
      optional("mask"),
      recurrent,
      ...(perStep ? [] : [node("last", "LastStep", ["h", "mask"], { timeMajor: false })]),
      node("logits", "MatMul", [perStep ? "h" : "last", "[k]"], PRODUCT),
      ids,
      node("each", "SparseSoftmaxCrossEntropy", ["logits", "y"], {}),
      ...(perStep
        ? [optional("labelsMask"), node("counted", "Mul", ["each", "labelsMask"], {})]
        : []),
      node("loss", "Sum", [perStep ? "counted" : "each"], {
        ...SUM,
        axes: perStep ? [0, 1] : [0],
      }),
    ],
    roles: { output: "logits", labels: "y", loss: "loss" },
  });
}

const START = (model: Model): Map<string, Float32Array> =>
  new Map(
    [...model.variables.values()].map(({ name, shape }) => [
      name,
      uniforms(2, [name], elements(shape)).map((value) => value - 0.5),
    ]),
  );

/** A recipe without edits for a network that stands in no file. */
function open(data: object, phase: object = {}) {
  const train = [{ epochs: 1, batch: SAMPLES, optimizer: { sgd: { learningRate: 1 } }, ...phase }];
  const recipe = RecipeSchema.parse({ checkpoint: "m", data: { validation: 0, ...data }, train });
  return { path: path.join(folder, "test.graft.json"), text: "{}", recipe };
}

async function prepared(model: Model, recipe: ReturnType<typeof open>) {
  const values = START(model);
  const read = async (name: string) => new Uint8Array(values.get(name)!.buffer);
  const samples = await readSamples(recipe, model);
  const checkpoint = { read, path: "m" } as unknown as RecipeSource;
  const phases = [fitted(model, samples)];
  return { checkpoint, edited: model, phases, warnings: [], ...samples };
}

/** What training makes of the network's values, and what it tells. */
async function learn(
  model: Model,
  data: object,
  { backend = "compiled", store = "store", ...phase }: Record<string, unknown> = {},
) {
  const recipe = open(data, phase);
  const events: RunEvent[] = [];
  const trainer = await begin(recipe, await prepared(model, recipe), {
    run: "test",
    backend: backend as BackendChoice,
    store: path.join(folder, store as string),
    emit: (event) => void events.push(event),
    stopRequested: () => false,
    abandoned: () => false,
    resume: null,
    keepState: async () => undefined,
  });
  expect(await trainer.trainPhases()).toBe(true);
  const { live, prefixSamples } = trainer;
  const values = new Map(
    [...live.names()].map((name) => [name, Float32Array.from(live.get(name))]),
  );
  const [epoch] = events.filter((event) => event.event === "epoch");
  return { values, events, prefixSamples, epoch: epoch as Extract<RunEvent, { event: "epoch" }> };
}

/** With plain gradient descent at a rate of 1 a step moves by the gradient. */
const gradients = (model: Model, after: ReadonlyMap<string, Float32Array>) =>
  new Map(
    [...START(model)].map(([name, start]) => [
      name,
      start.map((value, at) => value - after.get(name)![at]),
    ]),
  );

test.each(["compiled", "cpu"] as const)(
  "arrays of either layout train to the same bits (%s)",
  async (backend) => {
    const data = { labels: "labels.npy", lengths: "lengths.npy" };
    const run = (inputs: string) => learn(network(), { ...data, inputs }, { backend, epochs: 3 });
    const [ntf, nft] = [await run("ntf.npy"), await run("nft.npy")];
    expect(nft.values).toEqual(ntf.values);
    expect(nft.epoch).toMatchObject({ loss: ntf.epoch.loss, accuracy: ntf.epoch.accuracy });
    const told = nft.events.find((event) => event.event === "data")!;
    expect(told.bound[0]).toContain("[samples, features, time]");
  },
);

describe.each<Kind>([
  { cell: "LSTM", masked: "reset", labels: "steps" },
  { cell: "LSTM", masked: "hold", labels: "last" },
  { cell: "GRU", masked: "hold", labels: "steps" },
  { cell: "GRU", masked: "reset", labels: "last" },
])("padded sequences are the sum of each by itself: $cell, $masked, labels of $labels", (kind) => {
  test.each(["compiled", "cpu"] as const)("%s", async (backend) => {
    const model = network(kind);
    const labels = kind.labels === "steps" ? "labels.npy" : "wholes.npy";
    const whole = await learn(
      model,
      { inputs: "ntf.npy", labels, lengths: "lengths.npy" },
      { backend },
    );
    const sum = new Map([...START(model)].map(([name, values]) => [name, values.map(() => 0)]));
    let loss = 0;
    for (const [sample, length] of LENGTHS.entries()) {
      const row = STEPS * FEATURES;
      const data = X.data.slice(sample * row, sample * row + length * FEATURES);
      await writeNpy(path.join(folder, "one.npy"), {
        shape: [1, length, FEATURES],
        dtype: "float32",
        data,
      });
      const own = LABELS.slice(sample * STEPS, sample * STEPS + length);
      if (kind.labels === "steps") await save("own.npy", [1, length], own);
      else await save("own.npy", [1], own.slice(0, 1));
      const said = { inputs: "one.npy", labels: "own.npy", layout: "NTF" };
      const alone = await learn(model, said, { backend });
      loss += alone.epoch.loss;
      for (const [name, gradient] of gradients(model, alone.values))
        gradient.forEach((value, at) => (sum.get(name)![at] += value));
    }
    // The mean over samples of what a batch of all of them yields once.
    expect(whole.epoch.loss).toBeCloseTo(loss, 4);
    for (const [name, gradient] of gradients(model, whole.values))
      expectClose(gradient, sum.get(name)!, 1e-5);
  });
});

test("a label for each sequence is that of its last step", async () => {
  const { values } = await learn(network(), {
    inputs: "ntf.npy",
    labels: "wholes.npy",
    lengths: "lengths.npy",
  });
  const steps = LABELS.map((_, at) => LABELS[at - (at % STEPS)]);
  await save("repeated.npy", [SAMPLES, STEPS], steps);
  const last = steps.map((_, at) => Number(at % STEPS === LENGTHS[Math.floor(at / STEPS)] - 1));
  await save("only_last.npy", [SAMPLES, STEPS], last);
  const said = await learn(network(), {
    ...{ inputs: "ntf.npy", labels: "repeated.npy", lengths: "lengths.npy" },
    labelsMask: "only_last.npy",
  });
  expect(said.values).toEqual(values);
});

describe("bottlenecks of steps", () => {
  const frozen = () => ["w", "r", "b"].reduce(freezeWeights, network());
  const data = { inputs: "nft.npy", labels: "labels.npy", lengths: "lengths.npy" };
  const short = { epochs: 4, batch: 2 };

  test("are rows of all steps, and train what the sequences train", async () => {
    const cached = await learn(frozen(), data, { ...short, store: "a" });
    const uncached = await learn(frozen(), data, { ...short, cache: false });
    expect(cached.events.find((event) => event.event === "bottlenecks")).toMatchObject({
      valuesPerSample: STEPS * UNITS,
      total: SAMPLES,
    });
    expectClose(cached.values.get("k")!, uncached.values.get("k")!, 1e-6);
    expect(cached.values.get("r")).toEqual(START(frozen()).get("r"));
    expect(cached.prefixSamples).toBe(SAMPLES);
  });

  test("belong to the steps that are there: other lengths are other samples", async () => {
    await learn(frozen(), data, { ...short, store: "b" });
    const again = await learn(frozen(), { ...data, inputs: "ntf.npy" }, { ...short, store: "b" });
    expect(again.prefixSamples).toBe(0);
    // Only the first sequence is longer now.
    await save("longer.npy", [SAMPLES], LENGTHS.with(0, 4));
    const other = await learn(
      frozen(),
      { ...data, lengths: "longer.npy" },
      { ...short, store: "b" },
    );
    expect(other.prefixSamples).toBe(1);
  });
});

describe("sequences with time first", () => {
  const swap = (name: string, from: string) =>
    node(name, "Transpose", [from], { permutation: [1, 0, 2] });

  /** Scores of classes for each step; `turns`: samples come first again behind the cell, or behind the product. */
  function scoring(turns: "cell" | "product" | "nowhere", x: Node | undefined): Model {
    const [cell, weights] = CELLS.LSTM("hold");
    const timeMajor = turns !== "nowhere";
    const inputs = cell.inputs.with(0, { node: x?.name ?? "x" });
    return handmade({
      fed: { x: [-1, -1, FEATURES], mask: [-1, -1] },
      weights: { ...weights, k: [UNITS, CLASSES] },
      nodes: [
        optional("mask"),
        ...(x === undefined ? [] : [x]),
        { ...cell, inputs, attributes: { ...cell.attributes, timeMajor } } as Node,
        ...(turns === "cell" ? [swap("back", "h")] : []),
        node("logits", "MatMul", [turns === "cell" ? "back" : "h", "[k]"], PRODUCT),
        ...(turns === "product" ? [swap("scores", "logits")] : []),
      ],
      roles: { output: turns === "product" ? "scores" : "logits" },
    });
  }
  const turned = swap("turned", "x");
  const data = { inputs: "ntf.npy", labels: "labels.npy", lengths: "lengths.npy" };

  test.each([
    ["cell", [], 0],
    // Bottlenecks have a row for each sample: behind the transpose, or nowhere.
    ["cell", ["w", "r", "b"], STEPS * UNITS],
    ["product", ["w", "r", "b"], 0],
  ] as const)("train as others do: back behind the %s, %j frozen", async (turns, frozen, width) => {
    const freeze = (model: Model) => frozen.reduce(freezeWeights, withLoss(model));
    const a = await learn(freeze(scoring(turns, turned)), data);
    const b = await learn(freeze(scoring("nowhere", undefined)), data);
    for (const [name, values] of a.values) expectClose(values, b.values.get(name)!, 1e-6);
    expect(a.epoch.loss).toBeCloseTo(b.epoch.loss, 5);
    const kept = a.events.find((event) => event.event === "bottlenecks");
    expect(kept?.valuesPerSample ?? 0).toBe(width);
  });

  test("cannot be fed", async () => {
    const wrong = learn(withLoss(scoring("product", node("same", "Tanh", ["x"], {}))), data);
    await expect(wrong).rejects.toMatchObject({ code: "data-shape" });
    await expect(wrong).rejects.toThrow("takes x as [time, batch, features]");
  });

  test("cannot be compared with labels", () => {
    const model = scoring("product", turned);
    const ahead = { ...model, roles: { ...model.roles, output: "logits" } };
    expect(() => labelTarget(withLoss(ahead))).toThrow("is [time, batch, classes]");
  });
});

test("accuracy and classes count the labels that the mask has", async () => {
  const model = network();
  const recipe = open({ inputs: "ntf.npy", labels: "labels.npy", lengths: "lengths.npy" });
  const { checkpoint, phases, ...samples } = await prepared(model, recipe);
  const executor = await inferenceExecutor("cpu", phases[0], () => undefined);
  const live = await untrained(phases[0], checkpoint.read, 0);
  const all = Int32Array.of(0, 1, 2);
  // The logits of every step, each sequence by itself, and argmax by hand.
  const way = pathTo(phases[0], ["logits"], new Set(phases[0].roles.inputs));
  const [logits] = run(way, gather(samples.inputs, all), tensorsOf(live), INFERENCE);
  const rows = logits.arraySync() as number[][][];
  const right = rows.flatMap((steps, n) =>
    steps.map((row, t) => row.indexOf(Math.max(...row)) === LABELS[n * STEPS + t]),
  );
  const counted = right.filter((_, at) => there(at));
  const scored = await score(phases[0], live, executor, { ...samples }, all, 2);
  expect(scored.accuracy).toBe(counted.filter(Boolean).length / counted.length);
  expect(counted.length).toBe(10);
  expect(scored.classes).toEqual(
    [0, 1, 2].map((label) => ({
      name: String(label),
      samples: LABELS.filter((each, at) => each === label && there(at)).length,
      correct: right.filter((each, at) => each && LABELS[at] === label && there(at)).length,
    })),
  );
});
