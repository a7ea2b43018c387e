// Edits of a recipe's text: what was there stays, the result is what was asked for.
import { parse } from "jsonc-parser";
import { describe, expect, test } from "vitest";
import {
  appendEdit,
  difference,
  newRecipe,
  readEdits,
  removeValue,
  setValue,
  syntaxProblem,
} from "../../../src/extension/recipe/text";

const freeze = { freeze: "hidden1" };
const lines = (...text: string[]) => `${text.join("\n")}\n`;

describe("appendEdit", () => {
  const cases: readonly (readonly [title: string, before: string, after: string])[] = [
    [
      "a new recipe",
      newRecipe("digits.ckpt"),
      lines(
        "{",
        '  "checkpoint": "digits.ckpt",',
        '  "edits": [',
        '    { "freeze": "hidden1" }',
        "  ]",
        "}",
      ),
    ],
    [
      "an empty list",
      lines("{", '  "checkpoint": "a", // mine', '  "edits": []', "}"),
      lines(
        "{",
        '  "checkpoint": "a", // mine',
        '  "edits": [',
        '    { "freeze": "hidden1" }',
        "  ]",
        "}",
      ),
    ],
    [
      "a list that holds a comment only",
      lines("{", '  "edits": [', "    // nothing yet", "  ]", "}"),
      lines("{", '  "edits": [', "    // nothing yet", '    { "freeze": "hidden1" }', "  ]", "}"),
    ],
    [
      "behind a comment that belongs to the last edit",
      lines(
        "{",
        '  "edits": [',
        '    { "unfreeze": "x" } // because',
        "    // more to come",
        "  ]",
        "}",
      ),
      lines(
        "{",
        '  "edits": [',
        '    { "unfreeze": "x" }, // because',
        "    // more to come",
        '    { "freeze": "hidden1" }',
        "  ]",
        "}",
      ),
    ],
    [
      "behind a trailing comma",
      lines("{", '  "edits": [', '    { "unfreeze": "x" }, // because', "  ],", "}"),
      lines(
        "{",
        '  "edits": [',
        '    { "unfreeze": "x" }, // because',
        '    { "freeze": "hidden1" },',
        "  ],",
        "}",
      ),
    ],
    [
      "with tabs and Windows line ends",
      '{\r\n\t"edits": [\r\n\t\t{ "unfreeze": "x" }\r\n\t]\r\n}\r\n',
      '{\r\n\t"edits": [\r\n\t\t{ "unfreeze": "x" },\r\n\t\t{ "freeze": "hidden1" }\r\n\t]\r\n}\r\n',
    ],
    [
      "a list on one line",
      lines("{", '  "edits": [{ "unfreeze": "x" }]', "}"),
      lines(
        "{",
        '  "edits": [',
        '    { "unfreeze": "x" },',
        '    { "freeze": "hidden1" }',
        "  ]",
        "}",
      ),
    ],
    [
      "between checkpoint and data",
      lines("{", '  "checkpoint": "a",', "", "  // from Kim", '  "data": {}', "}"),
      lines(
        "{",
        '  "checkpoint": "a",',
        '  "edits": [',
        '    { "freeze": "hidden1" }',
        "  ],",
        "",
        "  // from Kim",
        '  "data": {}',
        "}",
      ),
    ],
  ];
  test.each(cases)("%s", (_title, before, after) => {
    const result = appendEdit(before, freeze);
    expect(result).toBe(after);
    expect(readEdits(result).at(-1)).toEqual(freeze);
    expect(syntaxProblem(result)).toBeUndefined();
  });

  test("a recipe on one line stays a recipe", () => {
    for (const before of [
      "{}",
      '{"checkpoint":"a"}',
      '{ "edits": [ /* none */ ] }',
      '{ "edits": [{"a":1} /* x */ , ] }',
    ]) {
      const result = appendEdit(before, freeze);
      expect(syntaxProblem(result)).toBeUndefined();
      expect(readEdits(result).at(-1)).toEqual(freeze);
      for (const comment of before.match(/\/\*.*?\*\//g) ?? []) expect(result).toContain(comment);
    }
  });
});

describe("setValue", () => {
  const recipe = lines(
    "{",
    '  "checkpoint": "a",',
    '  "train": [',
    "    // warm up",
    '    { "epochs": 5, "batch": 50, /* slow */ "cache": true },',
    '    { "epochs": 2 }',
    "  ]",
    "}",
  );

  test("changes what differs, and nothing else", () => {
    const phase = { epochs: 7, batch: 50, cache: true, optimizer: { sgd: { learningRate: 0.1 } } };
    const result = setValue(recipe, ["train", 0], phase);
    expect((parse(result) as { train: unknown[] }).train[0]).toEqual(phase);
    expect(result).toContain("// warm up");
    expect(result).toContain("/* slow */");
    expect(result).toContain('{ "epochs": 2 }');
  });

  test("removes keys that are gone", () => {
    const before = lines(
      "{",
      '  "data": {',
      '    "labels": "y.npy",',
      '    "classes": ["a", "b"]',
      "  }",
      "}",
    );
    const result = setValue(before, ["data"], { labels: "z.npy" });
    expect(parse(result)).toEqual({ data: { labels: "z.npy" } });
  });

  test("leaves the text alone where nothing differs", () => {
    expect(setValue(recipe, ["train", 1], { epochs: 2 })).toBe(recipe);
  });

  test("puts new keys where a reader looks for them", () => {
    const result = setValue(setValue(recipe, ["save"], { as: "b.ckpt" }), ["data"], {
      labels: "y",
    });
    expect(Object.keys(parse(result) as object)).toEqual(["checkpoint", "data", "train", "save"]);
  });

  test("breaks what is too long for a line", () => {
    const inputs = Object.fromEntries(
      Array.from({ length: 9 }, (_, i) => [`input_${i}`, `X_${i}.npy`]),
    );
    const result = setValue(newRecipe("a"), ["data"], { inputs, labels: "y.npy" });
    expect(Math.max(...result.split("\n").map((line) => line.length))).toBeLessThanOrEqual(100);
    expect((parse(result) as { data: unknown }).data).toEqual({ inputs, labels: "y.npy" });
  });
});

test("removeValue takes an edit and its comma", () => {
  const text = appendEdit(appendEdit(newRecipe("a"), freeze), { unfreeze: "hidden1" });
  expect(readEdits(removeValue(text, ["edits", 1]))).toEqual([freeze]);
  expect(readEdits(removeValue(text, ["edits", 0]))).toEqual([{ unfreeze: "hidden1" }]);
  expect(syntaxProblem(removeValue(text, ["edits", 0]))).toBeUndefined();
});

test("difference is the one replacement", () => {
  for (const [before, after] of [
    ["", "abc"],
    ["abc", ""],
    ["aXb", "aYb"],
    ["aaa", "aaaa"],
    ["abab", "ab"],
    ["same", "same"],
  ] as const) {
    const { start, end, text } = difference(before, after);
    expect(before.slice(0, start) + text + before.slice(end)).toBe(after);
  }
});

test.each([
  ['{\n  "a": 1\n  "b": 2\n}', 3, 3, "a comma is expected"],
  ["", 1, 1, "a value is expected"],
  ["[]", 1, 1, "a recipe is an object: { … }"],
  ['{ "a": ', 1, 8, "a value is expected"],
])("syntaxProblem of %j", (text, line, column, message) => {
  expect(syntaxProblem(text)).toMatchObject({ line, column, message });
});

test("comments and trailing commas are no problem", () => {
  expect(syntaxProblem('{ // x\n "edits": [ { "freeze": "a" }, ], }')).toBeUndefined();
});
