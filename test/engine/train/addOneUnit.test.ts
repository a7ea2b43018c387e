// Document 003, as real TensorFlow recorded it: one more unit, of which only the new numbers train, for 300 steps.
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import type { Checkpoint } from "../../../src/engine/formats/format";
import type { Model } from "../../../src/engine/graph/model";
import { usedVariables } from "../../../src/engine/graph/order";
import { applyRecipe } from "../../../src/engine/recipe/apply";
import { RecipeSchema } from "../../../src/engine/recipe/schema";
import { load, startingValues, type LiveVariables } from "../../../src/engine/train/live";
import { Score } from "../../../src/engine/train/metrics";
import { trainables } from "../../../src/engine/train/trainables";
import { train, type Lesson } from "../compile/network";
import { executorOn } from "../executor";
import { expectClose, fixture, type Recorded } from "../fixture";

interface Expected {
  readonly x: Recorded;
  readonly target: Recorded;
  readonly base_output: Recorded;
  readonly new_unit: Readonly<Record<string, readonly (number | readonly number[])[]>>;
  readonly train_only_new: {
    readonly learning_rate: number;
    readonly steps: number;
    readonly loss_before_each_step: readonly number[];
    readonly final: Readonly<Record<string, readonly (number | readonly number[])[]>>;
  };
}

const { expected, open, floats } = fixture<Expected>("b8_add_one_unit");
const recorded = expected.train_only_new;

let checkpoint: Checkpoint;
let model: Model;
beforeAll(async () => {
  checkpoint = await open();
  const edits = [
    { freeze: ".*" },
    { addUnits: { layer: "hidden", units: 1, init: "zero", train: "new" } },
  ];
  const recipe = RecipeSchema.parse({ checkpoint: "m", edits });
  const applied = applyRecipe(await checkpoint.model(), recipe);
  expect(applied.problems).toEqual([]);
  model = applied.model;
});
afterAll(() => checkpoint.close());

/** The place of the new unit in each variable that has one: it is the last of eleven. */
const NEW = { "hidden/weights": 10, "hidden/biases": 10, "outputs/weights": 10 } as const;

const numberOf = (from: Expected["new_unit"], name: string): number => {
  const key = Object.keys(from).find((each) => each.startsWith(`${name}[`))!;
  return from[key].flat()[0];
};

async function started(): Promise<LiveVariables> {
  const used = usedVariables(model);
  const live = load(used, await startingValues(used, (name) => checkpoint.read(name), 1));
  for (const [name, place] of Object.entries(NEW))
    live.set(name, live.get(name).with(place, numberOf(expected.new_unit, name)));
  return live;
}

describe.each(["cpu", "compiled"] as const)("on %s", (backend) => {
  test("losses and the new unit are TensorFlow's, and no old number moved by a bit", async () => {
    const [x, target] = [floats(expected.x), floats(expected.target)];
    const optimizer = { sgd: { learningRate: recorded.learning_rate } };
    const samples = x.length;
    const [labels] = [model.roles.labels!];
    const lesson: Lesson = {
      model,
      samples,
      batch: samples,
      epochs: recorded.steps,
      optimizer,
      arrays: [
        { node: model.roles.inputs[0], shape: [1], data: x },
        { node: labels, shape: [1], data: target },
      ],
    };
    const live = await started();
    const before = new Map([...live.names()].map((name) => [name, live.get(name)]));
    const standing = {
      live,
      training: trainables(model, { optimizer }),
      progress: { epoch: 0, step: 0, score: new Score() },
    };
    const losses = await train(await executorOn(backend), lesson, standing);
    expectClose(losses, recorded.loss_before_each_step, 1e-5);
    for (const [name, numbers] of before) {
      const place = NEW[name as keyof typeof NEW];
      const after = live.get(name);
      const old = (values: Float32Array) => [...values].filter((_, index) => index !== place);
      expect(old(after), name).toEqual(old(numbers));
      if (place !== undefined) expectClose([after[place]], [numberOf(recorded.final, name)], 1e-4);
    }
  });
});
