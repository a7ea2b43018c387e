// Variables out of another checkpoint: read when they are needed, byte for byte, refused where they do not fit.
import * as path from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { evaluateNetwork } from "../../../src/engine/evaluate";
import { openCheckpoint } from "../../../src/engine/formats/table";
import { parseRecipe } from "../../../src/engine/recipe/parse";
import { planRecipe } from "../../../src/engine/recipe/plan";
import { saveEdited } from "../../../src/engine/train/saveEdited";
import { verifyRecipe } from "../../../src/engine/verify/verify";
import { digits, recipe, train, type Workplace } from "../train/world";

let place: Workplace;
const OTHER = "other/trained.ckpt";
beforeAll(async () => {
  place = digits();
  // Another checkpoint of the same network: all of it has moved.
  await train(
    place,
    recipe({
      edits: [{ replaceOutput: { classes: 5 } }],
      save: { as: OTHER },
      train: [{ epochs: 1, optimizer: { sgd: { learningRate: 0.1 } } }],
    }),
  );
});
afterAll(() => place.dispose());

const copy = (map: object, checkpoint = OTHER) => ({ copyFrom: { checkpoint, map } });
const bytes = async (file: string, name: string) => {
  const checkpoint = await openCheckpoint(path.join(place.folder, file));
  try {
    return Buffer.from(await checkpoint.read(name)).toString("hex");
  } finally {
    await checkpoint.close();
  }
};
const problems = async (edit: object) => {
  const text = JSON.stringify(recipe({ edits: [edit] }));
  const plan = await planRecipe(path.join(place.folder, "test.graft.json"), text);
  return plan.problems;
};

test("what is copied and frozen is saved byte for byte; the rest is the recipe's own checkpoint", async () => {
  const own = "digits_0_to_4.ckpt";
  const run = await train(
    place,
    recipe({
      edits: [
        copy({ "hidden1/": "hidden1/", "hidden2/weights": "hidden2/weights" }),
        { freeze: "hidden[12]" },
      ],
      save: { as: "copied.ckpt" },
    }),
  );
  for (const name of ["hidden1/weights", "hidden1/biases", "hidden2/weights"]) {
    expect(await bytes("copied.ckpt", name)).toBe(await bytes(OTHER, name));
    expect(await bytes("copied.ckpt", name)).not.toBe(await bytes(own, name));
  }
  expect(await bytes("copied.ckpt", "hidden2/biases")).toBe(await bytes(own, "hidden2/biases"));
  // Bottlenecks of other numbers are others: none of them was in the store.
  expect(run.of("ended")[0].prefixSamples).toBeGreaterThan(0);
});

describe("whatever is done with the recipe", () => {
  const edits = [copy({ "/": "/" })];
  const open = (what: object) =>
    parseRecipe(path.join(place.folder, "test.graft.json"), JSON.stringify(what));

  test("the edited network is saved without training", async () => {
    await saveEdited(open(recipe({ edits })), path.join(place.folder, "applied.ckpt"));
    for (const name of ["hidden1/weights", "hidden3/biases"])
      expect(await bytes("applied.ckpt", name)).toBe(await bytes(OTHER, name));
  });

  test("it is scored as the checkpoint that everything came from", async () => {
    const folder = place.folder;
    const score = (network: string | object) =>
      evaluateNetwork({
        network: typeof network === "string" ? network : open(network),
        data: open(recipe()),
        folder,
        backend: "compiled",
      });
    const [edited, there] = [await score(recipe({ edits })), await score(OTHER)];
    expect(edited.loss).toBe(there.loss);
    expect(there.loss).not.toBe((await score("digits_0_to_4.ckpt")).loss);
  });

  test("it is verified", async () => {
    const verification = await verifyRecipe({
      open: open(recipe({ edits: [...edits, { freeze: "hidden[12]" }] })),
      steps: 2,
      result: undefined,
      backend: "compiled",
      stopRequested: () => false,
    });
    expect(verification.passed).toBe(true);
    const drift = verification.checks.find(({ check }) => check === "function")!;
    expect(drift.figures["largestDifference"]).toBeGreaterThan(0.01);
  });
});

test("bottlenecks follow the values, not the names", async () => {
  const edits = (more: object[]) => [
    ...more,
    { freeze: "hidden[12]" },
    { replaceOutput: { classes: 5 } },
  ];
  await train(place, recipe({ edits: edits([]) }));
  const again = await train(place, recipe({ edits: edits([]) }));
  expect(again.of("ended")[0].prefixSamples).toBe(0);
  const all = { edits: edits([copy({ "/": "/" })]) };
  const copied = await train(place, recipe(all));
  expect(copied.of("ended")[0].prefixSamples).toBeGreaterThan(0);
  const same = await train(place, recipe(all));
  expect(same.of("ended")[0].prefixSamples).toBe(0);
});

test("a variable under another name", async () => {
  const plan = await planRecipe(
    path.join(place.folder, "test.graft.json"),
    JSON.stringify(recipe({ edits: [copy({ "hidden2/biases": "hidden2/biases" })] })),
  );
  expect(plan.changes).toEqual(["hidden2: 1 variable has its value from other/trained.ckpt."]);
  expect(plan.problems).toEqual([]);
});

describe("is refused, and says what does not fit", () => {
  test.each<[string, object, string, RegExp]>([
    [
      "other shapes",
      copy({ "hidden1/": "hidden2/" }),
      "shape-mismatch",
      /hidden1\/weights has the shape \[\d+, \d+\], and hidden2\/weights has \[\d+, \d+\].*Nothing is copied/,
    ],
    [
      "names that are not there",
      copy({ "hidden9/": "hidden2/" }),
      "shape-mismatch",
      /hidden9\/weights is not in it.* It has .*hidden1\/biases/,
    ],
    ["no such scope here", copy({ "a/": "b/" }), "unknown-variable", /no weights in the scope b\//],
    ["no such variable here", copy({ a: "b" }), "unknown-variable", /no variable b\./],
    [
      "a scope without its slash",
      copy({ a: "hidden1" }),
      "unknown-variable",
      /hidden1 is a scope, with hidden1\/\w+ and hidden1\/\w+, .* Write "a\/": "hidden1\/"/,
    ],
    ["a scope to a variable", copy({ "a/": "b" }), "invalid-edit", /A scope ends with "\/"/],
    [
      "a variable twice",
      copy({ "hidden1/": "hidden1/", "hidden2/biases": "hidden1/biases" }),
      "invalid-edit",
      /hidden1\/biases would be copied twice/,
    ],
  ])("%s", async (_, edit, code, message) => {
    const [problem, ...more] = await problems(edit);
    expect(more).toEqual([]);
    expect(problem).toMatchObject({ code, pointer: "/edits/0" });
    expect(problem!.message).toMatch(message);
  });

  test("a checkpoint that is not there, as a problem of the edit", async () => {
    expect(await problems(copy({ "/": "/" }, "nowhere.ckpt"))).toMatchObject([
      { pointer: "/edits/0", severity: "error" },
    ]);
  });
});

test("a result does not overwrite the checkpoint that it was copied from", async () => {
  const before = await bytes(OTHER, "hidden1/weights");
  const text = recipe({ edits: [copy({ "hidden1/": "hidden1/" })], save: { as: OTHER } });
  await expect(train(place, text)).rejects.toMatchObject({ code: "write-failed" });
  expect(await bytes(OTHER, "hidden1/weights")).toBe(before);
});
