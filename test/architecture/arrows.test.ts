// No file imports what its folder must not know.
import { describe, expect, it } from "vitest";
import { isAllowed, ruledFolder, RULES } from "./arrows";
import { allImports, filesIn, importsIn } from "./imports";

describe("imports", () => {
  const imports = allImports();

  it("are found", () => {
    expect(imports.length).toBeGreaterThan(100);
  });

  it.each(Object.keys(RULES))("of %s stay within its rule", (folder) => {
    const forbidden = imports
      .filter((each) => ruledFolder(each.file) === folder && !isAllowed(each))
      .map(({ file, target }) => `${file} imports ${target}`);
    expect(forbidden).toEqual([]);
  });

  it("are ruled for every file", () => {
    expect(filesIn("src").filter((file) => ruledFolder(file) === undefined)).toEqual([]);
  });
});

describe("a forbidden import is noticed:", () => {
  it.each([
    ["src/protocol/run.ts", `import { z } from "zod";`],
    ["src/protocol/run.ts", `import type { Model } from "../engine/graph/model";`],
    ["src/extension/app.ts", `import type { Model } from "../engine/graph/model";`],
    ["src/extension/commands/ask.ts", `import { run } from "../../engine/train/run";`],
    ["src/extension/app.ts", `import * as tf from "@tensorflow/tfjs-core";`],
    ["src/webview/panel.ts", `import "node:fs";`],
    ["src/webview/view/run.ts", `import { app } from "../../extension/app";`],
    ["src/engine/main.ts", `import * as vscode from "vscode";`],
    ["src/engine/train/run.ts", `export { app } from "../../extension/app";`],
    ["src/engine/graph/model.ts", `import { ops } from "../ops/table";`],
    ["src/engine/graph/model.ts", `const fs = await import("node:fs/promises");`],
    ["src/engine/ops/dense.ts", `import {\n  freeze,\n} from "../surgery/freeze";`],
    ["src/engine/surgery/freeze.ts", `import { readFile } from "node:fs/promises";`],
    ["src/engine/surgery/freeze.ts", `import { open } from "../formats/table";`],
  ])("%s: %s", (file, text) => {
    expect(importsIn(file, text).map(isAllowed)).toEqual([false]);
  });

  it.each([
    ["src/extension/commands/ask.ts", `import { client } from "../engine/client";`],
    ["src/extension/app.ts", `import * as vscode from "vscode";`],
    ["src/engine/ops/dense.ts", `import type { Model } from "../graph/model";`],
    ["src/engine/train/run.ts", `import { apply } from "../surgery/apply";`],
  ])("but not in %s: %s", (file, text) => {
    expect(importsIn(file, text).map(isAllowed)).toEqual([true]);
  });
});
