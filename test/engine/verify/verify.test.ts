// `graft verify`: what it proves on the sample, and that every check can fail.
import * as fs from "node:fs";
import * as os from "node:os";
import * as path from "node:path";
import { afterAll, beforeAll, describe, expect, test, vi } from "vitest";
import type { Verification, VerifyCheck } from "../../../src/protocol/verify";
import { readNpy, writeNpy } from "../../../src/engine/data/npy";
import { parseRecipe } from "../../../src/engine/recipe/parse";
import { prepare } from "../../../src/engine/train/prepare";
import { checkCached } from "../../../src/engine/verify/cached";
import { replaceOutput } from "../../../src/engine/surgery/replaceOutput";
import { checkFrozen } from "../../../src/engine/verify/frozen";
import { reportText } from "../../../src/engine/verify/report";
import { apart, difference } from "../../../src/engine/verify/tolerance";
import { saveEdited } from "../../../src/engine/train/saveEdited";
import { sampleOf, trial } from "../../../src/engine/verify/trial";
import { verifyRecipe } from "../../../src/engine/verify/verify";
import { FIXTURES, fixture, type Recorded } from "../fixture";
import { digits, recipe, train, type Workplace } from "../train/world";

let place: Workplace;
beforeAll(async () => {
  place = digits();
  await train(place, recipe({ save: { as: "result.ckpt" } }));
});
afterAll(() => place.dispose());

const file = (name: string) => path.join(place.folder, name);
const open = (what: object) => parseRecipe(file("test.graft.json"), JSON.stringify(what));
const verify = (what: object, result?: string, steps = 10) =>
  verifyRecipe({
    open: open(what),
    steps,
    result: result === undefined ? undefined : file(result),
    backend: "compiled",
    stopRequested: () => false,
  });
const check = ({ checks }: Verification, name: VerifyCheck["check"]) =>
  checks.find((each) => each.check === name)!;
const states = ({ checks }: Verification) => checks.map(({ state }) => state);
const all = (folder: string) =>
  fs
    .readdirSync(folder, { recursive: true, encoding: "utf8" })
    .filter((name) => fs.statSync(path.join(folder, name)).isFile())
    .map((name) => [name, fs.readFileSync(path.join(folder, name), "base64")]);
const leftovers = () =>
  fs.readdirSync(os.tmpdir()).filter((name) => name.startsWith("graft-verify-"));

test("the sample and its result: every check passes, and nothing is written", async () => {
  const before = [all(place.folder), leftovers()];
  const verification = await verify(recipe(), "result.ckpt");
  expect(verification.passed).toBe(true);
  expect(states(verification)).toEqual(["passed", "passed", "passed", "passed"]);
  expect(check(verification, "frozen").text).toBe(
    "4 frozen tensors unchanged, bit for bit, after 10 training steps, and in the result",
  );
  expect(check(verification, "cached").figures["numbers"]).toBe(100 * 50 + 50 + 50 * 5 + 5);
  expect(check(verification, "function").figures["largestDifference"]).toBeGreaterThan(0.1);
  const { figures } = check(verification, "comparison");
  expect(figures["resultLoss"]).toBeLessThan(figures["editedLoss"]!);
  expect([all(place.folder), leftovers()]).toEqual(before);
  const lines = reportText(verification).split("\n");
  expect(lines.filter((line) => line.startsWith("✓"))).toHaveLength(4);
});

test("classes that the replaced output names are those of the result, too", async () => {
  const edits = [
    { freeze: "hidden[12]" },
    { replaceOutput: { classes: ["5", "6", "7", "8", "9"] } },
  ];
  const data = { inputs: "digits_5_to_9_X.npy", labels: "digits_5_to_9_y.npy" };
  const verification = await verify(recipe({ edits, data }), "result.ckpt", 2);
  expect(check(verification, "comparison").text).toMatch(/source loss .*; result loss/);
  expect(verification.passed).toBe(true);
});

test("numbers out of another checkpoint", async () => {
  const copyFrom = { checkpoint: "result.ckpt", map: { "outputs/": "outputs/" } };
  const edits = [{ copyFrom }, { freeze: "hidden[12]" }];
  const verification = await verify(recipe({ edits }), undefined, 2);
  expect(verification.passed).toBe(true);
  expect(check(verification, "function").figures["largestDifference"]).toBeGreaterThan(0.1);
  const { figures } = check(verification, "comparison");
  expect(figures["editedLoss"]).toBeLessThan(figures["sourceLoss"]!);
});

test("phases, single units and adam", async () => {
  const verification = await verify(
    recipe({
      edits: [
        { freeze: "hidden[12]" },
        { addUnits: { layer: "hidden3", units: 4, init: "zero", train: "new" } },
      ],
      train: [
        { epochs: 1, batch: 400, optimizer: { adam: { learningRate: 0.01 } } },
        { unfreeze: "hidden2", epochs: 9, batch: 20, optimizer: { adamw: { learningRate: 0.01 } } },
      ],
    }),
  );
  expect(verification.passed).toBe(true);
  const { text, figures } = check(verification, "frozen");
  // 557 samples in batches of 400 are two steps.
  expect(text).toContain("after 2 and 10 training steps of the phases");
  // Whole: hidden1, in the first phase hidden2. In part: hidden3, and how the output reads it.
  expect(text).toMatch(/^7 frozen tensors \(3 of them in part\) unchanged/);
  expect(figures["tensors"]).toBe(7);
  expect(check(verification, "function").details).toEqual([
    "edit 2 (addUnits) keeps the function: largest difference of the logits 0",
  ]);
});

test("moving statistics of a batch norm that trains are not frozen", async () => {
  const name = "b2_cnn_digits_batchnorm";
  const { expected, floats, integers } = fixture<{
    forward: { x: Recorded; y: Recorded };
  }>(name);
  const { x, y } = expected.forward;
  await writeNpy(file("bn_x.npy"), { shape: x.shape, dtype: "float32", data: floats(x) });
  await writeNpy(file("bn_y.npy"), { shape: y.shape, dtype: "int32", data: integers(y) });
  const verification = await verify(
    {
      checkpoint: path.join(FIXTURES, name, "model.ckpt"),
      graph: { feeds: { keep_prob: 0.5 } },
      edits: [{ freeze: "conv1" }],
      data: { inputs: "bn_x.npy", labels: "bn_y.npy" },
      train: [{ epochs: 2, batch: 4 }],
    },
    undefined,
    4,
  );
  expect(verification.passed).toBe(true);
  // conv1/W and conv1/b; all others move.
  expect(check(verification, "frozen").figures["tensors"]).toBe(2);
});

test("what there is nothing to see of is said, and does not count as failed", async () => {
  const what = recipe({ edits: [{ replaceOutput: { classes: 5 } }] });
  const verification = await verify(what, undefined, 2);
  expect(states(verification)).toEqual(["skipped", "skipped", "passed", "passed"]);
  expect(verification.passed).toBe(true);
});

test("an output of another size is compared by nothing, and the source is not scored", async () => {
  const edits = [{ freeze: "hidden[12]" }, { replaceOutput: { classes: 6 } }];
  const data = { inputs: "digits_5_to_9_X.npy", labels: "digits_5_to_9_y.npy" };
  const classes = ["4", "5", "6", "7", "8", "9"];
  const verification = await verify(recipe({ edits, data: { ...data, classes } }), undefined, 2);
  expect(check(verification, "function").text).toContain("6 logits instead of 5");
  const { state, text } = check(verification, "comparison");
  expect(state).toBe("passed");
  expect(text).toContain("source not comparable; edited, untrained loss");
});

test("a source that takes other inputs is not run", async () => {
  const { data } = await readNpy(file("digits_5_to_9_X.npy"));
  const rows = Float32Array.from({ length: 696 * 65 }, (_, at) =>
    at % 65 === 64 ? 0 : Number(data[Math.floor(at / 65) * 64 + (at % 65)]),
  );
  await writeNpy(file("wide.npy"), { shape: [696, 65], dtype: "float32", data: rows });
  const edits = [
    { setInput: { channels: 65, how: "zero" } },
    { addUnits: { layer: "hidden2", units: 3, init: "zero" } },
    { freeze: "hidden1" },
  ];
  const data65 = { inputs: "wide.npy", labels: "digits_5_to_9_y.npy" };
  const classes = ["5", "6", "7", "8", "9"];
  const verification = await verify(recipe({ edits, data: { ...data65, classes } }), undefined, 2);
  expect(verification.passed).toBe(true);
  expect(check(verification, "function")).toMatchObject({
    details: [
      "edit 1 (setInput) is meant to change the function: it takes other inputs, of which there are no data",
      "edit 2 (addUnits) keeps the function: largest difference of the logits 0",
    ],
    figures: { largestDifference: null },
  });
  expect(check(verification, "comparison").text).toContain("source not comparable");
});

test("new classes keep the logits of the old ones", async () => {
  const edits = [{ freeze: "hidden[12]" }, { addClasses: { classes: 2 } }];
  const classes = ["5", "6", "7", "8", "9", "10", "11"];
  const data = { inputs: "digits_5_to_9_X.npy", labels: "digits_5_to_9_y.npy", classes };
  const verification = await verify(recipe({ edits, data }), undefined, 2);
  expect(check(verification, "function")).toMatchObject({
    state: "passed",
    details: ["edit 2 (addClasses) keeps the old outputs: largest difference of the logits 0"],
  });
});

const tried = async (what: object) => {
  const opened = open(what);
  const prepared = await prepare(opened);
  const store = fs.mkdtempSync(path.join(os.tmpdir(), "graft-trial-"));
  try {
    const world = { backend: "compiled", store, steps: 3, stopRequested: () => false } as const;
    return (await trial(opened, sampleOf(opened, prepared, 3), world))!;
  } finally {
    await prepared.checkpoint.close();
    fs.rmSync(store, { recursive: true });
  }
};

test("a trial takes as many steps of a phase as it is told, however many epochs it has", async () => {
  const optimizer = { momentum: { learningRate: 0.02 } };
  // Three batches of 50 are all that the trial's samples are: one epoch.
  const [one, three] = [
    await tried(recipe({ train: [{ epochs: 1, batch: 50, optimizer }] })),
    await tried(recipe({ train: [{ epochs: 3, batch: 50, optimizer }] })),
  ];
  const { live, moved } = one.trainer;
  for (const name of moved) expect(three.trainer.live.hash(name), name).toBe(live.hash(name));
  // More samples, and steps beyond one epoch where they do not suffice.
  const whole = await tried(recipe({ train: [{ epochs: 3, batch: 557, optimizer }] }));
  expect(whole.steps).toBe("3 training steps");
});

describe("a check fails where", () => {
  test("the result has other numbers in a frozen layer", async () => {
    const edits = [{ freeze: "hidden1" }, { replaceOutput: { classes: 5 } }];
    await train(place, recipe({ edits, save: { as: "moved.ckpt" } }));
    const verification = await verify(recipe(), "moved.ckpt", 2);
    expect(verification.passed).toBe(false);
    expect(check(verification, "frozen")).toMatchObject({
      state: "failed",
      details: [
        "hidden2/biases has other bytes in the result",
        "hidden2/weights has other bytes in the result",
      ],
    });
    expect(reportText(verification)).toMatch(/^✗ frozen/m);
  });

  test("the result cannot be scored on the recipe's data", async () => {
    const edits = [{ freeze: "hidden[12]" }, { replaceOutput: { classes: 3 } }];
    await saveEdited(open(recipe({ edits })), file("three.ckpt"));
    const verification = await verify(recipe(), "three.ckpt", 2);
    expect(check(verification, "comparison").state).toBe("failed");
    expect(verification.passed).toBe(false);
  });

  test("an edit changes the function although it should not", async () => {
    const effect = vi.spyOn(replaceOutput, "effect").mockReturnValue("kept");
    const verification = await verify(recipe({ edits: [{ replaceOutput: { classes: 5 } }] }));
    effect.mockRestore();
    expect(check(verification, "function")).toMatchObject({ state: "failed" });
    expect(check(verification, "function").details[0]).toMatch(
      /^edit 1 \(replaceOutput\) should keep the function, and does not: .* 1e-5 × \(1 \+ \|number\|\)$/,
    );
  });

  test("cached training yields other numbers", async () => {
    const cached = await tried(recipe());
    const slower = { optimizer: { momentum: { learningRate: 0.019 } } };
    const other = await tried(
      recipe({ train: [{ epochs: 3, batch: 50, cache: false, ...slower }] }),
    );
    expect([cached.cached, other.cached]).toEqual([true, false]);
    const result = checkCached(cached, other);
    expect(result.state).toBe("failed");
    expect(result.details.length).toBeGreaterThan(0);
    expect(result.figures["largestDifference"]).toBeGreaterThan(1e-5);
  });

  test("a frozen tensor changes", async () => {
    const done = await tried(recipe());
    const [{ before, after }] = done.frozen;
    const changed = new Map(after).set("hidden1/biases", { hash: "other", part: false });
    const result = await checkFrozen({ ...done, frozen: [{ before, after: changed }] }, undefined);
    expect(result).toMatchObject({
      state: "failed",
      details: ["hidden1/biases changed in phase 1"],
    });
  });
});

test("a recipe that cannot be trained is refused", async () => {
  await expect(verify(recipe({ edits: [{ freeze: ".*" }] }))).rejects.toMatchObject({
    code: "nothing-to-train",
  });
});

test("a verification that is stopped leaves nothing", async () => {
  const before = leftovers();
  const stopped = verifyRecipe({
    open: open(recipe()),
    steps: 10,
    result: undefined,
    backend: "compiled",
    stopRequested: () => true,
  });
  await expect(stopped).rejects.toMatchObject({ code: "cancelled" });
  expect(leftovers()).toEqual(before);
});

test.each<[number[], number[], number, boolean]>([
  [[1, 2], [1, 2], 0, true],
  [[1, 2], [1, 2.00001], 1e-5, true],
  [[0], [1e-3], 1e-3, false],
  [[1e6], [1e6 + 1], 1, true],
  [[NaN], [0], Infinity, false],
])("%j and %j are %d apart", (a, b, largest, withinTolerance) => {
  const result = difference(a, b);
  expect(result.withinTolerance).toBe(withinTolerance);
  expect(result.largest).toBeCloseTo(largest, 8);
});

test.each([
  [0, "0"],
  [2.94e-6, "2.9e-6"],
  [0.0123456, "0.0123"],
  [1234.5, "1230"],
  [Infinity, "Infinity"],
])("a difference of %d is told as %s", (value, text) => {
  expect(apart(value)).toBe(text);
});
