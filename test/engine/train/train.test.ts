// Whole runs on the digits sample.
import { createHash } from "node:crypto";
import * as fs from "node:fs";
import * as path from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { openCheckpoint } from "../../../src/engine/formats/table";
import { BACKENDS } from "../../../src/engine/train/backend";
import { executorOn } from "../executor";
import { expectClose } from "../fixture";
import { digits, recipe, train, type Trained, type Workplace } from "./world";

let place: Workplace;
beforeAll(() => {
  place = digits();
});
afterAll(() => place.dispose());

/** The backends that are installed: all but tfjs-node always are. */
async function here() {
  const tried = BACKENDS.map((backend) =>
    executorOn(backend).then(
      () => [backend],
      () => (backend === "tfjs-node" ? [] : [backend]),
    ),
  );
  return (await Promise.all(tried)).flat();
}
const SAMPLES = 696;

const finalValues = ({ states }: Trained) => states.at(-1)!.values;

describe.each(await here())("on %s", (backend) => {
  test("cached and uncached training agree after 20 epochs", async () => {
    const phase = { epochs: 20, batch: 50, optimizer: { momentum: { learningRate: 0.02 } } };
    const cached = await train(place, recipe({ train: [phase] }), { backend });
    const uncached = await train(place, recipe({ train: [{ ...phase, cache: false }] }), {
      backend,
    });
    for (const [name, values] of finalValues(uncached))
      expectClose(finalValues(cached).get(name)!, values, 1e-5);
    const losses = (run: Trained) => run.of("epoch").map((epoch) => epoch.loss);
    expectClose(losses(cached), losses(uncached), 1e-5);
    expect(uncached.of("ended")[0].prefixSamples).toBe(20 * SAMPLES);
    expect(cached.of("ended")[0].prefixSamples).toBe(SAMPLES);
    const again = await train(place, recipe({ train: [phase] }), { backend });
    expect(again.of("ended")[0].prefixSamples).toBe(0);
    expect(finalValues(again)).toEqual(finalValues(cached));
  });
});

test("frozen variables are the checkpoint's bytes, and every other one moved", async () => {
  const run = await train(place, recipe());
  const checkpoint = await openCheckpoint(path.join(place.folder, "digits_0_to_4.ckpt"));
  const [{ variables }] = run.of("variables");
  expect(
    variables
      .filter((each) => each.frozen)
      .map((each) => each.name)
      .sort(),
  ).toEqual(["hidden1/biases", "hidden1/weights", "hidden2/biases", "hidden2/weights"]);
  for (const each of variables) {
    const hash = createHash("sha256")
      .update(await checkpoint.read(each.name))
      .digest("hex");
    expect(each.sha256 === hash).toBe(each.frozen);
    expect(each.unchanged).toBe(each.frozen);
    expect(each.maxChange > 0).toBe(!each.frozen);
  }
  await checkpoint.close();
});

test("only the new numbers of added units train", async () => {
  const edits = [
    { freeze: ".*" },
    { addUnits: { layer: "hidden3", units: 8, init: "random", train: "new" } },
  ];
  const data = {
    inputs: { X: "digits_5_to_9_X.npy" },
    labels: "digits_5_to_9_y.npy",
    classes: ["5", "6", "7", "8", "9"],
  };
  const run = await train(place, recipe({ edits, data, save: { as: "wide.ckpt" } }));
  const before = await openCheckpoint(path.join(place.folder, "digits_0_to_4.ckpt"));
  const after = await openCheckpoint(path.join(place.folder, "wide.ckpt"));
  const floats = async (source: typeof before, name: string) =>
    new Float32Array((await source.read(name)).slice().buffer);
  const [old, wide] = [
    await floats(before, "hidden3/weights"),
    await floats(after, "hidden3/weights"),
  ];
  for (let row = 0; row < 100; row++)
    expect(wide.subarray(row * 58, row * 58 + 50)).toEqual(old.subarray(row * 50, row * 50 + 50));
  const [oldRows, rows] = [
    await floats(before, "outputs/weights"),
    await floats(after, "outputs/weights"),
  ];
  expect(rows.subarray(0, 250)).toEqual(oldRows);
  expect(await floats(after, "outputs/biases")).toEqual(await floats(before, "outputs/biases"));
  const inPart = ["hidden3/biases", "hidden3/weights", "outputs/weights"];
  const [{ variables }] = run.of("variables");
  const names = (all: typeof variables) => all.map(({ name }) => name).sort();
  expect(names(variables.filter(({ maxChange }) => maxChange > 0))).toEqual(inPart);
  expect(names(variables.filter(({ keptUnchanged }) => keptUnchanged))).toEqual(inPart);
  await before.close();
  await after.close();
});

test("the validation accuracy of the sample is good, and its classes are told", async () => {
  const train80 = [{ epochs: 80, batch: 50, optimizer: { momentum: { learningRate: 0.02 } } }];
  const run = await train(place, recipe({ train: train80 }), { backend: "wasm" });
  const [evaluation] = run.of("evaluation");
  expect(evaluation.accuracy).toBeGreaterThan(0.9);
  expect(evaluation.classes.map((each) => each.name)).toEqual(["5", "6", "7", "8", "9"]);
  expect(evaluation.classes.reduce((sum, each) => sum + each.samples, 0)).toBe(139);
  const correct = evaluation.classes.reduce((sum, each) => sum + each.correct, 0);
  expect(correct / 139).toBeCloseTo(evaluation.accuracy!, 10);
});

test("a result that is there is replaced, and that is told before", async () => {
  const place = digits();
  const what = recipe({ save: { as: "again.ckpt" } });
  const notes = async () => (await train(place, what)).of("note").map(({ text }) => text);
  expect(await notes()).not.toContainEqual(expect.stringContaining("replaces"));
  expect(await notes()).toContainEqual(
    expect.stringMatching(/^There is a checkpoint again\.ckpt already: .* replaces it/),
  );
  place.dispose();
});

describe("a stopped run", () => {
  const two = [
    { epochs: 2, batch: 50, optimizer: { adam: { learningRate: 0.002 } } },
    {
      unfreeze: "hidden2",
      epochs: 2,
      batch: 64,
      optimizer: { adam: { learningRate: 0.001 } },
      continue: true,
    },
  ];
  // 557 training samples: 12 steps an epoch in the first phase, 9 in the second.
  test.each([1, 7, 12, 23, 24, 25, 30, 40])(
    "after %i checks goes on to the same bits",
    async (stopAfter) => {
      const whole = await train(place, recipe({ train: two }));
      const stopped = await train(place, recipe({ train: two }), { stopAfter });
      expect(stopped.of("ended")[0].state).toBe("stopped");
      const resumed = await train(place, recipe({ train: two }), {
        resume: stopped.states.at(-1)!,
      });
      expect(resumed.of("ended")[0].state).toBe("finished");
      expect(finalValues(resumed)).toEqual(finalValues(whole));
      expect(resumed.of("epoch").at(-1)!.loss).toBe(whole.of("epoch").at(-1)!.loss);
    },
  );
});

test("a phase that continues after one with another optimizer starts with fresh slots, resumed or not", async () => {
  const phases = [
    { epochs: 1, optimizer: { sgd: { learningRate: 0.01 } } },
    { epochs: 1, optimizer: { momentum: { learningRate: 0.01 } }, continue: true },
  ];
  const whole = await train(place, recipe({ train: phases }));
  // 12 steps: the first phase is over, and nothing of the second has begun.
  const border = whole.states.find(({ position }) => position.phase === 1)!;
  expect(border.position).toMatchObject({ phase: 1, epoch: 0, step: 0 });
  const resumed = await train(place, recipe({ train: phases }), { resume: border });
  expect(finalValues(resumed)).toEqual(finalValues(whole));
});

test("a phase that continues counts on: one step an epoch, so that the order of samples does not matter", async () => {
  const optimizer = { adam: { learningRate: 0.01 } };
  const phase = { epochs: 3, batch: 1000, optimizer };
  const whole = await train(place, recipe({ train: [{ ...phase, epochs: 5 }] }));
  const halves = [{ ...phase, epochs: 2 }, phase];
  const values = async (train2: readonly object[]) =>
    finalValues(await train(place, recipe({ train: train2 })));
  const continued = await values([halves[0], { ...halves[1], continue: true }]);
  const fresh = await values(halves);
  const largest = (other: ReadonlyMap<string, Float32Array>) =>
    Math.max(
      ...[...finalValues(whole)].flatMap(([name, expected]) =>
        [...expected].map((value, index) => Math.abs(value - other.get(name)![index])),
      ),
    );
  expect(largest(continued)).toBeLessThan(1e-4);
  expect(largest(fresh)).toBeGreaterThan(1e-3);
});

test("a second phase trains what it unfreezes", async () => {
  const phases = [{ epochs: 1 }, { unfreeze: "hidden2", epochs: 1 }];
  const run = await train(place, recipe({ train: phases }));
  expect(run.of("phase").map((phase) => phase.trainableParameters)).toEqual([5305, 35405]);
  const frozen = run.of("variables")[0].variables.filter((each) => each.frozen);
  expect(frozen.map((each) => each.name).sort()).toEqual(["hidden1/biases", "hidden1/weights"]);
});

test("a loss that is no number ends the run, and nothing is saved", async () => {
  const huge = [{ epochs: 3, batch: 50, optimizer: { sgd: { learningRate: 1e30 } } }];
  const failed = train(place, recipe({ train: huge, save: { as: "diverged.ckpt" } }));
  await expect(failed).rejects.toMatchObject({ code: "diverged" });
  await expect(failed).rejects.toThrow(/epoch 1, step \d.*learning rate/);
  expect(fs.existsSync(path.join(place.folder, "diverged.ckpt.index"))).toBe(false);
});

describe("the names of the classes", () => {
  const named = { edits: [{ replaceOutput: { classes: ["9", "8", "7", "6", "5"] } }] };
  const { data } = recipe() as { data: Record<string, unknown> };

  test("come from the replaced output where the data list none", async () => {
    const { classes: _, ...unnamed } = data;
    const run = await train(place, recipe({ ...named, data: unnamed, train: [{ epochs: 1 }] }));
    expect(run.of("data")[0].classes).toEqual(["9", "8", "7", "6", "5"]);
  });

  test("are refused where the two contradict each other", async () => {
    const failed = train(place, recipe(named));
    await expect(failed).rejects.toThrow(/listed twice, and differently.*9, 8, 7.*5, 6, 7/);
  });
});

test("a loss that only training needs is not saved; one that an edit adds is", async () => {
  const dense = { dense: { units: 5, activation: "none" } };
  const own = await saved([
    { setOutputs: { outputs: "hidden3" } },
    { insertLayer: { after: "hidden3", layer: dense, name: "classes" } },
  ]);
  expect(own.roles.output).toBe("classes/BiasAdd");
  expect(own.roles.loss).toBeUndefined();
  expect([...own.nodes.keys()].filter((name) => name.startsWith("graft/"))).toEqual([]);
  const head = { classes: 5, head: "dense" };
  const added = await saved([{ setOutputs: { outputs: "hidden3" } }, { replaceOutput: head }]);
  expect(added.roles).toMatchObject({ loss: "graft/loss", labels: "graft/labels" });
});

/** What training an edited network saves, read back. */
async function saved(edits: readonly object[]) {
  const run = await train(place, recipe({ edits, save: { as: "edited.ckpt" } }));
  expect(run.of("epoch").at(-1)!.loss).toBeLessThan(run.of("epoch")[0].loss);
  const checkpoint = await openCheckpoint(path.join(place.folder, "edited.ckpt"));
  const model = await checkpoint.model();
  await checkpoint.close();
  return model;
}

describe("what cannot run is refused before anything is written", () => {
  test.each([
    [
      "labels outside the classes",
      { data: { inputs: "digits_5_to_9_X.npy", labels: "digits_5_to_9_y.npy" } },
      "label-out-of-range",
      /"classes": \["5", ?"6"/,
    ],
    [
      "arrays of the wrong shape",
      { data: { inputs: "digits_5_to_9_y.npy", labels: "digits_5_to_9_y.npy" } },
      "data-shape",
      /64/,
    ],
    [
      "a layer that does not exist",
      { edits: [{ freeze: "hidden7" }] },
      "invalid-edit",
      /hidden7.*hidden1/,
    ],
    [
      "a result that would replace its source",
      { save: { as: "digits_0_to_4.ckpt" } },
      "write-failed",
      /overwrite/,
    ],
    ["no data", { data: undefined }, "data-missing", /inputs/],
    ["nothing that trains", { edits: [{ freeze: ".*" }] }, "nothing-to-train", /Unfreeze/],
    [
      "a file that is not there",
      { data: { inputs: "x.npy", labels: "y.npy" } },
      "file-not-found",
      /y\.npy/,
    ],
  ])("%s", async (_, more, code, message) => {
    const what = JSON.parse(JSON.stringify(recipe({ save: { as: "never.ckpt" }, ...more })));
    const failed = train(place, what);
    await expect(failed).rejects.toMatchObject({ code });
    await expect(failed).rejects.toThrow(message);
  });
});
