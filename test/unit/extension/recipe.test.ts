// The parts of the recipe code that need no editor: places, the choice of the active recipe, lenses, settings, names.
import { describe, expect, test } from "vitest";
import {
  checkClasses,
  checkFeed,
  checkNumber,
  feedConsequence,
  readClasses,
} from "../../../src/extension/commands/answers";
import { EDIT_COMMANDS, editFrom } from "../../../src/protocol/edits";
import {
  newPhase,
  phaseText,
  readSettings,
  withOptimizer,
  writeSettings,
} from "../../../src/extension/commands/settings";
import {
  convertedName,
  recipeName,
  relativeTo,
  resultName,
  stemLength,
} from "../../../src/extension/files";
import { chooseRecipe } from "../../../src/extension/recipe/active";
import { changed, lensesOf } from "../../../src/extension/recipe/lensModel";
import { keySpan, pointerNode, pointerSpan } from "../../../src/extension/recipe/pointers";
import { advance, startOf } from "../../../src/extension/run/progress";

const text = `{
  "checkpoint": "a.ckpt",
  "edits": [
    { "freeze": "hidden1" },
    { "addUnits": { "layer": "a/b", "units": 8 } }
  ],
  "train": [{ "epochs": 20 }]
}`;

describe("pointerSpan", () => {
  const at = (pointer: string) => {
    const { offset, length } = pointerSpan(text, pointer);
    return text.slice(offset, offset + length);
  };
  test.each([
    ["/edits/0/freeze", '"hidden1"'],
    ["/edits/1/addUnits/units", "8"],
    ["/train/0/epochs", "20"],
    // What is not there is shown at what is around it.
    ["/train/0/batch", "{"],
    ["/edits/7", '"edits"'],
    ["/data/labels", "{"],
    ["", "{"],
  ])("%s", (pointer, expected) => {
    expect(at(pointer)).toBe(expected);
  });

  test("escapes", () => {
    const odd = '{ "a/b": { "c~d": 1 } }';
    expect(pointerNode(odd, "/a~1b/c~0d")).toEqual({ offset: odd.indexOf("1"), length: 1 });
  });

  test("a text that is broken or empty has places too", () => {
    expect(pointerSpan("", "/train")).toEqual({ offset: 0, length: 0 });
    expect(pointerSpan('{ "train": [ ', "/train/0").length).toBeGreaterThan(0);
    expect(keySpan("nonsense", "train")).toBeUndefined();
  });
});

describe("chooseRecipe", () => {
  test.each([
    [
      { editor: "e", last: "l", naming: ["e", "l"] },
      { kind: "use", recipe: "e" },
    ],
    [
      { last: "l", naming: ["e", "l"] },
      { kind: "use", recipe: "l" },
    ],
    [
      { last: "gone", naming: ["only"] },
      { kind: "use", recipe: "only" },
    ],
    [{ naming: ["only"] }, { kind: "use", recipe: "only" }],
    [
      { last: "gone", naming: ["a", "b"] },
      { kind: "ask", recipes: ["a", "b"] },
    ],
    [{ naming: [] }, { kind: "create" }],
    [{ last: "gone", naming: [] }, { kind: "create" }],
  ])("%j", (choice, expected) => {
    expect(chooseRecipe(choice)).toEqual(expected);
  });
});

describe("names", () => {
  test.each([
    ["digits.ckpt", "digits.graft.json"],
    ["model.ckpt-300", "model-300.graft.json"],
    ["model", "model.graft.json"],
    ["my.ckpt-?????-of-00002", "my.graft.json"],
    [".ckpt", "checkpoint.graft.json"],
    ["lstm.zip", "lstm.graft.json"],
  ])("of the recipe of %s", (checkpoint, expected) => {
    expect(recipeName(checkpoint, () => false)).toBe(expected);
  });

  test.each([
    ["digits.ckpt", ".zip", "digits.zip"],
    ["model.ckpt-300", ".zip", "model.zip"],
    ["lstm.zip", ".ckpt", "lstm.ckpt"],
    ["model", ".zip", "model.zip"],
  ])("of %s in another format", (checkpoint, suffix, expected) => {
    expect(convertedName(checkpoint, suffix)).toBe(expected);
  });

  test.each([
    ["digits.ckpt", "digits-edited.ckpt"],
    ["model.ckpt-300", "model-edited.ckpt"],
    ["lstm.zip", "lstm-edited.zip"],
    ["model.bin", "model-edited.bin"],
  ])("of what is made from %s", (checkpoint, expected) => {
    expect(resultName(checkpoint, "edited")).toBe(expected);
    expect(expected.slice(0, stemLength(expected))).toMatch(/-edited$/);
  });

  test("one that is taken gets a number", () => {
    const taken = new Set(["digits.graft.json", "digits-2.graft.json"]);
    expect(recipeName("digits.ckpt", (name) => taken.has(name))).toBe("digits-3.graft.json");
  });

  test("paths in a recipe are relative, with forward slashes", () => {
    expect(relativeTo("/a/b", "/a/b/c.ckpt")).toBe("c.ckpt");
    expect(relativeTo("/a/b", "/a/models/c.ckpt")).toBe("../models/c.ckpt");
  });
});

describe("lenses", () => {
  const running = () => {
    const started = startOf("r1", "/w/a.graft.json");
    const phase = {
      event: "phase",
      phase: 0,
      epochs: 20,
      cached: true,
      optimizer: "",
      trainableParameters: 1,
      text: '{"epochs":20}',
    } as const;
    const step = { event: "step", phase: 0, epoch: 1, step: 1, steps: 9, loss: 0.3141 } as const;
    return advance(advance(started, phase), step);
  };
  const lines = (lenses: ReturnType<typeof lensesOf>) =>
    lenses
      .map(({ offset, title }) => `${text.slice(0, offset).split("\n").length} ${title}`)
      .sort();

  test("at rest", () => {
    expect(lines(lensesOf(text, undefined))).toEqual([
      "1 Choose Data…",
      "3 Preview Changes",
      "3 Save Edited Checkpoint As…",
      "7 $(play) Train",
      "7 Training Settings…",
      "7 Verify",
    ]);
  });

  test("while it runs", () => {
    expect(lines(lensesOf(text, running()))).toEqual([
      "1 Choose Data…",
      "3 Preview Changes",
      "3 Save Edited Checkpoint As…",
      "7 $(debug-stop) Stop",
      "7 $(sync~spin) epoch 0/20 · loss 0.314",
      "7 Training Settings…",
      "7 Verify",
    ]);
  });

  test("a phase whose text changed meanwhile says so", () => {
    expect(changed('{ "epochs": 20 } // same', running())).toBe(false);
    expect(changed('{ "epochs": 30 }', running())).toBe(true);
    expect(lensesOf(text.replace("20", "30"), running()).at(-1)?.title).toContain(
      "an earlier version",
    );
  });

  test("a text without a recipe has none", () => {
    expect(lensesOf("", undefined)).toEqual([]);
  });
});

describe("edits as the recipe writes them", () => {
  test.each([
    ["freeze", { freeze: "hidden[12]" }, { freeze: "hidden[12]" }],
    ["unfreeze", { unfreeze: "hidden1" }, { unfreeze: "hidden1" }],
    ["freezeUpTo", { upTo: "hidden2" }, { freeze: { upTo: "hidden2" } }],
    ["replaceOutput", { classes: ["5", "6"] }, { replaceOutput: { classes: ["5", "6"] } }],
    [
      "addUnits",
      { layer: "a", units: 8, init: "zero" },
      { addUnits: { layer: "a", units: 8, init: "zero" } },
    ],
    [
      "insertLayer",
      { after: "a", layer: { dense: {} }, "layer.dense.units": 4, "layer.dense.init": "identity" },
      { insertLayer: { after: "a", layer: { dense: { units: 4, init: "identity" } } } },
    ],
    ["setLayer", { layer: "a", "?setting": "l2", l2: 0.1 }, { setLayer: { layer: "a", l2: 0.1 } }],
  ] as const)("%s", (kind, fields, expected) => {
    expect(editFrom(kind, fields)).toEqual(expected);
    expect(Object.keys(expected)).toEqual([EDIT_COMMANDS[kind].edit]);
  });
});

describe("training settings", () => {
  test("what a phase does not say is the default", () => {
    expect(phaseText(readSettings(newPhase()))).toBe(
      "20 epochs, batches of 50, gradient descent, learning rate 0.01",
    );
  });

  test("what they do not cover stays", () => {
    const phase = { unfreeze: "a", epochs: 1, optimizer: { momentum: { learningRate: 0.1 } } };
    const settings = readSettings(phase);
    expect(settings).toEqual({
      epochs: 1,
      batch: 50,
      optimizer: "momentum",
      parameters: { learningRate: 0.1, momentum: 0.9 },
    });
    const other = { ...settings, ...withOptimizer("adamw"), epochs: 3 };
    expect(writeSettings(phase, other)).toEqual({
      unfreeze: "a",
      epochs: 3,
      batch: 50,
      optimizer: { adamw: { learningRate: 0.001, weightDecay: 0.004 } },
    });
    const rmsprop = { centered: true, formula: "keras", learningRate: 0.01 };
    const same = { epochs: 1, optimizer: { rmsprop } };
    expect(writeSettings(same, readSettings(same)).optimizer).toEqual({ rmsprop });
  });
});

describe("answers", () => {
  test.each([
    ["rate", ["0", "0.5", "0.99"], ["1", "-0.1", "half", ""]],
    ["keep", ["1", "0.5", "0.01"], ["0", "1.1", "-1", ""]],
    ["number", ["-3", "0"], ["many", ""]],
  ] as const)("a value of a placeholder that is a %s", (kind, right, wrong) => {
    for (const text of right) expect(checkFeed(kind, text), text).toBeUndefined();
    for (const text of wrong) expect(checkFeed(kind, text), text).toContain("expected");
  });

  test("what a rate does is said before it is written", () => {
    const keep = { name: "keep_prob", kind: "keep" } as const;
    const rate = { name: "r", kind: "rate" } as const;
    expect(feedConsequence(keep, 0.8)).toContain("keeps 80 % of the units");
    expect(feedConsequence(rate, 0.8)).toContain("keeps 20 % of the units");
    expect(feedConsequence(keep, 1)).toContain("keeps every unit");
  });

  test("classes are a number or names", () => {
    expect(readClasses("5")).toBe(5);
    expect(readClasses("5, 6 ,7,")).toEqual(["5", "6", "7"]);
    expect(checkClasses("5", 2)).toBeUndefined();
    expect(checkClasses("cat, dog", 2)).toBeUndefined();
    expect(checkClasses("cat", 2)).toContain("two classes");
    expect(checkClasses("1", 2)).toContain("two classes");
    expect(checkClasses("a, b, a", 2)).toContain('"a" occurs twice');
  });

  test("numbers", () => {
    expect(checkNumber("1,000", 1, 1e6)).toBeUndefined();
    expect(checkNumber("", 1, 9)).toBe("A number is expected.");
    expect(checkNumber("1.5", 1, 9)).toBe("A whole number is expected.");
    expect(checkNumber("0", 1, 9)).toBe("A number from 1 to 9 is expected.");
  });
});
