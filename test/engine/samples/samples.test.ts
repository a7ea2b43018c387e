// The samples' recipes as they are shipped: what trains, what stays bit for bit, and what comes of it.
import { createHash } from "node:crypto";
import * as fs from "node:fs";
import * as path from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { classIndices } from "../../../src/engine/data/labels";
import { readNpy } from "../../../src/engine/data/npy";
import { loadSource } from "../../../src/engine/data/sources";
import { openCheckpoint } from "../../../src/engine/formats/table";
import { predict } from "../../../src/engine/predict";
import { parseRecipe } from "../../../src/engine/recipe/parse";
import type { Recipe } from "../../../src/engine/recipe/schema";
import { expectClose } from "../fixture";
import { copyOf, SAMPLES, train, type Trained, type Workplace } from "../train/world";

interface Case {
  /** Samples and labels that the recipe does not train on. */
  readonly heldOut: readonly [inputs: string, labels: string];
  /** Variables that training changes; it must leave every other one as it is. */
  readonly trains: readonly string[];
  /** How many numbers train, phase by phase. */
  readonly numbers: readonly number[];
  /** Least share of the held-out samples that the result tells right. */
  readonly right: number;
  /** Whether the old network has the same classes, and must be worse at them. */
  readonly sameClasses?: true;
}

const layers = (names: readonly string[], weights: readonly [string, string]): string[] =>
  names.flatMap((name) => weights.map((weight) => `${name}/${weight}`));

const MIRRORED = ["mirrored_test_X.npy", "mirrored_test_y.npy"] as const;

/** By sample and recipe. The digits have their own tests. */
const CASES: Readonly<Record<string, Case>> = {
  "cnn/double_bias": {
    heldOut: MIRRORED,
    trains: layers(["conv1", "fc1", "fc2"], ["W", "b"]),
    numbers: [76_330, 76_538],
    right: 0.9,
    sameClasses: true,
  },
  "cnn/last_layer": {
    heldOut: MIRRORED,
    trains: layers(["fc2"], ["W", "b"]),
    numbers: [970],
    right: 0.8,
    sameClasses: true,
  },
  "cnn/last_two_layers": {
    heldOut: MIRRORED,
    trains: layers(["fc1", "fc2"], ["W", "b"]),
    numbers: [76_330],
    right: 0.9,
    sameClasses: true,
  },
  "reuse-layers/new_output": {
    heldOut: ["X_test.npy", "y_test.npy"],
    trains: layers(["hidden3", "output"], ["biases", "weights"]),
    numbers: [5305],
    right: 0.95,
  },
  "two-phases/two_phases": {
    heldOut: ["X_test.npy", "y_test.csv"],
    trains: layers(["hidden1", "hidden2", "hidden3", "hidden4", "outputs"], ["bias", "kernel"]),
    numbers: [2652, 39_752],
    right: 0.85,
  },
  "vgg16/a_last_layer": {
    heldOut: ["flowers_test.npy", "flowers_test_labels.csv"],
    trains: layers(["predictions"], ["bias", "kernel"]),
    numbers: [1285],
    right: 0.85,
  },
};
const REGRESSION = "add-unit/new_numbers";

const recipeOf = (name: string): Recipe => {
  const file = path.join(SAMPLES, `${name}.graft.json`);
  return parseRecipe(file, fs.readFileSync(file, "utf8")).recipe;
};

test("every recipe of a sample is tested", () => {
  const recipes = fs
    .readdirSync(SAMPLES, { recursive: true, encoding: "utf8" })
    .filter((file) => file.endsWith(".graft.json") && !file.startsWith("digits"))
    .map((file) => file.replace(".graft.json", "").replaceAll(path.sep, "/"));
  expect(recipes.sort()).toEqual([...Object.keys(CASES), REGRESSION].sort());
});

async function outputs(place: Workplace, checkpoint: string, input: string): Promise<number[][]> {
  const output = path.join(place.folder, "outputs.npy");
  const { shape } = await predict({
    checkpoint: path.join(place.folder, checkpoint),
    input: path.join(place.folder, input),
    output,
    backend: "auto",
  });
  const data = [...((await readNpy(output)).data as Float32Array)];
  return Array.from({ length: shape[0] }, (_, row) =>
    data.slice(row * shape[1], (row + 1) * shape[1]),
  );
}

/** Every variable but `trained` is the checkpoint's, bit for bit, in the trainer and in the result. */
async function expectTrainedOnly(
  place: Workplace,
  recipe: Recipe,
  run: Trained,
  trained: readonly string[],
): Promise<void> {
  const [{ variables }] = run.of("variables");
  const moved = variables.filter((each) => each.maxChange > 0).map((each) => each.name);
  expect(moved.sort()).toEqual([...trained].sort());
  const source = await openCheckpoint(path.join(place.folder, recipe.checkpoint));
  const result = await openCheckpoint(path.join(place.folder, recipe.save!.as));
  const hash = (bytes: Uint8Array) => createHash("sha256").update(bytes).digest("hex");
  for (const { name, sha256 } of variables) {
    expect(hash(await result.read(name)), name).toBe(sha256);
    if (!trained.includes(name)) expect(hash(await source.read(name)), name).toBe(sha256);
  }
  await source.close();
  await result.close();
}

/** The recipe with two epochs a phase, cached or not. */
const shortened = (recipe: Recipe, cache: boolean): object => ({
  ...recipe,
  train: recipe.train.map((phase) => ({ ...phase, epochs: 2, cache })),
  save: undefined,
});

async function expectSameUncached(place: Workplace, recipe: Recipe): Promise<void> {
  const cached = await train(place, shortened(recipe, true));
  const uncached = await train(place, shortened(recipe, false));
  for (const [name, values] of uncached.states.at(-1)!.values)
    expectClose(cached.states.at(-1)!.values.get(name)!, values, 1e-5, name);
}

describe.each(Object.entries(CASES))("%s", (name, { heldOut, trains, numbers, right, sameClasses }) => {
  const recipe = recipeOf(name);
  const [inputs, labels] = heldOut;
  let place: Workplace;
  let run: Trained;
  beforeAll(async () => {
    place = copyOf(path.dirname(name));
    run = await train(place, recipe);
  });
  afterAll(() => place.dispose());

  const rightOf = async (checkpoint: string): Promise<number> => {
    const [{ classes }] = run.of("data");
    const { array } = await loadSource(labels, place.folder, { values: "labels" });
    const { indices: wanted } = classIndices(array, labels, classes.length, classes);
    const logits = await outputs(place, checkpoint, inputs);
    const hits = logits.filter((row, at) => row.indexOf(Math.max(...row)) === wanted[at]);
    return hits.length / wanted.length;
  };

  test("trains what it says, and nothing else", async () => {
    expect(run.of("phase").map((phase) => phase.trainableParameters)).toEqual(numbers);
    await expectTrainedOnly(place, recipe, run, trains);
  });

  test("tells held-out samples right", async () => {
    const now = await rightOf(recipe.save!.as);
    expect(now).toBeGreaterThan(right);
    if (sameClasses) expect(now).toBeGreaterThan((await rightOf(recipe.checkpoint)) + 0.1);
  });

  test("trains the same uncached", () => expectSameUncached(place, recipe));
});

describe(REGRESSION, () => {
  const recipe = recipeOf(REGRESSION);
  let place: Workplace;
  let run: Trained;
  beforeAll(async () => {
    place = copyOf(path.dirname(REGRESSION));
    run = await train(place, recipe);
  });
  afterAll(() => place.dispose());

  test("only the new unit's two numbers train; the bias that all units share does not", async () => {
    await expectTrainedOnly(place, recipe, run, ["w", "w_proj"]);
    const read = async (checkpoint: string, variable: string) => {
      const opened = await openCheckpoint(path.join(place.folder, checkpoint));
      const bytes = (await opened.read(variable)).slice().buffer;
      await opened.close();
      return new Float32Array(bytes);
    };
    for (const variable of ["w", "b", "w_proj"]) {
      const [old, now] = [
        await read(recipe.checkpoint, variable),
        await read(recipe.save!.as, variable),
      ];
      expect(now).toHaveLength(variable === "b" ? 1 : 11);
      expect(now.subarray(0, old.length)).toEqual(old);
    }
  });

  test("comes closer to the areas", async () => {
    const areas = (await readNpy(path.join(place.folder, "area.npy"))).data as Float32Array;
    const error = async (checkpoint: string) => {
      const found = await outputs(place, checkpoint, "radius.npy");
      return found.reduce((sum, [y], at) => sum + (y - areas[at]) ** 2, 0) / areas.length;
    };
    expect(await error(recipe.save!.as)).toBeLessThan(0.5 * (await error(recipe.checkpoint)));
  });

  test("trains the same uncached", () => expectSameUncached(place, recipe));
});
