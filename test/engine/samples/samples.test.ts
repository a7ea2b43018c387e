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
import { saveEdited } from "../../../src/engine/train/saveEdited";
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
  /** The recipe whose result this one goes on from. */
  readonly after?: string;
}

const layers = (names: readonly string[], weights: readonly [string, string]): string[] =>
  names.flatMap((name) => weights.map((weight) => `${name}/${weight}`));

const FLOWERS = ["flowers_test.npy", "flowers_test_labels.csv"] as const;
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
  "graves-lstm/more_units": {
    heldOut: MIRRORED,
    trains: ["0_RW", "0_W", "0_b", "1_W"],
    numbers: [471],
    right: 0.6,
    sameClasses: true,
  },
  "reuse-layers/new_output": {
    heldOut: ["X_test.npy", "y_test.npy"],
    trains: layers(["hidden3", "output"], ["biases", "weights"]),
    numbers: [5305],
    right: 0.95,
  },
  "two-phases/partial_restore": {
    heldOut: ["X_test.npy", "y_test.csv"],
    trains: layers(["hidden1", "hidden2", "hidden3", "hidden4", "outputs"], ["bias", "kernel"]),
    numbers: [1062, 38_162],
    right: 0.85,
    sameClasses: true,
  },
  "two-phases/two_phases": {
    heldOut: ["X_test.npy", "y_test.csv"],
    trains: layers(["hidden1", "hidden2", "hidden3", "hidden4", "outputs"], ["bias", "kernel"]),
    numbers: [2652, 39_752],
    right: 0.85,
  },
  "vgg16/a_last_layer": {
    heldOut: FLOWERS,
    trains: layers(["predictions"], ["bias", "kernel"]),
    numbers: [1285],
    right: 0.85,
  },
  "vgg16/b_new_layers": {
    heldOut: FLOWERS,
    trains: layers(["fc1", "fc2", "fc3", "newpredictions"], ["bias", "kernel"]),
    numbers: [50_597],
    right: 0.85,
  },
  "vgg16/c_unfreeze_block5": {
    heldOut: FLOWERS,
    trains: layers(
      ["block5_conv1", "block5_conv2", "block5_conv3", "fc1", "fc2", "fc3", "newpredictions"],
      ["bias", "kernel"],
    ),
    numbers: [78_341],
    right: 0.85,
    after: "vgg16/b_new_layers",
  },
};
const REGRESSIONS = ["add-unit/new_numbers", "add-unit/two_rates"];
const [NEW_NUMBERS, TWO_RATES] = REGRESSIONS;

const recipeOf = (name: string): Recipe => {
  const file = path.join(SAMPLES, `${name}.graft.json`);
  return parseRecipe(file, fs.readFileSync(file, "utf8")).recipe;
};

test("every recipe of a sample is tested", () => {
  const recipes = fs
    .readdirSync(SAMPLES, { recursive: true, encoding: "utf8" })
    .filter((file) => file.endsWith(".graft.json") && !file.startsWith("digits"))
    .map((file) => file.replace(".graft.json", "").replaceAll(path.sep, "/"));
  expect(recipes.sort()).toEqual([...Object.keys(CASES), ...REGRESSIONS].sort());
});

/** A row for each sample. Of outputs of steps, [samples, classes, steps], those of the last one. */
async function outputs(
  place: Workplace,
  checkpoint: string,
  input: string,
  { feeds = {}, layout }: { feeds?: Readonly<Record<string, boolean>>; layout?: "NFT" } = {},
): Promise<number[][]> {
  const output = path.join(place.folder, "outputs.npy");
  const { shape } = await predict({
    checkpoint: path.join(place.folder, checkpoint),
    input: path.join(place.folder, input),
    output,
    feeds,
    ...(layout && { layout }),
    backend: "auto",
  });
  const data = [...((await readNpy(output)).data as Float32Array)];
  const [rows, units, steps = 1] = shape;
  const last = data.filter((_, at) => at % steps === steps - 1);
  return Array.from({ length: rows }, (_, row) => last.slice(row * units, (row + 1) * units));
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
    const original = name.replace(/^graft\/old\//, "");
    if (!trained.includes(name)) expect(hash(await source.read(original)), name).toBe(sha256);
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

describe.each(Object.entries(CASES))("%s", (name, { heldOut, trains, numbers, right, sameClasses, after }) => {
  const recipe = recipeOf(name);
  const [inputs, labels] = heldOut;
  let place: Workplace;
  let run: Trained;
  beforeAll(async () => {
    place = copyOf(path.dirname(name));
    if (after !== undefined) await train(place, recipeOf(after));
    run = await train(place, recipe);
  });
  afterAll(() => place.dispose());

  const rightOf = async (checkpoint: string): Promise<number> => {
    const [{ classes }] = run.of("data");
    const { array } = await loadSource(labels, place.folder, { values: "labels" });
    const { indices: wanted } = classIndices(array, labels, classes.length, classes);
    const { layout } = recipe.data!;
    const logits = await outputs(place, checkpoint, inputs, layout === "NFT" ? { layout } : {});
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

test("graves-lstm: three units more change no prediction until they train", async () => {
  const place = copyOf("graves-lstm");
  const recipe = recipeOf("graves-lstm/more_units");
  const wider = path.join(place.folder, "wider.zip");
  const file = path.join(place.folder, "test.graft.json");
  await saveEdited(parseRecipe(file, JSON.stringify(recipe)), wider);
  const [input] = MIRRORED;
  const before = await outputs(place, recipe.checkpoint, input, { layout: "NFT" });
  expect(await outputs(place, "wider.zip", input, { layout: "NFT" })).toEqual(before);
  const model = await openCheckpoint(wider);
  expect(model.tensors.get("0_RW")?.shape).toEqual([15, 63]);
  await model.close();
  place.dispose();
});

describe("two-phases/partial_restore", () => {
  test("three layers are the trained network's, bit for bit, until they train", async () => {
    const place = copyOf("two-phases");
    const recipe = recipeOf("two-phases/partial_restore");
    const run = await train(place, { ...recipe, train: recipe.train.slice(0, 1) });
    const read = async (checkpoint: string, variable: string) => {
      const opened = await openCheckpoint(path.join(place.folder, checkpoint));
      const bytes = await opened.read(variable);
      await opened.close();
      return bytes;
    };
    const restored = layers(["hidden1", "hidden2", "hidden3"], ["bias", "kernel"]);
    for (const variable of restored)
      expect(await read(recipe.save!.as, variable), variable).toEqual(
        await read("my_original_model.ckpt", variable),
      );
    const [{ variables }] = run.of("variables");
    expect(variables.filter((each) => each.frozen).map((each) => each.name).sort()).toEqual(restored);
    place.dispose();
  });
});

describe.each(REGRESSIONS)("%s", (name) => {
  const recipe = recipeOf(name);
  let place: Workplace;
  let run: Trained;
  beforeAll(async () => {
    place = copyOf(path.dirname(name));
    run = await train(place, recipe);
  });
  afterAll(() => place.dispose());

  const read = async (checkpoint: string, variable: string) => {
    const opened = await openCheckpoint(path.join(place.folder, checkpoint));
    const bytes = (await opened.read(variable)).slice().buffer;
    await opened.close();
    return new Float32Array(bytes);
  };
  /** Of w, b and w_proj: how many numbers there are, and which old ones are what they were. */
  const kept = () =>
    Promise.all(
      ["w", "b", "w_proj"].map(async (variable) => {
        const old = await read(recipe.checkpoint, variable);
        const now = await read(recipe.save!.as, variable);
        return [now.length, old.filter((value, at) => value === now[at]).length];
      }),
    );

  if (name === NEW_NUMBERS)
    test("only the new unit's two numbers train; the bias that all units share does not", async () => {
      await expectTrainedOnly(place, recipe, run, ["w", "w_proj"]);
      expect(await kept()).toEqual([
        [11, 10],
        [1, 1],
        [11, 10],
      ]);
    });

  if (name === TWO_RATES) {
    test("old and new numbers train, each at a rate of their own", async () => {
      await expectTrainedOnly(place, recipe, run, ["w", "b", "w_proj"]);
      const [{ groups }] = run.of("phase");
      expect(groups).toEqual([
        { numbers: "2 new numbers of w and w_proj", optimizer: "sgd, learning rate 0.0001" },
        { numbers: "21 numbers of w, b and w_proj", optimizer: "sgd, learning rate 0.001" },
      ]);
    });

    test("a switch chooses what the old network computes, bit for bit", async () => {
      const result = recipe.save!.as;
      const before = await outputs(place, recipe.checkpoint, "radius.npy");
      const old = await outputs(place, result, "radius.npy", {
        feeds: { "graft/use_new": false },
      });
      expect(old).toEqual(before);
      const now = await outputs(place, result, "radius.npy");
      expect(now).not.toEqual(before);
      const fed = await outputs(place, result, "radius.npy", { feeds: { "graft/use_new": true } });
      expect(fed).toEqual(now);
    });
  }

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
